import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { promisify } from 'node:util';

import fc from 'fast-check';

import { assetsOf } from '../../adapters/paper/book.ts';
import { PaperAdapter, type PaperOptions } from '../../adapters/paper/paper-adapter.ts';
import type { OrderTicket } from '../../adapters/venue-adapter.ts';
import type { OrderType, Side, TimeInForce } from '../../domain/alert.ts';
import { add, compare, multiply, subtract } from '../../domain/decimal.ts';
import type { VenueOrder } from '../../domain/venue-order.ts';
import { RUNS } from '../support/property-runs.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-paper-'));
const opened: PaperAdapter[] = [];
after(async () => {
  for (const adapter of opened) await adapter.close();
  rmSync(root, { recursive: true, force: true });
});

const BALANCES = { USDT: '100000', BTC: '1' };
let names = 0;
const newFile = (): string => join(root, `book-${names++}.db`);

async function open(options: Partial<PaperOptions> = {}): Promise<PaperAdapter> {
  const adapter = new PaperAdapter({ file: newFile(), balances: BALANCES, prices: {}, ...options });
  opened.push(adapter);
  await adapter.open();
  return adapter;
}

/** A ticket to buy a tenth of a bitcoin at the market, where it is seen at `referencePrice`. */
function ticket(clientOrderId: string, referencePrice: string, change: Partial<OrderTicket> = {}): OrderTicket {
  const base = { symbol: 'BTC/USDT', side: 'buy', type: 'market', quantity: '0.1' } as const;
  return { clientOrderId, referencePrice, notAfter: Date.now() + 60_000, ...base, ...change };
}

/** Shows the market a price: a tiny order whose own fate does not matter. */
const see = (adapter: PaperAdapter, price: string): Promise<unknown> =>
  adapter.place(ticket(`see-${names++}`, price, { quantity: '0.00000001' }));

async function placed(adapter: PaperAdapter, wanted: OrderTicket): Promise<VenueOrder> {
  const placement = await adapter.place(wanted);
  return placement.kind === 'accepted' ? placement.order : assert.fail(JSON.stringify(placement));
}

async function refused(adapter: PaperAdapter, wanted: OrderTicket): Promise<string> {
  const placement = await adapter.place(wanted);
  assert.ok('reason' in placement, JSON.stringify(placement));
  assert.ok(placement.reason.message !== '' && placement.reason.fix !== null);
  return `${placement.kind} ${placement.reason.code}`;
}

const statusOf = async (adapter: PaperAdapter, id: string): Promise<string> => {
  const order = await adapter.fetch(ticket(id, '1'));
  return order === null
    ? 'none'
    : order.averagePrice === null
      ? order.status
      : `${order.status} at ${order.averagePrice}`;
};

const lookup = (clientOrderId: string) => ({ clientOrderId, symbol: 'BTC/USDT', lostAt: 0, now: 0 });

test('a market order fills whole at the price that the alert brought', async () => {
  const adapter = await open();
  const order = await placed(adapter, ticket('a', '67500.50'));
  assert.match(order.venueOrderId, /^paper-\d+$/);
  assert.deepEqual([order.status, order.filledQuantity, order.averagePrice], ['filled', '0.1', '67500.50']);
  assert.deepEqual(
    order.fills?.map(({ quantity, price }) => [quantity, price]),
    [['0.1', '67500.50']],
  );
  assert.deepEqual(await adapter.balances(), { BTC: '1.1', USDT: '93249.95' });
  await placed(adapter, ticket('b', '70000', { side: 'sell', quantity: '1.1' }));
  assert.deepEqual(await adapter.balances(), { BTC: '0', USDT: '170249.95' });
});

