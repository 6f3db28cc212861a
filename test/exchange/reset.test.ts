import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { keyId } from '../../activities/verify-keys.ts';
import { signCommand } from '../../ingress/form-intent.ts';
import type { OrderView } from '../../workflows/messages.ts';
import { eventually } from '../support/eventually.ts';
import { eventsOf, parseHistory } from '../support/history.ts';
import { LiveDesk, type Alert } from '../support/live-desk.ts';

/** Longer than the shortest: an activity tells the engine that it lives, and hears of a pause, after a second. */
const BOUND = { windowMs: 4_000, engineMs: 1_000, marginMs: 500 };
/** From the loss of a request to the end of the next one. */
const ABSENCE_MS = 30_000;
/** How long an entry may be sent. */
const ENTRY_LIFE_MS = 60_000;
/** The venue has no time for it until it is too old. */
const UNSENT = { id: 'unsent' };

let desk: LiveDesk;
before(async () => {
  const env = { CIRCUIT_BREAKER_TIMEOUT: '1' };
  desk = await LiveDesk.start({ bound: BOUND, accounts: ['binance', 'away'], env });
  await desk.warm();
  // Told to come again when the order has long expired: it expires at once.
  await desk.failPlacing(UNSENT, { kind: '429', retryAfter: 3_600 });
  assert.equal((await desk.post(UNSENT)).body.status, 'expired');
});
after(() => desk?.dispose());

type Point = 'first' | { readonly eventId: string; readonly runId: string };

/** Resets an order. The engine refuses for as long as the run has not taken its first step: then it is asked again. */
async function reset(workflowId: string, point: Point): Promise<void> {
  const to =
    point === 'first' ? ['--type', 'FirstWorkflowTask'] : ['--event-id', point.eventId, '--run-id', point.runId];
  const args = ['workflow', 'reset', '--workflow-id', workflowId, ...to, '--reason', 'a test'];
  await eventually(
    () => desk.holdfast.temporal(...args),
    () => true,
    { what: `the reset of ${workflowId}` },
  );
}

/** The steps of an order's history that it can be reset to, oldest first. */
async function stepsOf(workflowId: string, runId: string): Promise<string[]> {
  const history = parseHistory(await desk.holdfast.history(workflowId, runId));
  return eventsOf(history, 'WORKFLOW_TASK_COMPLETED').map(({ eventId }) => eventId);
}

async function restart(): Promise<void> {
  await desk.holdfast.stop();
  await desk.holdfast.start();
}

const workflowIdOf = ({ id }: Alert): string => `order:trend:${id}`;

/** What must be the same before and after, of one order: as it is told, and as it is booked. */
async function stand(alert: Alert) {
  const { order } = await desk.tell(workflowIdOf(alert));
  const { status, order_id, filled_quantity, average_price, client_order_id } = order;
  const { orders, fills } = await desk.control.ledger();
  const ours = <T extends { clientOrderId: string }>(all: readonly T[]): T[] =>
    all.filter(({ clientOrderId }) => clientOrderId === client_order_id);
  // Of an order that was not sent in time, a later look says that it is too late.
  const code = order.status === 'expired' ? null : (order.reason?.code ?? null);
  return { told: { status, order_id, filled_quantity, average_price, code }, orders: ours(orders), fills: ours(fills) };
}

test('an order reset to a step before its placement ended is looked for first, by a process that has not sent it', async () => {
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

  await restart();
  const { workflow } = await desk.tell(body.workflow_id);
  await reset(body.workflow_id, { eventId: step, runId: workflow.run_id });
  const { order } = await desk.untilOver(body.workflow_id);
  assert.deepEqual([order.status, order.order_id], ['filled', body.order_id]);
});

