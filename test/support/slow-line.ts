import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A line to somebody that can be made slow, when what is said arrives late, in order and whole; or cut. */
export interface SlowLine {
  readonly address: string;
  /** How long what is said now is on its way, in each direction. */
  delayMs: number;
  /** Ends every conversation, and lets none begin until the line is mended. */
  cut(): void;
  mend(): void;
  stop(): void;
}

/** @param address where the line leads, as `host:port` */
export async function startSlowLine(address: string): Promise<SlowLine> {
  const { hostname, port } = new URL(`tcp://${address}`);
  const sockets = new Set<Socket>();
  const line = { delayMs: 0 };
  let isCut = false;
  const server = createServer((near) => {
    if (isCut) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(Number(port), hostname);
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      let last = 0;
      // Nothing overtakes what was said before it, also when the line becomes fast again.
      const later = (act: () => void): void => {
        last = Math.max(performance.now() + line.delayMs, last);
        setTimeout(act, Math.max(0, last - performance.now()));
      };
      from.on('data', (chunk) => later(() => to.writable && to.write(chunk)));
      from.on('end', () => later(() => to.end()));
      from.on('error', () => to.destroy());
      from.on('close', () => {
        sockets.delete(from);
        later(() => to.destroy());
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const cut = (): void => {
    isCut = true;
    for (const socket of sockets) socket.destroy();
  };
  const mend = (): void => {
    isCut = false;
  };
  const stop = (): void => {
    server.close();
    cut();
  };
  return Object.assign(line, { address: `127.0.0.1:${(server.address() as AddressInfo).port}`, cut, mend, stop });
}
