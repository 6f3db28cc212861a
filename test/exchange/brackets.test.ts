import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { add, compare } from '../../domain/decimal.ts';
import type { AccountView } from '../../ingress/account-book.ts';
import type { OrderStory } from '../../ingress/order-book.ts';
import type { FaultRule, Order } from '../simulators/binance-spot/start-simulator.ts';
import { eventually } from '../support/eventually.ts';
import { eventsOf, parseHistory } from '../support/history.ts';
import { LiveDesk } from '../support/live-desk.ts';

// What an entry brings in is protected at the exchange, by orders of its own, from its first fill until it is out again.

const OCO = '/api/v3/orderList/oco';

let desk: LiveDesk;
before(async () => {
  desk = await LiveDesk.start({ env: { RECONCILE_INTERVAL: '2' } });
  await desk.warm();
});
after(() => desk?.dispose());
beforeEach(async () => {
  await desk.control.clearFaults();
  await desk.control.price('ETHUSDT', '3500');
  await desk.control.price('BTCUSDT', '67500');
});

let count = 0;
/** Half an ETH bought at the market, with a stop below and a target above, but for the members given. */
function entry(members: Readonly<Record<string, unknown>> = {}) {
  const levels = { stop_loss: '3400', take_profit: '3600' };
  return { id: `bracket-${(count += 1)}`, symbol: 'ETH/USDT', quantity: '0.5', ...levels, ...members };
}

interface Entered {
  readonly workflowId: string;
  readonly clientOrderId: string;
}

async function enter(members: Readonly<Record<string, unknown>> = {}): Promise<Entered> {
  const { http, body } = await desk.post(entry(members));
  assert.ok(http < 300, JSON.stringify(body));
  return { workflowId: body.workflow_id, clientOrderId: body.client_order_id };
}

const until = ({ workflowId }: Entered, is: (story: OrderStory) => boolean, what: string): Promise<OrderStory> =>
  eventually(() => desk.tell(workflowId), is, { withinMs: 30_000, everyMs: 200, what });

const untilGuarded = (order: Entered, quantity: string): Promise<OrderStory> =>
  until(order, (story) => story.order.protection?.guarded_quantity === quantity, `${quantity} being protected`);

/** An entry that is filled, and for so much of which protection waits at the venue. */
async function protectedEntry(quantity: string, members: Readonly<Record<string, unknown>> = {}): Promise<Entered> {
  const order = await enter(members);
  await untilGuarded(order, quantity);
  return order;
}

/** What has been booked to take an entry out again, in the order in which it was. */
async function exitsOf({ clientOrderId }: Entered): Promise<Order[]> {
  const { orders } = await desk.control.ledger();
  return orders.filter((order) => order.clientOrderId.startsWith(`${clientOrderId}-`));
}

async function listsOf({ clientOrderId }: Entered) {
  const { lists } = await desk.control.ledger();
  return lists.filter(({ listClientOrderId }) => listClientOrderId.startsWith(`${clientOrderId}-`));
}

const plain = (amount: string): string => add(amount, '0');
const soldOf = (orders: readonly Order[]): string =>
  orders.reduce((sum, { executedQty }) => add(sum, executedQty), '0');

/** The end of an entry: how it is told, and how much the venue has taken out in all. */
async function assertClosed(order: Entered, quantity: string, reason: string | null = null): Promise<OrderStory> {
  const story = await desk.untilOver(order.workflowId);
  const { status, success, protection } = story.order;
  assert.deepEqual([status, success, story.order.reason?.code ?? null], ['closed', true, reason]);
  assert.deepEqual([protection?.guarded_quantity, protection?.exited_quantity], ['0', quantity]);
  const exits = await exitsOf(order);
  assert.equal(soldOf(exits), quantity);
  assert.deepEqual(
    exits.filter(({ status: at }) => at === 'NEW' || at === 'PARTIALLY_FILLED'),
    [],
    'nothing is left at the venue',
  );
  return story;
}

