import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import type { SignedCommand } from '../../domain/command.ts';
import { intentBytesToSign, type EntryIntent, type SignedIntent } from '../../domain/intent.ts';
import { eventually } from '../support/eventually.ts';
import { eventsOf, parseHistory, resultOf, valueIn } from '../support/history.ts';
import { Holdfast, type Reply } from '../support/holdfast.ts';

// Whoever can write to the engine can start workflows and activities, with any argument. None of that may book an
// order: only ingress signs, and what it signed is worth one order, in the workflow that it names.

let holdfast: Holdfast;
before(async () => (holdfast = await Holdfast.start()));
after(() => holdfast?.dispose());

let count = 0;
const post = (alert: Readonly<Record<string, unknown>> = {}): Promise<Reply> =>
  holdfast.post({
    id: `honest-${(count += 1)}`,
    account: 'paper',
    symbol: 'BTC/USDT',
    action: 'buy',
    quantity: '0.01',
    ...alert,
  });

/** The signed argument of an order, as anybody who can read the engine can copy it. */
async function argumentOf({ body }: Reply): Promise<SignedIntent<EntryIntent> & { workflowId: string }> {
  const [started] = eventsOf(parseHistory(await holdfast.history(body.workflow_id)), 'WORKFLOW_EXECUTION_STARTED');
  return { ...(valueIn(started, 'input') as SignedIntent<EntryIntent>), workflowId: body.workflow_id };
}

/** An order that ingress signed and that has not been booked: its alert asked for too much. */
const signedButNotBooked = async () => argumentOf(await post({ confidence: 0.1 }));

/** Starts an order by hand, as `ExecuteOrder` on our queue; returns the run's id. */
async function start(workflowId: string, inputs: readonly unknown[], ...more: string[]): Promise<string> {
  const output = await holdfast.temporal(
    'workflow',
    'start',
    '--type',
    'ExecuteOrder',
    '--task-queue',
    'holdfast',
    '--workflow-id',
    workflowId,
    ...inputs.flatMap((input) => ['--input', JSON.stringify(input)]),
    '--output',
    'json',
    ...more,
  );
  return (JSON.parse(output) as { runId: string }).runId;
}

interface Told {
  readonly status?: string;
  readonly reason?: { readonly code: string } | null;
}

/** What a run came to: its result, or the event that ended it without one. */
async function endOf(workflowId: string, runId: string): Promise<Told> {
  const ended = /WORKFLOW_EXECUTION_(COMPLETED|FAILED|TERMINATED|TIMED_OUT|CANCELED)$/;
  const history = await eventually(
    async () => parseHistory(await holdfast.history(workflowId, runId)),
    ({ events }) => ended.test(events.at(-1)!.eventType),
    { what: `the end of ${workflowId}`, everyMs: 100 },
  );
  return (resultOf(history) as Told | undefined) ?? { status: history.events.at(-1)!.eventType };
}

/** Runs a forgery, and fails where the paper book has changed by it. */
async function booksNothing(forgery: () => Promise<void>): Promise<void> {
  const before = holdfast.paperBook();
  await forgery();
  assert.deepEqual(holdfast.paperBook(), before);
}

const DENIED = 'denied INTENT_NOT_PROVEN';
const told = ({ status, reason }: Told): string => `${status} ${reason?.code ?? ''}`.trim();

test('an order without a signature is denied', async () => {
  const { intent, signature: proper } = await signedButNotBooked();
  const ends: string[] = [];
  await booksNothing(async () => {
    for (const [index, signature] of [undefined, null, {}, { key: proper.key }, { ...proper, value: '' }].entries()) {
      const workflowId = `order:default:unsigned-${index}`;
      const run = await start(workflowId, [{ intent: freshened(intent), signature }]);
      ends.push(told(await endOf(workflowId, run)));
    }
  });
  assert.deepEqual(
    ends,
    ends.map(() => DENIED),
  );
});

test('an order without a sensible argument books nothing', async () => {
  await booksNothing(async () => {
    for (const [index, inputs] of [[], [null], ['order'], [{}], [{ intent: 5 }], [{ signature: {} }]].entries()) {
      const workflowId = `order:default:senseless-${index}`;
      await start(workflowId, inputs);
      await untilTried(workflowId);
      const terminate = ['workflow', 'terminate', '--workflow-id', workflowId, '--reason', 'a test'];
      await holdfast.temporal(...terminate).catch(() => 'It is over already.');
    }
  });
});

test('an order signed by another key is denied, also under our key’s name', async () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const { intent, signature } = await signedButNotBooked();
  let end = '';
  await booksNothing(async () => {
    for (const key of [signature.key, 'STRANGER']) {
      const workflowId = `order:default:other-key-${key}`;
      const forged = freshened(intent);
      const value = sign(null, Buffer.from(intentBytesToSign(forged, workflowId)), privateKey).toString('base64');
      const run = await start(workflowId, [{ intent: forged, signature: { key, value } }]);
      // A key that is unknown may be one that has not reached this worker yet, and is waited for.
      if (key === signature.key) end = told(await endOf(workflowId, run));
      else await untilTried(workflowId);
    }
  });
  assert.equal(end, DENIED);
});

