import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { z } from 'zod';
import { VenueError } from './errors.ts';
import { Exchange } from './exchange.ts';
import { ruleSchema, type FaultPlan } from './faults.ts';
import type { HeldRequests } from './held-requests.ts';
import type { LedgerContents } from './ledger.ts';
import { fixed } from './money.ts';
import type { RateLimits } from './rate-limits.ts';
import type { Settings } from './settings.ts';
import type { Market, Order } from './state.ts';
import type { RulesPatch } from './symbols.ts';
import type { Venue } from './venue.ts';

export interface ControlParts {
  readonly venue: Venue;
  readonly faults: FaultPlan;
  readonly held: HeldRequests;
  readonly limits: RateLimits;
}

export type BooksView = Pick<LedgerContents, 'orders' | 'lists' | 'fills'>;

const amount = z.string().regex(/^\d{1,20}(\.\d{1,8})?$/);
const count = z.number().int().min(0);

const priceSchema = z.strictObject({
  symbol: z.string(),
  price: amount,
  bid: amount.optional(),
  ask: amount.optional(),
  average: amount.nullable().optional(),
});
const liquiditySchema = z.strictObject({ symbol: z.string(), quantity: amount.nullable() });
const symbolSchema = z.strictObject({
  symbol: z.string(),
  status: z.enum(['TRADING', 'HALT', 'BREAK']).optional(),
  rules: z.record(z.string(), z.union([amount, count, z.boolean()])).optional(),
});
const settingsSchema = z.strictObject({
  recvWindow: count.optional(),
  recvWindowMax: count.optional(),
  engineMs: count.optional(),
  readLagMs: count.optional(),
  clockOffsetMs: z.number().int().optional(),
  commissionRate: amount.optional(),
  weightLimit: count.optional(),
  orderLimit: count.optional(),
  banAfter: count.optional(),
  banSeconds: count.optional(),
  canTrade: z.boolean().optional(),
  enableWithdrawals: z.boolean().optional(),
});
const orderSchema = z.strictObject({
  orderId: z.number().int().optional(),
  clientOrderId: z.string().optional(),
  quantity: amount.optional(),
  price: amount.optional(),
});

/** The hands of the test: everything that the outside world does to a venue, and the view into its books. */
export function createControl(parts: ControlParts): Server {
  const exchange = new Exchange(parts.venue);
  return createServer((request, response) => {
    handle(parts, exchange, request)
      .then((value) => reply(response, 200, value))
      .catch((error: unknown) => {
        const isAskedWrongly = error instanceof VenueError || error instanceof z.ZodError || error instanceof Refusal;
        reply(response, isAskedWrongly ? 400 : 500, { error: error instanceof Error ? error.message : String(error) });
      });
  });
}

class Refusal extends Error {}

