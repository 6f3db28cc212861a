import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { bundleWorkflowCode, DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';

import type { OrderStory } from '../../ingress/order-book.ts';
import { eventually } from '../support/eventually.ts';
import { eventsOf, parseHistory, resultOf, withoutActivity, type HistoryJson } from '../support/history.ts';
import { Holdfast, ROOT, type Reply } from '../support/holdfast.ts';

let holdfast: Holdfast;
let code = '';

before(async () => {
  const quiet = new DefaultLogger('ERROR');
  const logging = { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } as const;
  Runtime.install({ logger: quiet, telemetryOptions: { logging } });
  const bundling = bundleWorkflowCode({ workflowsPath: join(ROOT, 'workflows', 'index.ts'), logger: quiet });
  [holdfast, { code }] = await Promise.all([Holdfast.start(), bundling]);
});
after(() => holdfast?.dispose());

let count = 0;

/** An order of its own: under an id of its own, in a market whose price nobody else moves. */
function post(alert: Readonly<Record<string, unknown>> = {}): Promise<Reply> {
  const id = `replay-${(count += 1)}`;
  return holdfast.post({ id, account: 'paper', symbol: 'BTC/USDT', action: 'buy', quantity: '0.01', ...alert });
}

async function rest(): Promise<Reply> {
  const reply = await post({ symbol: `S${count}/USDT`, order_type: 'limit', limit_price: '90', price: '100' });
  assert.equal(reply.body.status, 'working');
  return reply;
}

const bringPrice = (symbol: string, price: string): Promise<Reply> => post({ symbol, price });

const tell = (workflowId: string): Promise<OrderStory> =>
  holdfast.operator<OrderStory>(`/orders/${encodeURIComponent(workflowId)}`);

const untilOver = (workflowId: string): Promise<OrderStory> =>
  eventually(
    () => tell(workflowId),
    ({ workflow }) => workflow.status === 'completed',
    { what: `the end of ${workflowId}` },
  );

/** One order for each way in which an order can end with what this build has. */
const lives: Readonly<Record<string, () => Promise<Reply>>> = {
  filled: () => post(),
  'rested, then filled': async () => {
    const order = await rest();
    await bringPrice(order.body.symbol, '80');
    return order;
  },
  canceled: async () => {
    const order = await rest();
    await holdfast.operator(`/orders/${encodeURIComponent(order.body.workflow_id)}/cancel`, { method: 'POST' });
    return order;
  },
  denied: () => post({ confidence: 0.1 }),
  rejected: () => post({ quantity: '1000' }),
  expired: () => post({ time: '2026-01-01T00:00:00Z' }),
  'in dry run': () => post({ account: 'binance' }),
};

const statuses: Readonly<Record<string, string>> = { 'rested, then filled': 'filled', 'in dry run': 'dry_run' };

for (const [name, live] of Object.entries(lives)) {
  test(`the history of an order that was ${name} replays against the code`, async () => {
    const { body } = await live();
    const { order } = await untilOver(body.workflow_id);
    assert.equal(order.status, statuses[name] ?? name);
    const history = parseHistory(await holdfast.history(body.workflow_id));
    assert.ok(eventsOf(history, 'WORKFLOW_EXECUTION_COMPLETED').length === 1);
    await replay(history, body.workflow_id);
  });
}

test('the history of an order that still rests replays against the code', async () => {
  const { body } = await rest();
  await replay(parseHistory(await holdfast.history(body.workflow_id)), body.workflow_id);
});

test('a history from which an activity was taken does not replay', async () => {
  const { body } = await post();
  const history = parseHistory(await holdfast.history(body.workflow_id));
  const tampered = withoutActivity(history, 'placeOrder');
  assert.equal(tampered.events.length, history.events.length - 3);
  await assert.rejects(replay(tampered, body.workflow_id), DeterminismViolationError);
});

/** Where to reset to: the first step of the workflow, or the last one that it took. */
const points: Readonly<Record<string, (history: HistoryJson) => string[]>> = {
  'its first step': () => ['--type', 'FirstWorkflowTask'],
  'its last step': (history) => ['--event-id', eventsOf(history, 'WORKFLOW_TASK_COMPLETED').at(-1)!.eventId],
};

for (const [point, at] of Object.entries(points)) {
  for (const [name, live] of Object.entries(lives)) {
    test(`an order that was ${name} and is reset to ${point} ends the same, and nothing is placed again`, async () => {
      const { body } = await live();
      const ended = await untilOver(body.workflow_id);
      const before = holdfast.paperBook();
      const history = parseHistory(await holdfast.history(body.workflow_id));

      const run = await reset(body.workflow_id, at(history));
      const again = await untilOver(body.workflow_id);
      assert.equal(again.workflow.run_id, run);
      assert.notEqual(run, ended.workflow.run_id);
      assert.deepEqual(again.order, ended.order);
      const rerun = parseHistory(await holdfast.history(body.workflow_id));
      assert.deepEqual(resultOf(rerun), resultOf(history));
      assert.deepEqual(holdfast.paperBook(), before);
      await replay(rerun, body.workflow_id);
    });
  }

  test(`an order that rests and is reset to ${point} rests on, and is filled once`, async () => {
    const { body } = await rest();
    const before = holdfast.paperBook();
    const history = parseHistory(await holdfast.history(body.workflow_id));
    const run = await reset(body.workflow_id, at(history));
    const resting = await eventually(
      () => tell(body.workflow_id),
      ({ order, workflow }) => workflow.run_id === run && order.status === 'working',
      { what: 'the new run working' },
    );
    assert.equal(resting.workflow.status, 'running');
    assert.deepEqual(holdfast.paperBook(), before);

    await bringPrice(body.symbol, '80');
    const { order, workflow } = await untilOver(body.workflow_id);
    assert.deepEqual([order.status, order.average_price, workflow.run_id], ['filled', '90', run]);
    const booked = holdfast.paperBook().orders.filter(({ client_order_id: id }) => id === body.client_order_id);
    assert.deepEqual(
      booked.map(({ status }) => status),
      ['filled'],
    );
  });
}

test('after a reset the same alert is still a duplicate of the first', async () => {
  const first = await post({ id: 'reset-and-resent' });
  await untilOver(first.body.workflow_id);
  const before = holdfast.paperBook();
  await reset(first.body.workflow_id, ['--type', 'FirstWorkflowTask']);
  await untilOver(first.body.workflow_id);
  const second = await post({ id: 'reset-and-resent' });
  assert.deepEqual(second.body, { ...first.body, duplicate: true });
  assert.deepEqual(holdfast.paperBook(), before);
});

async function replay(history: HistoryJson, workflowId: string): Promise<void> {
  await Worker.runReplayHistory({ workflowBundle: { code } }, history, workflowId);
}

/** Resets an order with the real command; returns the new run's id. */
async function reset(workflowId: string, point: string[]): Promise<string> {
  const args = ['workflow', 'reset', '--workflow-id', workflowId, ...point, '--reason', 'a test', '--output', 'json'];
  return (JSON.parse(await holdfast.temporal(...args)) as { runId: string }).runId;
}