async function account(): Promise<AccountView> {
  const { accounts } = await desk.holdfast.operator<{ accounts: AccountView[] }>('/accounts');
  return accounts.find(({ name }) => name === 'binance')!;
}

describe('case 2', () => {
  for (const [name, price, at] of [
    ['target', '3390', '3400'],
    ['stop', '3610', '3610'],
  ] as const) {
    test(`a sell limit is protected when it is filled, and closed at its ${name}`, async () => {
      const levels = { stop_loss: '3600', take_profit: '3400' };
      const order = await protectedEntry('0.5', {
        action: 'sell',
        order_type: 'limit',
        limit_price: '3500',
        ...levels,
      });
      const terms = (await exitsOf(order)).map((one) => [one.side, one.type, plain(one.price), plain(one.stopPrice)]);
      assert.deepEqual(terms, [
        ['BUY', 'STOP_LOSS', '0', '3600'],
        ['BUY', 'LIMIT_MAKER', '3400', '0'],
      ]);
      await desk.control.price('ETHUSDT', price);
      const { order: told } = await assertClosed(order, '0.5');
      assert.equal(told.protection?.exit_average_price, at);
    });
  }
});

describe('what is protected', () => {
  test('percents are counted from the average fill, and the size is what the fee has left', async () => {
    const bought = { symbol: 'BTC/USDT', quantity: '0.01', price: '67000', stop_loss: '2%', take_profit: '4%' };
    const order = await protectedEntry('0.00999', bought);
    const [stop, target] = await exitsOf(order);
    assert.deepEqual([stop!.origQty, stop!.stopPrice, target!.origQty, target!.price].map(plain), [
      '0.00999',
      '66150',
      '0.00999',
      '70200',
    ]);
    await desk.control.price('BTCUSDT', '66000');
    await assertClosed(order, '0.00999');
  });

  test('an entry that is filled in two parts ends protected as a whole, and never for more than is filled', async () => {
    const order = await enter({ quantity: '1', order_type: 'limit', limit_price: '3450', stop_loss: '3300' });
    await desk.untilStatus(order.workflowId, 'working');
    await desk.control.fill({ clientOrderId: order.clientOrderId, quantity: '0.4' });
    await untilGuarded(order, '0.3996');
    await desk.control.fill({ clientOrderId: order.clientOrderId, quantity: '0.6' });
    await untilGuarded(order, '0.999');
    const exits = await exitsOf(order);
    assert.deepEqual(
      exits.map(({ status, origQty }) => [status, plain(origQty)]),
      [
        ['CANCELED', '0.3996'],
        ['CANCELED', '0.3996'],
        ['NEW', '0.999'],
        ['NEW', '0.999'],
      ],
    );
    // The first was gone before the second was asked for.
    const { requests } = await desk.control.ledger();
    const changing = requests.filter(
      ({ method, parameters }) =>
        method !== 'GET' && (parameters['listClientOrderId'] ?? '').startsWith(`${order.clientOrderId}-`),
    );
    assert.deepEqual(
      changing.map(({ method }) => method),
      ['POST', 'DELETE', 'POST'],
    );
    await desk.control.price('ETHUSDT', '3610');
    await assertClosed(order, '0.999');
  });

  test('an entry whose answer was lost is protected for what the fee has left, where no more than that is held', async () => {
    await desk.control.setBalances({ ETH: '0' });
    await desk.control.fault({ match: { method: 'POST', path: '/api/v3/order' }, fault: 'execute-then-drop' });
    const order = await protectedEntry('0.4995');
    await desk.control.price('ETHUSDT', '3610');
    await assertClosed(order, '0.4995');
    await desk.control.setBalances({ ETH: '1000' });
  });

  test('several targets have their shares, and each its stop', async () => {
    const targets = [
      { price: '3600', quantity_percent: 50 },
      { price: '3700', quantity_percent: 50 },
    ];
    const order = await protectedEntry('0.999', { quantity: '1', take_profit: targets });
    const limits = (await exitsOf(order)).filter(({ type }) => type === 'LIMIT_MAKER');
    const shares = limits.map(({ price, origQty }) => `${plain(origQty)} at ${plain(price)}`);
    assert.deepEqual(shares.toSorted(), ['0.4995 at 3600', '0.4995 at 3700']);
    await desk.control.price('ETHUSDT', '3610');
    await until(order, ({ order: told }) => told.protection?.exited_quantity === '0.4995', 'the first target');
    assert.equal((await desk.tell(order.workflowId)).order.protection?.guarded_quantity, '0.4995');
    await desk.control.price('ETHUSDT', '3390');
    await assertClosed(order, '0.999');
  });
});

