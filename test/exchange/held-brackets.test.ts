import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import type { OrderStory } from '../../ingress/order-book.ts';
import type { FaultRule } from '../simulators/binance-spot/start-simulator.ts';
import { eventually } from '../support/eventually.ts';
import { LiveDesk } from '../support/live-desk.ts';
import { plain, Positions, type Entered } from '../support/positions.ts';
import { runCommand } from '../support/run-command.ts';

// Some markets of the exchange take no order of which one side ends the other. There the stop rests, and the target is
// watched from here.

let desk: LiveDesk;
let positions: Positions;
before(async () => {
  desk = await LiveDesk.start({
    prepare: async (control) => {
      await control.symbol('ETHUSDT', { rules: { ocoAllowed: false } });
      await control.symbol('BNBUSDT', { rules: { stopLossAllowed: false } });
    },
  });
  positions = new Positions(desk, 'held');
  await desk.warm();
});
after(() => desk?.dispose());
beforeEach(async () => {
  await desk.control.clearFaults();
  await desk.control.price('ETHUSDT', '3500');
  await desk.control.price('BTCUSDT', '67500');
});

const fault = (match: FaultRule['match'], what: FaultRule['fault'], times?: number): Promise<unknown> =>
  desk.control.fault({ match, fault: what, ...(times === undefined ? {} : { times }) });
const placing = ({ clientOrderId }: Entered, leg: string): FaultRule['match'] => ({
  method: 'POST',
  path: '/api/v3/order',
  clientOrderId: `${clientOrderId}-${leg}`,
});
const withdrawing = (order: Entered, leg: string): FaultRule['match'] => ({ ...placing(order, leg), method: 'DELETE' });
const untilHeld = (length: number): Promise<unknown> =>
  eventually(
    () => desk.control.held(),
    (held) => held.length === length,
    { what: 'the held request' },
  );

describe('case 2', () => {
  const sell = {
    action: 'sell',
    order_type: 'limit',
    limit_price: '3500',
    stop_loss: '3600',
    take_profit: '3400',
  };

  test('a sell limit is protected by its stop, and taken out at its target, once', async () => {
    const order = await positions.protect('0.5', sell);
    assert.deepEqual(await positions.inShort(order), ['P0.0 BUY STOP_LOSS NEW 3600']);
    await desk.control.price('ETHUSDT', '3400');
    const { order: told } = await positions.assertClosed(order, '0.5');
    assert.equal(told.protection?.exit_average_price, '3400');
    assert.deepEqual(await positions.inShort(order), ['P0.0 BUY STOP_LOSS CANCELED 3600', 'E0.1 BUY MARKET FILLED']);
    const { requests } = await desk.control.ledger();
    assert.ok(
      !requests.some(({ path }) => path.includes('orderList')),
      'nobody asks the market for what it does not take',
    );
  });

  test('a sell limit is taken out by its stop, and by nothing else', async () => {
    const order = await positions.protect('0.5', sell);
    await desk.control.price('ETHUSDT', '3610');
    const { order: told } = await positions.assertClosed(order, '0.5');
    assert.equal(told.protection?.exit_average_price, '3610');
    assert.deepEqual(await positions.inShort(order), ['P0.0 BUY STOP_LOSS FILLED 3600']);
  });
});

