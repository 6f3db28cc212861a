import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { promisify } from 'node:util';

import { eventually } from '../support/eventually.ts';
import { Holdfast, temporalCli, type Reply } from '../support/holdfast.ts';
import { WITHOUT_LIMITS } from '../support/limits-off.ts';
import { startOrderWorker, type OrderWorker } from '../support/order-worker.ts';
import { readPaperBook, type PaperOrder } from '../support/paper-book.ts';
import { PostgresEngine } from './postgres-engine.ts';

/** Contract: an ingress that runs has answered by then, whatever the engine does. */
const ANSWERED_BY_MS = 2_500;
/**
 * From the return of what was lost until alerts are taken again. A server that runs on without its database asks for it
 * again at intervals that grow to ten seconds.
 */
const TAKEN_AGAIN_MS = { engine: 10_000, database: 15_000 };
const SENDERS = 6;
/** So many alerts are answered before a loss, and refused during it. */
const ENOUGH = 25;
const RESTING = 5;

const skip =
  process.env['HOLDFAST_TEST_POSTGRES'] !== '1' &&
  'building a Temporal server takes minutes; with Go and PostgreSQL here: HOLDFAST_TEST_POSTGRES=1 npm test -- test/engine';

let engine: PostgresEngine;
let holdfast: Holdfast;
let worker: OrderWorker;
let workerData = '';

before(async () => {
  if (skip) return;
  engine = await PostgresEngine.start();
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const { address: TEMPORAL_ADDRESS } = engine;
  const key = String(privateKey.export({ type: 'pkcs8', format: 'pem' }));
  const env = { TEMPORAL_ADDRESS, INTENT_SIGNING_KEY: key };
  holdfast = await Holdfast.start({ config: WITHOUT_LIMITS, entry: 'ingress', env });
  workerData = join(holdfast.dataDir, 'worker');
  worker = await startOrderWorker({
    TEMPORAL_ADDRESS,
    INTENT_VERIFY_KEYS: String(publicKey.export({ type: 'spki', format: 'pem' })),
    HOLDFAST_CONFIG: join(holdfast.dataDir, 'holdfast.yaml'),
    HOLDFAST_DATA: workerData,
  });
});
after(async () => {
  await worker?.kill();
  await holdfast?.dispose();
  await engine?.dispose();
});

let count = 0;
const alertWith = (members: Readonly<Record<string, unknown>> = {}) => ({
  id: `postgres-${(count += 1)}`,
  account: 'paper',
  symbol: 'BTC/USDT',
  action: 'buy',
  quantity: '0.001',
  ...members,
});
type Alert = ReturnType<typeof alertWith>;
const resting = { order_type: 'limit', limit_price: '60000' };
/** Workflows of orders that rest while everything else goes down. */
const rest: string[] = [];

interface Sent {
  readonly alert: Alert;
  readonly at: number;
  readonly ms: number;
  reply: Reply;
}

async function post(alert: Alert): Promise<Sent> {
  const at = performance.now();
  const reply = await holdfast.post(alert);
  return { alert, at, ms: performance.now() - at, reply };
}

const statusOf = async (workflowId: string): Promise<string> =>
  (await holdfast.operator<{ order: { status: string } }>(`/orders/${encodeURIComponent(workflowId)}`)).order.status;

const until = (workflowId: string, ...statuses: string[]): Promise<string> =>
  eventually(
    () => statusOf(workflowId),
    (status) => statuses.includes(status),
    { withinMs: 60_000, what: `${workflowId} being ${statuses.join(' or ')}` },
  );

const booked = (): readonly PaperOrder[] => readPaperBook(join(workerData, 'paper-paper.db')).orders;

interface Loss {
  readonly of: keyof typeof TAKEN_AGAIN_MS;
  readonly lose: () => Promise<void>;
  readonly bringBack: () => Promise<void> | void;
}

interface Course {
  readonly of: Loss['of'];
  readonly sent: readonly Sent[];
  /** When bringing back began; everything after it is counted from here. */
  readonly returned: number;
  readonly takenAgainMs: number;
}

