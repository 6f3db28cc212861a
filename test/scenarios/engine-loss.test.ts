import assert from 'node:assert/strict';
import { copyFileSync, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { eventually } from '../support/eventually.ts';
import { Holdfast, temporalCli, type Reply } from '../support/holdfast.ts';
import { WITHOUT_LIMITS } from '../support/limits-off.ts';

/** Contract: an ingress that runs has answered by then, whatever the engine does. */
const ANSWERED_BY_MS = 2_500;
/** Contract: an engine that is known to be down is told of within this. */
const DOWN_TOLD_BY_MS = 1_000;

let holdfast: Holdfast;
/** The engine's program, in a place from which it can be taken away: then nothing brings the engine back. */
const programs = mkdtempSync(join(tmpdir(), 'holdfast-engine-'));
const program = join(programs, 'temporal');
const away = join(programs, 'away');
const takeAway = (): void => renameSync(program, away);
const bringBack = (): void => {
  if (existsSync(away)) renameSync(away, program);
};

before(async () => {
  copyFileSync(await temporalCli(), program);
  holdfast = await Holdfast.start({ config: WITHOUT_LIMITS, env: { TEMPORAL_CLI: program } });
});
after(async () => {
  await holdfast?.dispose();
  rmSync(programs, { recursive: true, force: true });
});

let count = 0;
const alertWith = (members: Readonly<Record<string, unknown>> = {}) => ({
  id: `loss-${(count += 1)}`,
  account: 'paper',
  symbol: 'BTC/USDT',
  action: 'buy',
  quantity: '0.001',
  ...members,
});
const resting = { order_type: 'limit', limit_price: '60000' };

interface Timed extends Reply {
  readonly ms: number;
  readonly retryAfter: string | null;
}

/** Posts an alert and takes the time; an answer that is overdue fails the test, so that nothing hangs. */
async function post(alert: unknown): Promise<Timed> {
  const begun = performance.now();
  const response = await fetch(`${holdfast.publicUrl}/webhook/tradingview`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(alert),
    signal: AbortSignal.timeout(10_000),
  });
  const body = (await response.json()) as Reply['body'];
  const ms = performance.now() - begun;
  const type = response.headers.get('content-type') ?? '';
  return { http: response.status, type, body, ms, retryAfter: response.headers.get('retry-after') };
}

const isReady = async (): Promise<boolean> => (await fetch(`${holdfast.publicUrl}/ready`)).ok;
const untilReady = (wanted: boolean): Promise<boolean> =>
  eventually(isReady, (ready) => ready === wanted, {
    withinMs: 40_000,
    what: wanted ? 'readiness' : 'the loss being known',
  });

function killEngine(): void {
  process.kill(holdfast.enginePid()!, 'SIGKILL');
}

const statusOf = async (workflowId: string): Promise<string> =>
  (await holdfast.operator<{ order: { status: string } }>(`/orders/${encodeURIComponent(workflowId)}`)).order.status;

const until = (workflowId: string, ...statuses: string[]): Promise<string> =>
  eventually(
    () => statusOf(workflowId),
    (status) => statuses.includes(status),
    { withinMs: 40_000, what: `${workflowId} being ${statuses.join(' or ')}` },
  );

const bookedAs = (clientOrderId: string): number =>
  holdfast.paperBook().orders.filter(({ client_order_id: id }) => id === clientOrderId).length;