describe('the steps of the market', () => {
  const thirds = [33, 33, 34].map((share) => ({ price: '70000', quantity_percent: share }));
  const bought = { symbol: 'BTC/USDT', quantity: '0.01', stop_loss: '66000', take_profit: thirds };

  test('nothing of a position is lost between the parts of it', async () => {
    const order = await protectedEntry('0.00999', bought);
    const targets = (await exitsOf(order)).filter(({ type }) => type === 'LIMIT_MAKER');
    assert.deepEqual(targets.map(({ origQty }) => plain(origQty)).toSorted(), ['0.00329', '0.00329', '0.00341']);
    await desk.control.price('BTCUSDT', '65900');
    await assertClosed(order, '0.00999');
  });

  test('what is guarded is what waits at the exchange, and what is less than a step is told when the rest is out', async () => {
    const order = await protectedEntry('0.00699', { ...bought, quantity: '0.007', take_profit: '70000' });
    await desk.control.price('BTCUSDT', '70100');
    await assertClosed(order, '0.00699', 'TOO_SMALL_TO_PROTECT');
  });
});

describe('what the exchange does not finish', () => {
  test('the rest of a stop that found too few buyers is taken out at the market', async () => {
    const order = await protectedEntry('0.4995');
    await desk.control.liquidity('ETHUSDT', '0.3');
    await desk.control.price('ETHUSDT', '3390');
    await desk.control.liquidity('ETHUSDT', null);
    await assertClosed(order, '0.4995');
    const exits = await exitsOf(order);
    assert.deepEqual(
      exits
        .filter(({ executedQty }) => compare(executedQty, '0') > 0)
        .map(({ type, executedQty }) => [type, plain(executedQty)]),
      [
        ['STOP_LOSS', '0.3'],
        ['MARKET', '0.1995'],
      ],
    );
  });

  test('the rest of a target, whose stop ended with its first fill, has a stop again', async () => {
    const order = await protectedEntry('0.4995');
    await desk.control.fill({ clientOrderId: `${order.clientOrderId}-P0.0T`, quantity: '0.2' });
    const isNew = (orders: readonly Order[]): boolean =>
      orders.some(
        ({ status, type, origQty }) => status === 'NEW' && type === 'STOP_LOSS' && plain(origQty) === '0.2995',
      );
    await eventually(() => exitsOf(order), isNew, { what: 'a stop for the rest', withinMs: 20_000 });
    await untilGuarded(order, '0.2995');
    await desk.control.price('ETHUSDT', '3390');
    await assertClosed(order, '0.4995');
  });

  test('a part that a person has taken over stays told, whatever becomes of the others', async () => {
    const targets = [
      { price: '3600', quantity_percent: 33 },
      { price: '3700', quantity_percent: 67 },
    ];
    const order = await enter({ quantity: '1', take_profit: targets });
    await until(order, ({ order: told }) => Number(told.protection?.guarded_quantity) > 0.99, 'both parts protected');
    await desk.control.cancel({ clientOrderId: `${order.clientOrderId}-P0.0T` });
    await until(order, ({ order: told }) => told.reason?.code === 'PROTECTION_CANCELED', 'the loss of one');
    await desk.control.price('ETHUSDT', '3710');
    const { order: told } = await desk.untilOver(order.workflowId);
    assert.deepEqual([told.status, told.reason?.code], ['filled', 'PROTECTION_CANCELED']);
    assert.equal(soldOf(await exitsOf(order)), '0.6694');
  });
});

