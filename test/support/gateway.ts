import { once } from 'node:events';
import { createServer, request, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';

interface Listening {
  readonly origin: string;
  stop(): void;
}

/** A server that nobody has a reason to call. */
export interface Stranger extends Listening {
  /** How often somebody did. */
  connections: number;
}

/** Stands between an account and its venue. */
export interface Gateway extends Listening {
  /** While there are some, each request is answered with the next of these; all is passed on while there are none. */
  redirects: readonly { readonly status: number; readonly location: string }[];
  /** How many orders have arrived, whatever became of them. */
  orders: number;
}

export async function startStranger(): Promise<Stranger> {
  const seen = { connections: 0 };
  const notice = (): void => void (seen.connections += 1);
  return Object.assign(seen, await listen((_incoming, outgoing) => outgoing.end('{}'), notice));
}

/** @param venue the origin to which everything is passed on */
export async function startGateway(venue: string): Promise<Gateway> {
  const seen: Pick<Gateway, 'redirects' | 'orders'> = { redirects: [], orders: 0 };
  let redirected = 0;
  const answer: RequestListener = (incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming;
    if (method === 'POST') seen.orders += 1;
    const redirect = seen.redirects[redirected % seen.redirects.length];
    if (redirect !== undefined) {
      redirected += 1;
      outgoing.writeHead(redirect.status, { location: redirect.location }).end();
      return;
    }
    const forward = request(`${venue}${url}`, { method, headers }, (told) => {
      outgoing.writeHead(told.statusCode!, told.headers);
      told.pipe(outgoing);
    });
    forward.on('error', () => outgoing.destroy());
    incoming.pipe(forward);
  };
  return Object.assign(seen, await listen(answer));
}

async function listen(answer: RequestListener, onConnection?: () => void): Promise<Listening> {
  const server = createServer(answer).listen(0, '127.0.0.1');
  if (onConnection !== undefined) server.on('connection', onConnection);
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { origin: `http://127.0.0.1:${port}`, stop: () => server.close().closeAllConnections() };
}