describe('what is held', () => {
  test('is decided for each market: another one of the same account takes the target beside the stop', async () => {
    const levels = { symbol: 'BTC/USDT', quantity: '0.01', stop_loss: '66000', take_profit: '69000' };
    const order = await positions.protect('0.00999', levels);
    assert.deepEqual(await positions.inShort(order), [
      'P0.0S SELL STOP_LOSS NEW 66000',
      'P0.0T SELL LIMIT_MAKER NEW 69000',
    ]);
    await desk.control.price('BTCUSDT', '69000');
    await positions.assertClosed(order, '0.00999');
  });

  test('grows with its entry: one stop for all that is filled, and one way out of it', async () => {
    const order = await positions.enter({ quantity: '1', order_type: 'limit', limit_price: '3450', stop_loss: '3300' });
    await desk.untilStatus(order.workflowId, 'working');
    await desk.control.fill({ clientOrderId: order.clientOrderId, quantity: '0.4' });
    await positions.untilGuarded(order, '0.3996');
    await desk.control.fill({ clientOrderId: order.clientOrderId, quantity: '0.6' });
    await positions.untilGuarded(order, '0.999');
    await desk.control.price('ETHUSDT', '3600');
    await positions.assertClosed(order, '0.999');
    assert.deepEqual(await positions.inShort(order), [
      'P0.0 SELL STOP_LOSS CANCELED 3300',
      'P0.1 SELL STOP_LOSS CANCELED 3300',
      'E0.2 SELL MARKET FILLED',
    ]);
  });

  test('has a target for each part, and the stop is left to what is not out', async () => {
    const take_profit = [
      { price: '3600', quantity_percent: 50 },
      { price: '3700', quantity_percent: 50 },
    ];
    const order = await positions.protect('0.999', { quantity: '1', take_profit });
    await desk.control.price('ETHUSDT', '3620');
    const isHalf = await positions.until(
      order,
      ({ order: told }) => told.protection?.exited_quantity === '0.4995',
      'the first target',
    );
    assert.equal(isHalf.order.protection?.guarded_quantity, '0.4995');
    await desk.control.price('ETHUSDT', '3390');
    await positions.assertClosed(order, '0.999');
    assert.deepEqual((await positions.inShort(order)).toSorted(), [
      'E0.1 SELL MARKET FILLED',
      'P0.0 SELL STOP_LOSS CANCELED 3400',
      'P1.0 SELL STOP_LOSS FILLED 3400',
    ]);
  });

  test('costs nothing but questions while the price stays between them', async () => {
    const order = await positions.protect('0.4995');
    const { requests: before } = await desk.control.ledger();
    const cost = await desk.cost(order.workflowId);
    await sleep(7_000);
    assert.equal((await desk.cost(order.workflowId)).events, cost.events);
    const { requests } = await desk.control.ledger(before.at(-1)!.id);
    const prices = requests.filter(({ path }) => path.includes('ticker'));
    const orders = requests.filter(
      ({ parameters }) => parameters['origClientOrderId'] === `${order.clientOrderId}-P0.0`,
    );
    assert.ok(prices.length >= 3 && orders.length >= 3, `${prices.length} prices, ${orders.length} orders`);
    assert.ok(prices.length <= 8 && orders.length <= 8, `${prices.length} prices, ${orders.length} orders`);
    await desk.control.price('ETHUSDT', '3600');
    await positions.assertClosed(order, '0.4995');
  });
});

describe('when one is faster', () => {
  test('a stop that is filled while it is withdrawn for the target is the only exit', async () => {
    const order = await positions.protect('0.4995');
    await fault(withdrawing(order, 'P0.0'), 'late');
    await desk.control.price('ETHUSDT', '3600');
    await untilHeld(1);
    await desk.control.price('ETHUSDT', '3390');
    await desk.control.release();
    await positions.assertClosed(order, '0.4995');
    assert.deepEqual(await positions.inShort(order), ['P0.0 SELL STOP_LOSS FILLED 3400']);
  });

  test('a stop that is filled in part while it is withdrawn leaves the rest to the target', async () => {
    const order = await positions.protect('0.4995');
    await fault(withdrawing(order, 'P0.0'), 'late');
    await desk.control.price('ETHUSDT', '3600');
    await untilHeld(1);
    await desk.control.fill({ clientOrderId: `${order.clientOrderId}-P0.0`, quantity: '0.2' });
    await desk.control.release();
    await positions.assertClosed(order, '0.4995');
    const exits = (await positions.exitsOf(order)).map(({ type, executedQty }) => `${type} ${plain(executedQty)}`);
    assert.deepEqual(exits, ['STOP_LOSS 0.2', 'MARKET 0.2995']);
  });

  test('what a target finds no buyers for is protected again, and goes with the next one', async () => {
    const order = await positions.protect('0.4995');
    await desk.control.liquidity('ETHUSDT', '0.2');
    await desk.control.price('ETHUSDT', '3600');
    await positions.untilBooked(order, 'P0.4 SELL STOP_LOSS NEW 3400');
    await desk.control.liquidity('ETHUSDT', null);
    await positions.assertClosed(order, '0.4995');
  });

  test('a target that the venue never lets out is told, and the part is left to its stop', async () => {
    const order = await positions.protect('0.4995');
    for (const leg of ['E0.1', 'E0.2', 'E0.3', 'E0.5', 'E0.6', 'E0.7', 'E0.9', 'E0.10', 'E0.11']) {
      await fault(placing(order, leg), { kind: 'reject', code: -2010, msg: 'Not now.' });
    }
    await desk.control.price('ETHUSDT', '3600');
    await positions.untilBooked(order, 'P0.12 SELL STOP_LOSS NEW 3400');
    const { order: told } = await positions.until(
      order,
      ({ order: { reason } }) => reason?.code === 'TARGET_MISSED',
      'the word of it',
    );
    assert.match(told.reason!.message, /target 3600 of 0\.4995, which could not be taken out: .*Not now/);
    await desk.control.price('ETHUSDT', '3390');
    await positions.assertClosed(order, '0.4995', 'TARGET_MISSED');
  });
});

