import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';

import { compare } from '../../domain/decimal.ts';
import type { OrderStory } from '../../ingress/order-book.ts';
import type { Order, RequestRecord } from '../simulators/binance-spot/start-simulator.ts';
import { eventually } from '../support/eventually.ts';
import { LiveDesk } from '../support/live-desk.ts';

// What the exchange would not take as protection denies the entry, while nothing is sent.

let desk: LiveDesk;
before(async () => {
  desk = await LiveDesk.start();
  await desk.warm();
});
after(() => desk?.dispose());
beforeEach(async () => {
  await desk.control.clearFaults();
  await desk.control.price('ETHUSDT', '3500');
});

let count = 0;
/** An ETH bought at the market, with a stop below and a target above, but for the members given. */
function entry(members: Readonly<Record<string, unknown>> = {}) {
  const levels = { stop_loss: '3400', take_profit: '3600' };
  return { id: `foreseen-${(count += 1)}`, symbol: 'ETH/USDT', quantity: '1', ...levels, ...members };
}

const split = (...shares: number[]): object[] =>
  shares.map((share, index) => ({ price: `${3600 + 100 * index}`, quantity_percent: share }));

/** The requests that have reached the exchange meanwhile, and would have changed something there. */
async function changing(work: () => Promise<void>): Promise<RequestRecord[]> {
  const last = (await desk.control.ledger()).requests.at(-1)?.id ?? 0;
  await work();
  return (await desk.control.ledger(last)).requests.filter(({ method }) => method !== 'GET');
}

const RESTING = { order_type: 'limit', limit_price: '3450' };

describe('denied by name, with both numbers, and nothing is sent', () => {
  const rows: [what: string, members: Record<string, unknown>, code: string, words: RegExp][] = [
    [
      'a stop that lies at the entry’s price in the market’s steps',
      { order_type: 'limit', limit_price: '3450.009', stop_loss: '3450.004', take_profit: '3600' },
      'BRACKET_TOO_CLOSE',
      /stop_loss of the target comes to 3450 .* not below the entry's price 3450\./,
    ],
    [
      'the same of a sell',
      { action: 'sell', order_type: 'limit', limit_price: '3549.991', stop_loss: '3549.996', take_profit: '3400' },
      'BRACKET_TOO_CLOSE',
      /comes to 3550 .* not above the entry's price 3550\./,
    ],
    [
      'a part that is too small at both of its prices',
      { quantity: '0.003', take_profit: split(70, 30) },
      'BRACKET_TOO_SMALL',
      /the target 2 of 2, less the fee .* 2\.72 \(0\.0008 at 3400\) .* minimum 5\./,
    ],
    [
      'a part that is less than a step',
      { quantity: '0.01', take_profit: split(99.5, 0.5) },
      'BRACKET_TOO_SMALL',
      /the target 2 of 2.* 0\.00004995 of .* minimum 0\.0001\./,
    ],
    [
      'what is worth too little at its stop only',
      { quantity: '0.0015' },
      'BRACKET_TOO_SMALL',
      /the target, less the fee .* 4\.76 \(0\.0014 at 3400\) .* minimum 5\./,
    ],
    [
      'what is worth too little at its only stop, in percent of the market’s price',
      { quantity: '0.0016', stop_loss: '20%', take_profit: undefined },
      'BRACKET_TOO_SMALL',
      /take the stop, less the fee .* 4\.2 \(0\.0015 at 2800\) .* minimum 5\./,
    ],
    [
      'what is bought back for too little at its target',
      { action: 'sell', quantity: '0.0015', stop_loss: '3600', take_profit: '3300' },
      'BRACKET_TOO_SMALL',
      /take the target: .* 4\.95 \(0\.0015 at 3300\) .* minimum 5\./,
    ],
    [
      'what the fee would make too small',
      { quantity: '0.0015', stop_loss: '3350', take_profit: '3600', ...RESTING },
      'BRACKET_TOO_SMALL',
      /4\.69 \(0\.0014 at 3350\) .* minimum 5\./,
    ],
    [
      'a stop above the market of a buy at the market',
      { stop_loss: '3510' },
      'BRACKET_WRONG_SIDE',
      /stop_loss 3510 of a buy must be below the market's price 3500\./,
    ],
    [
      'a stop at the market’s price',
      { stop_loss: '3500' },
      'BRACKET_WRONG_SIDE',
      /stop_loss 3500 of a buy must be below the market's price 3500\./,
    ],
    [
      'a target below it, whatever price the sender saw',
      { price: '3300', stop_loss: '3200', take_profit: '3490' },
      'BRACKET_WRONG_SIDE',
      /take_profit 3490 of a buy must be above the market's price 3500\./,
    ],
    [
      'a target above the market of a sell',
      { action: 'sell', stop_loss: '3600', take_profit: '3510' },
      'BRACKET_WRONG_SIDE',
      /take_profit 3510 of a sell must be below the market's price 3500\./,
    ],
    [
      'a stop below the limit of a buy that trades at once, but above the market',
      { order_type: 'limit', limit_price: '3550', stop_loss: '3520' },
      'BRACKET_WRONG_SIDE',
      /stop_loss 3520 of a buy must be below the market's price 3500\./,
    ],
    [
      'a target further away than the exchange takes a price',
      { take_profit: '17500.01' },
      'BRACKET_TOO_FAR',
      /the target: The limit price 17500\.01 of ETH\/USDT is above 17500, which is 5 times the price 3500/,
    ],
  ];
  for (const [what, members, code, words] of rows) {
    test(what, async () => {
      const sent = await changing(async () => {
        const { http, body } = await desk.post(entry(members));
        assert.deepEqual([http, body.status, body.success, body.reason?.code], [200, 'denied', false, code]);
        assert.match(body.reason!.message, words);
        assert.ok(body.reason!.fix);
        assert.equal(body.order_id, null);
        assert.equal((await desk.untilOver(body.workflow_id)).order.status, 'denied');
      });
      assert.deepEqual(sent, []);
    });
  }
});

