import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as wait } from 'node:timers/promises';
import { DUPLICATE_ORDER, noSuchOrder, VenueError } from './errors.ts';
import type { Fault } from './faults.ts';
import { banned, tooManyOrders, tooMuchWeight } from './rate-limits.ts';

export interface Answer {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string;
}

/** Runs the request by the rules of the venue and books it. Called at most once. */
export type Book = () => Promise<Answer>;

/** Says in the ledger that the rules were never asked, and what was answered instead (0: nothing). */
export type Refuse = (status: number, code: number | null, message: string | null) => void;

interface Wire {
  readonly response: ServerResponse;
  readonly book: Book;
  readonly refuse: Refuse;
}

const HTML = { 'content-type': 'text/html' };
const JSON_TYPE = { 'content-type': 'application/json;charset=UTF-8' };

/** Long enough for the bytes already written to be read before a reset throws them away. */
const BEFORE_RESET_MS = 25;

const ENGINE_TIMEOUT = new VenueError(
  -1007,
  'Timeout waiting for response from backend server. Send status unknown; execution status unknown.',
  408,
);

/** Lets one request go wrong on the wire. Faults of the route itself (late, delay, partial) are in rest-api.ts. */
export async function deliver(fault: Fault | null, wire: Wire): Promise<void> {
  const { response } = wire;
  switch (fault?.kind) {
    case 'drop-before':
      wire.refuse(0, null, null);
      reset(response);
      return;
    case 'silence':
      return wire.refuse(0, null, null);
    case 'execute-then-drop':
      await wire.book();
      reset(response);
      return;
    case 'execute-then-silence':
      await wire.book();
      return;
    case 'execute-then-fin':
      return sendHalf(response, await wire.book(), (socket) => socket.end());
    case 'truncate':
      return sendHalf(response, await wire.book(), (socket) => socket.resetAndDestroy());
    case 'stall-body':
      return sendHalf(response, await wire.book(), () => undefined);
    case 'status-before':
    case 'status-after':
      return answerInstead(wire, fault.kind === 'status-after', errorPage(fault.status, fault.body));
    case 'engine-timeout-booked':
    case 'engine-timeout-unbooked':
      return answerInstead(wire, fault.kind === 'engine-timeout-booked', refusal(ENGINE_TIMEOUT), fault.ms);
    case '-1000':
    case '-1001':
    case '-1006':
    case '-1008':
      return answerInstead(wire, fault.booked, refusal(SERVER_ERRORS[fault.kind]));
    case '429':
    case '-1003':
      return answerInstead(wire, false, refusal(tooMuchWeight(6000, fault.retryAfter)));
    case '418': {
      const now = Date.now();
      return answerInstead(wire, false, refusal(banned(now + fault.retryAfter * 1000, now)));
    }
    case '-1015':
      return answerInstead(wire, false, refusal(tooManyOrders(100)));
    case 'duplicate-text':
      return answerInstead(wire, fault.booked, refusal(new VenueError(-2010, DUPLICATE_ORDER)));
    case 'reject':
      return answerInstead(wire, false, refusal(new VenueError(fault.code, fault.msg, fault.status)));
    case 'lie-absent':
      return answerInstead(wire, false, refusal(noSuchOrder()));
    case 'empty':
      return answerInstead(wire, fault.booked, { status: 200, headers: JSON_TYPE, body: '' });
    case 'html':
      return answerInstead(wire, fault.booked, { ...errorPage(200, undefined), status: 200 });
    case 'wrong-json':
      return answerInstead(wire, fault.booked, { status: 200, headers: JSON_TYPE, body: JSON.stringify(fault.json) });
    case 'raw':
      if (fault.booked) await wire.book();
      else wire.refuse(0, null, null);
      response.socket?.end(Buffer.from(fault.bytes, fault.encoding ?? 'utf8'));
      return;
    case 'partial':
    case 'delay':
    case 'late':
    case 'late-unchecked':
    case undefined:
      return send(response, await wire.book());
  }
}

export function refusal(error: VenueError): Answer {
  const body = JSON.stringify({ code: error.code, msg: error.message });
  return { status: error.status, headers: { ...JSON_TYPE, ...error.headers }, body };
}

export function success(value: unknown): Answer {
  return { status: 200, headers: JSON_TYPE, body: JSON.stringify(value) };
}

export function errorPage(status: number, body: string | undefined): Answer {
  if (body?.startsWith('{') === true) return { status, headers: JSON_TYPE, body };
  return { status, headers: HTML, body: body ?? `<html><body><h1>${status}</h1><p>Simulated page</p></body></html>` };
}

export function send(response: ServerResponse, answer: Answer): void {
  if (response.destroyed) return;
  response.writeHead(answer.status, { ...answer.headers, 'content-length': Buffer.byteLength(answer.body) });
  response.end(answer.body);
}

const SERVER_ERRORS = {
  '-1000': new VenueError(-1000, 'An unknown error occurred while processing the request.', 500),
  '-1001': new VenueError(-1001, 'Internal error; unable to process your request. Please try again.', 500),
  '-1006': new VenueError(
    -1006,
    'An unexpected response was received from the message bus. Execution status unknown.',
    500,
  ),
  '-1008': new VenueError(
    -1008,
    'Server is currently overloaded with other requests. Please try again in a few minutes.',
    503,
  ),
};

async function answerInstead(wire: Wire, isBooked: boolean, answer: Answer, afterMs = 0): Promise<void> {
  if (isBooked) await wire.book();
  else {
    const { code, msg } = codeOf(answer.body);
    wire.refuse(answer.status, code, msg);
  }
  if (afterMs > 0) await wait(afterMs);
  send(wire.response, answer);
}

/** The headers promise the whole body; half of it comes. */
async function sendHalf(response: ServerResponse, answer: Answer, then: (socket: Socket) => unknown): Promise<void> {
  const { socket } = response;
  if (socket === null) return;
  response.writeHead(answer.status, { ...answer.headers, 'content-length': Buffer.byteLength(answer.body) });
  response.write(answer.body.slice(0, Math.floor(answer.body.length / 2)));
  await wait(BEFORE_RESET_MS);
  then(socket);
}

function codeOf(body: string): { code: number | null; msg: string | null } {
  if (!body.startsWith('{"code"')) return { code: null, msg: null };
  return JSON.parse(body) as { code: number; msg: string };
}

/** RST, so that the client sees a reset and not an orderly end. */
export function reset(response: ServerResponse): void {
  response.socket?.resetAndDestroy();
}