describe('when answers are lost', () => {
  for (const what of ['execute-then-drop', 'drop-before'] as const) {
    test(`a stop whose placement is lost (${what}) is there once in the end`, async () => {
      const match = { method: 'POST', path: '/api/v3/order', nth: 2 };
      await fault(match, what);
      const order = await positions.protect('0.4995');
      assert.deepEqual(await positions.inShort(order), ['P0.0 SELL STOP_LOSS NEW 3400']);
      await desk.control.price('ETHUSDT', '3390');
      await positions.assertClosed(order, '0.4995');
    });

    test(`a withdrawal that is lost (${what}) is asked for until the stop is known to be gone`, async () => {
      const order = await positions.protect('0.4995');
      await fault(withdrawing(order, 'P0.0'), what);
      await desk.control.price('ETHUSDT', '3600');
      await positions.assertClosed(order, '0.4995');
      assert.deepEqual(await positions.inShort(order), [
        'P0.0 SELL STOP_LOSS CANCELED 3400',
        'E0.1 SELL MARKET FILLED',
      ]);
    });

    test(`a way out whose placement is lost (${what}) is taken once`, async () => {
      const order = await positions.protect('0.4995');
      await fault(placing(order, 'E0.1'), what);
      await desk.control.price('ETHUSDT', '3600');
      await positions.assertClosed(order, '0.4995');
      const filled = (await positions.inShort(order)).filter((one) => one.includes('FILLED'));
      assert.deepEqual(filled, ['E0.1 SELL MARKET FILLED']);
    });
  }

  test('a price that cannot be asked for keeps nobody from seeing the stop, and is asked for again', async () => {
    const order = await positions.protect('0.4995');
    await fault({ path: '/api/v3/ticker/24hr' }, { kind: 'status-before', status: 500 }, 3);
    await desk.control.price('ETHUSDT', '3600');
    await positions.assertClosed(order, '0.4995');
  });
});

describe('when everything of ours dies', () => {
  test('the stop is still there, the target is watched again, and the position is taken out once', async () => {
    const order = await positions.protect('0.4995');
    await desk.holdfast.killAll();
    assert.deepEqual(await positions.inShort(order), ['P0.0 SELL STOP_LOSS NEW 3400']);
    await desk.holdfast.start();
    await positions.untilGuarded(order, '0.4995');
    await desk.control.price('ETHUSDT', '3600');
    await positions.assertClosed(order, '0.4995');
    assert.deepEqual(await positions.inShort(order), ['P0.0 SELL STOP_LOSS CANCELED 3400', 'E0.1 SELL MARKET FILLED']);
  });

  test('a stop that is reached while nothing runs takes the position out', async () => {
    const order = await positions.protect('0.4995');
    await desk.holdfast.killAll();
    await desk.control.price('ETHUSDT', '3390');
    await desk.holdfast.start();
    await positions.assertClosed(order, '0.4995');
  });

  test('killed between the withdrawal and the way out, it is taken out once', async () => {
    const order = await positions.protect('0.4995');
    await fault(withdrawing(order, 'P0.0'), 'execute-then-drop');
    await fault(placing(order, 'E0.1'), { kind: 'late', ms: 60_000 });
    await desk.control.price('ETHUSDT', '3600');
    await untilHeld(1);
    await desk.holdfast.killAll();
    await desk.control.release();
    await desk.holdfast.start();
    await positions.assertClosed(order, '0.4995');
  });
});