test('while the engine is down, alerts are told to come again, soon and in one shape', async (t) => {
  const [earlier, other] = [await post(alertWith(resting)), await post(alertWith(resting))];
  for (const { body } of [earlier, other]) await until(body.workflow_id, 'working');
  const alerts = Array.from({ length: 20 }, () => alertWith());
  takeAway();
  t.after(bringBack);
  killEngine();
  await untilReady(false);

  const replies = await Promise.all(alerts.map(post));
  for (const { http, type, body, ms, retryAfter } of replies) {
    assert.deepEqual([http, body.code, body.success, body.order_id], [503, 'UNAVAILABLE', false, null]);
    assert.match(type, /^application\/problem\+json/);
    assert.match(String(retryAfter), /^\d+$/);
    assert.ok(ms < ANSWERED_BY_MS, `${Math.round(ms)} ms`);
  }
  const soon = replies.filter(({ ms }) => ms < DOWN_TOLD_BY_MS).length;
  assert.ok(soon >= 19, `${soon} of 20 answers within ${DOWN_TOLD_BY_MS} ms`);

  // A sender's own faults are told all the same, and whoever asks whether we live is told that we do.
  const faulty = await post({ symbol: 'BTC/USDT', action: 'buy' });
  assert.deepEqual([faulty.http, faulty.body.code], [422, 'MISSING_FIELD']);
  assert.equal((await fetch(`${holdfast.publicUrl}/health`)).status, 200);
  const signal = AbortSignal.timeout(10_000);
  for (const path of ['/orders', `/orders/${encodeURIComponent(earlier.body.workflow_id)}`]) {
    const response = await fetch(`${holdfast.operatorUrl}${path}`, { signal });
    const problem = (await response.json()) as Reply['body'];
    assert.deepEqual([response.status, problem.code], [503, 'UNAVAILABLE'], path);
  }
  const cancel = await fetch(`${holdfast.operatorUrl}/orders/${encodeURIComponent(other.body.workflow_id)}/cancel`, {
    method: 'POST',
    signal: AbortSignal.timeout(20_000),
  });
  assert.deepEqual([cancel.status, ((await cancel.json()) as Reply['body']).code], [503, 'UNAVAILABLE'], 'cancel');
  const metrics = await (await fetch(`${holdfast.operatorUrl}/metrics`)).text();
  assert.match(metrics, /^holdfast_engine_up 0$/m);

  // It is back: what was resting rests on, and each alert that comes again is one order.
  bringBack();
  await untilReady(true);
  for (const alert of alerts) {
    const again = await post(alert);
    assert.equal(again.http < 300, true, JSON.stringify(again.body));
    await until(again.body.workflow_id, 'filled');
    assert.equal(bookedAs(again.body.client_order_id), 1);
  }
  assert.equal(await statusOf(earlier.body.workflow_id), 'working');
  await post(alertWith({ price: '59000' }));
  await until(earlier.body.workflow_id, 'filled');
  // Whether a cancel that was answered 503 has come through cannot be known from that.
  await until(other.body.workflow_id, 'filled', 'canceled');
});

test('an engine that is lost under load comes back by itself, and nothing that was answered is lost', async (t) => {
  await untilReady(true);
  const before = holdfast.paperBook().orders.length;
  const sent: { alert: ReturnType<typeof alertWith>; reply: Timed }[] = [];
  let over = false;
  const sender = async (): Promise<void> => {
    while (!over) {
      const alert = alertWith(count % 4 === 0 ? resting : {});
      sent.push({ alert, reply: await post(alert) });
    }
  };
  const senders = Array.from({ length: 6 }, sender);
  try {
    for (let round = 0; round < 2; round += 1) {
      const enough = sent.length + 25;
      await eventually(
        () => sent.length,
        (length) => length >= enough,
        { what: 'alerts under way' },
      );
      const lost = holdfast.enginePid();
      killEngine();
      const isBack = async (): Promise<boolean> =>
        ![undefined, lost].includes(holdfast.enginePid()) && (await isReady());
      await eventually(isBack, Boolean, { withinMs: 40_000, what: 'another engine' });
    }
  } finally {
    over = true;
    await Promise.all(senders);
  }

  for (const { reply } of sent) {
    assert.ok(reply.ms < ANSWERED_BY_MS, `${Math.round(reply.ms)} ms: ${JSON.stringify(reply.body)}`);
    assert.ok([200, 202, 503].includes(reply.http), JSON.stringify(reply.body));
  }
  // Senders whose alert was not taken send it again, as TradingView does.
  let resent = 0;
  for (const entry of sent) {
    if (entry.reply.http !== 503) continue;
    resent += 1;
    entry.reply = await post(entry.alert);
  }
  for (const { reply } of sent) {
    assert.ok(reply.http < 300, JSON.stringify(reply.body));
    await until(reply.body.workflow_id, 'filled', 'working');
    assert.equal(bookedAs(reply.body.client_order_id), 1, reply.body.workflow_id);
  }
  assert.equal(holdfast.paperBook().orders.length, before + sent.length);
  t.diagnostic(`${sent.length} alerts while the engine was lost twice, ${resent} of them sent again`);
});

test('an engine that is frozen leaves nobody waiting, and goes on where it was', async (t) => {
  await untilReady(true);
  const engine = holdfast.enginePid()!;
  const alerts = Array.from({ length: 6 }, () => alertWith());
  process.kill(engine, 'SIGSTOP');
  t.after(() => process.kill(engine, 'SIGCONT'));
  for (const { http, body, ms } of await Promise.all(alerts.map(post))) {
    assert.deepEqual([http, body.code], [503, 'UNAVAILABLE']);
    assert.ok(ms < ANSWERED_BY_MS, `${Math.round(ms)} ms`);
  }
  await untilReady(false);
  process.kill(engine, 'SIGCONT');
  await untilReady(true);
  for (const alert of alerts) {
    const again = await post(alert);
    await until(again.body.workflow_id, 'filled');
    assert.equal(bookedAs(again.body.client_order_id), 1);
  }
});

test('after all that, it stops in good order', async () => {
  assert.equal(await holdfast.stop(), 0);
});
