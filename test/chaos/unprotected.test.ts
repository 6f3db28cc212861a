import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { OrderStory } from '../../ingress/order-book.ts';
import type { Fill, Order } from '../simulators/binance-spot/start-simulator.ts';
import type { Sent } from './sender.ts';
import { unprotectedOf } from './unprotected.ts';

// For how long a position may have no stop depends on what was lost of it, and on what else was dead.

const BOUND = { windowMs: 1_000, engineMs: 1_000, marginMs: 1_000 };
const order = (orderId: number, type: string, from: number, to = from): Order =>
  ({
    orderId,
    type,
    orderListId: type === 'MARKET' ? -1 : 1,
    origQty: '0.01',
    status: 'CANCELED',
    bookedAt: from,
    updateTime: to,
  }) as unknown as Order;
const fill = (orderId: number, qty: string, time: number): Fill =>
  ({ orderId, qty, time, isBuyer: false, commission: '0', commissionAsset: 'USDT' }) as unknown as Fill;

const ENTRY = order(1, 'MARKET', 1_000);
const BOUGHT = fill(1, '0.01', 1_000);
const PAIR = [order(2, 'STOP_LOSS', 9_000, 20_000), order(3, 'LIMIT_MAKER', 9_000, 30_000)];
/** Bought at 1 s, protected at 9 s, sold in part at 20 s and for the rest at 30 s. */
const POSITION = {
  entries: [ENTRY],
  exits: PAIR,
  fills: [BOUGHT, fill(3, '0.004', 20_000), fill(3, '0.006', 30_000)],
};

function found(outages: Parameters<typeof unprotectedOf>[2], asked: readonly number[] = []) {
  const events = asked.map((at) => ({ at: new Date(at).toISOString(), kind: 'findOrder_scheduled', detail: null }));
  const trial = { sent: { id: 'one' } as Sent, story: { events } as unknown as OrderStory };
  return unprotectedOf(trial, POSITION, outages, BOUND).map(({ ms, limitMs, because }) => [because, ms, limitMs]);
}

test('what nothing was lost of has five seconds, and five more where its target has begun to trade', () => {
  assert.deepEqual(found([]), [
    ['none', 8_000, 5_000],
    ['target', 10_000, 10_000],
  ]);
});

test('an order that is asked for takes as long as the proof of its absence, each time that it is lost', () => {
  assert.deepEqual(found([], [3_000])[0], ['lost', 8_000, 13_000]);
  assert.deepEqual(found([], [3_000, 7_000])[0], ['lost', 8_000, 16_000]);
  assert.deepEqual(found([], [15_000])[0], ['none', 8_000, 5_000]);
});

test('what was dead does not count until it is back; what stands still does, for which there is no bound', () => {
  assert.deepEqual(found([{ from: 2_000, to: 5_000, isFreeze: false }]).slice(0, 2), [
    ['none', 1_000, 5_000],
    ['none', 4_000, 5_000],
  ]);
  assert.deepEqual(found([{ from: 2_000, to: 5_000, isFreeze: true }]).slice(0, 2), [
    ['none', 1_000, 5_000],
    ['frozen', 7_000, Infinity],
  ]);
});