// The market of BNB takes no stops at all: nothing of a bracket can rest there.
describe('where no stop can rest', () => {
  const bnb = { symbol: 'BNB/USDT', quantity: '1', stop_loss: '550', take_profit: '650' };
  beforeEach(() => desk.control.price('BNBUSDT', '600'));
  const untilWatched = (order: Entered): Promise<unknown> =>
    positions.until(order, ({ events }) => events.at(-1)?.kind === 'watchPrice_scheduled', 'the watch');

  for (const [name, price] of [
    ['target', '650'],
    ['stop', '550'],
  ] as const) {
    test(`a position is watched, and taken out at the market at its ${name}`, async () => {
      const order = await positions.enter(bnb);
      await untilWatched(order);
      assert.deepEqual(await positions.inShort(order), []);
      await desk.control.price('BNBUSDT', price);
      const { order: told } = await positions.assertClosed(order, '0.999');
      assert.equal(told.protection?.exit_average_price, price);
      assert.deepEqual(await positions.inShort(order), ['E0.0 SELL MARKET FILLED']);
    });
  }

  test('a stop alone is watched too, moves, and outlives the death of everything as far as something runs again', async () => {
    const order = await positions.enter({ ...bnb, stop_loss: { trail_amount: 50 }, take_profit: undefined });
    await untilWatched(order);
    await desk.control.price('BNBUSDT', '700');
    const isMoved = ({ events }: OrderStory): boolean =>
      events.filter(({ kind }) => kind === 'watchPrice_scheduled').length === 2;
    await positions.until(order, isMoved, 'the next watch');
    await desk.holdfast.killAll();
    await desk.control.price('BNBUSDT', '640');
    assert.deepEqual(await positions.inShort(order), []);
    await desk.holdfast.start();
    const { order: told } = await positions.assertClosed(order, '0.999');
    assert.equal(told.protection?.exit_average_price, '640');
  });

  test('a way out that is lost is taken once', async () => {
    const order = await positions.enter(bnb);
    await untilWatched(order);
    await fault(placing(order, 'E0.0'), 'execute-then-drop');
    await desk.control.price('BNBUSDT', '540');
    await positions.assertClosed(order, '0.999');
    assert.deepEqual(await positions.inShort(order), ['E0.0 SELL MARKET FILLED']);
  });

  test('what is filled later is watched with what was filled before', async () => {
    const limit = { ...bnb, order_type: 'limit', limit_price: '590' };
    const order = await positions.enter(limit);
    await desk.untilStatus(order.workflowId, 'working');
    await desk.control.fill({ clientOrderId: order.clientOrderId, quantity: '0.4' });
    await untilWatched(order);
    await desk.control.fill({ clientOrderId: order.clientOrderId, quantity: '0.6' });
    await positions.until(order, ({ order: told }) => told.status === 'filled', 'the whole entry');
    await desk.control.price('BNBUSDT', '545');
    await positions.assertClosed(order, '0.999');
    assert.deepEqual(
      (await positions.exitsOf(order)).map(({ executedQty }) => plain(executedQty)),
      ['0.999'],
    );
  });

  test('a reset of what is watched, and of what is out, watches on, and takes nothing out twice', async () => {
    const order = await positions.enter({ ...bnb, stop_loss: { trail_amount: 50 } });
    await untilWatched(order);
    await desk.control.price('BNBUSDT', '630');
    const isMoved = ({ events }: OrderStory): boolean =>
      events.filter(({ kind }) => kind === 'watchPrice_scheduled').length === 2;
    await positions.until(order, isMoved, 'the next watch');
    await reset(order);
    await positions.until(order, isMoved, 'the watch of the next run');
    await desk.control.price('BNBUSDT', '575');
    await positions.assertClosed(order, '0.999');
    await reset(order);
    await positions.assertClosed(order, '0.999');
    assert.deepEqual(await positions.inShort(order), ['E0.0 SELL MARKET FILLED']);
  });

  test('an entry that is a stop is denied by name', async () => {
    const alert = { id: 'held-stop-entry', symbol: 'BNB/USDT', quantity: '1', order_type: 'stop', stop_price: '610' };
    const { body } = await desk.post(alert);
    assert.deepEqual([body.status, body.reason?.code], ['denied', 'ORDER_TYPE_UNSUPPORTED']);
    assert.match(body.reason!.message, /The market of BNB\/USDT takes no stop orders/);
  });
});