// Rows: an order placed where the market is at 100, what becomes of it there, and at each price seen afterwards.
const LIVES: [string, Partial<OrderTicket>, string, [string, string][]][] = [
  [
    'buy limit below',
    { type: 'limit', limitPrice: '90' },
    'working',
    [
      ['95', 'working'],
      ['90', 'filled at 90'],
    ],
  ],
  ['buy limit below, price falls through', { type: 'limit', limitPrice: '90' }, 'working', [['80', 'filled at 90']]],
  ['buy limit at the price', { type: 'limit', limitPrice: '100' }, 'filled at 100', []],
  ['buy limit above', { type: 'limit', limitPrice: '110' }, 'filled at 100', []],
  [
    'sell limit above',
    { side: 'sell', type: 'limit', limitPrice: '110' },
    'working',
    [
      ['109.99', 'working'],
      ['120', 'filled at 110'],
    ],
  ],
  ['sell limit below', { side: 'sell', type: 'limit', limitPrice: '90' }, 'filled at 100', []],
  [
    'buy stop',
    { type: 'stop', stopPrice: '110' },
    'working',
    [
      ['90', 'working'],
      ['109.99', 'working'],
      ['112', 'filled at 112'],
    ],
  ],
  [
    'sell stop',
    { side: 'sell', type: 'stop', stopPrice: '90' },
    'working',
    [
      ['90.01', 'working'],
      ['90', 'filled at 90'],
    ],
  ],
  [
    'buy stop-limit that the price jumps over',
    { type: 'stop_limit', stopPrice: '110', limitPrice: '111' },
    'working',
    [
      ['120', 'working'],
      ['112', 'working'],
      ['111', 'filled at 111'],
    ],
  ],
  [
    'sell stop-limit that stays triggered when the price comes back',
    { side: 'sell', type: 'stop_limit', stopPrice: '90', limitPrice: '95' },
    'working',
    [
      ['89', 'working'],
      ['94', 'working'],
      ['96', 'filled at 95'],
    ],
  ],
  ['limit, at once or not', { type: 'limit', limitPrice: '90', timeInForce: 'ioc' }, 'canceled', [['80', 'canceled']]],
  ['limit, whole or not, that can fill', { type: 'limit', limitPrice: '110', timeInForce: 'fok' }, 'filled at 100', []],
];

for (const [name, change, first, later] of LIVES) {
  test(`the life of an order: ${name}`, async () => {
    const adapter = await open();
    await placed(adapter, ticket('a', '100', change));
    assert.equal(await statusOf(adapter, 'a'), first);
    for (const [price, expected] of later) {
      await see(adapter, price);
      assert.equal(await statusOf(adapter, 'a'), expected, `at ${price}`);
    }
  });
}

test('a stop-limit that a price triggers within its limit takes that price', async () => {
  const adapter = await open();
  await placed(adapter, ticket('a', '100', { type: 'stop_limit', stopPrice: '110', limitPrice: '120' }));
  await see(adapter, '112');
  assert.equal(await statusOf(adapter, 'a'), 'filled at 112');
});

test('a stop-limit that is good at once or not waits for its trigger first', async () => {
  const adapter = await open();
  const wanted = ticket('a', '100', { type: 'stop_limit', stopPrice: '110', limitPrice: '120', timeInForce: 'ioc' });
  assert.equal((await placed(adapter, wanted)).status, 'working');
});

test('a stop that would trigger where it is placed is rejected', async () => {
  const adapter = await open();
  const rows: [Side, OrderType, string, boolean][] = [
    ['buy', 'stop', '100', true],
    ['buy', 'stop', '99.99', true],
    ['buy', 'stop', '100.01', false],
    ['sell', 'stop', '100', true],
    ['sell', 'stop', '100.01', true],
    ['sell', 'stop', '99.99', false],
    ['buy', 'stop_limit', '100', true],
    ['sell', 'stop_limit', '99.99', false],
  ];
  for (const [i, [side, type, stopPrice, rejects]] of rows.entries()) {
    const wanted = ticket(`s-${i}`, '100', {
      side,
      type,
      stopPrice,
      quantity: '0.01',
      ...(type === 'stop_limit' ? { limitPrice: '100' } : {}),
    });
    if (rejects) assert.equal(await refused(adapter, wanted), 'rejected STOP_WOULD_TRIGGER', JSON.stringify(wanted));
    else assert.equal((await placed(adapter, wanted)).status, 'working');
  }
});

