import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { eventually } from '../support/eventually.ts';
import { eventsOf, parseHistory } from '../support/history.ts';
import { LiveDesk } from '../support/live-desk.ts';

let desk: LiveDesk;
before(async () => (desk = await LiveDesk.start()));
after(() => desk?.dispose());

test('an order reset to a step before its placement ended is looked for first, by a process that has not sent it', async () => {
  await desk.warm();
  const alert = { id: 'reset-before-the-end-of-placing' };
  await desk.failPlacing(alert, { kind: 'delay', ms: 1_000 });
  const posting = desk.post(alert);
  await eventually(
    () => desk.sends(alert),
    (sends) => sends.length === 1,
    { what: 'the order being sent' },
  );
  // A cancel that comes in meanwhile is a step of its own, between the placement's beginning and its end.
  const { body } = await desk.command(`order:trend:${alert.id}`, 'cancel');
  assert.deepEqual([(await posting).body.status, body.status], ['filled', 'filled']);
  const history = parseHistory(await desk.holdfast.history(body.workflow_id));
  const step = eventsOf(history, 'WORKFLOW_TASK_COMPLETED')[1]!.eventId;
  const [placed] = eventsOf(history, 'ACTIVITY_TASK_COMPLETED');
  assert.ok(Number(step) < Number(placed!.eventId));

  await desk.holdfast.stop();
  await desk.holdfast.start();
  const to = ['--workflow-id', body.workflow_id, '--event-id', step];
  await desk.holdfast.temporal('workflow', 'reset', ...to, '--reason', 'a test');
  const { order } = await desk.untilOver(body.workflow_id);
  assert.deepEqual([order.status, order.order_id], ['filled', body.order_id]);
  await desk.reconcile();
});
