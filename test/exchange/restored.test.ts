import assert from 'node:assert/strict';
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, afterEach, before, test } from 'node:test';

import type { HaltView } from '../../ingress/halts.ts';
import { eventually } from '../support/eventually.ts';
import { parseHistory } from '../support/history.ts';
import { LiveDesk, type Alert } from '../support/live-desk.ts';

// A copy of the engine's data is put back, or its data are gone: it has forgotten orders that the venue has.

let desk: LiveDesk;
before(async () => (desk = await LiveDesk.start()));
after(() => desk?.dispose());
afterEach(() => desk.control.clearFaults());

const data = (): string => join(desk.holdfast.dataDir, 'data');
const copy = (): string => join(desk.holdfast.dataDir, 'copy');
const stateFile = (): string => join(desk.holdfast.dataDir, 'state', 'epoch-local-binance');
const epochInFile = (): number => Number(readFileSync(stateFile(), 'utf8'));

async function halts(): Promise<HaltView[]> {
  return (await desk.holdfast.operator<{ halts: HaltView[] }>('/halt')).halts;
}

const untilHalted = (): Promise<HaltView[]> =>
  eventually(halts, (list) => list.length > 0, { withinMs: 30_000, what: 'a halt' });

const resume = (): Promise<unknown> =>
  desk.holdfast.operator('/resume', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"restored":true}',
  });

async function filled(alert: Alert): Promise<void> {
  const { body } = await desk.post(alert);
  assert.equal((await desk.untilOver(body.workflow_id)).order.status, 'filled');
}

test('a start and a stop without orders in between is nothing to be halted for', async () => {
  await filled({ id: 'first' });
  await desk.holdfast.stop();
  await desk.holdfast.start();
  await filled({ id: 'second' });
  assert.deepEqual(await halts(), []);
});

test('an engine that was put back from a copy sends no entry while it has forgotten orders', async () => {
  await desk.holdfast.stop();
  cpSync(data(), copy(), { recursive: true });
  await desk.holdfast.start();
  await filled({ id: 'forgotten' });
  // Its alert does not come again, so that there stays an order that the engine does not know.
  await filled({ id: 'forgotten-for-good' });
  const epoch = epochInFile();
  await desk.holdfast.stop();
  rmSync(data(), { recursive: true });
  cpSync(copy(), data(), { recursive: true });
  await desk.holdfast.start();

  const [halt] = await untilHalted();
  assert.deepEqual([halt!.code, halt!.scope, halt!.account], ['ENGINE_RESTORED', 'entries', 'binance']);
  assert.match(halt!.reason, new RegExp(`epoch ${epoch}, and the engine stands at ${epoch - 1}`));
  const fresh = { id: 'while-halted' };
  const { body } = await desk.post(fresh);
  const { order } = await desk.untilOver(body.workflow_id);
  assert.deepEqual([order.status, order.reason?.code], ['denied', 'ENGINE_RESTORED']);
  assert.deepEqual(await desk.sends(fresh), []);
});

test('an alert of which the engine has forgotten finds its own order, halted or not', async () => {
  const forgotten = { id: 'forgotten' };
  const { body } = await desk.post(forgotten);
  const { order } = await desk.untilOver(body.workflow_id);
  assert.deepEqual([order.status, order.filled_quantity], ['filled', '0.01']);
  assert.deepEqual([(await desk.sends(forgotten)).length, (await desk.booked(forgotten)).length], [1, 1]);
});

test('the halt stands through a restart, and a person lifts it', async () => {
  await desk.holdfast.stop();
  await desk.holdfast.start();
  assert.equal((await untilHalted()).length, 1);
  // Whoever lifts a halt of another kind has not compared.
  await desk.holdfast.operator('/resume', { method: 'POST' });
  assert.equal((await halts()).length, 1);
  await resume();
  assert.deepEqual(await halts(), []);
  await filled({ id: 'after-the-halt' });
  await desk.holdfast.stop();
  await desk.holdfast.start();
  await filled({ id: 'after-another-start' });
  assert.deepEqual(await halts(), []);
});

test('a cancel that comes while the order is being checked stands behind its placement in the history', async () => {
  const alert = { id: 'canceled-early', order_type: 'limit', limit_price: '60000' };
  // After a restore the check looks first, and here that takes long enough to be sure of the order of things.
  await desk.failAsking(alert, { kind: 'delay', ms: 1_500 });
  const posting = desk.post(alert);
  const workflowId = `order:trend:${alert.id}`;
  const canceled = await eventually(
    () => desk.command(workflowId, 'cancel'),
    ({ http }) => http === 200,
    { what: 'a cancel' },
  );
  assert.equal(canceled.body.status, 'canceled');
  await posting;
  const { events } = parseHistory(await desk.holdfast.history(workflowId));
  const at = (type: string): number => events.findIndex(({ eventType }) => eventType === `EVENT_TYPE_${type}`);
  assert.ok(
    at('WORKFLOW_EXECUTION_UPDATE_ACCEPTED') > at('ACTIVITY_TASK_SCHEDULED'),
    JSON.stringify(events.map((event) => event.eventType)),
  );
});

test('an engine whose data are gone is found out by the file beside them', async () => {
  await desk.holdfast.stop();
  rmSync(data(), { recursive: true });
  await desk.holdfast.start();
  const [halt] = await untilHalted();
  assert.match(halt!.reason, /has no memory of this account/);
  const before = { id: 'after-another-start' };
  const { body } = await desk.post(before);
  const { order } = await desk.untilOver(body.workflow_id);
  assert.deepEqual([order.status, (await desk.sends(before)).length], ['filled', 1]);
  await resume();
});

test('with the file gone too, the venue tells of orders that the engine does not know', async () => {
  await desk.holdfast.stop();
  for (const folder of [data(), stateFile()]) rmSync(folder, { recursive: true });
  await desk.holdfast.start();
  const [halt] = await untilHalted();
  assert.match(halt!.reason, /the venue has \d+ orders of this installation that the engine does not know/);
  await resume();
  await filled({ id: 'in-the-new-engine' });
});

test('with the file gone and the engine whole, nothing is halted', async () => {
  // Of the orders that the venue lists, this engine must know all: those of the engines before it are out of its sight.
  await desk.control.reset();
  await desk.control.setBalances({ USDT: '100000' });
  await desk.holdfast.stop();
  rmSync(stateFile());
  await desk.holdfast.start();
  await filled({ id: 'known' });
  await desk.holdfast.stop();
  rmSync(stateFile());
  await desk.holdfast.start();
  await filled({ id: 'known-too' });
  assert.deepEqual(await halts(), []);
});

test('while it cannot be found out, nothing is sent and nothing denied', async () => {
  await desk.holdfast.stop();
  rmSync(stateFile());
  await desk.control.fault({ match: { path: '/api/v3/openOrders' }, times: null, fault: { kind: 'status-before' } });
  await desk.holdfast.start();
  const waiting = { id: 'waiting' };
  const { http, body } = await desk.post(waiting);
  assert.deepEqual([http, body.status, await desk.sends(waiting)], [202, 'pending', []]);
  await desk.control.clearFaults();
  assert.equal((await desk.untilOver(body.workflow_id)).order.status, 'filled');
  assert.equal((await desk.sends(waiting)).length, 1);
});