describe('an order that is reset by hand, again and again, is the same order', () => {
  interface Kind {
    readonly alert: Alert;
    readonly status: string;
    /** What is done to it before it is as it shall be. */
    readonly arrange?: (alert: Alert, clientOrderId: string) => Promise<unknown>;
    /** How it goes on afterwards, and with which status it ends. */
    readonly goOn?: (clientOrderId: string) => Promise<unknown>;
    readonly end?: string;
  }
  const limit = { order_type: 'limit', limit_price: '60000' };
  const fill = (clientOrderId: string, quantity: string) => desk.control.fill({ clientOrderId, quantity });
  const kinds: Readonly<Record<string, Kind>> = {
    filled: { alert: { id: 'filled' }, status: 'filled' },
    // More than the account can pay for, today and tomorrow.
    rejected: { alert: { id: 'rejected', quantity: '100' }, status: 'rejected' },
    'too old when it came': {
      alert: { id: 'old', time: new Date(Date.now() - 600_000).toISOString() },
      status: 'expired',
    },
    resting: {
      alert: { id: 'resting', ...limit },
      status: 'working',
      goOn: (id) => fill(id, '0.01'),
      end: 'filled',
    },
    'filled in part': {
      alert: { id: 'in-part', ...limit },
      status: 'partially_filled',
      arrange: (_, id) => fill(id, '0.004'),
      goOn: (id) => fill(id, '0.006'),
      end: 'filled',
    },
    'filled while it rested': {
      alert: { id: 'later', ...limit },
      status: 'filled',
      arrange: (_, id) => fill(id, '0.01'),
    },
    'canceled by an operator': {
      alert: { id: 'canceled', ...limit },
      status: 'canceled',
      arrange: (alert) => desk.command(workflowIdOf(alert), 'cancel'),
    },
    'ended by the venue': {
      alert: { id: 'ended', ...limit },
      status: 'canceled',
      arrange: async (_, clientOrderId) => {
        await fill(clientOrderId, '0.004');
        await desk.control.expire({ clientOrderId });
      },
    },
    'found after its answer was lost': { alert: { id: 'found' }, status: 'filled' },
    'sent again after it was proven absent': { alert: { id: 'sent-again' }, status: 'filled' },
  };

  before(async () => {
    await desk.failPlacing({ id: 'found' }, 'execute-then-drop');
    await desk.failPlacing({ id: 'sent-again' }, 'drop-before');
    for (const { alert, status, arrange } of Object.values(kinds)) {
      const { body } = await desk.post(alert);
      await arrange?.(alert, body.client_order_id);
      await desk.untilStatus(body.workflow_id, status);
    }
    // Whoever resets them is not the process that has sent them.
    await restart();
  });

  describe('reset', { concurrency: true }, () => {
    for (const [name, { alert, status, goOn, end }] of Object.entries(kinds)) {
      test(name, async () => {
        const workflowId = workflowIdOf(alert);
        const same = await resetAgainAndAgain(alert, status);
        if (goOn === undefined) return;
        await goOn(same.orders[0]!.clientOrderId);
        const { order } = await desk.untilOver(workflowId);
        assert.deepEqual([order.status, order.filled_quantity, order.average_price], [end, '0.01', '60000']);
        await reset(workflowId, 'first');
        const again = await desk.untilOver(workflowId);
        assert.deepEqual(again.order, order);
      });
    }
  });
});

async function resetAgainAndAgain(alert: Alert, status: string): ReturnType<typeof stand> {
  const workflowId = workflowIdOf(alert);
  const same = await stand(alert);
  const isTheSame = async (): Promise<void> => {
    await desk.untilStatus(workflowId, status, ABSENCE_MS);
    assert.deepEqual(await stand(alert), same);
  };
  // Each step of the first history, as each of them may be repeated by a process that knows nothing of it.
  const { workflow } = await desk.tell(workflowId);
  for (const eventId of await stepsOf(workflowId, workflow.run_id)) {
    await reset(workflowId, { eventId, runId: workflow.run_id });
    await isTheSame();
  }
  await reset(workflowId, 'first');
  await reset(workflowId, 'first');
  await isTheSame();
  return same;
}

