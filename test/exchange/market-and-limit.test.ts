import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { BASE32 } from '../../domain/ids.ts';
import { eventually } from '../support/eventually.ts';
import { eventsOf, parseHistory } from '../support/history.ts';
import { BOUND, LiveDesk } from '../support/live-desk.ts';

// What one filled order may cost.
const TRANSITIONS_MAX = 5;
const EVENTS_MAX = 14;
const BYTES_MAX = 4096;

/** After so many more questions to the venue it is seen whether they have cost a resting order anything. */
const POLLS_SEEN = 3;

/** Whoever watches the account asks for these, whatever orders there are. */
const OF_THE_WATCH = ['account', 'openOrders', 'allOrders'].map((path) => `GET /api/v3/${path}`);

let desk: LiveDesk;
before(async () => {
  desk = await LiveDesk.start({
    accounts: ['binance', 'stops', 'stop-limits', 'after-a-stop'],
    // A market whose smallest quantity is not its step.
    prepare: (control) => control.symbol('BNBUSDT', { rules: { minQty: '0.05' } }),
  });
  await desk.warm();
});
after(() => desk?.dispose());

let count = 0;
const alertWith = (members: Readonly<Record<string, unknown>> = {}) => {
  count += 1;
  return { id: `order-${count}`, ...members };
};
/** A buy that lies below the market, and so rests. */
const resting = (members: Readonly<Record<string, unknown>> = {}) =>
  alertWith({ order_type: 'limit', limit_price: '60000', ...members });

/** How far the venue's log of requests has come. */
async function logEnd(): Promise<number> {
  const { requests } = await desk.control.ledger();
  return requests.at(-1)?.id ?? 0;
}

describe('a market order', () => {
  test('is filled by one request, and the venue is asked nothing else', async (t) => {
    const begin = await logEnd();
    const alert = alertWith();
    const { http, body } = await desk.post(alert);
    assert.deepEqual([http, body.status, body.filled_quantity], [200, 'filled', '0.01']);
    await desk.untilOver(body.workflow_id);
    const { requests } = await desk.control.ledger(begin);
    assert.deepEqual(
      requests.map(({ method, path }) => `${method} ${path}`).filter((one) => !OF_THE_WATCH.includes(one)),
      ['POST /api/v3/order'],
    );
    const cost = await desk.cost(body.workflow_id);
    t.diagnostic(`${cost.transitions} state transitions, ${cost.events} events, ${cost.bytes} bytes`);
    assert.ok(cost.transitions <= TRANSITIONS_MAX, `${cost.transitions} state transitions`);
    assert.ok(cost.events <= EVENTS_MAX, `${cost.events} events`);
    assert.ok(cost.bytes <= BYTES_MAX, `${cost.bytes} bytes`);
  });

  for (const action of ['buy', 'sell'] as const) {
    test(`a ${action} is a quantity on the wire, whatever price came with the alert`, async () => {
      const alert = alertWith({ action, price: '67500' });
      const { body } = await desk.post(alert);
      const [request, ...others] = await desk.sends(alert);
      assert.deepEqual(others, []);
      const { timestamp, recvWindow, newClientOrderId, newOrderRespType: _, ...order } = request!.parameters;
      assert.deepEqual(order, { symbol: 'BTCUSDT', side: action.toUpperCase(), type: 'MARKET', quantity: '0.01' });
      assert.equal(newClientOrderId, body.client_order_id);
      assert.match(newClientOrderId!, new RegExp(`^[${BASE32}]{26}$`));
      assert.equal(recvWindow, String(BOUND.windowMs));
      const history = parseHistory(await desk.holdfast.history(body.workflow_id));
      // The moment at which the engine scheduled it, by the venue's clock, which is this machine's here.
      const [scheduled] = eventsOf(history, 'ACTIVITY_TASK_SCHEDULED');
      const drift = Number(timestamp) - Date.parse(String(scheduled!['eventTime']));
      assert.ok(Math.abs(drift) < BOUND.windowMs / 3, `${timestamp} is ${drift} ms from the scheduling`);
    });
  }

  test('is filled in part where there is not enough, and says how it ended', async (t) => {
    await desk.control.liquidity('ETHUSDT', '0.4');
    t.after(() => desk.control.liquidity('ETHUSDT', null));
    const { body } = await desk.post(alertWith({ symbol: 'ETH/USDT', quantity: '1' }));
    const { order } = await desk.untilOver(body.workflow_id);
    assert.deepEqual(
      [order.status, order.filled_quantity, order.average_price, order.success],
      ['canceled', '0.4', '3500', true],
    );
  });

  test('is the same order when its alert comes again', async () => {
    const alert = alertWith();
    const [first, ...others] = await Promise.all([desk.post(alert), desk.post(alert), desk.post(alert)]);
    for (const { body } of [first, ...others])
      assert.deepEqual([body.status, body.order_id], ['filled', first.body.order_id]);
    assert.equal((await desk.sends(alert)).length, 1);
  });

  test('is rounded to the market’s step, never up, and says so', async () => {
    const alert = alertWith({ quantity: '0.010009' });
    const { body } = await desk.post(alert);
    const [request] = await desk.sends(alert);
    assert.deepEqual([body.status, request!.parameters['quantity']], ['filled', '0.01']);
    assert.ok(body.inferred.some((line) => line.includes('0.010009') && line.includes('0.00001')));
  });
});

