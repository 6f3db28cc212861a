import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';

import { add } from '../../domain/decimal.ts';
import type { OrderStory } from '../../ingress/order-book.ts';
import type { FaultRule, Order } from '../simulators/binance-spot/start-simulator.ts';
import { placeByHand } from '../support/by-hand.ts';
import { eventually } from '../support/eventually.ts';
import { LiveDesk } from '../support/live-desk.ts';
import type { Reply } from '../support/holdfast.ts';

// What the orders of a strategy have bought is sold again when an alert says so: all of it, once, and nothing else.

const OCO = '/api/v3/orderList';

let desk: LiveDesk;
before(async () => {
  desk = await LiveDesk.start({ limits: '{ price_collar: off, orders_per_minute: off, max_open_orders: 100 }' });
  await desk.warm();
  await post({ action: 'close' });
});
after(() => desk?.dispose());
afterEach(async () => {
  await desk.control.clearFaults();
  const { body } = await post({ action: 'flatten' });
  const { order } = await desk.untilOver(body.workflow_id);
  assert.ok(['noop', 'filled'].includes(order.status), JSON.stringify(order));
});

let count = 0;
const post = (members: Readonly<Record<string, unknown>>): Promise<Reply> =>
  desk.post({ id: `exit-${(count += 1)}`, quantity: undefined, ...members });
const bought = async (members: Readonly<Record<string, unknown>> = {}): Promise<Reply['body']> => {
  const { body } = await post({ quantity: '0.01', ...members });
  assert.equal(body.status, 'filled', JSON.stringify(body));
  return body;
};
/** A hundredth of a bitcoin with a stop and a target at the venue. */
async function guarded(): Promise<Reply['body']> {
  const body = await bought({ stop_loss: '60000', take_profit: '75000' });
  await untilGuarded(body, '0.00999');
  return body;
}
const untilGuarded = ({ workflow_id: id }: Reply['body'], quantity: string): Promise<OrderStory> =>
  eventually(
    () => desk.tell(id),
    ({ order }) => order.protection?.guarded_quantity === quantity,
    {
      withinMs: 30_000,
      what: `${quantity} being protected`,
    },
  );

async function ordersOf({ client_order_id: id }: Reply['body']): Promise<Order[]> {
  const { orders } = await desk.control.ledger();
  return orders.filter((order) => order.clientOrderId.startsWith(`${id}-`));
}
const inShort = ({ clientOrderId, side, type, status, executedQty }: Order): string =>
  [clientOrderId.split('-')[1], side, type, status, add(executedQty, '0')].join(' ');
const shortOf = async (body: Reply['body']): Promise<string[]> => (await ordersOf(body)).map(inShort);

/** The client order id of the order that an alert's exit will send. */
const nextExitId = async (leg: string): Promise<{ id: string; clientOrderId: string }> => {
  const id = `exit-${(count += 1)}`;
  const { client_order_id: own } = await desk.holdfast.operator<{ client_order_id: string }>(
    '/explain?strategy=trend',
    {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: desk.write({ id, action: 'close', quantity: undefined }),
    },
  );
  return { id, clientOrderId: `${own}-${leg}` };
};
const fail = (clientOrderId: string, fault: FaultRule['fault'], times: number | null = 1): Promise<unknown> =>
  desk.control.fault({ match: { method: 'POST', path: '/api/v3/order', clientOrderId }, times, fault });

test('what was bought is sold, less the fee', async () => {
  await bought();
  const { body } = await post({ action: 'close' });
  assert.deepEqual([body.status, body.side, body.filled_quantity], ['filled', 'sell', '0.00999'], JSON.stringify(body));
  assert.deepEqual(await shortOf(body), ['E0.0 SELL MARKET FILLED 0.00999']);
});

test('an order placed by hand at the venue is not touched', async () => {
  const hand = await placeByHand(desk.venue);
  await bought();
  const { body } = await post({ action: 'flatten' });
  assert.deepEqual([body.status, body.filled_quantity], ['filled', '0.00999'], JSON.stringify(body));
  assert.equal((await desk.control.orders(hand.clientOrderId))[0]!.status, 'NEW');
  await desk.control.cancel({ clientOrderId: hand.clientOrderId });
});

test('what is not there any more is not sold: somebody took it out by hand', async () => {
  await bought();
  await desk.control.setBalances({ BTC: '0.004' });
  const { body } = await post({ action: 'close' });
  const { order } = await desk.untilOver(body.workflow_id);
  await desk.control.setBalances({ BTC: '10' });
  assert.deepEqual([order.status, order.filled_quantity], ['filled', '0.004'], JSON.stringify(order));
  assert.match(order.inferred.join(' '), /0\.00999 that was counted, the venue has 0\.004/);
});

