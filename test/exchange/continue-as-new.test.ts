import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { ListedOrder } from '../../ingress/order-book.ts';
import { startEngine, type Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { LIMITS_OFF } from '../support/limits-off.ts';
import { LiveDesk } from '../support/live-desk.ts';

/** After so many events the engine suggests to cut a history; by itself it would do so after thousands. */
const CUT_AFTER = 20;
/** One part of a fill at a time: each adds some events. */
const PART = '0.001';
const PARTS_MAX = 8;

let engine: Engine;
let desk: LiveDesk;
before(async () => {
  engine = await startEngine({ 'limit.historyCount.suggestContinueAsNew': CUT_AFTER });
  const limits = { binance: LIMITS_OFF, capped: `{ max_position: "10", price_collar: off }` };
  desk = await LiveDesk.start({ accounts: Object.keys(limits), limits, env: { TEMPORAL_ADDRESS: engine.address } });
  await desk.control.setBalances({ USDT: '10000000', BTC: '10' });
  await desk.warm();
});
after(async () => {
  await desk?.dispose();
  await engine?.stop();
});

interface Description {
  readonly memo: unknown;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly runId: string;
}

async function describeRun(workflowId: string): Promise<Description> {
  const output = await desk.holdfast.temporal('workflow', 'describe', '--workflow-id', workflowId, '-o', 'json');
  const { workflowExecutionInfo: info } = JSON.parse(output) as {
    workflowExecutionInfo: {
      execution: { runId: string };
      memo: { fields?: Readonly<Record<string, unknown>> };
      // A run that has not taken its first step has none.
      searchAttributes: { indexedFields?: Readonly<Record<string, { data: string }>> };
    };
  };
  // The answer in it, and when that was, change with each part; what the alert was does not.
  const { answer: _, updatedAt: __, ...memo } = info.memo.fields ?? {};
  const ours = Object.entries(info.searchAttributes.indexedFields ?? {}).filter(([name]) => name.startsWith('Order'));
  return {
    memo,
    attributes: Object.fromEntries(ours.map(([name, { data }]) => [name, Buffer.from(data, 'base64').toString()])),
    runId: info.execution.runId,
  };
}

test('an order whose history is cut keeps what a list shows, its answer, and its one place at the venue', async () => {
  const alert = { id: 'cut', order_type: 'limit', limit_price: '60000' };
  const { body } = await desk.post(alert);
  const { workflow_id: workflowId, client_order_id: clientOrderId } = body;
  const whole = await describeRun(workflowId);

  let filled = 0;
  let cut = whole;
  while (cut.runId === whole.runId) {
    filled += 1;
    assert.ok(filled <= PARTS_MAX, 'the engine suggested no cut');
    await desk.control.fill({ clientOrderId, quantity: PART });
    await eventually(
      () => desk.tell(workflowId),
      ({ order }) => Number(order.filled_quantity) === filled * Number(PART),
      { what: `${filled} parts` },
    );
    cut = await describeRun(workflowId);
  }
  const partly = { ...whole.attributes, OrderStatus: '"partially_filled"' };
  assert.deepEqual({ memo: cut.memo, attributes: cut.attributes }, { memo: whole.memo, attributes: partly });

  const again = await desk.post(alert);
  const expected = ['partially_filled', true, String(filled * Number(PART)), body.order_id];
  const { status, duplicate, filled_quantity, order_id } = again.body;
  assert.deepEqual([status, duplicate, filled_quantity, order_id], expected);
  const other = await desk.post({ ...alert, limit_price: '60001' });
  assert.equal(other.body.code, 'ALERT_CONFLICT');
  // Back to the first step of the history that was cut off, by a process that knows nothing; then of the newest.
  await desk.holdfast.stop();
  await desk.holdfast.start();
  for (const run of [['--run-id', whole.runId], []]) {
    const reset = ['workflow', 'reset', '--workflow-id', workflowId, ...run, '--type', 'FirstWorkflowTask'];
    await eventually(
      () => desk.holdfast.temporal(...reset, '--reason', 'a test'),
      () => true,
      { what: 'the reset' },
    );
    const { order } = await desk.untilStatus(workflowId, 'partially_filled');
    assert.deepEqual([order.order_id, order.filled_quantity], [body.order_id, filled_quantity]);
  }
  assert.equal((await desk.sends(alert)).length, 1);

  await desk.control.fill({ clientOrderId, quantity: String((10 - filled) / 1000) });
  const { order } = await desk.untilOver(workflowId);
  assert.deepEqual([order.status, order.filled_quantity, order.average_price], ['filled', '0.01', '60000']);
  const last = await desk.post(alert);
  assert.deepEqual([last.body.success, last.body.duplicate, last.body.order_id], [true, true, body.order_id]);
  assert.equal((await desk.booked(alert)).length, 1);
});

test('an order whose history was cut or reset is listed once, as it is now', async () => {
  const { orders } = await eventually(
    () => desk.holdfast.operator<{ orders: ListedOrder[] }>('/orders'),
    (list) => list.orders.some(({ workflow_id, status }) => workflow_id === 'order:trend:cut' && status === 'filled'),
    { what: 'the order in the list' },
  );
  const cut = orders.filter(({ workflow_id }) => workflow_id === 'order:trend:cut');
  assert.deepEqual(
    cut.map(({ status }) => status),
    ['filled'],
  );
  const { orders: partly } = await desk.holdfast.operator<{ orders: ListedOrder[] }>('/orders?status=partially_filled');
  assert.deepEqual(partly, []);
});

test('an account whose history is cut while orders come in keeps what it has counted', async () => {
  const { runId } = await describeRun('account:capped');
  const ends: Record<string, number> = {};
  for (let wave = 0; wave < 5; wave += 1) {
    const buys = Array.from({ length: 6 }, (_, index) =>
      desk.post({ id: `capped-${wave}-${index}`, account: 'capped', quantity: '1' }),
    );
    for (const { body } of await Promise.all(buys)) {
      const { order } = await desk.untilOver(body.workflow_id, 60_000);
      const end = `${order.status} ${order.reason?.code ?? ''}`.trim();
      ends[end] = (ends[end] ?? 0) + 1;
    }
  }
  assert.deepEqual(ends, { filled: 10, 'denied POSITION_OVER_LIMIT': 20 });
  assert.notEqual((await describeRun('account:capped')).runId, runId);
});

test('in the end the venue has booked what was told, and nothing else', async () => {
  await desk.reconcile();
});