test('the price is that of the alert, else of the configuration, else a built-in one, else there is none', async () => {
  const adapter = await open({ prices: { 'BTC/USDT': '60000', 'SOL/USDT': '150' } });
  const { referencePrice: _seen, ...unpriced } = ticket('', '1', { quantity: '1' });
  const priceOf = async (symbol: string, more: Partial<OrderTicket> = {}): Promise<unknown> =>
    (await placed(adapter, { ...unpriced, symbol, clientOrderId: symbol + names++, ...more })).averagePrice;
  assert.equal(await priceOf('BTC/USDT', { referencePrice: '50000' }), '50000');
  assert.deepEqual([await priceOf('BTC/USDT', { side: 'sell' }), await priceOf('SOL/USDT')], ['60000', '150']);
  assert.deepEqual([await priceOf('ETH/USDT'), await priceOf('ES')], ['3500', '4420']);
  const other = await open({ balances: { USD: '10' } });
  assert.equal((await placed(other, { ...unpriced, symbol: 'EUR/USD', clientOrderId: 'e' })).averagePrice, '1.0850');
  for (const symbol of ['XRP/USDT', 'btc/usdt', 'constructor', '__proto__']) {
    const wanted = { ...unpriced, symbol, clientOrderId: symbol };
    assert.equal(await refused(adapter, wanted), 'denied NO_REFERENCE_PRICE');
    const plan = await adapter.plan(wanted);
    assert.ok(plan.kind === 'refused' && plan.reason.code === 'NO_REFERENCE_PRICE');
    assert.equal((await adapter.find(lookup(symbol))).kind, 'absent');
  }
  assert.equal((await adapter.plan(ticket('x', '1'))).kind, 'ready');
});

test('what an order costs must be there, less what open orders would spend', async () => {
  const adapter = await open({ balances: { USDT: '100', BTC: '1' } });
  const buy = (id: string, quantity: string, more: Partial<OrderTicket> = {}): OrderTicket =>
    ticket(id, '100', { quantity, ...more });
  assert.equal(await refused(adapter, buy('a', '1.00000001')), 'rejected INSUFFICIENT_FUNDS');
  assert.equal((await placed(adapter, buy('b', '0.5', { type: 'limit', limitPrice: '80' }))).status, 'working');
  assert.equal(await refused(adapter, buy('c', '0.60000001')), 'rejected INSUFFICIENT_FUNDS');
  assert.equal(
    await refused(adapter, buy('d', '0.5', { type: 'stop', stopPrice: '121' })),
    'rejected INSUFFICIENT_FUNDS',
  );
  assert.equal((await placed(adapter, buy('e', '0.6'))).status, 'filled');
  assert.deepEqual(await adapter.balances(), { BTC: '1.6', USDT: '40' });
  await adapter.cancel(ticket('b', '1'));
  assert.equal((await placed(adapter, buy('f', '0.4'))).status, 'filled');

  const sell = (id: string, quantity: string, more: Partial<OrderTicket> = {}): OrderTicket =>
    buy(id, quantity, { side: 'sell', ...more });
  assert.equal(await refused(adapter, sell('g', '2.00000001')), 'rejected INSUFFICIENT_FUNDS');
  await placed(adapter, sell('h', '1.5', { type: 'limit', limitPrice: '120' }));
  assert.equal(await refused(adapter, sell('i', '0.50000001')), 'rejected INSUFFICIENT_FUNDS');
  assert.equal((await placed(adapter, sell('j', '0.5'))).status, 'filled');
  assert.equal(await refused(adapter, ticket('k', '1', { symbol: 'SOL/EUR' })), 'rejected INSUFFICIENT_FUNDS');
});

test('a contract without a quote is counted and not paid for', async () => {
  const adapter = await open({ balances: {} });
  await placed(adapter, ticket('a', '4420', { symbol: 'ES', quantity: '2' }));
  await placed(adapter, ticket('b', '4420', { symbol: 'ES', quantity: '5', side: 'sell' }));
  assert.deepEqual(await adapter.balances(), { ES: '-3' });
  assert.deepEqual(assetsOf('BTC/USDT:USDT'), { base: 'BTC', quote: 'USDT' });
});

test('no balance falls below zero, however far the price jumps', async () => {
  const adapter = await open({ balances: { USDT: '120' } });
  await placed(adapter, ticket('a', '100', { quantity: '1', type: 'stop', stopPrice: '110' }));
  await see(adapter, '150');
  assert.ok(compare((await adapter.balances())['USDT']!, '0') >= 0, JSON.stringify(await adapter.balances()));
});