describe('an order that rests', () => {
  test('is answered as working, fills later, and is one order at the venue', async () => {
    const alert = resting();
    const { http, body } = await desk.post(alert);
    assert.deepEqual([http, body.status, body.filled_quantity], [200, 'working', '0']);
    const [request] = await desk.sends(alert);
    const { type, price, quantity, timeInForce } = request!.parameters;
    assert.deepEqual([type, price, quantity, timeInForce], ['LIMIT', '60000', '0.01', 'GTC']);
    await desk.control.fill({ clientOrderId: body.client_order_id, quantity: '0.01' });
    const { order } = await desk.untilOver(body.workflow_id);
    assert.deepEqual([order.status, order.filled_quantity, order.average_price], ['filled', '0.01', '60000']);
    assert.equal((await desk.booked(alert)).length, 1);
  });

  test('adds nothing to its history while it rests, however often the venue is asked', async () => {
    const alert = resting();
    const { body } = await desk.post(alert);
    const asksOf = async (): Promise<number> => (await desk.asks(alert)).length;
    await eventually(asksOf, (asks) => asks >= 1, { what: 'the first question' });
    const before = await desk.cost(body.workflow_id);
    const seen = await asksOf();
    await eventually(asksOf, (asks) => asks >= seen + POLLS_SEEN, { what: `${POLLS_SEEN} questions more` });
    const after = await desk.cost(body.workflow_id);
    assert.deepEqual([after.events, after.bytes], [before.events, before.bytes]);
    const scheduled = eventsOf(parseHistory(await desk.holdfast.history(body.workflow_id)), 'ACTIVITY_TASK_SCHEDULED');
    const names = scheduled.map((event) => (JSON.stringify(event).includes('followOrder') ? 'follow' : 'place'));
    assert.deepEqual(names, ['place', 'follow']);
    await desk.command(body.workflow_id, 'cancel');
  });

  test('counts each part of a fill once, and averages them exactly', async () => {
    const alert = resting();
    const { body } = await desk.post(alert);
    const clientOrderId = body.client_order_id;
    await desk.control.fill({ clientOrderId, quantity: '0.003', price: '60000' });
    const first = await desk.untilStatus(body.workflow_id, 'partially_filled');
    assert.deepEqual([first.order.filled_quantity, first.order.average_price], ['0.003', '60000']);
    // Two more between two questions: one of them was never reported by itself.
    await desk.control.fill({ clientOrderId, quantity: '0.002', price: '59990' });
    await desk.control.fill({ clientOrderId, quantity: '0.005', price: '59000.5' });
    const { order } = await desk.untilOver(body.workflow_id);
    // (0.003 × 60000 + 0.002 × 59990 + 0.005 × 59000.5) / 0.01
    assert.deepEqual([order.status, order.filled_quantity, order.average_price], ['filled', '0.01', '59498.25']);
    const { fills } = await desk.control.ledger();
    const booked = fills.filter((fill) => fill.clientOrderId === clientOrderId).map(({ tradeId }) => String(tradeId));
    const counted = await tradesIn(body.workflow_id);
    assert.deepEqual(counted, booked);
  });

  test('that the venue lets expire is canceled, with what was filled', async () => {
    const alert = resting();
    const { body } = await desk.post(alert);
    await desk.control.fill({ clientOrderId: body.client_order_id, quantity: '0.004' });
    await desk.control.expire({ clientOrderId: body.client_order_id });
    const { order } = await desk.untilOver(body.workflow_id);
    assert.deepEqual([order.status, order.filled_quantity, order.average_price], ['canceled', '0.004', '60000']);
  });

  test('is canceled by an operator, with what was filled, and a second cancel changes nothing', async () => {
    const alert = resting();
    const { body } = await desk.post(alert);
    await desk.control.fill({ clientOrderId: body.client_order_id, quantity: '0.004' });
    const first = await desk.command(body.workflow_id, 'cancel');
    assert.deepEqual([first.http, first.body.status, first.body.filled_quantity], [200, 'canceled', '0.004']);
    const { order } = await desk.untilOver(body.workflow_id);
    const second = await desk.command(body.workflow_id, 'cancel');
    assert.deepEqual([second.http, second.body.status, second.body.order_id], [200, 'canceled', order.order_id]);
    assert.deepEqual(
      (await desk.booked(alert)).map(({ status, executedQty }) => [status, Number(executedQty)]),
      [['CANCELED', 0.004]],
    );
  });

  test('that fills while its cancel is under way is filled', async () => {
    const alert = resting();
    const { body } = await desk.post(alert);
    const match = { method: 'DELETE', clientOrderId: body.client_order_id };
    await desk.control.fault({ match, fault: 'late' });
    const canceling = desk.command(body.workflow_id, 'cancel');
    await eventually(
      () => desk.control.held(),
      (held) => held.some(({ clientOrderIds }) => clientOrderIds.includes(body.client_order_id)),
      { what: 'the cancel on its way' },
    );
    await desk.control.fill({ clientOrderId: body.client_order_id, quantity: '0.01' });
    await desk.control.release(body.client_order_id);
    const { body: told } = await canceling;
    assert.deepEqual([told.status, told.filled_quantity], ['filled', '0.01']);
  });
});

