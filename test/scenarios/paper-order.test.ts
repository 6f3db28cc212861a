import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { EntryIntent } from '../../domain/intent.ts';
import type { ListedOrder, OrderStory } from '../../ingress/order-book.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast, type Reply } from '../support/holdfast.ts';
import { WITHOUT_LIMITS } from '../support/limits-off.ts';

let holdfast: Holdfast;
before(async () => (holdfast = await Holdfast.start({ config: WITHOUT_LIMITS })));
after(() => holdfast?.dispose());

interface Page {
  readonly orders: readonly ListedOrder[];
  readonly next: string | null;
}

let count = 0;

/** An alert for the paper account, with an id of its own. */
function post(alert: Readonly<Record<string, unknown>>): Promise<Reply> {
  return holdfast.post({ id: `paper-${(count += 1)}`, account: 'paper', action: 'buy', quantity: '1', ...alert });
}

/** A price is brought by an alert: a small market order that was made at it. */
async function bringPrice(symbol: string, price: string): Promise<void> {
  const reply = await post({ symbol, price, quantity: '0.001' });
  assert.deepEqual([reply.body.status, reply.body.average_price], ['filled', price]);
}

const tell = (workflowId: string): Promise<OrderStory> =>
  holdfast.operator<OrderStory>(`/orders/${encodeURIComponent(workflowId)}`);

const list = (query: string): Promise<Page> => holdfast.operator<Page>(`/orders?${query}`);

const untilStatus = (workflowId: string, status: string): Promise<OrderStory> =>
  eventually(
    () => tell(workflowId),
    (story) => story.order.status === status && (status === 'working' || story.workflow.status === 'completed'),
    { what: `${workflowId} being ${status}` },
  );

const cancel = async (workflowId: string): Promise<Reply['body'] & { http: number }> => {
  const response = await fetch(`${holdfast.operatorUrl}/orders/${encodeURIComponent(workflowId)}/cancel`, {
    method: 'POST',
  });
  return { http: response.status, ...((await response.json()) as Reply['body']) };
};

const bookedAs = (clientOrderId: string) =>
  holdfast.paperBook().orders.filter((order) => order.client_order_id === clientOrderId);

test('a market buy is filled in the answer, booked once and paid for', async () => {
  const before = holdfast.paperBook().balances;
  const { http, body } = await post({ symbol: 'BTC/USDT', quantity: 0.01 });
  assert.deepEqual(
    [http, body.success, body.status, body.error, body.quantity, body.filled_quantity, body.average_price],
    [200, true, 'filled', null, '0.01', '0.01', '67500'],
  );
  assert.match(String(body.order_id), /^paper-\d+$/);
  const [booked, ...more] = bookedAs(body.client_order_id);
  assert.deepEqual(more, []);
  assert.deepEqual([booked?.status, booked?.filled_quantity, booked?.side], ['filled', '0.01', 'buy']);
  assert.deepEqual(holdfast.paperBook().balances, { ...before, BTC: '1.01', USDT: '99325' });
  const { workflow } = await tell(body.workflow_id);
  assert.equal(workflow.status, 'completed');
});

test('a limit order rests, is answered at once, and is filled later in the same run', async () => {
  const { http, body } = await post({ symbol: 'AAA/USDT', order_type: 'limit', limit_price: '90', price: '100' });
  assert.deepEqual([http, body.success, body.status, body.filled_quantity], [200, true, 'working', '0']);
  assert.match(String(body.order_id), /^paper-\d+$/);
  const resting = await tell(body.workflow_id);
  assert.deepEqual([resting.order.status, resting.workflow.status], ['working', 'running']);

  await bringPrice('AAA/USDT', '89');
  const filled = await untilStatus(body.workflow_id, 'filled');
  // It waited at its own price, and trades there.
  assert.deepEqual([filled.order.average_price, filled.order.filled_quantity], ['90', '1']);
  assert.equal(filled.workflow.run_id, resting.workflow.run_id);
  assert.deepEqual(
    bookedAs(body.client_order_id).map(({ status }) => status),
    ['filled'],
  );
});

test('a stop order waits for its price and then takes what the market gives', async () => {
  const { body } = await post({ symbol: 'BBB/USDT', order_type: 'stop', stop_price: '110', price: '100' });
  assert.equal(body.status, 'working');
  await bringPrice('BBB/USDT', '109');
  assert.equal((await tell(body.workflow_id)).order.status, 'working');
  await bringPrice('BBB/USDT', '111');
  const { order } = await untilStatus(body.workflow_id, 'filled');
  assert.equal(order.average_price, '111');
});

test('a stop-limit order is triggered first and filled at its limit when the price comes back', async () => {
  const { body } = await post({
    symbol: 'CCC/USDT',
    order_type: 'stop_limit',
    stop_price: '110',
    limit_price: '105',
    price: '100',
  });
  assert.equal(body.status, 'working');
  // A price below the limit does not fill what was not triggered yet.
  await bringPrice('CCC/USDT', '101');
  await bringPrice('CCC/USDT', '112');
  assert.deepEqual(
    bookedAs(body.client_order_id).map(({ status }) => status),
    ['working'],
  );
  await bringPrice('CCC/USDT', '104');
  const { order } = await untilStatus(body.workflow_id, 'filled');
  assert.equal(order.average_price, '105');
});