test('an order that is sent again is the same order, whatever became of it', async () => {
  const adapter = await open();
  const first = await placed(adapter, ticket('a', '100'));
  assert.deepEqual(await placed(adapter, ticket('a', '200', { quantity: '0.5', notAfter: 0 })), first);
  assert.equal((await adapter.balances())['USDT'], '99990');
  const resting = await placed(adapter, ticket('b', '100', { type: 'limit', limitPrice: '90' }));
  await see(adapter, '80');
  assert.equal((await placed(adapter, ticket('b', '100'))).averagePrice, '90');
  assert.equal((await placed(adapter, ticket('b', '100'))).venueOrderId, resting.venueOrderId);
  await placed(adapter, ticket('c', '100', { type: 'limit', limitPrice: '90' }));
  await adapter.cancel(ticket('c', '1'));
  assert.equal((await placed(adapter, ticket('c', '50'))).status, 'canceled');
});

test('an order that is sent again is the same order, also when its market has lost its price', async () => {
  const file = newFile();
  const { referencePrice: _seen, ...unpriced } = ticket('a', '1', { symbol: 'SOL/USDT' });
  const before = await open({ file, prices: { 'SOL/USDT': '150' } });
  await placed(before, unpriced);
  await before.close();
  assert.equal((await placed(await open({ file }), unpriced)).status, 'filled');
});

test('from its time limit on an order is expired, and nothing is booked', async (t) => {
  const adapter = await open();
  t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
  assert.equal(await refused(adapter, ticket('a', '100', { notAfter: 1_000_000 })), 'expired TOO_LATE_TO_SEND');
  assert.equal(await refused(adapter, ticket('a', '100', { notAfter: 0 })), 'expired TOO_LATE_TO_SEND');
  assert.equal((await adapter.find(lookup('a'))).kind, 'absent');
  assert.deepEqual(await adapter.balances(), { BTC: '1', USDT: '100000' });
  assert.equal((await placed(adapter, ticket('a', '100', { notAfter: 1_000_001 }))).status, 'filled');
});

test('an order is found under its id, and canceled once', async () => {
  const adapter = await open();
  const order = await placed(adapter, ticket('a', '100', { type: 'limit', limitPrice: '90' }));
  assert.deepEqual(await adapter.find(lookup('a')), { kind: 'found', order });
  assert.equal((await adapter.find(lookup('A'))).kind, 'absent');
  for (const _again of [1, 2]) {
    const canceled = await adapter.cancel(ticket('a', '1'));
    assert.ok(
      canceled.kind === 'settled' && canceled.order.status === 'canceled' && canceled.order.filledQuantity === '0',
    );
  }
  await see(adapter, '50');
  assert.equal(await statusOf(adapter, 'a'), 'canceled');
  await placed(adapter, ticket('b', '100'));
  const late = await adapter.cancel(ticket('b', '1'));
  assert.ok(late.kind === 'settled' && late.order.status === 'filled');
  assert.equal((await adapter.cancel(ticket('none', '1'))).kind, 'unknown');
  assert.equal(await statusOf(adapter, 'none'), 'none');
});

test('one price is seen by every open order of its symbol, and by none of another', async () => {
  const adapter = await open({ balances: { ...BALANCES, ETH: '10' } });
  await placed(adapter, ticket('a', '100', { type: 'limit', limitPrice: '90' }));
  await placed(adapter, ticket('b', '100', { type: 'limit', limitPrice: '85' }));
  await placed(adapter, ticket('c', '100', { type: 'limit', limitPrice: '90', symbol: 'ETH/USDT' }));
  await see(adapter, '80');
  const statuses = await Promise.all(['a', 'b', 'c'].map((id) => statusOf(adapter, id)));
  assert.deepEqual(statuses, ['filled at 90', 'filled at 85', 'working']);
});

test('a restart keeps orders and balances, and opening balances are for a new book only', async () => {
  const file = newFile();
  const before = await open({ file });
  const order = await placed(before, ticket('a', '100'));
  await placed(before, ticket('b', '100', { type: 'stop_limit', stopPrice: '110', limitPrice: '111' }));
  await see(before, '120');
  const kept = await before.balances();
  await before.close();
  const again = await open({ file, balances: { USDT: '5', XRP: '5' } });
  assert.deepEqual(await again.balances(), kept);
  assert.deepEqual(await again.find(lookup('a')), { kind: 'found', order });
  await see(again, '105');
  assert.equal(await statusOf(again, 'b'), 'filled at 111');
});

test('two handles on one file are one venue', async () => {
  const file = newFile();
  const [one, two] = [await open({ file }), await open({ file })];
  const order = await placed(one, ticket('a', '100', { type: 'limit', limitPrice: '90' }));
  assert.deepEqual(await placed(two, ticket('a', '100')), order);
  await see(two, '80');
  assert.equal(await statusOf(one, 'a'), 'filled at 90');
  assert.deepEqual(await one.balances(), await two.balances());
});

