import type { Socket } from 'node:net';

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';

import type { Logger } from '../telemetry/log.ts';
import { Refused } from './refused.ts';

/** JSON, and what TradingView sends when an alert's message is not valid JSON. */
export const CONTENT_TYPES = ['application/json', 'text/plain'];

/** Every fault leaves as one shape, also those that the HTTP library finds before any handler runs. */
export function handleFaults(app: FastifyInstance, log: Logger): void {
  app.setErrorHandler((error: FastifyError | Refused, request, reply) => {
    const refused = error instanceof Refused ? error : refusedBy(error);
    if (refused.code === 'INTERNAL') {
      log.error({ error: error.stack, route: request.routeOptions.url }, 'A request failed, which is a fault of ours.');
    }
    return sendProblem(reply, refused, request.id);
  });
  app.setNotFoundHandler((request, reply) =>
    sendProblem(reply, new Refused('NOT_FOUND', 'There is nothing at this address.'), request.id),
  );
}

/** For what cannot even be routed, such as an address with a broken escape. */
export const frameworkErrors = (error: FastifyError, request: FastifyRequest, reply: FastifyReply): void => {
  void sendProblem(reply, refusedBy(error), request.id);
};

/** For what is no HTTP at all: there is no request to answer then, only a connection to close. */
export function clientErrorHandler(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return;
  const { status, title, ...problem } = noHttp(error.code).problem();
  const body = JSON.stringify({ ...problem, title, status });
  const head = [
    'content-type: application/problem+json',
    `content-length: ${Buffer.byteLength(body)}`,
    'connection: close',
  ];
  if (socket.writable) socket.write([`HTTP/1.1 ${status} ${title}`, ...head, '', body].join('\r\n'));
  socket.destroy(error);
}

function noHttp(code: string | undefined): Refused {
  if (code === 'ERR_HTTP_REQUEST_TIMEOUT') return new Refused('TOO_SLOW', 'The request took too long to arrive.');
  if (code === 'HPE_HEADER_OVERFLOW') return new Refused('HEADERS_TOO_LARGE', 'The headers are over 16 KiB.');
  return new Refused('BAD_REQUEST', 'The request cannot be read as HTTP.');
}

function sendProblem(reply: FastifyReply, refused: Refused, id: string): FastifyReply {
  const problem = refused.problem();
  if (refused.code === 'UNAVAILABLE') reply.header('retry-after', '5');
  const wait = refused.members['retry_after'];
  if (typeof wait === 'number') reply.header('retry-after', String(wait));
  return reply
    .code(problem.status)
    .type('application/problem+json')
    .send(JSON.stringify({ ...problem, instance: `urn:holdfast:request:${id}` }));
}

function refusedBy({ code, statusCode }: FastifyError): Refused {
  if (code === 'FST_ERR_CTP_BODY_TOO_LARGE') return new Refused('TOO_LARGE', 'The body is over 64 KiB.');
  if (code === 'FST_ERR_CTP_INVALID_MEDIA_TYPE') {
    return new Refused('CONTENT_TYPE', `Send the alert as ${CONTENT_TYPES.join(' or ')} (header "content-type").`);
  }
  if (statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new Refused('BAD_REQUEST', 'The request cannot be read.');
  }
  return new Refused('INTERNAL', 'Something of ours broke; the log says what.');
}
