import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { Answer } from '../../domain/answer.ts';
import { eventually } from '../support/eventually.ts';
import { eventsOf, parseHistory } from '../support/history.ts';
import { LiveDesk, type Alert } from '../support/live-desk.ts';
import { runCommand, type Ran } from '../support/run-command.ts';

/** How long an entry may be sent. */
const ENTRY_LIFE_MS = 60_000;
const LIMIT = { order_type: 'limit', limit_price: '60000' };
/** Terminated at the beginning, so that it is past its deadline at the end. */
const LATE = { id: 'late' };

let desk: LiveDesk;
before(async () => {
  desk = await LiveDesk.start();
  await desk.warm();
});
after(() => desk?.dispose());

const workflowIdOf = ({ id }: Alert): string => `order:trend:${id}`;

/** A command line whose engine is the one of this installation, found as an operator's would be. */
function holdfast(...args: string[]): Promise<Ran> {
  return runCommand(args, { TEMPORAL_PORT: desk.holdfast.temporalAddress.split(':')[1]! });
}

async function json<T>(...args: string[]): Promise<T & { code: number | null }> {
  const { code, stdout, stderr } = await holdfast(...args, '--json');
  assert.notEqual(stdout, '', stderr);
  return { ...(JSON.parse(stdout) as T), code };
}

interface Listed {
  readonly failed: readonly {
    readonly workflow_id: string;
    readonly workflow_status: string;
    readonly order_status: string;
    readonly because: string;
    readonly past_deadline: boolean;
    readonly not_after: string;
  }[];
}

interface Rerun {
  readonly workflow_id: string;
  readonly run_id: string;
  readonly previous_run_id: string;
  readonly order: Answer | null;
  readonly error?: { readonly code: string; readonly message: string };
}

/** Ends an order's workflow as somebody in the Web UI would, and waits until the list of orders shows it. */
async function terminate(alert: Alert): Promise<void> {
  const workflowId = workflowIdOf(alert);
  await desk.holdfast.temporal('workflow', 'terminate', '--workflow-id', workflowId, '--reason', 'by mistake');
  await untilListed(workflowId);
}

async function untilListed(workflowId: string): Promise<Listed['failed'][number]> {
  const { failed } = await eventually(
    () => json<Listed>('rerun'),
    (list) => list.failed.some((each) => each.workflow_id === workflowId),
    { what: `${workflowId} in the list` },
  );
  return failed.find((each) => each.workflow_id === workflowId)!;
}

/** Posts an order whose placement the venue does not answer, and ends its workflow meanwhile. */
async function loseWhilePlacing(alert: Alert, fault: 'execute-then-silence' | 'silence'): Promise<void> {
  await desk.failPlacing(alert, fault);
  const posting = desk.post(alert);
  await eventually(
    () => desk.sends(alert),
    (sends) => sends.length === 1,
    { what: 'the order being sent' },
  );
  await terminate(alert);
  await posting;
}

test('where no order has failed the list is empty', async () => {
  assert.deepEqual(await json<Listed>('rerun'), { failed: [], code: 0 });
  const { stdout, stderr, code } = await holdfast('rerun');
  assert.deepEqual([stdout, stderr, code], ['', 'No order has failed.\n', 0]);
});

test('an order that was terminated while it was placed is listed, and one past its deadline is told from it', async () => {
  await loseWhilePlacing(LATE, 'silence');
  const listed = await untilListed(workflowIdOf(LATE));
  const { workflow_status, order_status, because, past_deadline } = listed;
  assert.deepEqual([workflow_status, order_status, because], ['terminated', 'pending', 'by mistake']);
  assert.equal(past_deadline, false);
  assert.match(listed.not_after, /^\d{4}-.*Z$/);
});

