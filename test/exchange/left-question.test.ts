import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { eventually } from '../support/eventually.ts';
import { eventsOf, parseHistory } from '../support/history.ts';
import { LiveDesk } from '../support/live-desk.ts';

/** A request may be under way for long enough to reset its order and look at what comes of that. */
const BOUND = { windowMs: 4_000, engineMs: 1_000, marginMs: 500 };
const WITHIN_WINDOW_MS = 2_500;

let desk: LiveDesk;
before(async () => {
  desk = await LiveDesk.start({ bound: BOUND });
  await desk.warm();
});
after(() => desk?.dispose());

// Temporal hands a look-up that was scheduled before the reset's step, and answered after it, to the next run: as it was
// asked, with the moment of the loss that it asked about. What the first run has sent since then is not in its answer.
test('an order reset to a step in the middle of a look-up is one order, also when it was sent again since', async () => {
  const alert = { id: 'reset-in-the-middle-of-a-look-up' };
  const workflowId = `order:trend:${alert.id}`;
  await desk.failPlacing(alert, 'drop-before', { times: 1 });
  const posting = desk.post(alert);
  await desk.untilStatus(workflowId, 'unknown');
  // A command that comes in while the venue is asked makes a step that the order can be reset to.
  const canceling = desk.command(workflowId, 'cancel').catch(() => undefined);
  await desk.failPlacing(alert, { kind: 'late' }, { times: 1 });
  await posting;
  // Proven absent, and sent again: its second request is under way now.
  await desk.untilHeld(alert);

  const { workflow } = await desk.tell(workflowId);
  const history = parseHistory(await desk.holdfast.history(workflowId, workflow.run_id));
  const question = eventsOf(history, 'ACTIVITY_TASK_SCHEDULED').find((event) =>
    JSON.stringify(event).includes('"findOrder"'),
  );
  const step = eventsOf(history, 'WORKFLOW_TASK_COMPLETED').find(
    ({ eventId }) => Number(eventId) > Number(question!.eventId),
  );
  const to = ['--event-id', step!.eventId, '--run-id', workflow.run_id, '--reason', 'a test'];
  await desk.holdfast.temporal('workflow', 'reset', '--workflow-id', workflowId, ...to);
  // Whoever takes the old answer for a proof sends within this time.
  await eventually(
    () => desk.booked(alert),
    (orders) => orders.length > 0,
    { withinMs: WITHIN_WINDOW_MS, what: 'an order' },
  ).catch(() => undefined);
  await desk.release(alert);
  await desk.untilOver(workflowId);
  await canceling;
  assert.equal((await desk.booked(alert)).length, 1);
});
