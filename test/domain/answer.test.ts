import assert from 'node:assert/strict';
import { test } from 'node:test';

import { answerOf, isSettled } from '../../domain/answer.ts';
import { NO_EXITS, type Exits } from '../../domain/exits.ts';
import { NEW_ORDER, type OrderState, type OrderStatus } from '../../domain/order-state.ts';
import { anIntent } from '../support/an-intent.ts';

const REASON = { code: 'A_REASON', message: 'It was so.', fix: null };

const ID = 'order:trend:a-1';

test('each status says whether the alert was carried out, and whether its outcome is known', () => {
  const rows: [OrderStatus, { success: boolean; settled: boolean }][] = [
    ['pending', { success: true, settled: false }],
    ['unknown', { success: false, settled: false }],
    ['working', { success: true, settled: true }],
    ['partially_filled', { success: true, settled: true }],
    ['filled', { success: true, settled: true }],
    ['canceled', { success: true, settled: true }],
    ['dry_run', { success: true, settled: true }],
    ['denied', { success: false, settled: true }],
    ['expired', { success: false, settled: true }],
    ['rejected', { success: false, settled: true }],
    ['failed', { success: false, settled: true }],
    ['closed', { success: true, settled: true }],
  ];
  for (const [status, { success, settled }] of rows) {
    const answer = answerOf(ID, anIntent(), { ...NEW_ORDER, status, reason: REASON });
    const error = success ? null : REASON.message;
    assert.deepEqual([answer.success, answer.error, answer.reason], [success, error, REASON], status);
    assert.equal(isSettled(status), settled, status);
  }
});

test("an answer has the original's three members first, and every member of the contract", () => {
  const filled: OrderState = {
    ...NEW_ORDER,
    status: 'filled',
    venueOrderId: '28457',
    filledQuantity: '0.01',
    averagePrice: '67500',
    fills: [{ tradeId: '1', quantity: '0.01', price: '67500' }],
  };
  const answer = answerOf(ID, anIntent({ inferred: ['It was inferred.'], ignored: ['bar'] }), filled);
  assert.deepEqual(Object.keys(answer).slice(0, 3), ['success', 'order_id', 'error']);
  assert.deepEqual(answer, {
    success: true,
    order_id: '28457',
    error: null,
    status: 'filled',
    workflow_id: 'order:trend:a-1',
    client_order_id: '0AB'.padEnd(26, 'C'),
    duplicate: false,
    account: 'paper',
    symbol: 'BTC/USDT',
    side: 'buy',
    order_type: 'market',
    quantity: '0.01',
    filled_quantity: '0.01',
    average_price: '67500',
    reason: null,
    inferred: ['It was inferred.'],
    ignored: ['bar'],
  });
});

test('an order of which nothing is known yet has no id, no error and nothing filled', () => {
  const { order_id, error, filled_quantity, average_price, inferred, ignored } = answerOf(ID, anIntent(), NEW_ORDER);
  assert.deepEqual([order_id, error, filled_quantity, average_price], [null, null, '0', null]);
  assert.deepEqual([inferred, ignored], [[], []]);
});

test('what was changed to fit the market is told with what was inferred', () => {
  const state = { ...NEW_ORDER, notes: ['The quantity was cut.'] };
  assert.deepEqual(answerOf(ID, anIntent({ inferred: ['Inferred.'] }), state).inferred, [
    'Inferred.',
    'The quantity was cut.',
  ]);
});

test('an answer tells how the position stands once there is one', () => {
  const exits: Exits = { guardedQuantity: '0.006', exitedQuantity: '0.004', exitAveragePrice: '69000', problem: null };
  const filled: OrderState = { ...NEW_ORDER, status: 'filled', filledQuantity: '0.01', averagePrice: '67500', exits };
  assert.deepEqual(answerOf(ID, anIntent(), filled).protection, {
    guarded_quantity: '0.006',
    exited_quantity: '0.004',
    exit_average_price: '69000',
  });
  const nothingOut = { ...filled, exits: NO_EXITS };
  assert.equal(answerOf(ID, anIntent(), nothingOut).protection?.exit_average_price, null);
  for (const status of ['denied', 'working', 'dry_run', 'rejected'] as const) {
    const answer = answerOf(ID, anIntent(), { ...NEW_ORDER, status, exits: NO_EXITS });
    assert.ok(!Object.hasOwn(answer, 'protection'), status);
  }
  const { exits: _without, ...plain } = filled;
  assert.ok(!Object.hasOwn(answerOf(ID, anIntent(), plain), 'protection'));
});