describe('an order that is reset while its request is under way is one order', { concurrency: true }, () => {
  for (const connection of ['keep', 'reset'] as const) {
    test(`the request is let go after the reset (${connection})`, async () => {
      const alert = { id: `under-way-${connection}` };
      await desk.failPlacing(alert, { kind: 'late', connection });
      const posting = desk.post(alert);
      await desk.untilHeld(alert);
      await reset(workflowIdOf(alert), 'first');
      await desk.release(alert);
      await posting;
      const { order } = await desk.untilOver(workflowIdOf(alert), ABSENCE_MS);
      assert.deepEqual([order.status, (await desk.booked(alert)).length], ['filled', 1]);
    });

    test(`the request is let go after two resets, while the order is looked for (${connection})`, async () => {
      const alert = { id: `under-way-twice-${connection}` };
      await desk.failPlacing(alert, { kind: 'late', connection });
      const posting = desk.post(alert);
      await desk.untilHeld(alert);
      await reset(workflowIdOf(alert), 'first');
      await reset(workflowIdOf(alert), 'first');
      await eventually(
        () => desk.asks(alert),
        (asks) => asks.length > 0,
        { what: 'a question' },
      );
      await desk.release(alert);
      await posting;
      const { order } = await desk.untilOver(workflowIdOf(alert), ABSENCE_MS);
      assert.deepEqual([order.status, (await desk.booked(alert)).length], ['filled', 1]);
    });

    test(`the request is let go after the order was sent again (${connection})`, async () => {
      const alert = { id: `under-way-long-${connection}` };
      await desk.failPlacing(alert, { kind: 'late', connection });
      const posting = desk.post(alert);
      await desk.untilHeld(alert);
      await reset(workflowIdOf(alert), 'first');
      await posting;
      await eventually(
        () => desk.sends(alert),
        (sends) => sends.length === 2,
        { withinMs: ABSENCE_MS, what: 'the second request' },
      );
      await desk.release(alert);
      const { order } = await desk.untilOver(workflowIdOf(alert), ABSENCE_MS);
      assert.deepEqual([order.status, (await desk.booked(alert)).length], ['filled', 1]);
    });
  }
});

describe('a placement that is stopped from outside while its request is under way is one order', () => {
  for (const [name, ...command] of [
    ['temporal activity pause', 'activity', 'pause'],
    ['temporal activity reset', 'activity', 'reset'],
  ] as const) {
    test(name, async () => {
      const alert = { id: command.join('-') };
      const workflowId = workflowIdOf(alert);
      await desk.failPlacing(alert, { kind: 'late' });
      const posting = desk.post(alert);
      await desk.untilHeld(alert);
      const [scheduled] = eventsOf(parseHistory(await desk.holdfast.history(workflowId)), 'ACTIVITY_TASK_SCHEDULED');
      const { activityId } = scheduled!['activityTaskScheduledEventAttributes'] as { activityId: string };
      await desk.holdfast.temporal(...command, '--workflow-id', workflowId, '--activity-id', activityId);
      const begun = Date.now();
      // The worker hears of it with the answer to the next sign of life.
      await eventually(
        () => lastSignOfLife(workflowId),
        (at) => at > begun,
        { what: 'a sign of life since then' },
      );
      await desk.release(alert);
      await posting;
      const { order } = await desk.untilOver(workflowId, ABSENCE_MS);
      const booked = await desk.booked(alert);
      assert.deepEqual([order.status, booked.map(({ status }) => status)], ['filled', ['FILLED']]);
    });
  }

  for (const [name, isLetGo] of [
    ['SIGTERM, and the venue answers', true],
    ['SIGTERM, and the venue does not answer', false],
  ] as const) {
    test(name, async () => {
      const alert = { id: `sigterm-${isLetGo}` };
      await desk.failPlacing(alert, { kind: 'late' });
      const posting = desk.post(alert).catch(() => undefined);
      await desk.untilHeld(alert);
      const stopping = desk.holdfast.stop();
      if (isLetGo) await desk.release(alert);
      assert.equal(await stopping, 0);
      await posting;
      await desk.holdfast.start();
      const { order } = await desk.untilOver(workflowIdOf(alert), ABSENCE_MS);
      await desk.release(alert);
      assert.deepEqual([order.status, (await desk.booked(alert)).length], ['filled', 1]);
      if (isLetGo) assert.equal((await desk.sends(alert)).length, 1);
    });
  }
});

/** When an order's running activity last said that it lives; 0 where none runs or it has not. */
async function lastSignOfLife(workflowId: string): Promise<number> {
  const output = await desk.holdfast.temporal('workflow', 'describe', '--workflow-id', workflowId, '-o', 'json');
  const { pendingActivities } = JSON.parse(output) as { pendingActivities?: { lastHeartbeatTime?: string }[] };
  return Date.parse(pendingActivities?.[0]?.lastHeartbeatTime ?? '') || 0;
}

