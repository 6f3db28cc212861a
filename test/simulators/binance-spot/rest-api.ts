import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { setTimeout as wait } from 'node:timers/promises';
import { VenueError } from './errors.ts';
import { Exchange } from './exchange.ts';
import { deliver, errorPage, refusal, reset, send, success, type Answer } from './fault-delivery.ts';
import type { Fault, FaultPlan } from './faults.ts';
import type { HeldRequest, HeldRequests } from './held-requests.ts';
import type { RequestOutcome } from './ledger.ts';
import { Parameters } from './parameters.ts';
import type { RateLimits } from './rate-limits.ts';
import { isKnownPath, ROUTES } from './routes.ts';
import { authenticate, checkWindow } from './security.ts';
import type { Venue } from './venue.ts';

/** A request that has fully arrived. The Host header is of no account: clients keep the venue's own names. */
interface Arrival {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly body: string;
  readonly apiKey: string | undefined;
  readonly clientOrderIds: readonly string[];
}

export interface RestApiParts {
  readonly venue: Venue;
  readonly faults: FaultPlan;
  readonly held: HeldRequests;
  readonly limits: RateLimits;
}

const BODY_LIMIT = 64 * 1024;

export function createRestApi(parts: RestApiParts): Server {
  const exchange = new Exchange(parts.venue);
  const server = createServer((request, response) => {
    serve(parts, exchange, request, response).catch((error: unknown) => {
      // A bug of the simulator must not look like an outage of the venue.
      process.stderr.write(`simulator: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
      send(response, refusal(new VenueError(-1000, 'An unknown error occurred while processing the request.', 500)));
    });
  });
  // A connection that closes while idle would be a fault nobody asked for.
  server.keepAliveTimeout = 120_000;
  server.requestTimeout = 0;
  return server;
}

async function serve(
  parts: RestApiParts,
  exchange: Exchange,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { venue, faults, held } = parts;
  const arrival = await arrivalOf(request);
  const requestId = venue.ledger.requestArrived({
    arrivedAt: Date.now(),
    method: arrival.method,
    path: arrival.path,
    clientOrderId: arrival.clientOrderIds[0] ?? null,
    parameters: Object.fromEntries(
      [...new URLSearchParams(`${arrival.query}&${arrival.body}`)].filter(([name]) => name !== 'signature'),
    ),
  });
  const fault = faults.strike(arrival);
  const record = (outcome: Pick<RequestOutcome, 'status' | 'code' | 'message' | 'booked'>): void => {
    venue.ledger.requestEnded(requestId, { ...outcome, fault: fault?.kind ?? null, endedAt: Date.now() });
  };
  const onHold = (): void => {
    const isGivenUp = fault?.kind === 'late' || fault?.kind === 'late-unchecked' ? fault.connection === 'reset' : false;
    if (isGivenUp) reset(response);
  };
  const book = async (): Promise<Answer> => {
    const stages = stagesOf(fault, venue, held, arrival, onHold);
    const { answer, booked, error } = await byTheRules(parts, exchange, arrival, stages);
    record({ status: answer.status, code: error?.code ?? null, message: error?.message ?? null, booked });
    return answer;
  };
  const refuse = (status: number, code: number | null, message: string | null): void => {
    record({ status, code, message, booked: [] });
  };
  await deliver(fault, { response, book, refuse });
}

interface Stages {
  /** Between arrival and the second look at the timestamp. */
  readonly beforeEngine: () => Promise<void>;
  /** Between the second look and the booking. */
  readonly inEngine: () => Promise<void>;
  readonly cap: string | null;
}

function stagesOf(fault: Fault | null, venue: Venue, held: HeldRequests, arrival: Arrival, onHold: () => void): Stages {
  const none = async (): Promise<void> => undefined;
  const straight: Stages = { beforeEngine: none, inEngine: none, cap: null };
  const bound = venue.settings.engineMs;
  const hold = (stage: HeldRequest['stage'], ms: number | null): Promise<void> => {
    const released = held.hold(arrival.clientOrderIds, stage, ms);
    onHold();
    return released;
  };
  if (fault?.kind === 'partial') return { ...straight, cap: fault.quantity };
  if (fault?.kind === 'delay') return { ...straight, beforeEngine: () => wait(fault.ms, undefined) };
  if (fault?.kind === 'late') {
    const { ms, engineMs } = fault;
    return {
      ...straight,
      beforeEngine: () => hold('before-engine', ms ?? null),
      inEngine: engineMs === undefined ? none : () => wait(Math.min(engineMs, bound), undefined),
    };
  }
  // However it is set up: the engine keeps its bound, else no absence could ever be proven.
  if (fault?.kind === 'late-unchecked')
    return { ...straight, inEngine: () => hold('in-engine', Math.min(fault.ms ?? bound, bound)) };
  return straight;
}

interface Decision {
  readonly answer: Answer;
  readonly booked: readonly number[];
  readonly error: VenueError | null;
}

async function byTheRules(
  { venue, limits }: RestApiParts,
  exchange: Exchange,
  arrival: Arrival,
  stages: Stages,
): Promise<Decision> {
  const route = ROUTES.get(`${arrival.method} ${arrival.path}`);
  // "404 Not Found" comes from the gateway, which speaks no JSON.
  if (route === undefined)
    return { answer: errorPage(isKnownPath(arrival.path) ? 405 : 404, undefined), booked: [], error: null };
  try {
    const parameters = new Parameters(arrival.query, arrival.body);
    limits.spend(typeof route.weight === 'number' ? route.weight : route.weight(parameters));
    const { apiKey, query, body } = arrival;
    const window = route.signed ? authenticate(venue, apiKey, query, body, parameters) : null;
    const execute = route.prepare({ exchange, parameters, cap: stages.cap });
    parameters.assertAllRead();
    if (route.newOrders !== undefined) limits.admitOrders(route.newOrders);
    await stages.beforeEngine();
    if (window !== null) checkWindow(venue, window);
    await stages.inEngine();
    // From here on nothing waits, so that whatever is new afterwards is this request's.
    const before = venue.state.orders.size;
    const answer = success(execute());
    const booked = Array.from({ length: venue.state.orders.size - before }, (_, index) => before + 1 + index);
    limits.countOrders(booked);
    return { answer: withHeaders(answer, limits.headers(route.newOrders !== undefined)), booked, error: null };
  } catch (error) {
    if (!(error instanceof VenueError)) throw error;
    return { answer: withHeaders(refusal(error), limits.headers(false)), booked: [], error };
  }
}

function withHeaders(answer: Answer, headers: Record<string, string>): Answer {
  return { ...answer, headers: { ...answer.headers, ...headers } };
}

async function arrivalOf(request: IncomingMessage): Promise<Arrival> {
  const [path = '', query = ''] = splitOnce(request.url ?? '', '?');
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request) {
    const bytes = chunk as Buffer;
    length += bytes.length;
    if (length > BODY_LIMIT) throw new Error('a request body larger than any the venue accepts');
    chunks.push(bytes);
  }
  const body = Buffer.concat(chunks).toString('utf8');
  const apiKey = request.headers['x-mbx-apikey'];
  return {
    method: request.method ?? 'GET',
    path,
    query,
    body,
    apiKey: Array.isArray(apiKey) ? apiKey[0] : apiKey,
    clientOrderIds: [...new URLSearchParams(`${query}&${body}`)]
      .filter(([name]) => name.endsWith('ClientOrderId'))
      .map(([, value]) => value),
  };
}

function splitOnce(text: string, separator: string): string[] {
  const at = text.indexOf(separator);
  return at === -1 ? [text] : [text.slice(0, at), text.slice(at + 1)];
}
