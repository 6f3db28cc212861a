import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { startEngine, type Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { LiveDesk, type Alert } from '../support/live-desk.ts';
import { startOrderWorker, type OrderWorker } from '../support/order-worker.ts';

/** How far behind the clock of one of the workers is. */
const SLOW_S = 3;
const LIBRARY = [
  '/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1',
  '/usr/lib/aarch64-linux-gnu/faketime/libfaketimeMT.so.1',
].find(existsSync);
/** A worker that is stopped keeps its questions for work open, and what they are given is lost for a while. */
const SETTLED_MS = 120_000;
/** An order is known again within this time of the death of the worker that placed it, when the venue has it. */
const KNOWN_AGAIN_MS = 10_000;
/** So many orders are sent until one of them meets the worker that is meant. */
const TRIES = 40;

const skip = LIBRARY === undefined && 'there is no libfaketime here (apt-get install faketime)';
const folder = mkdtempSync(join(tmpdir(), 'holdfast-workers-'));
const files = { SENDS_FILE: join(folder, 'sends'), FREEZE_FILE: join(folder, 'freeze') };

let engine: Engine;
let desk: LiveDesk;
let even: OrderWorker;
let slow: OrderWorker;

before(async () => {
  if (skip) return;
  writeFileSync(files.SENDS_FILE, '');
  engine = await startEngine();
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const env = {
    TEMPORAL_ADDRESS: engine.address,
    INTENT_SIGNING_KEY: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
  desk = await LiveDesk.start({ entry: 'ingress', env });
  const { dataDir } = desk.holdfast;
  const shared = {
    TEMPORAL_ADDRESS: engine.address,
    INTENT_VERIFY_KEYS: String(publicKey.export({ type: 'spki', format: 'pem' })),
    HOLDFAST_CONFIG: join(dataDir, 'holdfast.yaml'),
    SENDS_FILE: files.SENDS_FILE,
  };
  const behind = { LD_PRELOAD: LIBRARY!, FAKETIME: `-${SLOW_S}s`, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
  even = await startOrderWorker({ ...shared, HOLDFAST_DATA: join(dataDir, 'even') });
  slow = await startOrderWorker({
    ...shared,
    ...behind,
    HOLDFAST_DATA: join(dataDir, 'slow'),
    FREEZE_FILE: files.FREEZE_FILE,
  });
});
after(async () => {
  await Promise.all([even?.kill(), slow?.kill()]);
  await desk?.dispose();
  await engine?.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Who has placed orders, in order. */
const senders = (): number[] => readFileSync(files.SENDS_FILE, 'utf8').split('\n').filter(Boolean).map(Number);

test('both workers place orders, and the venue takes them whatever their clocks say', { skip }, async () => {
  for (let index = 0; index < TRIES && new Set(senders()).size < 2; index += 1) {
    const alert = { id: `either-${index}` };
    const { body } = await desk.post(alert);
    const { order } = await desk.untilOver(body.workflow_id);
    assert.deepEqual([order.status, (await desk.sends(alert)).length], ['filled', 1]);
  }
  assert.deepEqual(new Set(senders()), new Set([even.pid, slow.pid]));
});

test(
  'an order whose worker is stopped before its bytes leave, and goes on when another has settled it, is one order',
  { skip },
  async (t) => {
    writeFileSync(files.FREEZE_FILE, '');
    let stuck: Alert | undefined;
    for (let index = 0; index < TRIES && stuck === undefined; index += 1) {
      const alert = { id: `stopped-${index}` };
      const { body } = await desk.post(alert);
      if (existsSync(files.FREEZE_FILE)) await desk.untilOver(body.workflow_id);
      else stuck = alert;
    }
    assert.ok(stuck !== undefined && slow.isStopped());
    t.after(() => slow.signal('SIGCONT'));
    const sentBefore = (await desk.sends(stuck)).length;
    const { order } = await desk.untilOver(`order:trend:${stuck.id}`, SETTLED_MS);
    const settled = await desk.booked(stuck);
    t.diagnostic(`${order.status}, ${settled.length} booked, ${sentBefore} sent before`);
    // What the worker that is stopped has taken with it may keep the other one waiting until the order is too old.
    const isInTime = order.status === 'filled';
    assert.deepEqual([sentBefore, order.status, settled.length], isInTime ? [0, 'filled', 1] : [0, 'expired', 0]);

    slow.signal('SIGCONT');
    // Its bytes leave now, and are refused for their time.
    const late = await eventually(
      () => desk.sends(stuck),
      (sends) => sends.length === settled.length + 1 && sends.every(({ outcome }) => outcome !== null),
      { what: 'the bytes of the worker that was stopped' },
    );
    assert.deepEqual(
      late.map(({ outcome }) => outcome!.code),
      isInTime ? [null, -1021] : [-1021],
    );
    assert.deepEqual(await desk.booked(stuck), settled);
    assert.deepEqual((await desk.tell(`order:trend:${stuck.id}`)).order, order);
  },
);

test('an order whose worker is killed in mid-send is known again soon', { skip }, async () => {
  const alert = { id: 'killed' };
  await desk.failPlacing(alert, 'execute-then-silence');
  const before = senders().length;
  const posting = desk.post(alert);
  await eventually(
    () => desk.booked(alert),
    (orders) => orders.length === 1,
    { what: 'the order at the venue' },
  );
  const [sender] = senders().slice(before);
  const [worker] = [even, slow].filter(({ pid }) => pid === sender);
  await worker!.kill();
  const [{ order }] = await Promise.all([desk.untilOver(`order:trend:${alert.id}`, KNOWN_AGAIN_MS), posting]);
  assert.deepEqual([order.status, (await desk.sends(alert)).length], ['filled', 1]);
});

test('in the end the venue has booked what was told, and nothing else', { skip }, async () => {
  await desk.reconcile();
});