test('a resting order is canceled through its address, once for all', async () => {
  const { body } = await post({ symbol: 'DDD/USDT', order_type: 'limit', limit_price: '90', price: '100' });
  const { workflow } = await tell(body.workflow_id);
  const answer = await cancel(body.workflow_id);
  assert.deepEqual([answer.http, answer.status, answer.success, answer.error], [200, 'canceled', true, null]);
  assert.equal(answer.workflow_id, body.workflow_id);
  const canceled = await untilStatus(body.workflow_id, 'canceled');
  assert.equal(canceled.workflow.run_id, workflow.run_id);
  const kinds = canceled.events.map(({ kind, detail }) => (kind === 'status' ? `status ${String(detail)}` : kind));
  const steps = ['status working', 'cancel_asked', 'verifyCommand', 'cancelOrder', 'status canceled', 'finished'];
  assert.deepEqual(
    kinds.filter((kind) => steps.includes(kind)),
    steps,
  );

  await bringPrice('DDD/USDT', '80');
  const again = await cancel(body.workflow_id);
  assert.deepEqual([again.http, again.status, again.filled_quantity], [200, 'canceled', '0']);
  assert.deepEqual(
    bookedAs(body.client_order_id).map(({ status }) => status),
    ['canceled'],
  );
});

test('canceling what is filled answers how it ended, and what is not there is not found', async () => {
  const { body } = await post({ symbol: 'ETH/USDT', quantity: '0.1' });
  const answer = await cancel(body.workflow_id);
  assert.deepEqual([answer.http, answer.status], [200, 'filled']);
  const missing = await cancel('order:default:never-sent');
  assert.deepEqual([missing.http, missing['code'], missing.success], [404, 'NOT_FOUND', false]);
  const unknown = await fetch(`${holdfast.operatorUrl}/orders/order:default:never-sent`);
  assert.equal(unknown.status, 404);
});

test('balances and resting orders survive a restart, and a resting order is filled in the run it had', async () => {
  const { body } = await post({ symbol: 'EEE/USDT', order_type: 'limit', limit_price: '90', price: '100' });
  const { workflow } = await tell(body.workflow_id);
  const before = holdfast.paperBook();
  assert.equal(await holdfast.stop(), 0);
  await holdfast.start();
  assert.deepEqual(holdfast.paperBook(), before);

  await bringPrice('EEE/USDT', '85');
  const filled = await untilStatus(body.workflow_id, 'filled');
  assert.equal(filled.workflow.run_id, workflow.run_id);
  assert.equal(holdfast.paperBook().balances['EEE'], '1.001');
});

test('what a venue has no money or no price for is refused with its reason', async () => {
  const poor = await post({ symbol: 'BTC/USDT', quantity: '1000' });
  assert.deepEqual(
    [poor.http, poor.body.success, poor.body.status, poor.body.reason?.code],
    [200, false, 'rejected', 'INSUFFICIENT_FUNDS'],
  );
  assert.equal(poor.body.error, poor.body.reason?.message);
  const unpriced = await post({ symbol: 'NOPRICE/USDT' });
  assert.deepEqual([unpriced.body.status, unpriced.body.reason?.code], ['denied', 'NO_REFERENCE_PRICE']);
  for (const { body } of [poor, unpriced]) assert.deepEqual(bookedAs(body.client_order_id), []);
});

test('an order’s page tells its story in order, with the alert and the intent', async () => {
  const { body } = await post({ symbol: 'FFF/USDT', order_type: 'limit', limit_price: '90', price: '100', chart: 'x' });
  await bringPrice('FFF/USDT', '88');
  const { events, alert, intent, order } = await untilStatus(body.workflow_id, 'filled');
  assert.deepEqual(
    events.map(({ kind, detail }) => (kind === 'status' ? `status ${String(detail)}` : kind)),
    [
      'received',
      'checkBeforeTrade',
      'placeOrder_scheduled',
      'placeOrder',
      'status working',
      'followOrder_scheduled',
      'followOrder',
      'status filled',
      'finished',
    ],
  );
  const times = events.map(({ at }) => Date.parse(at));
  assert.deepEqual(
    times,
    times.toSorted((a, b) => a - b),
  );
  assert.deepEqual((alert as { symbol: string; chart: string }).chart, 'x');
  assert.deepEqual(order.ignored, ['chart']);
  assert.deepEqual([(intent as EntryIntent).limitPrice, intent?.clientOrderId], ['90', body.client_order_id]);
});

