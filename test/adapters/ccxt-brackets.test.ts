import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { CcxtAdapter } from '../../adapters/ccxt/ccxt-adapter.ts';
import { profileOf, PROFILED_EXCHANGES } from '../../adapters/ccxt/profile.ts';
import type { AdapterLookup, OrderTicket } from '../../adapters/venue-adapter.ts';
import type { Placement } from '../../domain/outcome.ts';
import type { VenueOrder } from '../../domain/venue-order.ts';
import type { FaultRule, RequestRecord, Simulator } from '../simulators/binance-spot/start-simulator.ts';
import { BOUND, startVenue } from '../support/live-desk.ts';

// A stop and a target of which one ends the other, sent by the real exchange library to the simulated exchange.

const OCO = '/api/v3/orderList/oco';

let venue: Simulator;
let adapter: CcxtAdapter;
before(async () => {
  venue = await startVenue();
  adapter = await openAdapter();
});

async function openAdapter(): Promise<CcxtAdapter> {
  const ignore = (): void => undefined;
  const opened = new CcxtAdapter({
    exchange: 'binance',
    mode: 'live',
    apiKey: 'demo-key',
    apiSecret: 'demo-secret',
    httpOrigin: venue.origin,
    options: {},
    profile: profileOf('binance', false)!,
    bound: BOUND,
    breaker: { threshold: 100, openMs: 1_000, onState: ignore },
    onCall: ignore,
    onTrouble: ignore,
  });
  await opened.open();
  return opened;
}
after(async () => {
  await adapter?.close();
  await venue?.stop();
});

let brackets = 0;
/** Takes out 0.5 ETH that were bought at 3500. */
function bracket(change: Partial<OrderTicket> = {}): OrderTicket {
  brackets += 1;
  return {
    clientOrderId: `7K3BRACKET${String(brackets).padStart(16, '0')}-P0.0`,
    symbol: 'ETH/USDT',
    side: 'sell',
    type: 'bracket',
    quantity: '0.5',
    limitPrice: '3600',
    stopPrice: '3400',
    notAfter: Date.now() + 60_000,
    ...change,
  };
}

/** Puts it the other way round: what takes a sold position out again. */
const BUY = { side: 'buy', limitPrice: '3400', stopPrice: '3600' } as const;

const place = (ticket: OrderTicket, timestamp = Date.now()): Promise<Placement> => adapter.place(ticket, { timestamp });

async function placed(change: Partial<OrderTicket> = {}): Promise<{ ticket: OrderTicket; order: VenueOrder }> {
  await venue.control.price('ETHUSDT', '3500');
  await venue.control.liquidity('ETHUSDT', null);
  const ticket = bracket(change);
  const placement = await place(ticket);
  assert.ok(placement.kind === 'accepted', JSON.stringify(placement));
  return { ticket, order: placement.order };
}

const find = ({ clientOrderId, symbol, type }: OrderTicket, lostAt = Date.now()): Promise<AdapterLookup> =>
  adapter.find({ clientOrderId, symbol, type, lostAt, now: Date.now() });

/** What was asked meanwhile. */
async function during(work: () => Promise<unknown>): Promise<RequestRecord[]> {
  const last = (await venue.control.ledger()).requests.at(-1)?.id ?? 0;
  await work();
  return (await venue.control.ledger(last)).requests;
}

const listsOf = async ({ clientOrderId }: OrderTicket) => {
  const { lists } = await venue.control.ledger();
  return lists.filter(({ listClientOrderId }) => listClientOrderId === clientOrderId);
};

const fault = (ticket: OrderTicket, what: FaultRule['fault'], path = OCO): Promise<unknown> =>
  venue.control.fault({ match: { path, clientOrderId: ticket.clientOrderId }, fault: what });

test('only Binance takes them, as far as anybody has checked', () => {
  assert.deepEqual(
    PROFILED_EXCHANGES.filter((name) => profileOf(name, false)!.brackets !== undefined),
    ['binance'],
  );
  assert.equal(adapter.capabilities.brackets, true);
});

test('what of a bracket can rest is told for each market, and judged as what rests', async (t) => {
  const taken = await adapter.plan(bracket());
  assert.ok(taken.kind === 'ready' && taken.rests === undefined, JSON.stringify(taken));
  await venue.control.symbol('BNBUSDT', { rules: { ocoAllowed: false } });
  t.after(() => venue.control.symbol('BNBUSDT', { rules: { ocoAllowed: true } }));
  const other = await openAdapter();
  t.after(() => other.close());
  const held = bracket({ symbol: 'BNB/USDT', limitPrice: '660', stopPrice: '540.001' });
  const plan = await other.plan(held);
  assert.ok(plan.kind === 'ready' && plan.rests === 'stop', JSON.stringify(plan));
  assert.deepEqual(plan.order, { quantity: '0.5', stopPrice: '540' });
  assert.ok((await other.plan({ ...held, type: 'stop' })).kind === 'ready');
  const small = await other.plan({ ...held, quantity: '0.009' });
  assert.ok(small.kind === 'refused' && small.reason.code === 'NOTIONAL_BELOW_MINIMUM', JSON.stringify(small));
  // Whoever asks for it all the same is refused here, and would be there.
  const refused = await other.place(held, { timestamp: Date.now() });
  assert.ok(refused.kind === 'denied' && refused.reason.code === 'VENUE_CANNOT_TAKE_IT', JSON.stringify(refused));
  const there = await adapter.place(held, { timestamp: Date.now() });
  assert.ok(there.kind === 'rejected' && /OCO orders are not supported/.test(there.reason.message));
});