test('processes that send the same orders at the same time make each order once', async () => {
  const file = newFile();
  const code = `
    const { PaperAdapter } = await import(process.argv[1]);
    const adapter = new PaperAdapter({ file: process.argv[2], balances: { USDT: '1000' }, prices: {} });
    await adapter.open();
    const base = { symbol: 'BTC/USDT', side: 'buy', type: 'market', quantity: '1', referencePrice: '1', notAfter: Date.now() + 60000 };
    const placements = [];
    for (let i = 0; i < 40; i++) placements.push(await adapter.place({ ...base, clientOrderId: 'o-' + i }));
    console.log(JSON.stringify(placements));`;
  const adapterUrl = pathToFileURL(join(import.meta.dirname, '../../adapters/paper/paper-adapter.ts')).href;
  const args = ['--disable-warning=ExperimentalWarning', '--input-type=module', '-e', code, adapterUrl, file];
  const runs = await Promise.all([1, 2, 3].map(() => promisify(execFile)(process.execPath, args)));
  assert.equal(new Set(runs.map(({ stdout }) => stdout)).size, 1);
  assert.deepEqual(await (await open({ file })).balances(), { BTC: '40', USDT: '960' });
});

test('a book that is not open says so, and closing twice is no fault', async () => {
  const adapter = new PaperAdapter({ file: newFile(), balances: {}, prices: {} });
  await assert.rejects(adapter.place(ticket('a', '1')), /not open/);
  await adapter.open();
  await adapter.open();
  await adapter.close();
  await adapter.close();
});

const anyPrice = fc.integer({ min: 50, max: 150 }).map(String);
const step = fc.record({
  cancel: fc.option(fc.nat(15)),
  order: fc.record({
    symbol: fc.constantFrom('BTC/USDT', 'ETH/USDT'),
    side: fc.constantFrom<Side>('buy', 'sell'),
    type: fc.constantFrom<OrderType>('market', 'limit', 'stop', 'stop_limit'),
    quantity: fc.integer({ min: 1, max: 30 }).map((tenths) => String(tenths / 10)),
    limitPrice: anyPrice,
    stopPrice: anyPrice,
    referencePrice: anyPrice,
    timeInForce: fc.constantFrom<TimeInForce>('gtc', 'gtc', 'ioc'),
  }),
});

test('what is bought is paid for and what is sold is paid out, to the last digit', async () => {
  const opening = { BTC: '5', ETH: '5', USDT: '1000' };
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 16 }), async (steps) => {
      const adapter = new PaperAdapter({ file: ':memory:', balances: opening, prices: {} });
      await adapter.open();
      const tickets = steps.map(({ order: { limitPrice, stopPrice, ...order } }, i): OrderTicket => ({
        ...order,
        ...(order.type.includes('limit') ? { limitPrice } : {}),
        ...(order.type.includes('stop') ? { stopPrice } : {}),
        clientOrderId: `o-${i}`,
        notAfter: Infinity,
      }));
      for (const [i, wanted] of tickets.entries()) {
        await adapter.place(wanted);
        const canceled = tickets[steps[i]!.cancel ?? -1];
        if (canceled !== undefined) await adapter.cancel(canceled);
      }
      const expected: Record<string, string> = { ...opening };
      for (const { clientOrderId, symbol, side, limitPrice } of tickets) {
        const found = await adapter.find(lookup(clientOrderId));
        if (found.kind !== 'found' || found.order.status !== 'filled') continue;
        const { filledQuantity, averagePrice, fills } = found.order;
        assert.equal(fills?.length, 1);
        const worse = limitPrice !== undefined && compare(averagePrice!, limitPrice) === (side === 'buy' ? 1 : -1);
        assert.ok(!worse, `filled at ${averagePrice}, beyond its limit ${limitPrice}`);
        const { base, quote } = assetsOf(symbol);
        const [got, gave] = side === 'buy' ? [add, subtract] : [subtract, add];
        expected[base] = got(expected[base]!, filledQuantity);
        expected[quote!] = gave(expected[quote!]!, multiply(filledQuantity, averagePrice!));
      }
      assert.deepEqual(await adapter.balances(), expected);
      await adapter.close();
    }),
    RUNS,
  );
});
