import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, before, describe, test } from 'node:test';

import type { Exchange } from 'ccxt';

import { CcxtAdapter } from '../../adapters/ccxt/ccxt-adapter.ts';
import { openExchange } from '../../adapters/ccxt/exchange.ts';
import { profileOf, PROFILED_EXCHANGES, type Profile } from '../../adapters/ccxt/profile.ts';
import { readOrder } from '../../adapters/ccxt/read-order.ts';
import type { OrderTicket } from '../../adapters/venue-adapter.ts';
import { clientOrderId, legId } from '../../domain/ids.ts';
import {
  AVERAGE,
  filledOf,
  LIMIT_PRICE,
  QUANTITY,
  STOP_PRICE,
  VENUE_ORDER_ID,
  VENUES,
  type Captured,
  type OrderName,
  type Routes,
  type State,
  type Venue,
} from './ccxt-venues.ts';

// What the real exchange library signs and sends for each profile, caught on loopback. No exchange is reached: the
// answers are written after the exchanges' documents.

const ID = '7K3ABCDEFGHJKMNPQRSTVWXYZ0';
const OTHER_ID = '7K3ZZZZZZZZZZZZZZZZZZZZZZZ';

const ORDERS: Readonly<Record<OrderName, Pick<OrderTicket, 'type' | 'side' | 'timeInForce'>>> = {
  marketBuy: { type: 'market', side: 'buy' },
  marketSell: { type: 'market', side: 'sell' },
  limit: { type: 'limit', side: 'buy' },
  ioc: { type: 'limit', side: 'sell', timeInForce: 'ioc' },
  fok: { type: 'limit', side: 'buy', timeInForce: 'fok' },
  stopBuy: { type: 'stop', side: 'buy' },
  stopSell: { type: 'stop', side: 'sell' },
  stopLimit: { type: 'stop_limit', side: 'buy' },
  stopLimitIoc: { type: 'stop_limit', side: 'sell', timeInForce: 'ioc' },
};
const ORDER_NAMES = Object.keys(ORDERS) as OrderName[];

interface Listener {
  readonly origin: string;
  readonly captured: Captured[];
  routes: Routes;
  close(): Promise<void>;
}

