import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';

import { compare } from '../../domain/decimal.ts';
import type { FaultRule } from '../simulators/binance-spot/start-simulator.ts';
import { eventually } from '../support/eventually.ts';
import { eventsOf, parseHistory } from '../support/history.ts';
import { LiveDesk } from '../support/live-desk.ts';
import { plain, Positions, type Entered } from '../support/positions.ts';
import { runCommand } from '../support/run-command.ts';

// A stop moves by being replaced: alone, or with the target that is one order with it.

let desk: LiveDesk;
let positions: Positions;
before(async () => {
  // BTC/USDT takes a target beside a stop, ETH/USDT does not.
  desk = await LiveDesk.start({
    prepare: (control) => control.symbol('ETHUSDT', { rules: { ocoAllowed: false } }),
  });
  positions = new Positions(desk, 'moving');
  await desk.warm();
});
after(() => desk?.dispose());
beforeEach(async () => {
  await desk.control.clearFaults();
  await desk.control.price('ETHUSDT', '3500');
  await desk.control.price('BTCUSDT', '67500');
});

const withdrawing = ({ clientOrderId }: Entered, leg: string): FaultRule['match'] => ({
  method: 'DELETE',
  clientOrderId: `${clientOrderId}-${leg}`,
});
const btc = { symbol: 'BTC/USDT', quantity: '0.01' };

describe('a stop that moves to the entry’s price', () => {
  test('moves once, and takes the position out there', async () => {
    const order = await positions.protect('0.4995', {
      stop_loss: { price: '3400', breakeven_after: '1%' },
      take_profit: undefined,
    });
    await desk.control.price('ETHUSDT', '3534');
    assert.deepEqual(await positions.inShort(order), ['P0.0 SELL STOP_LOSS NEW 3400']);
    await desk.control.price('ETHUSDT', '3535');
    await positions.untilBooked(order, 'P0.1 SELL STOP_LOSS NEW 3500');
    await positions.untilGuarded(order, '0.4995');
    const cost = await desk.cost(order.workflowId);
    await desk.control.price('ETHUSDT', '3600');
    const { requests } = await desk.control.ledger();
    const isAsked = (all: typeof requests): boolean =>
      all.filter(({ parameters }) => parameters['origClientOrderId'] === `${order.clientOrderId}-P0.1`).length >= 3;
    await eventually(async () => (await desk.control.ledger(requests.at(-1)!.id)).requests, isAsked, {
      what: 'three questions after it',
      withinMs: 20_000,
    });
    assert.equal((await desk.cost(order.workflowId)).events, cost.events);
    await desk.control.price('ETHUSDT', '3500');
    await positions.assertClosed(order, '0.4995');
    assert.deepEqual(await positions.inShort(order), [
      'P0.0 SELL STOP_LOSS CANCELED 3400',
      'P0.1 SELL STOP_LOSS FILLED 3500',
    ]);
  });

  test('moves with the target that is one order with it, and either ends the other', async () => {
    const levels = { stop_loss: { percent: 2, breakeven_after: { price: '68000' } }, take_profit: '69000' };
    const order = await positions.protect('0.00999', { ...btc, ...levels });
    await desk.control.price('BTCUSDT', '68000');
    await positions.untilBooked(order, 'P0.1S SELL STOP_LOSS NEW 67500');
    await positions.untilGuarded(order, '0.00999');
    await desk.control.price('BTCUSDT', '69000');
    await positions.assertClosed(order, '0.00999');
    assert.deepEqual(await positions.inShort(order), [
      'P0.0S SELL STOP_LOSS CANCELED 66150',
      'P0.0T SELL LIMIT_MAKER CANCELED 69000',
      'P0.1S SELL STOP_LOSS EXPIRED 67500',
      'P0.1T SELL LIMIT_MAKER FILLED 69000',
    ]);
  });

  test('moves also where its target is watched, which is taken out later', async () => {
    const order = await positions.protect('0.4995', { stop_loss: { price: '3400', breakeven_after: '1%' } });
    await desk.control.price('ETHUSDT', '3540');
    await positions.untilBooked(order, 'P0.1 SELL STOP_LOSS NEW 3500');
    await positions.untilGuarded(order, '0.4995');
    await desk.control.price('ETHUSDT', '3600');
    await positions.assertClosed(order, '0.4995');
    assert.equal((await positions.inShort(order)).at(-1), 'E0.2 SELL MARKET FILLED');
  });

  test('stays moved when more of the entry is filled, at the average of all', async () => {
    const stop_loss = { price: '3300', breakeven_after: '1%' };
    const limit = { quantity: '1', order_type: 'limit', limit_price: '3450', take_profit: undefined };
    const order = await positions.enter({ ...limit, stop_loss });
    await desk.untilStatus(order.workflowId, 'working');
    await desk.control.fill({ clientOrderId: order.clientOrderId, quantity: '0.4', price: '3400' });
    await positions.untilBooked(order, 'P0.1 SELL STOP_LOSS NEW 3400');
    await desk.control.fill({ clientOrderId: order.clientOrderId, quantity: '0.6', price: '3450' });
    await positions.untilBooked(order, 'P0.2 SELL STOP_LOSS NEW 3430');
    await positions.untilGuarded(order, '0.999');
    await desk.control.price('ETHUSDT', '3430');
    await positions.assertClosed(order, '0.999');
  });
});