describe('when the venue fails', () => {
  for (const [fault, sends] of [
    ['execute-then-drop', 1],
    ['drop-before', 2],
  ] as const) {
    test(`a protection whose placement is lost (${fault}) is there once in the end`, async () => {
      await desk.control.fault({ match: { path: OCO }, fault } satisfies FaultRule);
      const order = await protectedEntry('0.4995');
      assert.deepEqual(
        (await listsOf(order)).map(({ listClientOrderId }) => listClientOrderId),
        [`${order.clientOrderId}-P0.0`],
      );
      const { requests } = await desk.control.ledger();
      const sent = requests.filter(({ parameters: { listClientOrderId } }) =>
        listClientOrderId?.startsWith(`${order.clientOrderId}-`),
      );
      assert.equal(sent.length, sends);
      await desk.control.price('ETHUSDT', '3610');
      await assertClosed(order, '0.4995');
    });
  }

  test('where the price is through the stop already, the position is closed at the market', async () => {
    await desk.control.fault({ match: { path: OCO }, fault: 'late' });
    const entering = enter();
    await eventually(
      () => desk.control.held(),
      ({ length }) => length === 1,
      { what: 'the held protection' },
    );
    await desk.control.price('ETHUSDT', '3390');
    await desk.control.release();
    const order = await entering;
    const { order: told } = await assertClosed(order, '0.4995', 'PROTECTION_FAILED');
    assert.equal(told.protection?.exit_average_price, '3390');
    assert.deepEqual(
      (await exitsOf(order)).map(({ clientOrderId, type }) => [clientOrderId, type]),
      [[`${order.clientOrderId}-E0.1`, 'MARKET']],
    );
  });

  test('what is filled while the part before it is being closed is protected', async () => {
    const order = await enter({ quantity: '1', order_type: 'limit', limit_price: '3450', stop_loss: '3300' });
    await desk.untilStatus(order.workflowId, 'working');
    await desk.control.fault({ match: { path: OCO }, fault: { kind: 'reject', code: -2010, msg: 'Not now.' } });
    const exit = `${order.clientOrderId}-E0.1`;
    await desk.control.fault({ match: { clientOrderId: exit }, fault: 'late' });
    await desk.control.fill({ clientOrderId: order.clientOrderId, quantity: '0.4' });
    await eventually(
      () => desk.control.held(),
      ({ length }) => length === 1,
      { what: 'the held exit' },
    );
    await desk.control.fill({ clientOrderId: order.clientOrderId, quantity: '0.6' });
    await until(order, ({ order: told }) => told.filled_quantity === '1', 'the whole entry');
    await desk.control.release();
    await untilGuarded(order, '0.5994');
    await desk.control.price('ETHUSDT', '3610');
    await assertClosed(order, '0.999', 'PROTECTION_FAILED');
  });

  test('a protection that a person cancels is not put back, and nothing is sold', async () => {
    const order = await protectedEntry('0.4995');
    const { requests: before } = await desk.control.ledger();
    await desk.control.cancel({ clientOrderId: `${order.clientOrderId}-P0.0T` });
    const { order: told } = await desk.untilOver(order.workflowId);
    assert.deepEqual([told.status, told.reason?.code], ['filled', 'PROTECTION_CANCELED']);
    assert.deepEqual([told.protection?.guarded_quantity, told.protection?.exited_quantity], ['0', '0']);
    const { requests } = await desk.control.ledger(before.at(-1)!.id);
    assert.deepEqual(
      requests.filter(({ method }) => method !== 'GET'),
      [],
    );
  });
});

