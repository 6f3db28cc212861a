import { type AddressInfo, connect, createServer, type Server } from 'node:net';
import { EngineFault } from './data-folder-lock.ts';

interface PortLog {
  warn(o: object, m: string): void;
}

export const HOST = '127.0.0.1';

/** The wanted ports, each replaced by a free one where it is taken. All are held until all are chosen. */
export async function freePorts(wanted: number[], log: PortLog): Promise<number[]> {
  const held: Server[] = [];
  try {
    for (const port of wanted) {
      const server = (await listen(port)) ?? (await listen(0));
      if (!server) throw new EngineFault(`No port of ${HOST} can be listened on.`);
      held.push(server);
      const used = (server.address() as AddressInfo).port;
      if (port && used !== port) log.warn({ wanted: port, used }, `Port ${port} is taken; ${used} is used instead`);
    }
    return held.map((server) => (server.address() as AddressInfo).port);
  } finally {
    for (const server of held) await new Promise((done) => server.close(done));
  }
}

export async function isFree(port: number): Promise<boolean> {
  const server = await listen(port);
  if (server) await new Promise((done) => server.close(done));
  return server !== undefined;
}

function listen(port: number): Promise<Server | undefined> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', () => done(undefined));
    server.listen(port, HOST, () => done(server));
  });
}

export function accepts(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, HOST);
    const end = (answer: boolean) => {
      socket.destroy();
      done(answer);
    };
    socket.once('connect', () => end(true));
    socket.once('error', () => end(false));
    socket.setTimeout(1_000, () => end(false));
  });
}