/** Keeps every request, and answers by route. */
async function listen(): Promise<Listener> {
  const captured: Captured[] = [];
  const server = createServer((request, response) => {
    void capture(request).then((one) => {
      captured.push(one);
      const { status, type, text } = reply(listener.routes[one.route] ?? 404);
      response.writeHead(status, { 'content-type': type }).end(text);
    });
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  const listener: Listener = {
    origin: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    captured,
    routes: {},
    close: () =>
      new Promise((closed) => {
        server.close(() => closed());
        server.closeAllConnections();
      }),
  };
  return listener;
}

function reply(answer: Routes[string]): { status: number; type: string; text: string } {
  if (typeof answer === 'number') return { status: answer, type: 'text/html', text: '<html>gone</html>' };
  const { status, json } = 'status' in answer && 'json' in answer ? answer : { status: 200, json: answer };
  return { status: Number(status), type: 'application/json', text: JSON.stringify(json) };
}

async function capture(request: IncomingMessage): Promise<Captured> {
  let body = '';
  for await (const chunk of request.setEncoding('utf8')) body += String(chunk);
  const url = new URL(request.url ?? '/', 'http://127.0.0.1');
  const isJson = /^[[{]/.test(body);
  return {
    route: `${request.method} ${url.pathname}`,
    query: withoutMoment(url.searchParams),
    body: isJson ? JSON.parse(body) : withoutMoment(new URLSearchParams(body)),
    headers: request.headers,
    raw: `${url.search}${body}`,
  };
}

function withoutMoment(parameters: URLSearchParams): Record<string, string> {
  const moment = ['nonce', 'timestamp', 'recvWindow', 'signature'];
  return Object.fromEntries([...parameters].filter(([name]) => !moment.includes(name)));
}

/** What was asked: the query, or the body where there is no query. */
const asked = ({ query, body }: Captured): unknown => (Object.keys(query).length === 0 ? body : query);

function profileFor(exchange: string): Profile {
  const profile = profileOf(exchange, false);
  assert.ok(profile, `${exchange} has a profile`);
  return profile;
}

const ticket = (name: OrderName, { symbol }: Venue): OrderTicket => ({
  clientOrderId: ID,
  symbol,
  quantity: QUANTITY,
  ...(/limit|ioc|fok/i.test(name) ? { limitPrice: LIMIT_PRICE } : {}),
  ...(name.startsWith('stop') ? { stopPrice: STOP_PRICE } : {}),
  notAfter: Number.MAX_SAFE_INTEGER,
  ...ORDERS[name],
});

test('every profile has a venue here', () => {
  assert.deepEqual(VENUES.map(({ exchange }) => exchange).toSorted(), [...PROFILED_EXCHANGES].toSorted());
});

test("a thousand ids fit every exchange's rule, stay different, and are the same for ever", () => {
  const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest();
  const ids = Array.from({ length: 1_000 }, (_, i) =>
    clientOrderId(
      { deployment: 'd', account: 'a', strategy: 's', alertKey: `k${i}`, leg: 'entry', generation: i % 3 },
      sha256,
    ),
  );
  for (const { exchange, badIds, wireId } of VENUES) {
    const profile = profileFor(exchange);
    const encoded = ids.map((id) => profile.encodeId(id));
    assert.equal(new Set(encoded).size, ids.length, exchange);
    for (const id of encoded) assert.match(id, profile.idRule, exchange);
    for (const id of badIds) assert.doesNotMatch(id, profile.idRule, exchange);
    assert.equal(profile.encodeId(ID), wireId(ID), exchange);
  }
});

test("a leg's id fits every exchange's rule, and is no other leg's and no entry's", () => {
  const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest();
  const entries = Array.from({ length: 20 }, (_, i) =>
    clientOrderId(
      { deployment: 'd', account: 'a', strategy: 's', alertKey: `k${i}`, leg: 'entry', generation: 0 },
      sha256,
    ),
  );
  const generations = [...Array(130).keys(), 999];
  const ids = entries.flatMap((id) => [
    id,
    ...['protection', 'exit'].flatMap((name) =>
      [0, 1, 4].flatMap((part) => generations.map((generation) => legId(id, name, part, generation))),
    ),
  ]);
  for (const { exchange } of VENUES) {
    const profile = profileFor(exchange);
    const encoded = ids.map((id) => profile.encodeId(id));
    assert.equal(new Set(encoded).size, ids.length, exchange);
    for (const id of encoded) assert.match(id, profile.idRule, exchange);
  }
});

test('only an exchange that documents its limits may call an order absent', () => {
  const bounded = VENUES.map(({ exchange }) => exchange).filter((exchange) => profileFor(exchange).absence !== null);
  assert.deepEqual(bounded, ['binance']);
});

describe('each exchange', { concurrency: true }, () => {
  for (const venue of VENUES) describe(venue.exchange, { concurrency: false }, () => provenOnTheWire(venue));
});

interface Opened {
  readonly exchange: Exchange;
  readonly listener: Listener;
  /** What was sent meanwhile, apart from what the library asks once. */
  readonly during: (routes: Routes, work: () => Promise<unknown>) => Promise<Captured[]>;
  close(): Promise<void>;
}

/** The real library, in front of a venue that answers with these routes. */
async function open(venue: Venue, options: object): Promise<Opened> {
  const listener = await listen();
  const library = await openExchange({
    exchange: venue.exchange,
    mode: 'live',
    ...venue.keys,
    httpOrigin: listener.origin,
    options: { ...options, fetchMarkets: { types: ['spot'] }, fetchMargins: false },
    timeoutMs: 5_000,
  });
  const { exchange } = library;
  exchange.has['fetchCurrencies'] = false;
  exchange.enableRateLimit = false;
  listener.routes = venue.markets;
  await exchange.loadMarkets();
  return {
    exchange,
    listener,
    during: async (routes, work) => {
      listener.routes = { ...venue.markets, ...routes };
      listener.captured.length = 0;
      await work();
      return listener.captured.filter(({ route }) => !(route in venue.markets));
    },
    close: async () => {
      await library.close();
      await listener.close();
    },
  };
}

function provenOnTheWire(venue: Venue): void {
  const profile = profileFor(venue.exchange);
  const id = profile.encodeId(ID);
  const reference = { id, symbol: venue.symbol, venueOrderId: undefined };
  let opened: Opened;
  let exchange: Exchange;
  let adapter: CcxtAdapter;
  const during: Opened['during'] = (routes, work) => opened.during(routes, work);
  const window = profile.pinsTime ? { timestamp: Date.now() } : null;

  before(async () => {
    opened = await open(venue, profile.options ?? {});
    exchange = opened.exchange;
    adapter = new CcxtAdapter({
      exchange: venue.exchange,
      mode: 'live',
      ...venue.keys,
      httpOrigin: opened.listener.origin,
      // What an account's own settings must not bring about.
      options: { tgtCcy: 'quote_ccy', createMarketBuyOrderRequiresPrice: false },
      profile,
      breaker: { threshold: 5, openMs: 1_000, onState: () => undefined },
      onCall: () => undefined,
      onTrouble: (message) => assert.fail(message),
    });
    await during({}, () => adapter.open());
  });
  after(async () => {
    await adapter.close();
    await opened.close();
  });

  for (const name of ORDER_NAMES) {
    const expected = venue.sends(id)[name];
    const order = ticket(name, venue);
    test(`${name} ${expected === undefined ? 'is refused here' : 'leaves under our id, with nothing beside it'}`, async () => {
      if (expected === undefined) {
        const requests = await during(venue.acknowledges(id), async () => {
          if (!adapter.capabilities.orderTypes.some((type) => type === order.type)) return;
          assert.equal((await adapter.place(order, window)).kind, 'denied');
        });
        assert.deepEqual(requests, []);
        return;
      }
      const requests = await during(venue.acknowledges(id), async () => {
        // Most exchanges answer with an id and no status, which says less than that the order is there.
        const { kind } = await adapter.place(order, window);
        assert.ok(kind === 'accepted', kind);
      });
      assert.deepEqual(
        requests.map(({ route, query, body }) => [route, query, body]),
        [[expected[0], {}, expected[1]]],
      );
      const [request] = requests;
      assert.ok(request?.headers[venue.signature] ?? request?.raw.includes(`${venue.signature}=`), 'it is signed');
    });
  }

  test('what of a stop and a target can rest there is told, for what was bought and for what was sold', async () => {
    const stops = ['binance', 'bybit', 'kraken'];
    const rests = venue.exchange === 'binance' ? undefined : stops.includes(venue.exchange) ? 'stop' : 'nothing';
    const levels = { type: 'bracket', limitPrice: '66000', stopPrice: '60000' } as const;
    for (const side of ['sell', 'buy'] as const) {
      const leg = { ...ticket('marketSell', venue), ...levels, side, clientOrderId: legId(ID, 'protection', 0, 0) };
      const plan = await adapter.plan(leg);
      // Where a quantity would be taken for money, what was sold cannot be bought back at the market.
      if (side === 'buy' && ['bitget', 'gate'].includes(venue.exchange)) {
        assert.ok(plan.kind === 'refused' && plan.reason.code === 'VENUE_CANNOT_TAKE_IT', JSON.stringify(plan));
        continue;
      }
      assert.ok(plan.kind === 'ready' && plan.rests === rests, JSON.stringify(plan));
      const stop = await adapter.plan({ ...leg, type: 'stop' });
      assert.ok(
        stop.kind === 'ready' && stop.rests === (rests === 'nothing' ? rests : undefined),
        JSON.stringify(stop),
      );
    }
  });

  test('the look-up finds the order that waits, by one question under our id', async () => {
    for (const state of ['open', 'partial'] as const) {
      const routes = venue.shows([venue.order(id, state)], [], id);
      const requests = await during(routes, async () => assertRead(await profile.find(exchange, reference), id, state));
      assert.deepEqual(
        requests.map((one) => [one.route, asked(one)]),
        venue.asks(id).slice(0, 1),
      );
    }
  });

  test('the look-up finds the order that is over, canceled with a part filled or filled', async () => {
    for (const state of ['canceled', 'filled'] as const) {
      const routes = venue.shows([], [venue.order(id, state)], id);
      const requests = await during(routes, async () => assertRead(await profile.find(exchange, reference), id, state));
      assert.deepEqual(
        requests.map((one) => [one.route, asked(one)]),
        venue.asks(id),
      );
    }
  });

  test("the look-up under the venue's own id finds the same order", async () => {
    const known = { ...reference, venueOrderId: VENUE_ORDER_ID };
    for (const state of ['partial', 'filled'] as const) {
      const lists = state === 'partial' ? [[venue.order(id, state)], []] : [[], [venue.order(id, state)]];
      await during(venue.shows(lists[0]!, lists[1]!, id), async () =>
        assertRead(await profile.find(exchange, known), id, state),
      );
    }
  });

  test('an answer without the order is "not found", whichever way it is said', async () => {
    for (const routes of [venue.shows([], [], id), ...venue.missing.map((missing) => missing(id))]) {
      const requests = await during(routes, async () => assert.equal(await lookUp(profile, exchange, reference), null));
      assert.deepEqual(
        requests.map((one) => [one.route, asked(one)]),
        venue.asks(id),
      );
    }
  });

  test('the order of somebody else is never taken for ours', async () => {
    const other = venue.order(profile.encodeId(OTHER_ID), 'filled');
    for (const lists of [
      [[other], []],
      [[], [other]],
    ]) {
      await during(venue.shows(lists[0]!, lists[1]!, id), async () => {
        const found = await lookUp(profile, exchange, reference);
        if (found !== null) assert.throws(() => readOrder(found, id, false), /when asked for/);
      });
    }
    if (!['bybit', 'kraken', 'coinbase', 'gate'].includes(venue.exchange)) return;
    // These are asked for lists, which may hold both.
    const waiting = venue.exchange === 'gate' ? [] : [other];
    await during(venue.shows(waiting, [other, venue.order(id, 'filled')], id), async () =>
      assertRead(await profile.find(exchange, reference), id, 'filled', null),
    );
  });

  test('an exchange that is down is no answer', async () => {
    const routes = Object.fromEntries(Object.keys(venue.shows([], [], id)).map((route) => [route, 503]));
    await during(routes, async () => {
      await assert.rejects(profile.find(exchange, reference), (error: Error) => {
        assert.notEqual(error.name, 'OrderNotFound');
        return true;
      });
    });
  });

  test('canceling names our order, and no other', async () => {
    const routes = { ...venue.shows([venue.order(id, 'open')], [], id), ...venue.canceled(id) };
    const requests = await during(routes, () =>
      profile.cancel(exchange, { ...reference, venueOrderId: VENUE_ORDER_ID }),
    );
    const changing = requests.filter((one) => !venue.asks(id).some(([route]) => route === one.route));
    assert.deepEqual(
      changing.map((one) => [one.route, asked(one)]),
      [venue.cancels(id)],
    );
  });

  test('through the adapter: what was sent is found, and canceled', async () => {
    await during(venue.shows([venue.order(id, 'open')], [], id), async () => {
      const found = await adapter.find({ clientOrderId: ID, symbol: venue.symbol, lostAt: 0, now: 1 });
      assert.deepEqual(found.kind === 'found' && found.order, readAs('open'));
    });
    // The library lets Kraken be asked for a list every three seconds only.
    if (venue.exchange === 'kraken') return;
    await during({ ...venue.shows([], [venue.order(id, 'canceled')], id), ...venue.canceled(id) }, async () => {
      const end = await adapter.cancel(ticket('limit', venue), VENUE_ORDER_ID);
      assert.equal(end.kind === 'settled' && end.order.status, 'canceled');
    });
  });
}

/** The order, or null where it is said not to be there. */
async function lookUp(profile: Profile, exchange: Exchange, reference: Parameters<Profile['find']>[1]) {
  try {
    return (await profile.find(exchange, reference)) ?? null;
  } catch (error) {
    if ((error as Error).name === 'OrderNotFound') return null;
    throw error;
  }
}

function readAs(state: State) {
  return {
    venueOrderId: VENUE_ORDER_ID,
    status: { open: 'working', partial: 'partially_filled', filled: 'filled', canceled: 'canceled' }[state],
    filledQuantity: filledOf(state),
    averagePrice: state === 'open' ? null : AVERAGE,
  };
}

function assertRead(
  order: Awaited<ReturnType<Profile['find']>>,
  id: string,
  state: State,
  venueId: string | null = VENUE_ORDER_ID,
) {
  assert.ok(order, 'it is found');
  assert.equal(order.clientOrderId, id);
  for (const value of [order.amount, order.filled, order.average, order.price]) assert.notEqual(typeof value, 'number');
  const read = readOrder(order, id, false);
  assert.deepEqual(venueId === null ? { ...read, venueOrderId: VENUE_ORDER_ID } : read, readAs(state));
}

describe('peculiarities', () => {
  const venueOf = (exchange: string): Venue => VENUES.find((venue) => venue.exchange === exchange)!;

  /** Opens one exchange for one test. */
  async function withVenue(
    name: string,
    options: object,
    work: (venue: Venue, opened: Opened, profile: Profile) => Promise<void>,
  ): Promise<void> {
    const venue = venueOf(name);
    const opened = await open(venue, options);
    try {
      await work(venue, opened, profileFor(name));
    } finally {
      await opened.close();
    }
  }

  test('Bybit: a stop that waits is canceled among the stops', () =>
    withVenue('bybit', {}, async (venue, { exchange, during }, profile) => {
      const waiting = { ...venue.order(ID, 'open'), orderStatus: 'Untriggered', stopOrderType: 'Stop' };
      const routes = { ...venue.shows([waiting], [], ID), ...venue.canceled(ID) };
      const reference = { id: ID, symbol: venue.symbol, venueOrderId: VENUE_ORDER_ID };
      const requests = await during(routes, () => profile.cancel(exchange, reference));
      const expected = { category: 'spot', symbol: 'BTCUSDT', orderFilter: 'StopOrder', orderLinkId: ID };
      assert.deepEqual(requests.at(-1)?.body, expected);
    }));

  test("Bybit: a classic account's market buy, whose quantity would be money, is not sent", () =>
    withVenue('bybit', profileFor('bybit').options!, async (venue, { exchange, during }) => {
      const classic = { 'GET /v5/user/query-api': { retCode: 0, result: { unified: 0, uta: 0 } } };
      const requests = await during(classic, () =>
        assert.rejects(exchange.createOrder(venue.symbol, 'market', 'buy', QUANTITY as never), {
          name: 'InvalidOrder',
        }),
      );
      assert.deepEqual(requests, []);
    }));

  test('Gate: every word for an end is an end', () =>
    withVenue('gate', {}, async (venue, { exchange, during }, profile) => {
      const id = profile.encodeId(ID);
      for (const finish_as of ['cancelled', 'ioc', 'fok', 'poc', 'stp', 'small', 'trader_not_enough', 'unknown']) {
        const ended = { ...venue.order(id, 'canceled'), finish_as };
        await during(venue.shows([], [ended], id), async () =>
          assertRead(
            await profile.find(exchange, { id, symbol: venue.symbol, venueOrderId: undefined }),
            id,
            'canceled',
          ),
        );
      }
    }));

  test('Coinbase: an order that waits to be taken up is open; an unknown word is no answer', () =>
    withVenue('coinbase', {}, async (venue, { exchange, during }, profile) => {
      const reference = { id: ID, symbol: venue.symbol, venueOrderId: undefined };
      for (const status of ['PENDING', 'QUEUED', 'CANCEL_QUEUED', 'EDIT_QUEUED']) {
        await during(venue.shows([{ ...venue.order(ID, 'open'), status }], [], ID), async () =>
          assertRead(await profile.find(exchange, reference), ID, 'open'),
        );
      }
      const unknown = { ...venue.order(ID, 'open'), status: 'UNKNOWN_ORDER_STATUS' };
      await during(venue.shows([unknown], [], ID), async () => {
        const order = await profile.find(exchange, reference);
        assert.throws(() => readOrder(order!, ID, false), /status/);
      });
    }));

  test("Coinbase: nothing is canceled while the venue's own id is not known", () =>
    withVenue('coinbase', {}, async (venue, { exchange, during }, profile) => {
      const reference = { id: ID, symbol: venue.symbol, venueOrderId: undefined };
      const requests = await during({}, () => assert.rejects(profile.cancel(exchange, reference), /not known yet/));
      assert.deepEqual(requests, []);
    }));

  test('an exchange without a profile: found in lists, canceled by its own id, asked for nothing that could be money', () =>
    withVenue('gate', {}, async (venue, { exchange, during }) => {
      const profile = profileOf('nobody-has-looked', true)!;
      assert.equal(profileOf('nobody-has-looked', false), undefined);
      assert.deepEqual(profile.orderTypes, ['market', 'limit']);
      assert.ok(profile.refuses?.(ticket('marketBuy', venue)));
      assert.equal(profile.refuses?.(ticket('limit', venue)), undefined);
      const reference = { id: ID, symbol: venue.symbol, venueOrderId: undefined };
      const lists = {
        'GET /api/v4/spot/open_orders': [{ currency_pair: 'BTC_USDT', orders: [venue.order(OTHER_ID, 'open')] }],
        'GET /api/v4/spot/orders': [venue.order(OTHER_ID, 'filled'), venue.order(ID, 'filled')],
      };
      await during(lists, async () => assertRead(await profile.find(exchange, reference), ID, 'filled'));
      const requests = await during({}, () => assert.rejects(profile.cancel(exchange, reference), /not known yet/));
      assert.deepEqual(requests, []);
    }));

  // Without these the profiles could be simpler. Each is asked of the library as it is, so that an update that changes
  // one of them is seen.
  const UNIFIED = { clientOrderId: ID };
  const price = LIMIT_PRICE as never;
  const quantity = QUANTITY as never;
  const unaided: readonly {
    exchange: string;
    what: string;
    options?: object;
    routes?: (venue: Venue) => Routes;
    ask: (exchange: Exchange, symbol: string) => Promise<unknown>;
    sees: (request: Captured, result: { id?: string } | undefined) => void;
  }[] = [
    {
      exchange: 'binance',
      what: 'an order without an id gets a random one',
      ask: (exchange, symbol) => exchange.createOrder(symbol, 'market', 'buy', quantity),
      sees: ({ body }) => assert.match((body as Record<string, string>)['newClientOrderId']!, /^x-/),
    },
    {
      exchange: 'binance',
      what: 'a market order with a price spends money',
      ask: (exchange, symbol) => exchange.createOrder(symbol, 'market', 'buy', quantity, price, UNIFIED),
      sees: ({ body }) => assert.equal((body as Record<string, string>)['quoteOrderQty'], '720'),
    },
    {
      exchange: 'bybit',
      what: 'nothing found is a programming error',
      routes: (venue) => venue.shows([], [], ID),
      ask: (exchange, symbol) =>
        assert.rejects(
          exchange.fetchOrder(undefined as never, symbol, { orderLinkId: ID, acknowledged: true }),
          TypeError,
        ),
      sees: ({ query }) => assert.equal(query['orderLinkId'], ID),
    },
    {
      exchange: 'bybit',
      what: "a classic account's market buy is sent with its quantity as money",
      routes: () => ({ 'GET /v5/user/query-api': { retCode: 0, result: { unified: 0, uta: 0 } } }),
      ask: (exchange, symbol) => exchange.createOrder(symbol, 'market', 'buy', quantity, undefined, UNIFIED),
      sees: ({ body }) => {
        assert.equal((body as Record<string, string>)['qty'], QUANTITY);
        assert.ok(!('marketUnit' in (body as object)));
      },
    },
    {
      exchange: 'okx',
      what: "a stop bears our id under an ordinary order's name",
      routes: () => ({ 'POST /api/v5/trade/order-algo': { code: '0', msg: '', data: [{ algoId: '1', sCode: '0' }] } }),
      ask: (exchange, symbol) =>
        exchange.createOrder(symbol, 'market', 'buy', quantity, undefined, { ...UNIFIED, triggerPrice: STOP_PRICE }),
      sees: ({ body }) => {
        assert.equal((body as Record<string, string>)['clOrdId'], ID);
        assert.ok(!('algoClOrdId' in (body as object)));
      },
    },
    {
      exchange: 'kraken',
      what: 'a trigger price is no stop: the order goes out at once',
      ask: (exchange, symbol) =>
        exchange.createOrder(symbol, 'market', 'buy', quantity, undefined, { ...UNIFIED, triggerPrice: STOP_PRICE }),
      sees: ({ body }) => assert.equal((body as Record<string, string>)['ordertype'], 'market'),
    },
    {
      exchange: 'kraken',
      what: 'an order is asked for by an empty transaction id',
      routes: () => ({ 'POST /0/private/QueryOrders': { error: [], result: {} } }),
      ask: (exchange, symbol) => assert.rejects(exchange.fetchOrder('', symbol, UNIFIED), /could not find/),
      sees: ({ body }) => assert.deepEqual(body, { trades: 'true', txid: '', userref: ID }),
    },
    {
      exchange: 'coinbase',
      what: 'the unified id is replaced by a random one',
      ask: (exchange, symbol) => exchange.createOrder(symbol, 'limit', 'buy', quantity, price, UNIFIED),
      sees: ({ body }) => assert.match((body as Record<string, string>)['client_order_id']!, /^ccxt-/),
    },
    {
      exchange: 'coinbase',
      what: "a buy's trigger price is a stop on the other side",
      ask: (exchange, symbol) =>
        exchange.createOrder(symbol, 'limit', 'buy', quantity, price, { triggerPrice: STOP_PRICE }),
      sees: ({ body }) => assert.match(JSON.stringify(body), /STOP_DIRECTION_STOP_DOWN/),
    },
    {
      exchange: 'coinbase',
      what: "a market buy's quantity is sent as money",
      ask: (exchange, symbol) =>
        exchange.createOrder(symbol, 'market', 'buy', '12' as never, undefined, {
          createMarketBuyOrderRequiresPrice: false,
        }),
      sees: ({ body }) => assert.match(JSON.stringify(body), /"quote_size":"12"/),
    },
    {
      exchange: 'kucoin',
      what: 'a trigger price does not say on which side it lies',
      options: { hf: true, uta: false },
      routes: () => ({ 'POST /api/v1/stop-order': { code: '200000', data: { orderId: '1' } } }),
      ask: (exchange, symbol) =>
        exchange.createOrder(symbol, 'market', 'buy', quantity, undefined, { ...UNIFIED, triggerPrice: STOP_PRICE }),
      sees: ({ body }) => assert.ok(!('stop' in (body as object))),
    },
    {
      exchange: 'kucoin',
      what: 'nothing found is an order without an id',
      options: { hf: true, uta: false },
      routes: (venue) => venue.shows([], [], ID),
      ask: (exchange, symbol) => exchange.fetchOrder('', symbol, UNIFIED),
      sees: (_, result) => assert.equal(result?.id, undefined),
    },
    {
      exchange: 'bitget',
      what: "in its unified account a market buy's quantity goes where the venue reads money",
      options: { uta: false },
      routes: () => ({ 'POST /api/v3/trade/place-order': { code: '00000', msg: 'success', data: { orderId: '1' } } }),
      ask: (exchange, symbol) => {
        exchange.options['uta'] = true;
        return exchange.createOrder(symbol, 'market', 'buy', quantity, undefined, UNIFIED);
      },
      sees: ({ body }) => assert.equal((body as Record<string, string>)['qty'], QUANTITY),
    },
    {
      exchange: 'bitget',
      what: 'in its unified account a stop goes out as an ordinary order',
      options: { uta: false },
      routes: () => ({ 'POST /api/v3/trade/place-order': { code: '00000', msg: 'success', data: { orderId: '1' } } }),
      ask: (exchange, symbol) => {
        exchange.options['uta'] = true;
        return exchange.createOrder(symbol, 'market', 'sell', quantity, undefined, { triggerPrice: STOP_PRICE });
      },
      sees: ({ route }) => assert.equal(route, 'POST /api/v3/trade/place-order'),
    },
    {
      exchange: 'gate',
      what: 'a stop bears our id where the order that it sends does not',
      routes: () => ({ 'POST /api/v4/spot/price_orders': { id: '1' } }),
      ask: (exchange, symbol) =>
        exchange.createOrder(symbol, 'limit', 'sell', quantity, price, { ...UNIFIED, triggerPrice: STOP_PRICE }),
      sees: ({ body }) => {
        const { put, trigger } = body as Record<'put' | 'trigger', Record<string, string>>;
        assert.equal(trigger['text'], ID);
        assert.equal(put['text'], undefined);
      },
    },
    {
      exchange: 'gate',
      what: 'canceling by the unified id asks for the end of every order',
      routes: () => ({ 'DELETE /api/v4/spot/orders/': [] }),
      ask: (exchange, symbol) => exchange.cancelOrder('', symbol, UNIFIED),
      sees: ({ route }) => assert.equal(route, 'DELETE /api/v4/spot/orders/'),
    },
  ];
  for (const { exchange: name, what, options = {}, routes, ask, sees } of unaided) {
    test(`the library by itself, ${name}: ${what}`, () =>
      withVenue(name, options, async (venue, { exchange, during }) => {
        let result: unknown;
        const requests = await during({ ...venue.acknowledges(ID), ...routes?.(venue) }, async () => {
          result = await ask(exchange, venue.symbol);
        });
        assert.equal(requests.length, 1);
        sees(requests[0]!, result as { id?: string } | undefined);
      }));
  }
});