describe('on the wire', () => {
  const terms = { recvWindow: String(BOUND.windowMs), quantity: '0.5', symbol: 'ETHUSDT' };

  test('a sell has its target above and its stop below, each order under an id of its own, at the pinned time', async () => {
    await venue.control.price('ETHUSDT', '3500');
    const ticket = bracket();
    const id = ticket.clientOrderId;
    const timestamp = Date.now() - 300;
    const requests = await during(() => place(ticket, timestamp));
    assert.deepEqual(
      requests.map(({ method, path, parameters }) => [`${method} ${path}`, parameters]),
      [
        [
          `POST ${OCO}`,
          {
            ...terms,
            side: 'SELL',
            listClientOrderId: id,
            aboveType: 'LIMIT_MAKER',
            abovePrice: '3600',
            aboveClientOrderId: `${id}T`,
            belowType: 'STOP_LOSS',
            belowStopPrice: '3400',
            belowClientOrderId: `${id}S`,
            timestamp: String(timestamp),
          },
        ],
      ],
    );
    for (const name of [id, `${id}T`, `${id}S`]) assert.match(name, profileOf('binance', false)!.idRule);
  });

  test('a buy has it the other way round', async () => {
    await venue.control.price('ETHUSDT', '3500');
    const ticket = bracket(BUY);
    const id = ticket.clientOrderId;
    const [request] = await during(() => place(ticket));
    const { timestamp: _, ...parameters } = request!.parameters;
    assert.deepEqual(parameters, {
      ...terms,
      side: 'BUY',
      listClientOrderId: id,
      aboveType: 'STOP_LOSS',
      aboveStopPrice: '3600',
      aboveClientOrderId: `${id}S`,
      belowType: 'LIMIT_MAKER',
      belowPrice: '3400',
      belowClientOrderId: `${id}T`,
    });
  });

  test('one that arrives after its window is not booked', async () => {
    await venue.control.price('ETHUSDT', '3500');
    const ticket = bracket();
    const placement = await place(ticket, Date.now() - BOUND.windowMs - 1_000);
    assert.equal(placement.kind, 'outside_window');
    assert.deepEqual(await listsOf(ticket), []);
  });
});

describe('while it waits', () => {
  test('it is working under the id of its list, and asking about it costs one request', async () => {
    const { ticket, order } = await placed();
    const [list] = await listsOf(ticket);
    assert.deepEqual(order, {
      venueOrderId: String(list!.orderListId),
      status: 'working',
      filledQuantity: '0',
      averagePrice: null,
    });
    const requests = await during(async () => assert.deepEqual(await adapter.fetch(ticket, order), order));
    assert.deepEqual(
      requests.map(({ method, path }) => `${method} ${path}`),
      ['GET /api/v3/order'],
    );
    assert.deepEqual(await find(ticket), { kind: 'found', order });
  });

  test('it is canceled as a whole', async () => {
    const { ticket, order } = await placed();
    const requests = await during(async () => {
      const end = await adapter.cancel(ticket, order.venueOrderId);
      assert.deepEqual(end, { kind: 'settled', order: { ...order, status: 'canceled' } });
    });
    const { timestamp: _, ...parameters } = requests[0]!.parameters;
    assert.deepEqual(
      [requests[0]!.method, requests[0]!.path, parameters],
      [
        'DELETE',
        '/api/v3/orderList',
        { symbol: 'ETHUSDT', listClientOrderId: ticket.clientOrderId, recvWindow: '10000' },
      ],
    );
    assert.deepEqual(await adapter.cancel(ticket, order.venueOrderId), {
      kind: 'settled',
      order: { ...order, status: 'canceled' },
    });
  });

  test('a lost cancel says how it ended', async () => {
    const { ticket, order } = await placed();
    await fault(ticket, 'execute-then-drop', '/api/v3/orderList');
    const end = await adapter.cancel(ticket, order.venueOrderId);
    assert.equal(end.kind === 'settled' && end.order.status, 'canceled');
  });
});