test('a reset finds the stop that waits, and watches its target', async () => {
  const order = await positions.protect('0.4995');
  await reset(order);
  await positions.untilGuarded(order, '0.4995');
  assert.deepEqual(await positions.inShort(order), ['P0.0 SELL STOP_LOSS NEW 3400']);
  await desk.control.price('ETHUSDT', '3600');
  await positions.assertClosed(order, '0.4995');
});

describe('a reset of what is out', () => {
  test('at its target finds the way out, and neither protects nor sells again', async () => {
    const order = await positions.protect('0.4995');
    await desk.control.price('ETHUSDT', '3600');
    await positions.assertClosed(order, '0.4995');
    await desk.control.price('ETHUSDT', '3500');
    await reset(order);
    await positions.assertClosed(order, '0.4995');
    assert.deepEqual(await positions.inShort(order), ['P0.0 SELL STOP_LOSS CANCELED 3400', 'E0.1 SELL MARKET FILLED']);
  });

  test('after ways out that were refused, and one that found too few buyers, finds each of them', async () => {
    const order = await positions.protect('0.4995');
    for (const leg of ['E0.1', 'E0.3'])
      await fault(placing(order, leg), { kind: 'reject', code: -2010, msg: 'Not now.' });
    await fault(placing(order, 'E0.2'), { kind: 'partial', quantity: '0.2' });
    await desk.control.price('ETHUSDT', '3600');
    await positions.assertClosed(order, '0.4995');
    const once = await positions.inShort(order);
    await desk.control.price('ETHUSDT', '3500');
    await reset(order);
    const story = await desk.untilOver(order.workflowId);
    assert.deepEqual([story.order.status, story.order.protection?.exited_quantity], ['closed', '0.4995']);
    assert.deepEqual(await positions.inShort(order), once);
  });
});

/** Lets the order's history begin anew, and waits until it has. */
async function reset({ workflowId }: Entered): Promise<void> {
  const { workflow } = await desk.tell(workflowId);
  const to = ['--type', 'FirstWorkflowTask', '--reason', 'a test'];
  await desk.holdfast.temporal('workflow', 'reset', '--workflow-id', workflowId, ...to);
  await eventually(
    () => desk.tell(workflowId),
    (story) => story.workflow.run_id !== workflow.run_id,
    { what: 'the next run' },
  );
}

test('the history of every order here that is over replays against the code, down to its values', async () => {
  const { orders } = await desk.holdfast.operator<{ orders: { workflow_id: string }[] }>('/orders?status=closed');
  const listed = orders.map(({ workflow_id: id }) => id);
  assert.ok(listed.length > 5);
  const { code, stdout } = await runCommand(['replay', ...listed], {
    TEMPORAL_ADDRESS: desk.holdfast.temporalAddress,
  });
  assert.equal(code, 0, stdout);
  assert.match(stdout, new RegExp(`${listed.length} replayed: ${listed.length} the same, 0 not`));
});