describe('time in force', () => {
  const price = { symbol: 'ETH/USDT', order_type: 'limit', limit_price: '3500', quantity: '1' };
  for (const [name, tif, there, expected] of [
    ['an ioc takes what is there', 'ioc', '0.25', ['canceled', '0.25']],
    ['an ioc that finds nothing is canceled', 'ioc', '0', ['canceled', '0']],
    ['a fok takes all or nothing: nothing', 'fok', '0.25', ['canceled', '0']],
    ['a fok takes all or nothing: all', 'fok', '1', ['filled', '1']],
  ] as const) {
    test(name, async (t) => {
      await desk.control.liquidity('ETHUSDT', there);
      t.after(() => desk.control.liquidity('ETHUSDT', null));
      const alert = alertWith({ ...price, time_in_force: tif });
      const { body } = await desk.post(alert);
      const { order } = await desk.untilOver(body.workflow_id);
      assert.deepEqual([order.status, order.filled_quantity], expected);
      const [request] = await desk.sends(alert);
      assert.equal(request!.parameters['timeInForce'], tif.toUpperCase());
    });
  }
});

describe('a stop', () => {
  test('waits for its price, and then sells at the market', async (t) => {
    t.after(() => desk.control.price('BTCUSDT', '67500'));
    const alert = alertWith({ account: 'stops', action: 'sell', order_type: 'stop', stop_price: '66000' });
    const { body } = await desk.post(alert);
    assert.equal(body.status, 'working');
    const [request] = await desk.sends(alert);
    const { type, stopPrice, price, timeInForce } = request!.parameters;
    assert.deepEqual([type, stopPrice, price, timeInForce], ['STOP_LOSS', '66000', undefined, undefined]);
    await desk.control.price('BTCUSDT', '65990');
    const { order } = await desk.untilOver(body.workflow_id);
    assert.deepEqual([order.status, order.filled_quantity, order.average_price], ['filled', '0.01', '65990']);
  });

  test('with a limit goes on the book at its price, and fills there', async (t) => {
    t.after(() => desk.control.price('BTCUSDT', '67500'));
    const alert = alertWith({
      account: 'stop-limits',
      order_type: 'stop_limit',
      stop_price: '68000',
      limit_price: '68010',
    });
    const { body } = await desk.post(alert);
    assert.equal(body.status, 'working');
    const [request] = await desk.sends(alert);
    const { type, stopPrice, price, timeInForce } = request!.parameters;
    assert.deepEqual([type, stopPrice, price, timeInForce], ['STOP_LOSS_LIMIT', '68000', '68010', 'GTC']);
    // Beyond the limit: triggered, and not filled.
    await desk.control.price('BTCUSDT', '68020');
    assert.equal((await desk.booked(alert))[0]!.status, 'NEW');
    await desk.control.price('BTCUSDT', '68005');
    const { order } = await desk.untilOver(body.workflow_id);
    assert.deepEqual([order.status, order.filled_quantity], ['filled', '0.01']);
  });

  // The venue's answer to a waiting stop has a time of -1, which is taken for a reading of its clock.
  test('that waits leaves the clock of its account alone', async () => {
    await desk.warm('after-a-stop');
    const stop = alertWith({ account: 'after-a-stop', action: 'sell', order_type: 'stop', stop_price: '60000' });
    const { body: waiting } = await desk.post(stop);
    assert.equal(waiting.status, 'working');
    const next = alertWith({ account: 'after-a-stop' });
    const { body } = await desk.post(next);
    await desk.command(waiting.workflow_id, 'cancel');
    await desk.untilOver(body.workflow_id);
    assert.deepEqual([body.status, (await desk.sends(next)).length], ['filled', 1]);
  });

  test('that would trigger at once is rejected in the venue’s words', async () => {
    const alert = alertWith({ action: 'sell', order_type: 'stop', stop_price: '70000' });
    const { body } = await desk.post(alert);
    assert.equal(body.status, 'rejected');
    assert.match(String(body.error), /trigger/);
    assert.deepEqual(await desk.booked(alert), []);
  });
});