describe('when a price is reached', () => {
  for (const [what, change, price, at] of [
    ['a sell ends at its target', {}, '3610', '3600'],
    ['a sell ends at its stop', {}, '3390', '3390'],
    ['a buy ends at its target', BUY, '3390', '3400'],
    ['a buy ends at its stop', BUY, '3610', '3610'],
  ] as const) {
    test(`${what}, with the executions of the order that traded`, async () => {
      const { ticket, order } = await placed(change);
      await venue.control.price('ETHUSDT', price);
      const seen = await adapter.fetch(ticket, order);
      assert.deepEqual(
        { ...seen, fills: seen?.fills?.map((fill) => [fill.quantity, fill.price]) },
        { ...order, status: 'filled', filledQuantity: '0.5', averagePrice: at, fills: [['0.5', at]] },
      );
      // A cancel that comes too late tells of the fill.
      assert.equal((await adapter.cancel(ticket, order.venueOrderId)).kind, 'settled');
    });
  }

  test('a target that is filled in part is partly filled; canceled then, it keeps what it has', async () => {
    const { ticket, order } = await placed();
    await venue.control.fill({ clientOrderId: `${ticket.clientOrderId}T`, quantity: '0.2' });
    const partly = { ...order, status: 'partially_filled', filledQuantity: '0.2', averagePrice: '3600' };
    const requests = await during(async () => assert.deepEqual(await adapter.fetch(ticket, order), partly));
    assert.equal(requests.length, 1);
    const end = await adapter.cancel(ticket, order.venueOrderId);
    assert.ok(end.kind === 'settled');
    const { fills, ...rest } = end.order;
    assert.deepEqual(rest, { ...partly, status: 'canceled' });
    assert.deepEqual(
      fills?.map(({ quantity }) => quantity),
      ['0.2'],
    );
  });

  test('a stop that finds too few buyers is over with a part', async () => {
    const { ticket, order } = await placed();
    await venue.control.liquidity('ETHUSDT', '0.3');
    await venue.control.price('ETHUSDT', '3390');
    const seen = await adapter.fetch(ticket, order);
    assert.deepEqual([seen?.status, seen?.filledQuantity, seen?.averagePrice], ['canceled', '0.3', '3390']);
  });
});

describe('refused', () => {
  for (const [what, change] of [
    ['a price beyond the stop', { stopPrice: '3510' }],
    ['a price beyond the target', { limitPrice: '3490' }],
    ['a buy beyond its stop', { ...BUY, stopPrice: '3490' }],
    ['more than there is', { quantity: '5000' }],
  ] as const) {
    test(`${what} is the venue's no`, async () => {
      await venue.control.price('ETHUSDT', '3500');
      const ticket = bracket(change);
      const placement = await place(ticket);
      assert.equal(placement.kind, 'rejected', JSON.stringify(placement));
      assert.deepEqual(await listsOf(ticket), []);
    });
  }
});

describe('lost', () => {
  test('what was booked without an answer is found, and not sent again', async () => {
    await venue.control.price('ETHUSDT', '3500');
    for (const what of ['execute-then-drop', 'status-after', 'engine-timeout-booked', 'truncate', 'empty'] as const) {
      const ticket = bracket();
      await fault(ticket, what === 'empty' ? { kind: what, booked: true } : what);
      const placement = await place(ticket);
      assert.equal(placement.kind, 'unknown', what);
      const found = await find(ticket);
      assert.equal(found.kind === 'found' && found.order.status, 'working', what);
      // Whoever sends it all the same is told that it is there.
      const again = await place(ticket);
      assert.equal(again.kind === 'accepted' && again.order.status, 'working', what);
      assert.equal((await listsOf(ticket)).length, 1, what);
      await adapter.cancel(ticket, '');
    }
  });

  test('what was never booked is proven absent, once no request can arrive any more', async () => {
    const ticket = bracket();
    await fault(ticket, 'drop-before');
    assert.equal((await place(ticket)).kind, 'unknown');
    assert.equal((await find(ticket)).kind, 'cannot_tell');
    const { windowMs, engineMs, marginMs } = BOUND;
    const lostAt = Date.now() - windowMs - engineMs - marginMs - 1_000;
    assert.equal((await find(ticket, lostAt)).kind, 'absent');
  });

  test('the list of all orders is a witness of it too', async () => {
    const { ticket, order } = await placed();
    const lie = { match: { path: '/api/v3/order', clientOrderId: `${ticket.clientOrderId}T` }, times: null };
    await venue.control.fault({ ...lie, fault: 'lie-absent' });
    const found = await find(ticket, Date.now() - 60_000);
    assert.deepEqual(found, { kind: 'found', order });
    await venue.control.clearFaults();
  });

  test('an exchange that cannot be asked has not said that it is not there', async () => {
    const { ticket } = await placed();
    const down = { match: { path: '/api/v3/order', clientOrderId: `${ticket.clientOrderId}T` } };
    await venue.control.fault({ ...down, fault: 'status-before' });
    await assert.rejects(find(ticket));
  });
});