describe('a protected position', () => {
  test('gives up its stop and its target, and is sold once', async () => {
    const entry = await guarded();
    const { body } = await post({ action: 'close' });
    const { order } = await desk.untilOver(body.workflow_id);
    assert.deepEqual([order.status, order.filled_quantity], ['filled', '0.00999'], JSON.stringify(order));
    assert.deepEqual(await shortOf(entry), [
      'P0.0S SELL STOP_LOSS CANCELED 0',
      'P0.0T SELL LIMIT_MAKER CANCELED 0',
      'E0.1 SELL MARKET FILLED 0.00999',
    ]);
    assert.deepEqual(await shortOf(body), []);
    assert.equal((await desk.untilOver(entry.workflow_id)).order.status, 'closed');
  });

  test('whose exit the venue refuses has its stop again', async () => {
    const entry = await guarded();
    for (const generation of [1, 2, 3]) {
      await fail(`${entry.client_order_id}-E0.${generation}`, { kind: 'reject', code: -2010, msg: 'No.', status: 400 });
    }
    const { body } = await post({ action: 'close' });
    const { order } = await desk.untilOver(body.workflow_id);
    assert.deepEqual([order.status, order.filled_quantity], ['rejected', '0'], JSON.stringify(order));
    await untilGuarded(entry, '0.00999');
  });

  test('keeps its stop where the exit is known to be refused: nothing was canceled', async () => {
    const entry = await guarded();
    const { body } = await post({ action: 'close', quantity: '0.000001' });
    const { order } = await desk.untilOver(body.workflow_id);
    assert.ok(['noop', 'denied'].includes(order.status), JSON.stringify(order));
    const { requests } = await desk.control.ledger();
    const canceled = requests.filter(
      ({ method, path, parameters }) =>
        method === 'DELETE' && path === OCO && parameters['listClientOrderId']?.startsWith(entry.client_order_id),
    );
    assert.equal(canceled.length, 0);
    await untilGuarded(entry, '0.00999');
  });

  for (const fault of ['execute-then-drop', 'drop-before'] as const) {
    test(`whose exit is lost (${fault}) is sold once`, async () => {
      const entry = await guarded();
      await fail(`${entry.client_order_id}-E0.1`, fault);
      const { body } = await post({ action: 'close' });
      const { order } = await desk.untilOver(body.workflow_id, 60_000);
      assert.deepEqual([order.status, order.filled_quantity], ['filled', '0.00999'], JSON.stringify(order));
      const sold = (await ordersOf(entry)).filter(({ executedQty }) => Number(executedQty) > 0);
      assert.deepEqual(sold.map(inShort), ['E0.1 SELL MARKET FILLED 0.00999']);
    });
  }

  test('that was closed is not closed, nor protected, again by a reset of its order', async () => {
    const entry = await guarded();
    const { body } = await post({ action: 'close' });
    await desk.untilOver(body.workflow_id);
    await desk.untilOver(entry.workflow_id);
    const before = await shortOf(entry);
    const to = ['--type', 'FirstWorkflowTask', '--reason', 'a test'];
    await desk.holdfast.temporal('workflow', 'reset', '--workflow-id', entry.workflow_id, ...to);
    const { order } = await desk.untilOver(entry.workflow_id, 60_000);
    assert.deepEqual([order.status, order.protection?.exited_quantity], ['closed', '0.00999'], JSON.stringify(order));
    assert.deepEqual(await shortOf(entry), before);
  });

  test('of which a part was closed is found as it is by a reset of its order', async () => {
    const entry = await guarded();
    const { body } = await post({ action: 'close', quantity: '0.004' });
    await desk.untilOver(body.workflow_id);
    await untilGuarded(entry, '0.00599');
    const before = await shortOf(entry);
    const to = ['--type', 'FirstWorkflowTask', '--reason', 'a test'];
    await desk.holdfast.temporal('workflow', 'reset', '--workflow-id', entry.workflow_id, ...to);
    const isAgain = ({ order }: OrderStory): boolean =>
      order.protection?.guarded_quantity === '0.00599' && order.protection.exited_quantity === '0.004';
    await eventually(() => desk.tell(entry.workflow_id), isAgain, { withinMs: 40_000, what: 'what is at the venue' });
    assert.deepEqual(await shortOf(entry), before);
  });
});

describe('the order of an exit', () => {
  for (const fault of ['execute-then-drop', 'drop-before'] as const) {
    test(`that is lost (${fault}) is at the venue once`, async () => {
      await bought();
      const { id, clientOrderId } = await nextExitId('E0.0');
      await fail(clientOrderId, fault);
      const { body } = await post({ id, action: 'close' });
      const { order } = await desk.untilOver(body.workflow_id, 60_000);
      assert.deepEqual([order.status, order.filled_quantity], ['filled', '0.00999'], JSON.stringify(order));
      assert.deepEqual(await shortOf(body), ['E0.0 SELL MARKET FILLED 0.00999']);
    });
  }

  test('is sent once, though everything dies while it is under way', async () => {
    await bought();
    const { id, clientOrderId } = await nextExitId('E0.0');
    await fail(clientOrderId, { kind: 'delay', ms: 1_000 });
    const answer = post({ id, action: 'close' }).catch(() => undefined);
    const isThere = async (): Promise<boolean> =>
      (await desk.control.ledger()).requests.some(({ parameters }) => parameters['newClientOrderId'] === clientOrderId);
    await eventually(isThere, Boolean, { everyMs: 20, what: 'the exit at the venue' });
    await desk.holdfast.killAll();
    await answer;
    await desk.holdfast.start();
    const { body } = await post({ id, action: 'close' });
    assert.equal(body.duplicate, true);
    const { order } = await desk.untilOver(body.workflow_id, 60_000);
    assert.deepEqual([order.status, order.filled_quantity], ['filled', '0.00999'], JSON.stringify(order));
    assert.deepEqual(await shortOf(body), ['E0.0 SELL MARKET FILLED 0.00999']);
  });

  test('is not sent again by a reset, whatever is held by then', async () => {
    await bought();
    const { body } = await post({ action: 'close' });
    await desk.untilOver(body.workflow_id);
    await bought();
    const to = ['--type', 'FirstWorkflowTask', '--reason', 'a test'];
    await desk.holdfast.temporal('workflow', 'reset', '--workflow-id', body.workflow_id, ...to);
    const { order } = await desk.untilOver(body.workflow_id, 60_000);
    assert.deepEqual([order.status, order.filled_quantity], ['filled', '0.00999'], JSON.stringify(order));
    assert.deepEqual(await shortOf(body), ['E0.0 SELL MARKET FILLED 0.00999']);
  });
});