test('with the venue out of reach, a person’s word ends a lost order, and sends nothing', async () => {
  const account = 'away';
  await desk.warm(account);
  const [absent, filled] = [
    { id: 'resolved-absent', account },
    { id: 'resolved-filled', account },
  ];
  await desk.failPlacing(absent, { kind: 'late' });
  await desk.failPlacing(filled, 'execute-then-silence');
  const posts = [desk.post(absent), desk.post(filled)];
  await desk.untilHeld(absent);
  const [order] = await eventually(
    () => desk.booked(filled),
    (orders) => orders.length === 1,
    { what: 'the order that is filled' },
  );
  await desk.venue.kill();
  for (const alert of [absent, filled]) await desk.untilStatus(workflowIdOf(alert), 'unknown');
  await Promise.all(posts);

  // The word must be about this loss, also when it is signed.
  const { lostAt } = await view(absent);
  const outcome = { outcome: 'absent' } as const;
  const wrong = {
    kind: 'resolve',
    workflowId: workflowIdOf(absent),
    at: Date.now(),
    lostAt: lostAt! - 1,
    verdict: outcome,
    note: 'about another loss',
  } as const;
  await assert.rejects(resolveByHand(wrong), /settles a loss at/);
  assert.equal((await desk.tell(workflowIdOf(absent))).order.status, 'unknown');

  const refused = await desk.command(workflowIdOf(absent), 'resolve', { outcome: 'absent' });
  assert.deepEqual([refused.http, refused.body.code], [400, 'BAD_REQUEST'], 'without a note');
  const gone = await desk.command(workflowIdOf(absent), 'resolve', { ...outcome, note: 'seen on their page' });
  assert.deepEqual([gone.body.status, gone.body.reason?.code], ['expired', 'RESOLVED_ABSENT']);
  const done = await desk.command(workflowIdOf(filled), 'resolve', {
    outcome: 'filled',
    venue_order_id: String(order!.orderId),
    filled_quantity: '0.01',
    average_price: '67500',
    note: 'seen on their page',
  });
  assert.deepEqual([done.body.status, done.body.order_id], ['filled', String(order!.orderId)]);
  for (const alert of [absent, filled]) await desk.untilOver(workflowIdOf(alert));
  const twice = await desk.command(workflowIdOf(absent), 'resolve', { ...outcome, note: 'once more' });
  assert.equal(twice.http, 400);

  await desk.venue.restart();
  // The account trades on: by then a late word of the orders before would be there.
  await desk.warm(account);
  assert.deepEqual([(await desk.sends(absent)).length, (await desk.sends(filled)).length], [1, 1]);
  assert.deepEqual([(await desk.booked(absent)).length, (await desk.booked(filled)).length], [0, 1]);
});

test('an order that could not be sent in time is not sent when it is reset later', async () => {
  const { intent } = await desk.tell(workflowIdOf(UNSENT));
  await eventually(
    () => Date.now() - intent!.notAfter,
    (late) => late > 0,
    { withinMs: ENTRY_LIFE_MS, everyMs: 500, what: 'the order being too old' },
  );
  await resetAgainAndAgain(UNSENT, 'expired');
  assert.equal((await desk.sends(UNSENT)).length, 1);
});

async function view({ id }: Alert): Promise<OrderView> {
  const query = ['workflow', 'query', '--workflow-id', workflowIdOf({ id }), '--name', 'order'];
  const output = await desk.holdfast.temporal(...query, '-o', 'json');
  const { queryResult } = JSON.parse(output) as { queryResult: OrderView[] };
  return queryResult[0]!;
}

/** A resolution that is signed as ingress would sign it, and sent past it. */
async function resolveByHand(command: Parameters<typeof signCommand>[0]): Promise<string> {
  const pem = readFileSync(join(desk.holdfast.dataDir, 'data', 'intent-signing-key.pem'), 'utf8');
  const key = createPrivateKey(pem);
  const signed = signCommand(command, { id: keyId(createPublicKey(key)), key });
  const update = ['workflow', 'update', 'execute', '--workflow-id', command.workflowId, '--name', command.kind];
  return desk.holdfast.temporal(...update, '--input', JSON.stringify(signed));
}

test('in the end the venue has booked what was told, and nothing else', async () => {
  await desk.reconcile();
});