describe('what cannot be placed is denied with both numbers, and nothing is sent', () => {
  for (const [name, members, code, numbers] of [
    ['a symbol that is not there', { symbol: 'NOPE/USDT' }, 'SYMBOL_UNKNOWN', ['NOPE/USDT']],
    ['a quantity below a step', { quantity: '0.000009' }, 'QUANTITY_BELOW_MINIMUM', ['0.000009', '0.00001']],
    [
      'a quantity below the minimum',
      { symbol: 'BNB/USDT', quantity: '0.049' },
      'QUANTITY_BELOW_MINIMUM',
      ['0.049', '0.05'],
    ],
    [
      'a value below the minimum, at a limit',
      { quantity: '0.00008', order_type: 'limit', limit_price: '60000' },
      'NOTIONAL_BELOW_MINIMUM',
      ['4.8', '5'],
    ],
    [
      'a value below the minimum, at the price that the sender saw',
      { quantity: '0.00007', price: '67500' },
      'NOTIONAL_BELOW_MINIMUM',
      ['4.725', '5'],
    ],
    ['a quantity above the maximum', { quantity: '9001' }, 'QUANTITY_ABOVE_MAXIMUM', ['9001', '9000']],
  ] as const) {
    test(name, async () => {
      const begin = await logEnd();
      const alert = alertWith(members);
      const { body } = await desk.post(alert);
      assert.deepEqual([body.status, body.reason?.code, body.success], ['denied', code, false]);
      for (const number of numbers) assert.ok(body.error?.includes(number), `${number} in: ${body.error}`);
      await desk.untilOver(body.workflow_id);
      assert.deepEqual(
        (await desk.control.ledger(begin)).requests.filter(({ method }) => method !== 'GET'),
        [],
      );
      assert.deepEqual(await desk.booked(alert), []);
    });
  }
});

test('in the end the venue has booked what was told, and nothing else', async () => {
  await desk.reconcile();
});

/** The trade ids that an order's history has counted, each once, oldest first. */
async function tradesIn(workflowId: string): Promise<string[]> {
  const { events } = await desk.tell(workflowId);
  const ids = events.flatMap(({ detail }) => {
    const { fills } = (detail ?? {}) as { fills?: readonly { tradeId: string }[] };
    return (fills ?? []).map(({ tradeId }) => tradeId);
  });
  return [...new Set(ids)].toSorted((one, other) => Number(one) - Number(other));
}