test('an order that was booked before its workflow was terminated is found, and is one order', async () => {
  const alert = { id: 'booked' };
  await loseWhilePlacing(alert, 'execute-then-silence');
  const { order, code, ...runs } = await json<Rerun>('rerun', workflowIdOf(alert), '--reason', 'it was a mistake');
  const [booked, ...others] = await desk.booked(alert);
  assert.deepEqual([order!.status, order!.order_id, code], ['filled', String(booked!.orderId), 0]);
  assert.deepEqual([others.length, (await desk.sends(alert)).length], [0, 1]);
  assert.notEqual(runs.run_id, runs.previous_run_id);
  const story = await desk.untilOver(workflowIdOf(alert));
  assert.equal(story.workflow.run_id, runs.run_id);
  assert.deepEqual({ ...order, links: null }, { ...story.order, links: null });
  const history = await desk.holdfast.history(workflowIdOf(alert));
  assert.match(history, /it was a mistake/);
  const { failed } = await json<Listed>('rerun');
  assert.ok(!failed.some(({ workflow_id: id }) => id === workflowIdOf(alert)), 'it is not listed any more');
});

test('an order that was not booked is sent again after proof of absence, and is one order', async () => {
  const alert = { id: 'not-booked' };
  await loseWhilePlacing(alert, 'silence');
  const { code, stdout, stderr } = await holdfast('rerun', workflowIdOf(alert));
  assert.match(stdout, /^order:trend:not-booked {2}filled {2}order \d+ {2}0\.01 of 0\.01 filled {2}at 67500\n$/);
  assert.match(stderr, /runs again as/);
  assert.equal(code, 0);
  assert.deepEqual([(await desk.sends(alert)).length, (await desk.booked(alert)).length], [2, 1]);
});

test('an order that rested is watched again, and filled once', async () => {
  const alert = { id: 'resting', ...LIMIT };
  const { body } = await desk.post(alert);
  assert.equal(body.status, 'working');
  await terminate(alert);
  const { order, code } = await json<Rerun>('rerun', workflowIdOf(alert));
  assert.deepEqual([order!.status, order!.order_id, code], ['working', body.order_id, 0]);
  await desk.control.fill({ clientOrderId: body.client_order_id, quantity: '0.01' });
  assert.equal((await desk.untilOver(workflowIdOf(alert))).order.status, 'filled');
  assert.equal((await desk.sends(alert)).length, 1);
});

test('an order that failed with an activity runs that activity again, instead of failing again', async () => {
  const alert = { id: 'activity-failed', ...LIMIT };
  const { body } = await desk.post(alert);
  const workflowId = workflowIdOf(alert);
  const watching = eventsOf(parseHistory(await desk.holdfast.history(workflowId)), 'ACTIVITY_TASK_SCHEDULED').at(-1);
  const { activityId } = watching!['activityTaskScheduledEventAttributes'] as { activityId: string };
  const fail = ['activity', 'fail', '--workflow-id', workflowId, '--activity-id', activityId, '--reason', 'broken'];
  await eventually(
    () => desk.holdfast.temporal(...fail),
    () => true,
    { what: 'the failure' },
  );
  const listed = await untilListed(workflowId);
  assert.deepEqual([listed.workflow_status, listed.order_status, listed.because], ['failed', 'working', 'broken']);
  const { order, code } = await json<Rerun>('rerun', workflowId);
  assert.deepEqual([order!.status, order!.order_id, code], ['working', body.order_id, 0]);
  await desk.control.fill({ clientOrderId: body.client_order_id, quantity: '0.01' });
  assert.equal((await desk.untilOver(workflowId)).order.status, 'filled');
  assert.equal((await desk.sends(alert)).length, 1);
});