/** What has been booked to take an entry out again. */
async function exitsOf(clientOrderId: string): Promise<Order[]> {
  const { orders } = await desk.control.ledger();
  return orders.filter((order) => order.clientOrderId.startsWith(`${clientOrderId}-`));
}

const untilGuarded = (workflowId: string, quantity: string): Promise<OrderStory> =>
  eventually(
    () => desk.tell(workflowId),
    ({ order }) => order.protection?.guarded_quantity === quantity,
    { withinMs: 30_000, everyMs: 200, what: `${quantity} being protected` },
  );

describe('one step further', () => {
  // Each is the nearest neighbour of one that is denied above, and the exchange does take its protection.
  const rows: [what: string, members: Record<string, unknown>, guarded: string][] = [
    ['a stop a step below the market', { stop_loss: '3499.99' }, '0.999'],
    ['a target at the furthest price that it takes', { take_profit: '17500' }, '0.999'],
    ['the least that is worth enough at its stop', { quantity: '0.0016' }, '0.0015'],
  ];
  for (const [what, members, guarded] of rows) {
    test(`${what} is entered and protected`, async () => {
      const { body } = await desk.post(entry(members));
      const { order } = await untilGuarded(body.workflow_id, guarded);
      assert.equal(order.reason, null);
      await desk.control.price('ETHUSDT', '3390');
      await desk.untilOver(body.workflow_id);
    });
  }
});

test('while the exchange tells no price, an order is judged by what its alert says, and that is told', async () => {
  await desk.control.fault({
    match: { method: 'GET', path: '/api/v3/ticker/24hr' },
    fault: 'status-before',
    times: null,
  });
  const { body } = await desk.post(entry({ stop_loss: '3450', take_profit: '3550' }));
  const { order } = await untilGuarded(body.workflow_id, '0.999');
  assert.ok(
    order.inferred.some((note) => note.includes("market's price could not be found out")),
    JSON.stringify(order.inferred),
  );
  await desk.control.clearFaults();
  const before = await exitsOf(body.client_order_id);
  assert.equal(before.filter(({ executedQty }) => compare(executedQty, '0') > 0).length, 0);
  await desk.control.price('ETHUSDT', '3560');
  await desk.untilOver(body.workflow_id);
});

describe('what is worth enough to be sold, and not at its stop', () => {
  const resting = { order_type: 'limit', limit_price: '3450', stop_loss: '3300' };

  async function filledInPart(quantity: string): Promise<{ workflowId: string; clientOrderId: string }> {
    const { body } = await desk.post(entry(resting));
    await desk.untilStatus(body.workflow_id, 'working');
    await desk.control.fill({ clientOrderId: body.client_order_id, quantity });
    const said = ({ events }: OrderStory): boolean =>
      JSON.stringify(events).includes('NOTIONAL_BELOW_MINIMUM_AT_LEVEL');
    await eventually(() => desk.tell(body.workflow_id), said, { what: 'the refusal of the stop', withinMs: 20_000 });
    return { workflowId: body.workflow_id, clientOrderId: body.client_order_id };
  }

  test('waits while more can come in, and is protected with it', async () => {
    const { workflowId, clientOrderId } = await filledInPart('0.0016');
    assert.deepEqual(await exitsOf(clientOrderId), []);
    await desk.control.fill({ clientOrderId, quantity: '0.9984' });
    const { order } = await untilGuarded(workflowId, '0.999');
    assert.equal(order.reason, null);
    await desk.control.price('ETHUSDT', '3610');
    assert.equal((await desk.untilOver(workflowId)).order.status, 'closed');
  });

  test('is closed at the market when no more can', async () => {
    const { workflowId, clientOrderId } = await filledInPart('0.0016');
    await desk.command(workflowId, 'cancel');
    const { order } = await desk.untilOver(workflowId);
    assert.deepEqual([order.status, order.reason?.code], ['closed', 'PROTECTION_FAILED']);
    assert.match(order.reason!.message, /4\.95 \(0\.0015 at 3300\)/);
    const exits = await exitsOf(clientOrderId);
    assert.deepEqual(
      exits.map(({ type, executedQty }) => [type, Number(executedQty)]),
      [['MARKET', 0.0015]],
    );
  });
});