test('a signed order that was altered is denied', async () => {
  const { intent, signature, workflowId: own } = await argumentOf(await post());
  const alterations: Partial<Record<keyof EntryIntent, unknown>>[] = [
    { quantity: '0.02' },
    { quantity: 0.01 },
    { side: 'sell' },
    { symbol: 'ETH/USDT' },
    { account: 'binance' },
    {
      orderType: 'limit',
      limitPrice: '61000',
    },
    { clientOrderId: 'X'.repeat(26) },
    { confidence: '1' },
    { notAfter: intent.notAfter + 1 },
    { receivedAt: intent.receivedAt + 1 },
    { referencePrice: '1' },
  ];
  const ends: string[] = [];
  await booksNothing(async () => {
    for (const [index, altered] of alterations.entries()) {
      // Once under the id that it names, which is free again as the order is over; once under a new one.
      for (const workflowId of [own, `order:default:altered-${index}`]) {
        const forged = { intent: { ...intent, ...altered }, signature };
        const run = await start(workflowId, [forged], '--id-reuse-policy', 'AllowDuplicate');
        ends.push(told(await endOf(workflowId, run)));
      }
    }
  });
  assert.deepEqual(
    ends,
    ends.map(() => DENIED),
  );
});

test('a signed order that is copied into another workflow is denied', async () => {
  const signed = await argumentOf(await post());
  let end = '';
  await booksNothing(async () => {
    end = told(await endOf('order:default:copied', await start('order:default:copied', [signed])));
  });
  assert.equal(end, DENIED);
});

test('what is signed for one kind of thing proves no other', async () => {
  const resting = await post({ order_type: 'limit', limit_price: '61000' });
  const { signature } = await signedCancelOf(resting);
  const { intent, workflowId } = await argumentOf(resting);
  let end = '';
  await booksNothing(async () => {
    const run = await start(workflowId, [{ intent, signature }], '--id-reuse-policy', 'AllowDuplicate');
    end = told(await endOf(workflowId, run));
  });
  assert.equal(end, DENIED);
});

test('a cancel that ingress did not sign cancels nothing, and neither does one for another order', async () => {
  const resting = await post({ order_type: 'limit', limit_price: '61000' });
  const workflowId = resting.body.workflow_id;
  const forOther = await signedCancelOf(await post({ order_type: 'limit', limit_price: '61001' }));
  const redirected = { ...forOther, command: { ...forOther.command, workflowId } };
  await booksNothing(async () => {
    for (const command of [forOther, redirected, null]) {
      const update = ['workflow', 'update', 'execute', '--name', 'cancel', '--workflow-id', workflowId];
      await assert.rejects(holdfast.temporal(...update, '--input', JSON.stringify(command)), JSON.stringify(command));
    }
    // A cancel by the engine's own means is none that is signed either.
    await holdfast.temporal('workflow', 'cancel', '--workflow-id', workflowId);
    const { order, workflow } = await holdfast.operator<{ order: Told; workflow: { status: string } }>(
      `/orders/${encodeURIComponent(workflowId)}`,
    );
    assert.deepEqual([order.status, workflow.status], ['working', 'running']);
  });
});

test('an exit that ingress did not sign, or for something else, cancels nothing', async () => {
  const resting = await post({ order_type: 'limit', limit_price: '61000' });
  const workflowId = resting.body.workflow_id;
  const elsewhere = await argumentOf(await post({ symbol: 'ETH/USDT', action: 'flatten', quantity: undefined }));
  const { workflowId: exitId, ...signed } = elsewhere;
  const turned = { ...signed, intent: { ...signed.intent, symbol: 'BTC/USDT' } };
  const ask = { exitId, what: 'cancel', quantity: null };
  await booksNothing(async () => {
    for (const exit of [signed, turned, { ...signed, intent: null }]) {
      const update = ['workflow', 'update', 'execute', '--name', 'makeWay', '--workflow-id', workflowId];
      await assert.rejects(holdfast.temporal(...update, '--input', JSON.stringify({ ...ask, exit })), exitId);
    }
    const { order } = await holdfast.operator<{ order: Told }>(`/orders/${encodeURIComponent(workflowId)}`);
    assert.equal(order.status, 'working');
  });
});