/** Sends alerts without a pause while something is lost and brought back; goes on until alerts are taken again. */
async function sendThrough({ of, lose, bringBack }: Loss): Promise<Course> {
  const sent: Sent[] = [];
  let over = false;
  const sender = async (): Promise<void> => {
    while (!over) sent.push(await post(alertWith()));
  };
  const senders = Array.from({ length: SENDERS }, sender);
  const untilMany = (what: string, fits: (one: Sent) => boolean): Promise<number> =>
    eventually(
      () => sent.filter(fits).length,
      (length) => length >= ENOUGH,
      { withinMs: 60_000, everyMs: 20, what },
    );
  try {
    await untilMany('alerts that are taken', ({ reply }) => reply.http < 300);
    await lose();
    await untilMany('alerts that are refused', ({ reply }) => reply.http === 503);
    const returned = performance.now();
    await bringBack();
    await untilMany('alerts that are taken again', ({ reply, at }) => at > returned && reply.http < 300);
    const again = sent.filter(({ reply, at }) => at > returned && reply.http < 300);
    const takenAgainMs = Math.min(...again.map(({ at, ms }) => at + ms)) - returned;
    return { of, sent, returned, takenAgainMs };
  } finally {
    over = true;
    await Promise.all(senders);
  }
}

/** Every alert is one order in the end, whether it was taken at first or had to come again. Returns the course in words. */
async function judge({ of, sent, returned, takenAgainMs }: Course): Promise<string> {
  for (const { reply, ms } of sent) {
    assert.ok(ms < ANSWERED_BY_MS, `${Math.round(ms)} ms: ${JSON.stringify(reply.body)}`);
    assert.ok([200, 202, 503].includes(reply.http), JSON.stringify(reply.body));
  }
  assert.ok(takenAgainMs < TAKEN_AGAIN_MS[of], `taken again after ${Math.round(takenAgainMs)} ms`);
  const refused = sent.filter(({ reply }) => reply.http === 503);
  // What was acknowledged comes to its end before anything is sent again.
  for (const { reply } of sent) if (reply.http < 300) await until(reply.body.workflow_id, 'filled');
  const doneMs = performance.now() - returned;
  // Senders whose alert was not taken send it again, as TradingView does.
  for (const entry of refused) entry.reply = (await post(entry.alert)).reply;
  for (const { reply } of sent) {
    assert.ok(reply.http < 300, JSON.stringify(reply.body));
    await until(reply.body.workflow_id, 'filled');
  }
  const orders = Map.groupBy(booked(), ({ client_order_id: id }) => id);
  const wrong = sent.filter(({ reply }) => orders.get(reply.body.client_order_id)?.length !== 1);
  assert.deepEqual(wrong, []);
  assert.equal(booked().length, count, 'the venue has booked one order for each alert, and nothing else');
  const [again, done] = [takenAgainMs, doneMs].map((ms) => `${(ms / 1000).toFixed(1)} s`);
  const slowest = Math.round(Math.max(...sent.map(({ ms }) => ms)));
  const told = `${sent.length} alerts, ${refused.length} refused, slowest answer ${slowest} ms`;
  return `${told}; counted from the return: taken again after ${again}, all that was acknowledged done after ${done}`;
}

test('the server is the one that the Temporal CLI embeds', { skip }, async () => {
  const { stdout } = await promisify(execFile)(await temporalCli(), ['--version']);
  const [, embedded] = /\(Server ([\d.]+)/.exec(stdout) ?? [];
  const pinned = readFileSync(join(import.meta.dirname, 'server', 'go.mod'), 'utf8');
  assert.ok(pinned.includes(`go.temporal.io/server v${embedded} `), `go.mod names another than ${embedded}`);
});

test('orders rest and fill over PostgreSQL as they do over the embedded engine', { skip }, async () => {
  // A server that has just been told of our search attributes takes orders that carry them within two seconds.
  const alert = alertWith();
  const isTaken = ({ reply: { http } }: Sent): boolean => http < 300;
  const { reply } = await eventually(() => post(alert), isTaken, { what: 'the first order' });
  await until(reply.body.workflow_id, 'filled');
  for (let n = 0; n < RESTING; n++) rest.push((await post(alertWith(resting))).reply.body.workflow_id);
  for (const id of rest) await until(id, 'working');
});

test(
  'an engine that is killed under load is waited for, and nothing that was answered is lost',
  { skip },
  async (t) => {
    const course = await sendThrough({ of: 'engine', lose: () => engine.kill(), bringBack: () => engine.start() });
    t.diagnostic(await judge(course));
  },
);

test('a database that is stopped at once under load is waited for, and nothing is lost', { skip }, async (t) => {
  const { postgres } = engine;
  const [lose, bringBack] = [() => postgres.stopImmediately(), () => postgres.start()];
  const course = await sendThrough({ of: 'database', lose, bringBack });
  t.diagnostic(await judge(course));
});

test('what rested through all of it fills when its price comes', { skip }, async () => {
  for (const id of rest) assert.equal(await statusOf(id), 'working');
  await post(alertWith({ price: '59000' }));
  for (const id of rest) await until(id, 'filled');
  assert.equal(booked().length, count);
});
