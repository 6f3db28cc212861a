import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, test } from 'node:test';

import { PaperAdapter, type PaperOptions } from '../../adapters/paper/paper-adapter.ts';
import type { OrderTicket } from '../../adapters/venue-adapter.ts';
import type { Side } from '../../domain/alert.ts';
import { legId } from '../../domain/ids.ts';
import type { VenueOrder } from '../../domain/venue-order.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-paper-bracket-'));
const opened: PaperAdapter[] = [];
after(async () => {
  for (const adapter of opened) await adapter.close();
  rmSync(root, { recursive: true, force: true });
});

let names = 0;
const newFile = (): string => join(root, `book-${(names += 1)}.db`);

async function open(options: Partial<PaperOptions> = {}): Promise<PaperAdapter> {
  const balances = { USDT: '1000', BTC: '1' };
  const adapter = new PaperAdapter({ file: newFile(), balances, prices: {}, ...options });
  opened.push(adapter);
  await adapter.open();
  return adapter;
}

/** A ticket without a price of its own, as legs are. */
const leg = (clientOrderId: string, change: Partial<OrderTicket> = {}): OrderTicket => {
  const base = { symbol: 'BTC/USDT', side: 'sell', type: 'bracket', quantity: '0.5' } as const;
  return { clientOrderId, notAfter: Date.now() + 60_000, ...base, ...change };
};

const ID = legId('A'.repeat(26), 'protection', 0, 0);
const LONG = { side: 'sell', stopPrice: '90', limitPrice: '110' } as const;
const SHORT = { side: 'buy', stopPrice: '110', limitPrice: '90' } as const;

/** Shows the market a price: a tiny order whose own fate does not matter. */
const see = (adapter: PaperAdapter, price: string): Promise<unknown> =>
  adapter.place(
    leg(`see${(names += 1)}`, { side: 'buy', type: 'market', quantity: '0.00000001', referencePrice: price }),
  );

async function placed(adapter: PaperAdapter, ticket: OrderTicket): Promise<VenueOrder> {
  const placement = await adapter.place(ticket);
  return placement.kind === 'accepted' ? placement.order : assert.fail(JSON.stringify(placement));
}

async function stateOf(adapter: PaperAdapter, id: string): Promise<string> {
  const order = await adapter.fetch(leg(id));
  return order === null ? 'none' : [order.status, order.averagePrice].filter((part) => part !== null).join(' at ');
}

// Rows: protection placed where the market is at 100, and what becomes of it at each price seen afterwards.
const LIVES: [string, { side: Side; stopPrice: string; limitPrice: string }, [string, string][]][] = [
  [
    'a long one reaches its target',
    LONG,
    [
      ['109.99', 'working'],
      ['110', 'filled at 110'],
      ['80', 'filled at 110'],
    ],
  ],
  ['a long one jumps over its target', LONG, [['130', 'filled at 110']]],
  [
    'a long one reaches its stop',
    LONG,
    [
      ['90.01', 'working'],
      ['90', 'filled at 90'],
      ['120', 'filled at 90'],
    ],
  ],
  ['a long one falls through its stop', LONG, [['70', 'filled at 70']]],
  [
    'a short one reaches its target',
    SHORT,
    [
      ['90.01', 'working'],
      ['90', 'filled at 90'],
      ['120', 'filled at 90'],
    ],
  ],
  ['a short one falls through its target', SHORT, [['70', 'filled at 90']]],
  [
    'a short one reaches its stop',
    SHORT,
    [
      ['109.99', 'working'],
      ['110', 'filled at 110'],
    ],
  ],
  ['a short one jumps over its stop', SHORT, [['120', 'filled at 120']]],
];

for (const [name, change, seen] of LIVES) {
  test(`a stop and a target of which one ends the other: ${name}`, async () => {
    const adapter = await open();
    await see(adapter, '100');
    assert.equal((await placed(adapter, leg(ID, change))).status, 'working');
    for (const [price, expected] of seen) {
      await see(adapter, price);
      assert.equal(await stateOf(adapter, ID), expected, `at ${price}`);
    }
  });
}

test('whatever price ends it, it trades once, and whole', async () => {
  const adapter = await open({ balances: { USDT: '1000', BTC: '1' } });
  await see(adapter, '100');
  await placed(adapter, leg(ID, LONG));
  const before = Number((await adapter.balances())['BTC']);
  for (const price of ['110', '90', '120', '80']) await see(adapter, price);
  const { BTC } = await adapter.balances();
  assert.equal((Number(BTC) - before + 0.5).toFixed(6), '0.000000');
  const { order } = (await adapter.find({ clientOrderId: ID, symbol: 'BTC/USDT', lostAt: 0, now: 0 })) as {
    order: VenueOrder;
  };
  assert.deepEqual([order.filledQuantity, order.fills?.length], ['0.5', 1]);
});