async function handle(parts: ControlParts, exchange: Exchange, request: IncomingMessage): Promise<unknown> {
  const { venue, faults, held, limits } = parts;
  const url = new URL(request.url ?? '/', 'http://control');
  const body = await bodyOf(request);
  switch (`${request.method} ${url.pathname}`) {
    case 'GET /health':
      return { ok: true, serverTime: venue.now() };
    case 'GET /settings':
      return shown(venue.settings);
    case 'POST /settings':
      return shown(venue.change(defined<Settings>(settingsSchema.parse(body))));
    case 'POST /price': {
      const { symbol, price, bid, ask, average } = priceSchema.parse(body);
      return exchange.moveMarket(symbol, {
        price: fixed(price),
        bid: fixed(bid ?? price),
        ask: fixed(ask ?? price),
        ...(average === undefined ? {} : { average: average === null ? null : fixed(average) }),
      });
    }
    case 'POST /liquidity': {
      const { symbol, quantity } = liquiditySchema.parse(body);
      return exchange.moveMarket(symbol, { liquidity: quantity === null ? null : fixed(quantity) });
    }
    case 'POST /symbol': {
      const { symbol, status, rules } = symbolSchema.parse(body);
      const market = venue.marketOf(symbol);
      const change: Partial<Market> = { rules: { ...market.rules, ...(rules as RulesPatch | undefined) } };
      return exchange.moveMarket(symbol, status === undefined ? change : { ...change, status });
    }
    case 'GET /balances':
      return [...venue.state.balances.values()];
    case 'POST /balances':
      return setBalances(venue, z.record(z.string(), amount).parse(body));
    case 'GET /faults':
      return faults.list();
    case 'POST /faults':
      return faults.add(ruleSchema.parse(body));
    case 'DELETE /faults':
      faults.clear();
      return {};
    case 'GET /held':
      return held.list();
    case 'POST /release': {
      const { clientOrderId } = orderSchema.parse(body ?? {});
      return { released: held.release(clientOrderId ?? null) };
    }
    case 'GET /ledger':
      return {
        ...venue.ledger.load(),
        requests: venue.ledger.requests(Number(url.searchParams.get('sinceRequest') ?? '0')),
      };
    case 'GET /orders':
      return ordersUnder(venue, url.searchParams.get('clientOrderId'));
    case 'GET /books':
      return booksUnder(venue, url.searchParams.getAll('under'));
    case 'POST /orders/fill': {
      const wanted = orderSchema.parse(body);
      if (wanted.quantity === undefined) throw new Refusal('fill wants a quantity');
      return exchange.fill(idOf(venue, wanted), wanted.quantity, wanted.price ?? null);
    }
    case 'POST /orders/expire':
      return exchange.endByVenue(idOf(venue, orderSchema.parse(body)), 'EXPIRED');
    case 'POST /orders/cancel':
      return exchange.endByVenue(idOf(venue, orderSchema.parse(body)), 'CANCELED');
    case 'POST /reset':
      faults.clear();
      limits.reset();
      venue.reset();
      return {};
    default:
      throw new Refusal(`no such control: ${request.method} ${url.pathname}`);
  }
}

function setBalances(venue: Venue, amounts: Record<string, string>): unknown {
  for (const [asset, free] of Object.entries(amounts)) {
    const balance = venue.state.balance(asset);
    balance.free = fixed(free);
    venue.state.touchBalance(balance);
  }
  venue.state.commit();
  return [...venue.state.balances.values()];
}

function ordersUnder(venue: Venue, clientOrderId: string | null): Order[] {
  const orders = [...venue.state.orders.values()];
  return clientOrderId === null ? orders : orders.filter((order) => order.clientOrderId === clientOrderId);
}

/** What is in the books under ids that begin so: the same as the ledger has, without reading all of it. */
function booksUnder({ state }: Venue, prefixes: readonly string[]): BooksView {
  const isMeant = (id: string): boolean => prefixes.some((prefix) => id.startsWith(prefix));
  const orders = [...state.orders.values()].filter(({ clientOrderId }) => isMeant(clientOrderId));
  return {
    orders,
    lists: [...state.lists.values()].filter(({ listClientOrderId }) => isMeant(listClientOrderId)),
    fills: orders.flatMap(({ orderId }) => state.fillsOf(orderId)),
  };
}

function idOf(venue: Venue, wanted: z.output<typeof orderSchema>): number {
  if (wanted.orderId !== undefined) return wanted.orderId;
  const order = ordersUnder(venue, wanted.clientOrderId ?? '').at(-1);
  if (order === undefined) throw new Refusal('no such order');
  return order.orderId;
}

/** Zod leaves `undefined` behind for what was not sent; a setting must not be overwritten by it. */
function defined<T>(value: { [K in keyof T]?: T[K] | undefined }): Partial<T> {
  return Object.fromEntries(Object.entries(value).filter(([, each]) => each !== undefined)) as Partial<T>;
}

function shown(settings: Settings): Omit<Settings, 'apiSecret'> {
  const { apiSecret: _, ...rest } = settings;
  return rest;
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString('utf8');
  if (text === '') return undefined;
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Refusal('the body is not JSON');
  }
}

function reply(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(value));
}