test('a run that ended before its first step says nothing of the run before it, which has sent the order', async () => {
  const alert = { id: 'no-step' };
  const workflowId = workflowIdOf(alert);
  const { body } = await desk.post(alert);
  await desk.untilOver(workflowId);
  desk.holdfast.signal('SIGSTOP');
  const first = ['--type', 'FirstWorkflowTask', '--reason', 'a test'];
  await desk.holdfast.temporal('workflow', 'reset', '--workflow-id', workflowId, ...first);
  await desk.holdfast.temporal('workflow', 'terminate', '--workflow-id', workflowId, '--reason', 'by mistake');
  desk.holdfast.signal('SIGCONT');
  await untilListed(workflowId);
  const { order, code } = await json<Rerun>('rerun', workflowId);
  assert.deepEqual([order!.status, order!.order_id, code], ['filled', body.order_id, 0]);
  assert.deepEqual([(await desk.sends(alert)).length, (await desk.booked(alert)).length], [1, 1]);
});

test('an order that did not fail is refused with a sentence', async () => {
  const [done, rests] = [{ id: 'done' }, { id: 'rests', ...LIMIT }];
  await desk.post(done);
  await desk.untilOver(workflowIdOf(done));
  await desk.post(rests);
  const cases: [string, string, RegExp][] = [
    [workflowIdOf(done), 'COMPLETED', /did not fail: it ended as filled, and that is its answer\.$/],
    [workflowIdOf(rests), 'STILL_RUNNING', /did not fail: its workflow runs/],
    ['order:trend:never-was', 'NOT_FOUND', /There is no order under the id order:trend:never-was\.$/],
  ];
  for (const [workflowId, code, says] of cases) {
    const refused = await json<Rerun>('rerun', workflowId);
    assert.deepEqual([refused.error?.code, refused.code], [code, 1]);
    assert.match(refused.error!.message, says);
    const { stdout, stderr } = await holdfast('rerun', workflowId);
    assert.deepEqual([stdout, stderr], ['', `${refused.error!.message}\n`]);
  }
  assert.equal((await holdfast('rerun', workflowIdOf(done), '--wait', 'long')).code, 2);
});

test('histories of this engine replay by id and by query', async () => {
  const one = await json<{ replayed: number; same: number }>('replay', 'order:trend:booked');
  assert.deepEqual([one.replayed, one.same, one.code], [1, 1, 0]);
  interface Report {
    readonly replayed: number;
    readonly same: number;
    readonly histories: readonly { workflow_id: string; order_status: string }[];
  }
  const all = await eventually(
    () => json<Report>('replay', '--query', "OrderAccount = 'binance'"),
    ({ histories }) => histories.some(({ workflow_id: id }) => id === 'order:trend:rests'),
    { what: 'every order in the list' },
  );
  assert.deepEqual([all.same, all.code], [all.replayed, 0], JSON.stringify(all.histories));
  const late = all.histories.find(({ workflow_id: id }) => id === workflowIdOf(LATE));
  assert.equal(late!.order_status, 'pending, terminated');
  // Each run is a history: also those that were run again.
  assert.ok(all.histories.filter(({ workflow_id: id }) => id === 'order:trend:booked').length === 2);
});

test('an order past its deadline is refused, and never sent when it is run again all the same', async () => {
  const [sent] = await desk.sends(LATE);
  assert.ok(sent !== undefined);
  await eventually(
    () => untilListed(workflowIdOf(LATE)),
    ({ past_deadline: isPast }) => isPast,
    { withinMs: ENTRY_LIFE_MS, everyMs: 1_000, what: 'the deadline being over' },
  );
  const refused = await json<Rerun>('rerun', workflowIdOf(LATE));
  assert.deepEqual([refused.error?.code, refused.code], ['PAST_DEADLINE', 1]);
  assert.match(refused.error!.message, /is past its deadline .*never sent.*--after-deadline/);
  const again = await untilListed(workflowIdOf(LATE));
  assert.equal(again.workflow_status, 'terminated', 'nothing was done');

  const { order, code } = await json<Rerun>('rerun', workflowIdOf(LATE), '--after-deadline');
  assert.deepEqual([order!.status, code], ['expired', 0]);
  assert.deepEqual([(await desk.sends(LATE)).length, (await desk.booked(LATE)).length], [1, 0]);
});
