import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { OrderStory } from '../../ingress/order-book.ts';
import type { BooksView } from '../simulators/binance-spot/start-simulator.ts';
import { bookedOf, judgePosition } from './bracket-oracle.ts';
import type { Sent } from './sender.ts';

// A position that was bought, protected and sold at its target, as the venue's books and the answer have it; and what
// the oracle finds where one of the two is otherwise.

const leg = (list: number, id: string, executedQty: string, updateTime = 50) => ({
  orderId: list * 10,
  clientOrderId: id,
  orderListId: list,
  type: list === -1 ? 'MARKET' : 'LIMIT_MAKER',
  origQty: '0.00999',
  status: executedQty === '0' ? 'EXPIRED' : 'FILLED',
  executedQty,
  updateTime,
});
const list = (id: number, listClientOrderId: string, from: number, isOver = true) => ({
  orderListId: id,
  listClientOrderId,
  transactionTime: from,
  listOrderStatus: isOver ? 'ALL_DONE' : 'EXECUTING',
});
const BOUGHT = {
  orderId: 1,
  clientOrderId: 'E',
  orderListId: -1,
  type: 'MARKET',
  origQty: '0.01',
  status: 'FILLED',
  executedQty: '0.01',
  updateTime: 1,
};
const SOLD = leg(1, 'E-P0.0T', '0.00999');
const FIRST = list(1, 'E-P0.0', 10);
const TOLD = {
  status: 'closed',
  filled_quantity: '0.01',
  order_id: '1',
  reason: null,
  protection: { guarded_quantity: '0', exited_quantity: '0.00999', exit_average_price: '75000' },
};

type Leg = ReturnType<typeof leg>;
type List = ReturnType<typeof list>;

/** What is found wrong, each kind once. An order is booked when its list was, or when it traded. */
function found(orders: readonly Leg[], lists: readonly List[], told: object = {}, status = 'completed'): string[] {
  const booked = orders.map((order) => {
    const of = lists.find(({ orderListId }) => orderListId === order.orderListId);
    return { ...order, bookedAt: of?.transactionTime ?? order.updateTime };
  });
  const traded = booked.filter(({ executedQty }) => executedQty !== '0');
  const fills = traded.map(({ orderId, clientOrderId, executedQty: qty, updateTime: time }) => {
    const isBuyer = clientOrderId === 'E';
    return { orderId, qty, time, isBuyer, commission: '0.00001', commissionAsset: isBuyer ? 'BTC' : 'USDT' };
  });
  const books = { orders: booked, lists, fills } as unknown as BooksView;
  const story = { order: { ...TOLD, ...told }, events: [], workflow: { status } } as unknown as OrderStory;
  const sent = { id: 'one', clientOrderId: 'E', answers: [{ status: 'filled' }] } as unknown as Sent;
  return [...new Set(judgePosition(sent, story, bookedOf(books, 'E')).map(({ kind }) => kind))];
}

test('a position that was protected once and is out once is as it should be', () => {
  assert.deepEqual(found([BOUGHT, SOLD], [FIRST]), []);
});

test('two that follow each other are as they should be, two that are open at once are not', () => {
  const replaced = [BOUGHT, leg(1, 'E-P0.0T', '0', 20), leg(2, 'E-P0.1T', '0.00999')];
  assert.deepEqual(found(replaced, [FIRST, list(2, 'E-P0.1', 20)]), []);
  assert.deepEqual(found(replaced, [FIRST, list(2, 'E-P0.1', 19)]), ['doubled']);
  assert.deepEqual(found(replaced, [list(1, 'E-P0.0', 10, false), list(2, 'E-P0.1', 20)]), ['doubled']);
});

test('a sale while something still waits to sell the same is doubled, also where only one of them trades', () => {
  const unsold = leg(1, 'E-P0.0T', '0', 60);
  assert.deepEqual(found([BOUGHT, unsold, leg(-1, 'E-E0.1', '0.00999', 61)], [FIRST]), []);
  assert.deepEqual(found([BOUGHT, unsold, leg(-1, 'E-E0.1', '0.00999', 59)], [FIRST]), ['doubled']);
});

test('two entries, or more sold than bought, are doubled', () => {
  const exited = { protection: { ...TOLD.protection, exited_quantity: '0.01998' } };
  assert.deepEqual(found([BOUGHT, SOLD, leg(-1, 'E-E0.1', '0.00999')], [FIRST], exited), ['doubled']);
  assert.ok(found([BOUGHT, { ...BOUGHT, orderId: 2 }, SOLD], [FIRST]).includes('doubled'));
});

test('what is not over, or over and not out, is lost', () => {
  assert.ok(found([BOUGHT, SOLD], [FIRST], { status: 'filled' }, 'running').includes('lost'));
  const none = { protection: { ...TOLD.protection, exited_quantity: '0' } };
  assert.deepEqual(found([BOUGHT], [], none), ['lost']);
});

test('what is told otherwise than booked is mislabelled', () => {
  assert.deepEqual(found([BOUGHT, SOLD], [FIRST], { filled_quantity: '0.02' }), ['mislabelled']);
  assert.deepEqual(found([BOUGHT, SOLD], [FIRST], { order_id: '7' }), ['mislabelled']);
  const exited = { protection: { ...TOLD.protection, exited_quantity: '0.005' } };
  assert.deepEqual(found([BOUGHT, SOLD], [FIRST], exited), ['mislabelled']);
  assert.deepEqual(found([], [], { status: 'closed' }).includes('mislabelled'), true);
});