for (const type of ['placeOrder', 'checkBeforeTrade', 'cancelOrder', 'planExit', 'makeWay', 'cancelForExit']) {
  test(`an activity that is started on its own is denied: ${type}`, async () => {
    const booked = await argumentOf(await post());
    const notBooked = await signedButNotBooked();
    for (const [name, signed] of Object.entries({ booked, notBooked })) {
      await booksNothing(async () => {
        const ids = [`activity-${type}-${name}`, signed.workflowId];
        for (const id of ids) {
          await holdfast.temporal(
            'activity',
            'start',
            '--activity-id',
            id,
            '--type',
            type,
            '--task-queue',
            'holdfast',
            '--start-to-close-timeout',
            '10s',
            '--input',
            JSON.stringify({ signed, originalRunId: 'none' }),
          );
          const ended = await eventually(
            () => holdfast.temporal('activity', 'describe', '--activity-id', id, '--output', 'json'),
            (output) => /ACTIVITY_EXECUTION_STATUS_(FAILED|COMPLETED|TIMED_OUT)/.test(output),
            { what: `the end of ${id}`, everyMs: 100 },
          );
          assert.match(ended, /ACTIVITY_EXECUTION_STATUS_FAILED/);
        }
      });
    }
  });
}

for (const [when, milliseconds] of [
  ['at once', 0],
  ['after three seconds', 3_000],
] as const) {
  test(`a copied order under its own id books nothing after the first is over, ${when}`, async () => {
    const filled = await post();
    const canceled = await post({ order_type: 'limit', limit_price: '61000' });
    await holdfast.operator(`/orders/${encodeURIComponent(canceled.body.workflow_id)}/cancel`, { method: 'POST' });
    const denied = await post({ confidence: 0.1 });
    const orders = { filled, canceled, denied };
    const signed = await Promise.all(Object.values(orders).map(argumentOf));
    // A placement that comes later than a first one can looks first; one that comes at once must be caught as well.
    await sleep(milliseconds);
    await booksNothing(async () => {
      for (const [index, status] of Object.keys(orders).entries()) {
        const { workflowId } = signed[index]!;
        const run = await start(workflowId, [signed[index]], '--id-reuse-policy', 'AllowDuplicate');
        assert.equal((await endOf(workflowId, run)).status, status);
      }
    });
  });
}

test('a copied order that brings a state of its own books nothing', async () => {
  const filled = await post();
  const signed = await argumentOf(filled);
  const state = { venueOrderId: null, filledQuantity: '0', averagePrice: null, fills: [], reason: null, notes: [] };
  for (const status of ['pending', 'unknown', 'working']) {
    await booksNothing(async () => {
      const { workflowId } = signed;
      const run = await start(
        workflowId,
        [signed, { state: { ...state, status } }],
        '--id-reuse-policy',
        'AllowDuplicate',
      );
      assert.equal((await endOf(workflowId, run)).status, 'filled');
    });
  }
});

test('after all that, an honest order is filled', async () => {
  const before = holdfast.paperBook().orders.length;
  assert.equal((await post()).body.status, 'filled');
  assert.equal(holdfast.paperBook().orders.length, before + 1);
});

test('while a forged order waits for a key that never comes, everything still stops in good order', async () => {
  assert.equal(await holdfast.stop(), 0);
});

interface UpdateAccepted {
  readonly workflowExecutionUpdateAcceptedEventAttributes: {
    readonly acceptedRequest: { readonly input: { readonly args: { readonly payloads: readonly { data: string }[] } } };
  };
}

/** Cancels a resting order, and returns what ingress signed for it. */
async function signedCancelOf({ body }: Reply): Promise<SignedCommand> {
  await holdfast.operator(`/orders/${encodeURIComponent(body.workflow_id)}/cancel`, { method: 'POST' });
  const history = parseHistory(await holdfast.history(body.workflow_id));
  const [event] = eventsOf(history, 'WORKFLOW_EXECUTION_UPDATE_ACCEPTED') as unknown as UpdateAccepted[];
  const { acceptedRequest } = event!.workflowExecutionUpdateAcceptedEventAttributes;
  return JSON.parse(Buffer.from(acceptedRequest.input.args.payloads[0]!.data, 'base64').toString()) as SignedCommand;
}

/** The same order under another id, as if it had just come in: nothing but its signature speaks against it. */
function freshened(intent: EntryIntent): EntryIntent {
  const now = Date.now();
  return { ...intent, confidence: '0.9', receivedAt: now, notAfter: now + 60_000 };
}

/** Waits until a worker has taken a step of an order, or the order is over. */
async function untilTried(workflowId: string): Promise<void> {
  const tried =
    /"attempt": "?[1-9]|lastFailure|WORKFLOW_EXECUTION_STATUS_(COMPLETED|FAILED)|"stateTransitionCount": "([3-9]|\d\d)/;
  await eventually(
    () => holdfast.temporal('workflow', 'describe', '--workflow-id', workflowId, '--output', 'json'),
    (output) => tried.test(output),
    { what: `an attempt at ${workflowId}`, everyMs: 100 },
  );
}