describe('as time goes by', () => {
  test('a position that rests costs nothing but questions, and no order of it is a stranger', async () => {
    const order = await protectedEntry('0.4995');
    const { requests: before } = await desk.control.ledger();
    const cost = await desk.cost(order.workflowId);
    const kinds = new Set<string>();
    const comparisons = new Set<string | null>();
    const end = performance.now() + 3_000;
    while (performance.now() < end || comparisons.size < 3) {
      const { differences, reconciled_at: at } = await account();
      for (const { kind } of differences) kinds.add(kind);
      comparisons.add(at);
      await sleep(200);
    }
    assert.deepEqual([...kinds], []);
    assert.equal((await desk.cost(order.workflowId)).events, cost.events);
    const { requests } = await desk.control.ledger(before.at(-1)!.id);
    const polls = requests.filter(({ parameters }) =>
      parameters['origClientOrderId']?.startsWith(`${order.clientOrderId}-`),
    );
    assert.ok(polls.length >= 2, 'it is asked about');
    assert.ok(
      polls.every(({ parameters }) => parameters['origClientOrderId']!.endsWith('T')),
      'one question each time',
    );
    const history = parseHistory(await desk.holdfast.history(order.workflowId));
    const follows = eventsOf(history, 'ACTIVITY_TASK_SCHEDULED').filter((event) =>
      JSON.stringify(event).includes('"followOrder"'),
    );
    assert.equal(follows.length, 1);
    await desk.control.price('ETHUSDT', '3610');
    await assertClosed(order, '0.4995');
  });

  test('a position outlives the death of everything, and is closed once', async () => {
    const order = await protectedEntry('0.4995');
    await desk.holdfast.killAll();
    await desk.holdfast.start();
    await untilGuarded(order, '0.4995');
    assert.equal((await listsOf(order)).length, 1);
    await desk.control.price('ETHUSDT', '3610');
    await assertClosed(order, '0.4995');
    assert.equal((await exitsOf(order)).filter(({ executedQty }) => compare(executedQty, '0') > 0).length, 1);
  });

  test('a position that reached its target while nothing ran is found closed', async () => {
    const order = await protectedEntry('0.4995');
    await desk.holdfast.killAll();
    await desk.control.price('ETHUSDT', '3610');
    await desk.holdfast.start();
    await assertClosed(order, '0.4995');
  });

  test('a position whose order is reset finds what protects it now, not what did before', async () => {
    const order = await enter({ quantity: '1', order_type: 'limit', limit_price: '3450', stop_loss: '3300' });
    await desk.untilStatus(order.workflowId, 'working');
    await desk.control.fill({ clientOrderId: order.clientOrderId, quantity: '0.4' });
    await untilGuarded(order, '0.3996');
    await desk.control.fill({ clientOrderId: order.clientOrderId, quantity: '0.6' });
    await untilGuarded(order, '0.999');
    const to = ['--type', 'FirstWorkflowTask', '--reason', 'a test'];
    await desk.holdfast.temporal('workflow', 'reset', '--workflow-id', order.workflowId, ...to);
    await untilGuarded(order, '0.999');
    await sleep(2_000);
    const { order: told } = await untilGuarded(order, '0.999');
    assert.equal(told.reason, null);
    assert.equal((await listsOf(order)).length, 2);
    await desk.control.price('ETHUSDT', '3610');
    await assertClosed(order, '0.999');
  });

  test('a halt leaves protection where it is, and what is filled after it is protected too', async () => {
    const filled = await protectedEntry('0.4995');
    const waiting = await enter({ order_type: 'limit', limit_price: '3450', stop_loss: '3300' });
    await desk.untilStatus(waiting.workflowId, 'working');
    const command = async (path: string, body: object): Promise<void> => {
      const headers = { 'content-type': 'application/json' };
      const url = `${desk.holdfast.operatorUrl}${path}`;
      const { ok } = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body) });
      assert.ok(ok, path);
    };
    await command('/halt', { account: 'binance', reason: 'a test' });
    await desk.control.fill({ clientOrderId: waiting.clientOrderId, quantity: '0.5' });
    await untilGuarded(waiting, '0.4995');
    const { body } = await desk.post(entry());
    assert.equal(body.status, 'denied');
    await untilGuarded(filled, '0.4995');
    await desk.control.price('ETHUSDT', '3610');
    await assertClosed(filled, '0.4995');
    await assertClosed(waiting, '0.4995');
    await command('/resume', { account: 'binance' });
  });
});