test('one whose stop would trigger where it is placed is rejected, and nothing is booked', async () => {
  const rows: [object, string, boolean][] = [
    [LONG, '90', true],
    [LONG, '89', true],
    [LONG, '90.01', false],
    [SHORT, '110', true],
    [SHORT, '111', true],
    [SHORT, '109.99', false],
  ];
  for (const [change, price, isRejected] of rows) {
    const adapter = await open();
    await see(adapter, price);
    const placement = await adapter.place(leg(ID, change));
    const found = 'reason' in placement ? `${placement.kind} ${placement.reason.code}` : placement.kind;
    assert.equal(
      found,
      isRejected ? 'rejected STOP_WOULD_TRIGGER' : 'accepted',
      `${JSON.stringify(change)} at ${price}`,
    );
    assert.equal(await stateOf(adapter, ID), isRejected ? 'none' : 'working');
  }
});

test('one whose target is reached where it is placed takes what the market gives', async () => {
  const adapter = await open();
  await see(adapter, '115');
  const { status, averagePrice } = await placed(adapter, leg(ID, LONG));
  assert.deepEqual([status, averagePrice], ['filled', '115']);
});

test('what it may cost is kept for it: what is to be sold, or the worse of its prices', async () => {
  const long = await open({ balances: { BTC: '1', USDT: '1' } });
  await see(long, '100');
  await placed(long, leg(ID, { ...LONG, quantity: '0.75' }));
  const sell = (quantity: string) => leg(`s${(names += 1)}`, { type: 'market', quantity, referencePrice: '100' });
  assert.equal((await long.place(sell('0.26'))).kind, 'rejected');
  assert.equal((await long.place(sell('0.25'))).kind, 'accepted');

  const short = await open({ balances: { USDT: '100.1' } });
  await see(short, '100');
  // At its stop it would cost 55.
  await placed(short, leg(ID, SHORT));
  const buy = (quantity: string) =>
    leg(`b${(names += 1)}`, { side: 'buy', type: 'market', quantity, referencePrice: '100' });
  assert.equal((await short.place(buy('0.451'))).kind, 'rejected');
  assert.equal((await short.place(buy('0.45'))).kind, 'accepted');
  await see(short, '110');
  assert.equal(await stateOf(short, ID), 'filled at 110');
});

test('one that is canceled gives back what was kept for it, and trades no more', async () => {
  const adapter = await open({ balances: { BTC: '0.5', USDT: '1' } });
  await see(adapter, '100');
  await placed(adapter, leg(ID, LONG));
  const other = leg('other', { type: 'limit', limitPrice: '200', quantity: '0.5' });
  assert.equal((await adapter.place(other)).kind, 'rejected');
  assert.equal((await adapter.cancel(leg(ID))).kind, 'settled');
  assert.equal((await adapter.place({ ...other, referencePrice: '100' })).kind, 'accepted');
  await see(adapter, '80');
  assert.equal(await stateOf(adapter, ID), 'canceled');
});

test('a leg trades where its market was seen last, also in another process and where no price is configured', async () => {
  const file = newFile();
  const before = await open({ file, balances: { SOL: '5', USDT: '1000' }, prices: { 'BTC/USDT': '1' } });
  const exit = { symbol: 'SOL/USDT', type: 'market' } as const;
  assert.equal((await before.plan(leg(ID, exit))).kind, 'refused');
  await placed(before, leg('entry', { ...exit, side: 'buy', referencePrice: '150' }));
  await before.close();
  const again = await open({ file });
  assert.equal((await again.plan(leg(ID, exit))).kind, 'ready');
  assert.equal((await placed(again, leg(ID, exit))).averagePrice, '150');
  // The seen price, not the configured one: that is where the entry was filled.
  const other = await open({ prices: { 'BTC/USDT': '100' } });
  await see(other, '120');
  assert.equal((await placed(other, leg(ID, { type: 'market' }))).averagePrice, '120');
});

test('a book of before there were legs is opened, and learns its prices', async () => {
  const file = newFile();
  const before = await open({ file });
  await see(before, '100');
  await before.close();
  const book = new DatabaseSync(file);
  book.exec('DROP TABLE seen_prices');
  book.close();
  const again = await open({ file });
  await see(again, '105');
  assert.equal((await placed(again, leg(ID, { type: 'market' }))).averagePrice, '105');
});