test('the engine’s own list finds orders by every attribute, with the values of the answer', async () => {
  const working = await post({ symbol: 'GGG/USDT', order_type: 'limit', limit_price: '90', price: '100' });
  const denied = await holdfast.post({
    id: 'unsure',
    symbol: 'GGG/USDT',
    action: 'sell',
    quantity: 1,
    confidence: 0.1,
  });
  const query = [
    "WorkflowType = 'ExecuteOrder'",
    "OrderAccount = 'paper'",
    "OrderSymbol = 'GGG/USDT'",
    "OrderSide = 'buy'",
    "OrderStrategy = 'default'",
    `OrderClientId = '${working.body.client_order_id}'`,
  ].join(' AND ');
  const status = (value: string): string => `${query} AND OrderStatus = '${value}'`;
  const found = (wanted: string, id: string): Promise<unknown> =>
    eventually(
      () => listed(wanted),
      (ids) => ids.length === 1 && ids[0] === id,
      { what: wanted },
    );
  await found(status('working'), working.body.workflow_id);
  await found(
    "OrderAccount = 'binance' AND OrderSide = 'sell' AND OrderStatus = 'denied' AND OrderReason = 'CONFIDENCE_TOO_LOW'",
    denied.body.workflow_id,
  );
  await bringPrice('GGG/USDT', '89');
  await found(status('filled'), working.body.workflow_id);
  assert.deepEqual(await listed(status('working')), []);
});

test('the engine’s page names an order as a trader would', async () => {
  const market = await post({ symbol: 'BTC/USDT', quantity: 0.01 });
  const stopLimit = await post({
    symbol: 'HHH/USDT',
    order_type: 'stop_limit',
    stop_price: '110',
    limit_price: '112',
    price: '100',
  });
  const limit = await post({ symbol: 'HHH/USDT', order_type: 'limit', limit_price: '90', price: '100' });
  const summaries = await Promise.all([market, stopLimit, limit].map(({ body }) => summaryOf(body.workflow_id)));
  assert.deepEqual(summaries, [
    'BUY 0.01 BTC/USDT market → paper',
    'BUY 1 HHH/USDT stop-limit stop 110 at 112 → paper',
    'BUY 1 HHH/USDT limit at 90 → paper',
  ]);
});

test('the list of orders is newest first, filtered, and goes on where a page ended', async () => {
  const since = new Date().toISOString();
  const posted: string[] = [];
  for (let index = 0; index < 60; index += 1) {
    const account = index % 6 === 0 ? 'paper' : 'binance';
    const { body } = await post({ symbol: 'ES', account, quantity: 1 });
    posted.push(body.workflow_id);
  }
  // The engine's list follows within a second.
  const all = await eventually(
    async () => {
      const pages: Page[] = [];
      for (let cursor: string | null = ''; cursor !== null; cursor = pages.at(-1)!.next) {
        pages.push(await list(`symbol=ES&since=${since}${cursor === '' ? '' : `&cursor=${cursor}`}`));
      }
      return pages;
    },
    (pages) => pages.flatMap((page) => page.orders).length === posted.length,
    { what: 'all 60 orders in the list' },
  );
  assert.ok(all.length > 1, 'sixty orders are more than a page');
  const listedIds = all.flatMap((page) => page.orders.map((order) => order.workflow_id));
  assert.deepEqual(listedIds, posted.toReversed());
  const newest = all[0]!.orders[0]!;
  const { workflow_id, strategy, status, links } = newest as ListedOrder & { links: { order: string } };
  assert.deepEqual([workflow_id, strategy, status], [posted.at(-1), 'default', 'dry_run']);
  assert.ok(links.order.endsWith(encodeURIComponent(workflow_id)));
  assert.ok(newest.created_at >= since && newest.updated_at >= newest.created_at);

  const idsOf = async (query: string): Promise<string[]> =>
    (await list(query)).orders.map((order) => order.workflow_id);
  const onPaper = posted.filter((_, index) => index % 6 === 0).toReversed();
  assert.deepEqual(await idsOf('symbol=ES&account=paper'), onPaper);
  assert.deepEqual(await idsOf('symbol=ES&status=filled&strategy=default'), onPaper);
  assert.deepEqual(await idsOf('symbol=ES&strategy=another'), []);
  assert.deepEqual(await idsOf(`symbol=ES&since=${encodeURIComponent('2100-01-01T00:00:00+01:00')}`), []);
});

test('the list refuses a parameter that it cannot use, by name', async () => {
  for (const query of ['stats=filled', 'since=yesterday', 'account=a%27%20OR%201=1', 'status=filled&status=denied']) {
    const response = await fetch(`${holdfast.operatorUrl}/orders?${query}`);
    const problem = (await response.json()) as Reply['body'];
    assert.deepEqual([response.status, problem.success, problem.code], [400, false, 'BAD_REQUEST'], query);
    assert.match(String(problem.error), new RegExp(query.split('=')[0]!), query);
  }
});

async function listed(query: string): Promise<string[]> {
  const output = await holdfast.temporal('workflow', 'list', '--query', query, '--output', 'json');
  const executions = JSON.parse(output) as { execution: { workflowId: string } }[];
  return executions.map(({ execution }) => execution.workflowId);
}

async function summaryOf(workflowId: string): Promise<string> {
  const output = await holdfast.temporal('workflow', 'describe', '--workflow-id', workflowId, '--output', 'json');
  const described = JSON.parse(output) as { executionConfig: { userMetadata: { summary: string } } };
  return described.executionConfig.userMetadata.summary;
}
