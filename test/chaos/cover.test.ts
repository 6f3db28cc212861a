import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Fill, Order } from '../simulators/binance-spot/start-simulator.ts';
import { besides, excessOf, gapsOf, type Bookings } from './cover.ts';

// From what the venue has booked of a position follows when it had no stop, to the millisecond.

interface Leg {
  readonly list?: number;
  readonly type: string;
  readonly qty: string;
  readonly from: number;
  readonly to?: number;
}

let count = 0;
const order = ({ list = -1, type, qty, from, to }: Leg): Order =>
  ({
    orderId: (count += 1),
    orderListId: list,
    type,
    origQty: qty,
    bookedAt: from,
    status: to === undefined ? 'NEW' : 'CANCELED',
    updateTime: to ?? from,
  }) as unknown as Order;
const fill = ({ orderId }: Order, qty: string, time: number, isBuyer = false): Fill =>
  ({ orderId, qty, time, isBuyer, commission: '0', commissionAsset: isBuyer ? 'BTC' : 'USDT' }) as unknown as Fill;
const pair = (list: number, qty: string, from: number, to?: number): [Order, Order] => {
  const span = { list, qty, from, ...(to === undefined ? {} : { to }) };
  return [order({ ...span, type: 'STOP_LOSS' }), order({ ...span, type: 'LIMIT_MAKER' })];
};

const entry = order({ type: 'LIMIT', qty: '0.01', from: 50, to: 200 });
const bought = (qty = '0.01', time = 100): Fill => fill(entry, qty, time, true);
const position = (exits: readonly Order[], fills: readonly Fill[]): Bookings => ({ entries: [entry], exits, fills });

test('what is bought is bare until its stop waits, and on where none comes', () => {
  assert.deepEqual(gapsOf(position(pair(1, '0.01', 400), [bought()])), [{ from: 100, to: 400, kind: 'bare' }]);
  assert.deepEqual(gapsOf(position([], [bought()])), [{ from: 100, to: Infinity, kind: 'bare' }]);
});

test('what comes in later is bare until more waits for it, through the time in which nothing does', () => {
  const legs = [...pair(1, '0.004', 150, 500), ...pair(2, '0.01', 600)];
  assert.deepEqual(gapsOf(position(legs, [bought('0.004'), bought('0.006', 300)])), [
    { from: 100, to: 150, kind: 'bare' },
    { from: 300, to: 600, kind: 'bare' },
  ]);
});

test('what the fee has kept, and less than a step, need no stop', () => {
  const fee = { ...bought(), commission: '0.00001' };
  assert.deepEqual(gapsOf(position(pair(1, '0.00999', 100), [fee])), []);
  assert.deepEqual(gapsOf(position(pair(1, '0.009991', 100), [bought()])), []);
});

test('the rest of a target that has begun to trade has no stop, and is told apart', () => {
  const [stop, target] = pair(1, '0.01', 100);
  const ended = { ...stop, status: 'EXPIRED', updateTime: 300 } as Order;
  const sold = [bought(), fill(target, '0.004', 300), fill(target, '0.006', 900)];
  assert.deepEqual(gapsOf(position([ended, target], sold)), [{ from: 300, to: 900, kind: 'target' }]);
});

test('the rest of a stop that is over is bare until the market takes it', () => {
  const [stop, target] = pair(1, '0.01', 100, 300);
  const exit = order({ type: 'MARKET', qty: '0.006', from: 700, to: 700 });
  const sold = [bought(), fill(stop, '0.004', 300), fill(exit, '0.006', 700)];
  assert.deepEqual(gapsOf(position([stop, target, exit], sold)), [{ from: 300, to: 700, kind: 'bare' }]);
});

test('more that waits than is held is seen, however short it was', () => {
  assert.equal(excessOf(position(pair(1, '0.01', 100), [bought()])), '0');
  const both = [...pair(1, '0.01', 100, 301), ...pair(2, '0.01', 300)];
  assert.equal(excessOf(position(both, [bought()])), '0.01');
  const exit = order({ type: 'MARKET', qty: '0.01', from: 300, to: 300 });
  assert.equal(excessOf(position([...pair(1, '0.01', 100, 400), exit], [bought(), fill(exit, '0.01', 300)])), '0.01');
});

test('of a gap counts what lies beside the outages, and what the next kill ended is marked', () => {
  const gap = { from: 100, to: 1_000, kind: 'bare' } as const;
  const lengths = (outages: readonly { from: number; to: number }[], now = 5_000) =>
    besides(gap, outages, now).map(({ ms, isCut }) => [ms, isCut]);
  assert.deepEqual(lengths([]), [[900, false]]);
  assert.deepEqual(lengths([{ from: 50, to: 300 }]), [[700, false]]);
  assert.deepEqual(
    lengths([
      { from: 600, to: 700 },
      { from: 200, to: 300 },
    ]),
    [
      [100, true],
      [300, true],
      [300, false],
    ],
  );
  assert.deepEqual(lengths([{ from: 900, to: 1_200 }]), [[800, true]]);
  assert.deepEqual(besides({ ...gap, to: Infinity }, [], 400), [{ ms: 300, from: 100, to: 400, isCut: false }]);
});
