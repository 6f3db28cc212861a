import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';

/**
 * Ports that nobody listens on now, all different. They lie below the range from which systems take the ports of
 * outgoing connections: a port from there may be gone by the time that a server is started on it, or started again.
 */
export async function freePorts(count: number): Promise<number[]> {
  const found = new Set<number>();
  while (found.size < count) {
    const port = randomInt(12_000, 32_000);
    if (await isFree(port)) found.add(port);
  }
  return [...found];
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
