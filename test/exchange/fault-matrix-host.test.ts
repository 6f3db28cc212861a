import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { createHmac, generateKeyPairSync, randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, readFileSync, rmSync, statfsSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Client, Connection } from '@temporalio/client';

import { startEngine, type Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { ROOT, type Reply } from '../support/holdfast.ts';
import { LiveDesk, type Alert } from '../support/live-desk.ts';
import { startOrderWorker, type OrderWorker } from '../support/order-worker.ts';
import { noOwnClockReason, OwnClock } from '../support/own-clock.ts';
import { startSlowLine, type SlowLine } from '../support/slow-line.ts';

// The rows of the fault matrix that befall the host: its disk, its clock, its line to the engine, a new build of its
// code. See `fault-matrix.test.ts` for what each row means.

/** Contract: every answer of an ingress that runs is out by then; the rest is for a machine with much to do. */
const ANSWERED_BY_MS = 2_500 + 500;
const RESTING = { order_type: 'limit', limit_price: '60000' };

type Outcome = [told: string, sends: number, booked: number];

async function outcomeAt(desk: LiveDesk, alert: Alert): Promise<Outcome> {
  const { order } = await desk.untilOver(`order:trend:${alert.id}`, 60_000);
  return [order.status, (await desk.sends(alert)).length, (await desk.booked(alert)).length];
}

const runs = (command: string, ...args: string[]): boolean => spawnSync(command, args).status === 0;

test('row 15: a disk that is full while orders come in loses none; room for more, and it goes on', async (t) => {
  const disk = mkdtempSync(join(tmpdir(), 'holdfast-disk-'));
  const isMounted = runs('mount', '-t', 'tmpfs', '-o', 'size=32m', 'tmpfs', disk);
  const desk = isMounted ? await LiveDesk.start({ env: { HOLDFAST_DATA: join(disk, 'data') } }) : undefined;
  t.after(async () => {
    await desk?.dispose();
    if (isMounted) runs('umount', '-l', disk);
    rmSync(disk, { recursive: true, force: true });
  });
  if (desk === undefined) return t.skip('this user cannot mount a disk that is small enough');
  const [resting, first] = [{ id: 'before', ...RESTING }, { id: 'before-too' }];
  for (const alert of [resting, first]) await desk.post(alert);

  const filler = join(disk, 'filler');
  const { bavail, bsize } = statfsSync(disk);
  assert.throws(() => writeFileSync(filler, Buffer.alloc((bavail + 1) * bsize)), /ENOSPC/);
  // The engine's file has some room of its own left; then nothing that is answered 2xx may be missing later.
  const sent: { alert: Alert; reply: Reply }[] = [];
  const refusals = (): number => sent.filter(({ reply }) => reply.http === 503).length;
  while (refusals() < 4) {
    const alerts = [1, 2, 3, 4].map((index) => ({ id: `full-${sent.length + index}` }));
    const replies = await Promise.all(alerts.map((alert) => desk.holdfast.post(desk.write(alert))));
    sent.push(...alerts.map((alert, index) => ({ alert, reply: replies[index]! })));
    assert.ok(sent.length < 400, 'the disk is never full');
  }
  for (const { reply } of sent) assert.ok([200, 202, 503].includes(reply.http), JSON.stringify(reply.body));
  assert.match(desk.holdfast.output, /disk is full/);

  rmSync(filler);
  for (const { alert, reply } of sent) {
    // What was refused comes again; what was answered 2xx is there without that.
    if (reply.http === 503) {
      await eventually(
        () => desk.holdfast.post(desk.write(alert)),
        ({ http }) => http < 300,
        { withinMs: 30_000, what: `${alert.id} being taken` },
      );
    }
    const [told, , booked] = await outcomeAt(desk, alert);
    assert.deepEqual([told, booked], ['filled', 1]);
  }
  assert.deepEqual(await outcomeAt(desk, first), ['filled', 1, 1]);
  const { order } = await desk.tell(`order:trend:${resting.id}`);
  await desk.control.fill({ clientOrderId: order.client_order_id, quantity: '0.01' });
  assert.deepEqual(await outcomeAt(desk, resting), ['filled', 1, 1]);
  t.diagnostic(`${sent.length} alerts on a full disk, ${refusals()} of them refused`);
  await desk.reconcile();
});

describe('ingress and worker apart, each with a clock of its own, and a line to the engine', () => {
  const WEBHOOK_KEY = randomBytes(32).toString('base64');
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const next = mkdtempSync(join(tmpdir(), 'holdfast-next-'));
  let engine: Engine;
  let line: SlowLine;
  let desk: LiveDesk;
  let worker: OrderWorker;
  /** Of ingress, and of the worker. */
  let [here, there]: OwnClock[] = [];

  before(async () => {
    [here, there] = [new OwnClock(), new OwnClock()];
    engine = await startEngine();
    line = await startSlowLine(engine.address);
    const env = {
      TEMPORAL_ADDRESS: line.address,
      INTENT_SIGNING_KEY: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    };
    desk = await LiveDesk.start({
      entry: 'ingress',
      env: { ...env, ...clockOf(here) },
      proof: `webhook_key: whsec_${WEBHOOK_KEY}`,
    });
    worker = await startOrderWorker(workerEnv('worker'));
    await desk.warm();
  });
  after(async () => {
    await worker?.kill();
    await desk?.dispose();
    line?.stop();
    await engine?.stop();
    for (const clock of [here, there]) clock?.remove();
    rmSync(next, { recursive: true, force: true });
  });

  const clockOf = (clock: OwnClock | undefined): Record<string, string> => (noOwnClockReason ? {} : clock!.env);

  function workerEnv(name: string): Record<string, string> {
    return {
      TEMPORAL_ADDRESS: line.address,
      INTENT_VERIFY_KEYS: String(publicKey.export({ type: 'spki', format: 'pem' })),
      HOLDFAST_CONFIG: join(desk.holdfast.dataDir, 'holdfast.yaml'),
      HOLDFAST_DATA: join(desk.holdfast.dataDir, name),
      SENDS_FILE: join(desk.holdfast.dataDir, 'sends'),
      ...clockOf(there),
    };
  }

  const outcomeOf = (alert: Alert): Promise<Outcome> => outcomeAt(desk, alert);

  describe('row 16: an engine that takes 2 s for every call', () => {
    const ALERTS = ['surprised', 'slow-1', 'slow-2', 'slow-3'].map((id) => ({ id }));
    const replies: { reply: Reply; ms: number }[] = [];
    before(async () => {
      line.delayMs = 1_000;
      const post = async (alert: Alert): Promise<(typeof replies)[number]> => {
        const begun = performance.now();
        const reply = await desk.holdfast.post(desk.write(alert));
        return { reply, ms: performance.now() - begun };
      };
      const [surprised, ...others] = ALERTS;
      replies.push(await post(surprised!));
      // By now it is known how slow the engine is.
      replies.push(...(await Promise.all(others.map(post))));
      line.delayMs = 0;
    });

    test('row 16: every answer is in time and names the order; each is one order', async () => {
      for (const [index, { reply, ms }] of replies.entries()) {
        assert.ok(ms < ANSWERED_BY_MS, `${Math.round(ms)} ms`);
        assert.equal(reply.body.workflow_id, `order:trend:${ALERTS[index]!.id}`);
        const [told, , booked] = await outcomeOf(ALERTS[index]!);
        assert.deepEqual([told, booked], ['filled', 1]);
      }
    });

    test('row 16: what was started is pending, and not unavailable', () => {
      assert.deepEqual(
        replies.map(({ reply }) => `${reply.http} ${reply.body.status}`),
        replies.map(() => '202 pending'),
      );
    });
  });

  describe('row 17: a clock that is wrong by ten minutes', { skip: noOwnClockReason }, () => {
    test('row 17: of a worker, ahead, stepped back and behind, changes nothing', async (t) => {
      t.after(() => there!.setTo(0));
      const resting = { id: 'rests-through-it', ...RESTING };
      const { body } = await desk.post(resting);
      for (const [seconds, fault, sends] of [
        [600, 'drop-before', 2],
        [-600, 'execute-then-drop', 1],
      ] as const) {
        there!.setTo(seconds);
        const alert = { id: `worker-${seconds}` };
        const first = await desk.post(alert);
        assert.deepEqual([first.http, first.body.status], [200, 'filled']);
        assert.deepEqual((await desk.post(alert)).body, { ...first.body, duplicate: true });
        assert.deepEqual(await outcomeOf(alert), ['filled', 1, 1]);
        // One whose request or answer is lost is proven absent, or found, by the venue's clock and the engine's.
        const lost = { id: `worker-lost-${seconds}` };
        await desk.failPlacing(lost, fault);
        await desk.post(lost);
        assert.deepEqual(await outcomeOf(lost), ['filled', sends, 1]);
      }
      await desk.control.fill({ clientOrderId: body.client_order_id, quantity: '0.01' });
      assert.deepEqual(await outcomeOf(resting), ['filled', 1, 1]);
    });

    test('row 17: of ingress, ahead: orders are filled once, and alerts that tell the time are too old', async (t) => {
      t.after(() => here!.setTo(0));
      here!.setTo(600);
      const [plain, timed] = [{ id: 'ahead' }, { id: 'ahead-timed', time: new Date().toISOString() }];
      const first = await desk.post(plain);
      assert.equal(first.body.status, 'filled');
      const { body } = await desk.post(timed);
      assert.deepEqual([body.status, body.reason?.code], ['expired', 'ALERT_TOO_OLD']);
      // Its clock is put right, and then wrong the other way round: the same alert is the same order.
      for (const seconds of [0, -600]) {
        here!.setTo(seconds);
        assert.deepEqual((await desk.post(plain)).body, { ...first.body, duplicate: true });
      }
      assert.deepEqual(await outcomeOf(plain), ['filled', 1, 1]);
      assert.deepEqual(await outcomeOf(timed), ['expired', 0, 0]);
    });

    test('row 17: of ingress, behind: nothing is sent, and the reason says that it was too late', async (t) => {
      t.after(() => here!.setTo(0));
      here!.setTo(-600);
      const [plain, timed] = [{ id: 'behind' }, { id: 'behind-timed', time: new Date().toISOString() }];
      for (const alert of [plain, timed]) {
        const { body } = await desk.post(alert);
        assert.equal(body.order_id, null);
        const [told, ...sent] = await outcomeOf(alert);
        const code = (await desk.tell(body.workflow_id)).order.reason?.code ?? '';
        // What is too late needs no other reason, and has one where the alert tells a time.
        assert.match(`${told} ${code}`, /^(expired TOO_LATE_TO_SEND|denied ALERT_TIME_IN_FUTURE)$/);
        assert.deepEqual(sent, [0, 0]);
      }
      here!.setTo(0);
      assert.equal((await desk.post(plain)).body.reason?.code, 'TOO_LATE_TO_SEND');
    });

    test('row 17: equal alerts without id and time are one order, though the clock steps back between them', async (t) => {
      t.after(() => here!.setTo(0));
      const { id: _id, ...alert } = JSON.parse(desk.write({ id: 'stepped', quantity: '0.0123' })) as Alert;
      await desk.post({ id: 'stepped', quantity: '0.0123' });
      const first = await desk.holdfast.post(alert);
      here!.setTo(-600);
      const second = await desk.holdfast.post(alert);
      assert.deepEqual([first.body.duplicate, second.body.duplicate], [false, true]);
      assert.equal(second.body.workflow_id, first.body.workflow_id);
      assert.equal((await desk.control.orders(first.body.client_order_id)).length, 1);
    });
  });

  test('row 20: a signed alert that is played again is its own order, or proves nothing any more', async (t) => {
    t.after(() => here!.setTo(0));
    const body = desk.write({ id: 'recorded' }).replace(/"secret":"[^"]*",/, '');
    const timestamp = String(Math.floor(Date.now() / 1000));
    const key = Buffer.from(WEBHOOK_KEY, 'base64');
    const mac = createHmac('sha256', key).update(`msg_recorded.${timestamp}.${body}`).digest('base64');
    const headers = { 'webhook-id': 'msg_recorded', 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${mac}` };
    const play = async (change = {}): Promise<unknown[]> => {
      const { http, body: told } = await desk.holdfast.post(body, { headers: { ...headers, ...change } });
      return [http, told.code ?? told.status, told.duplicate];
    };
    assert.deepEqual(await play(), [200, 'filled', false]);
    assert.deepEqual(await play(), [200, 'filled', true]);
    const later = { 'webhook-timestamp': String(Number(timestamp) + 1) };
    for (const change of [later, { 'webhook-id': 'msg_other' }]) {
      assert.deepEqual(await play(change), [401, 'UNPROVEN', undefined]);
    }
    if (!noOwnClockReason) {
      for (const seconds of [600, -600]) {
        here!.setTo(seconds);
        assert.deepEqual(await play(), [401, 'UNPROVEN', undefined], `${seconds} s later`);
      }
      here!.setTo(0);
    }
    assert.deepEqual(await play(), [200, 'filled', true]);
    assert.deepEqual(await outcomeOf({ id: 'recorded' }), ['filled', 1, 1]);
    // What has no signed time is judged by the alert's own.
    const old = { id: 'recorded-long-ago', time: new Date(Date.now() - 600_000).toISOString() };
    assert.equal((await desk.post(old)).body.reason?.code, 'ALERT_TOO_OLD');
    assert.deepEqual(await outcomeOf(old), ['expired', 0, 0]);
  });

  test('row 33: orders in flight go on under a new build of the workflows, and replay under it', async (t) => {
    const isCopied = (path: string): boolean => !/[/\\](node_modules|data|test|\.git|\.cache)$/.test(path);
    cpSync(ROOT, next, { recursive: true, filter: isCopied });
    symlinkSync(join(ROOT, 'node_modules'), join(next, 'node_modules'));
    const file = join(next, 'workflows', 'execute-order.ts');
    const query = '  setHandler(cancelUpdate, cancel, { validator: refuseWhenFinal });';
    const source = readFileSync(file, 'utf8');
    assert.equal(source.split(query).length, 2);
    const tells = "  setHandler({ type: 'query', name: 'build' }, () => 'next');";
    writeFileSync(file, source.replace(query, `${tells}\n${query}`));

    const resting = Array.from({ length: 20 }, (_, index) => ({ id: `deploy-${index}`, ...RESTING }));
    for (const alert of resting) assert.equal((await desk.post(alert)).body.status, 'working');
    const under: Alert[] = [];
    let over = false;
    const sender = async (): Promise<void> => {
      while (!over) {
        const alert = { id: `deploying-${under.length}` };
        under.push(alert);
        const { http } = await desk.holdfast.post(desk.write(alert));
        assert.ok(http < 300, `${alert.id}: ${http}`);
      }
    };
    const sending = Promise.all([sender(), sender()]);
    const old = worker;
    worker = await startOrderWorker(workerEnv('next'), next);
    assert.equal(await old.stop(), 0);
    over = true;
    await sending;

    const { orders } = await desk.control.ledger();
    const ids = new Set(resting.map(({ id }) => id));
    const connection = await Connection.connect({ address: engine.address });
    t.after(() => connection.close());
    const { workflow } = new Client({ connection });
    for (const id of ids) assert.equal(await workflow.getHandle(`order:trend:${id}`).query('build'), 'next');
    for (const { orderId, status } of orders) {
      if (status === 'NEW') await desk.control.fill({ orderId, quantity: '0.01' });
    }
    for (const alert of [...resting, ...under]) assert.deepEqual(await outcomeOf(alert), ['filled', 1, 1], alert.id);
    for (const id of ids) {
      const { events } = await workflow.getHandle(`order:trend:${id}`).fetchHistory();
      const steps = (events ?? []).flatMap((event) => event.workflowTaskCompletedEventAttributes ?? []);
      const builds = new Set(steps.map(({ workerVersion }) => workerVersion?.buildId));
      const failed = (events ?? []).filter((event) => event.workflowTaskFailedEventAttributes);
      assert.deepEqual([builds.size, failed], [2, []], id);
    }
    t.diagnostic(`${resting.length} orders rested, and ${under.length} came in while it was deployed`);
  });

  test('in the end the venue has booked what was told, and nothing else', () => desk.reconcile());
});