describe('a stop that follows its market', () => {
  test('goes up with it, never back, and takes the position out behind the best price', async () => {
    const order = await positions.protect('0.4995', { stop_loss: { trail_amount: 100 }, take_profit: undefined });
    assert.deepEqual(await positions.inShort(order), ['P0.0 SELL STOP_LOSS NEW 3400']);
    // Not a fifth of the distance yet.
    await desk.control.price('ETHUSDT', '3519');
    await desk.control.price('ETHUSDT', '3560');
    await positions.untilBooked(order, 'P0.1 SELL STOP_LOSS NEW 3460');
    await desk.control.price('ETHUSDT', '3500');
    await desk.control.price('ETHUSDT', '3650');
    await positions.untilBooked(order, 'P0.2 SELL STOP_LOSS NEW 3550');
    await positions.untilGuarded(order, '0.4995');
    await desk.control.price('ETHUSDT', '3549');
    const { order: told } = await positions.assertClosed(order, '0.4995');
    assert.equal(told.protection?.exit_average_price, '3549');
    assert.deepEqual(await positions.inShort(order), [
      'P0.0 SELL STOP_LOSS CANCELED 3400',
      'P0.1 SELL STOP_LOSS CANCELED 3460',
      'P0.2 SELL STOP_LOSS FILLED 3550',
    ]);
  });

  test('goes down with a market in which it was sold, in percent of the best price', async () => {
    const order = await positions.protect('0.5', {
      action: 'sell',
      stop_loss: { trail_percent: 2 },
      take_profit: undefined,
    });
    assert.deepEqual(await positions.inShort(order), ['P0.0 BUY STOP_LOSS NEW 3570']);
    await desk.control.price('ETHUSDT', '3400');
    await positions.untilBooked(order, 'P0.1 BUY STOP_LOSS NEW 3468');
    await positions.untilGuarded(order, '0.5');
    await desk.control.price('ETHUSDT', '3470');
    await positions.assertClosed(order, '0.5');
  });

  test('is replaced whole with the target beside it, and the old one is gone before the new one comes', async () => {
    const levels = { stop_loss: { trail_amount: '1000' }, take_profit: '70000' };
    const order = await positions.protect('0.00999', { ...btc, ...levels });
    await desk.control.price('BTCUSDT', '68500');
    await positions.untilBooked(order, 'P0.1S SELL STOP_LOSS NEW 67500');
    await positions.untilGuarded(order, '0.00999');
    const sends = (await positions.sendsOf(order)).map(({ method, path }) => `${method} ${path}`);
    assert.deepEqual(sends, ['POST /api/v3/orderList/oco', 'DELETE /api/v3/orderList', 'POST /api/v3/orderList/oco']);
    await desk.control.price('BTCUSDT', '67400');
    await positions.assertClosed(order, '0.00999');
  });

  test('that its market has passed meanwhile is not put back: the position is closed', async () => {
    const order = await positions.protect('0.4995', { stop_loss: { trail_amount: 100 }, take_profit: undefined });
    await desk.control.fault({ match: withdrawing(order, 'P0.0'), fault: 'late' });
    await desk.control.price('ETHUSDT', '3600');
    await eventually(
      () => desk.control.held(),
      (held) => held.length === 1,
      { what: 'the held withdrawal' },
    );
    await desk.control.price('ETHUSDT', '3480');
    await desk.control.release();
    const { order: told } = await positions.assertClosed(order, '0.4995', 'PROTECTION_FAILED');
    assert.equal(told.protection?.exit_average_price, '3480');
    assert.deepEqual(await positions.inShort(order), ['P0.0 SELL STOP_LOSS CANCELED 3400', 'E0.2 SELL MARKET FILLED']);
  });

  test('that fills while it is being replaced is the only exit', async () => {
    const order = await positions.protect('0.4995', { stop_loss: { trail_amount: 100 }, take_profit: undefined });
    await desk.control.fault({ match: withdrawing(order, 'P0.0'), fault: 'late' });
    await desk.control.price('ETHUSDT', '3600');
    await eventually(
      () => desk.control.held(),
      (held) => held.length === 1,
      { what: 'the held withdrawal' },
    );
    await desk.control.price('ETHUSDT', '3390');
    await desk.control.release();
    await positions.assertClosed(order, '0.4995');
    assert.deepEqual(await positions.inShort(order), ['P0.0 SELL STOP_LOSS FILLED 3400']);
  });

  for (const what of ['execute-then-drop', 'drop-before'] as const) {
    test(`whose replacement is lost (${what}) is there once in the end`, async () => {
      const order = await positions.protect('0.4995', { stop_loss: { trail_amount: 100 }, take_profit: undefined });
      const match = { method: 'POST', clientOrderId: `${order.clientOrderId}-P0.1` };
      await desk.control.fault({ match, fault: what });
      await desk.control.price('ETHUSDT', '3600');
      await positions.untilBooked(order, 'P0.1 SELL STOP_LOSS NEW 3500');
      await positions.untilGuarded(order, '0.4995');
      await desk.control.price('ETHUSDT', '3490');
      await positions.assertClosed(order, '0.4995');
      const filled = (await positions.exitsOf(order)).filter(({ executedQty }) => compare(executedQty, '0') > 0);
      assert.deepEqual(
        filled.map(({ executedQty }) => plain(executedQty)),
        ['0.4995'],
      );
    });
  }

  test('goes on where it was after the death of everything', async () => {
    const order = await positions.protect('0.4995', { stop_loss: { trail_amount: 100 }, take_profit: undefined });
    await desk.control.price('ETHUSDT', '3600');
    await positions.untilBooked(order, 'P0.1 SELL STOP_LOSS NEW 3500');
    await positions.untilGuarded(order, '0.4995');
    await desk.holdfast.killAll();
    await desk.control.price('ETHUSDT', '3550');
    await desk.holdfast.start();
    await positions.untilGuarded(order, '0.4995');
    await desk.control.price('ETHUSDT', '3700');
    await positions.untilBooked(order, 'P0.2 SELL STOP_LOSS NEW 3600');
    await positions.untilGuarded(order, '0.4995');
    await desk.control.price('ETHUSDT', '3590');
    await positions.assertClosed(order, '0.4995');
  });

  test('that has moved twice is found again by a reset, and the position is taken out once', async () => {
    const order = await positions.protect('0.4995', { stop_loss: { trail_amount: 100 }, take_profit: undefined });
    for (const [turn, price] of ['3600', '3700'].entries()) {
      await desk.control.price('ETHUSDT', price);
      await positions.untilBooked(order, `P0.${turn + 1} SELL STOP_LOSS NEW ${Number(price) - 100}`);
      await positions.untilGuarded(order, '0.4995');
    }
    const to = ['--type', 'FirstWorkflowTask', '--reason', 'a test'];
    await desk.holdfast.temporal('workflow', 'reset', '--workflow-id', order.workflowId, ...to);
    await positions.until(
      order,
      ({ order: told, workflow }) => workflow.status === 'running' && told.protection?.guarded_quantity === '0.4995',
      'the next run',
    );
    await desk.control.price('ETHUSDT', '3590');
    await positions.assertClosed(order, '0.4995');
  });
});

test('a position whose stop does not move for now costs one activity, and no event', async () => {
  const order = await positions.protect('0.4995', { stop_loss: { trail_percent: 5 } });
  const { events } = await desk.cost(order.workflowId);
  const { requests } = await desk.control.ledger();
  const isAsked = (all: typeof requests): boolean => all.filter(({ path }) => path.includes('ticker')).length >= 6;
  await eventually(async () => (await desk.control.ledger(requests.at(-1)!.id)).requests, isAsked, {
    what: 'six looks at the price',
    withinMs: 20_000,
  });
  assert.equal((await desk.cost(order.workflowId)).events, events);
  const history = parseHistory(await desk.holdfast.history(order.workflowId));
  const follows = eventsOf(history, 'ACTIVITY_TASK_SCHEDULED').filter((event) =>
    JSON.stringify(event).includes('"followOrder"'),
  );
  assert.equal(follows.length, 1);
  await desk.control.price('ETHUSDT', '3600');
  await positions.assertClosed(order, '0.4995');
});

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
