// What an account limits holds over several workers, through the death of one, and with one that is cut off.
import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { after, before, test } from 'node:test';

import type { OrderStory } from '../../ingress/order-book.ts';
import { startEngine, type Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import type { Reply } from '../support/holdfast.ts';
import { LiveDesk } from '../support/live-desk.ts';
import { startOrderWorker, type OrderWorker } from '../support/order-worker.ts';
import { startSlowLine, type SlowLine } from '../support/slow-line.ts';

const UNLIMITED = 'price_collar: off, orders_per_minute: off, max_open_orders: off';
const LIMITS = {
  capped: `{ max_position: "100", ${UNLIMITED} }`,
  killed: `{ max_position: "100", ${UNLIMITED} }`,
  few: `{ max_open_orders: 7, price_collar: off, orders_per_minute: off }`,
  binance: `{ max_position: "1000000", ${UNLIMITED} }`,
};
const PER_SECOND = 50;

const folder = mkdtempSync(join(tmpdir(), 'holdfast-limits-'));
const sends = join(folder, 'sends');

let engine: Engine;
let desk: LiveDesk;
let lines: SlowLine[];
let workers: OrderWorker[];
let startWorker: (index: number) => Promise<OrderWorker>;

before(async () => {
  writeFileSync(sends, '');
  engine = await startEngine();
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const env = {
    TEMPORAL_ADDRESS: engine.address,
    INTENT_SIGNING_KEY: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    RATE_LIMIT_REQUESTS: '1000000',
  };
  desk = await LiveDesk.start({ entry: 'ingress', accounts: Object.keys(LIMITS), limits: LIMITS, env });
  await desk.control.setBalances({ USDT: '1000000000000', BTC: '1000000' });
  lines = [await startSlowLine(engine.address), await startSlowLine(engine.address)];
  startWorker = (index) =>
    startOrderWorker({
      TEMPORAL_ADDRESS: lines[index]!.address,
      INTENT_VERIFY_KEYS: String(publicKey.export({ type: 'spki', format: 'pem' })),
      HOLDFAST_CONFIG: join(desk.holdfast.dataDir, 'holdfast.yaml'),
      HOLDFAST_DATA: join(desk.holdfast.dataDir, `worker-${index}`),
      HOLDFAST_STATE: join(desk.holdfast.dataDir, 'state'),
      SENDS_FILE: sends,
    });
  workers = await Promise.all([startWorker(0), startWorker(1)]);
  for (const account of Object.keys(LIMITS)) {
    if (account !== 'capped' && account !== 'killed') await desk.warm(account);
  }
});
after(async () => {
  await Promise.all((workers ?? []).map((worker) => worker.kill()));
  for (const line of lines ?? []) line.stop();
  await desk?.dispose();
  await engine?.stop();
  rmSync(folder, { recursive: true, force: true });
});

const codeOf = ({ order }: Pick<OrderStory, 'order'>): string => `${order.status} ${order.reason?.code ?? ''}`.trim();

/** How the orders ended, counted. */
async function ends(replies: readonly Reply[]): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { body } of replies) {
    const end = codeOf(await desk.untilOver(body.workflow_id, 90_000));
    counts[end] = (counts[end] ?? 0) + 1;
  }
  return counts;
}

const buys = (account: string, quantity: string, count: number): Promise<Reply[]> =>
  Promise.all(
    Array.from({ length: count }, (_, index) =>
      desk.holdfast.post(desk.write({ id: `${account}-${index}`, account, quantity })),
    ),
  );

async function bought(account: string): Promise<number> {
  const orders = await Promise.all(
    [...desk.sent.values()].filter((alert) => alert.account === account).map((alert) => desk.booked(alert)),
  );
  return orders.flat().reduce((sum, { executedQty }) => sum + Number(executedQty), 0);
}

test('a cap of 100 and forty buys of ten at once over two workers end at exactly 100', async () => {
  const counts = await ends(await buys('capped', '10', 40));
  assert.deepEqual(counts, { filled: 10, 'denied POSITION_OVER_LIMIT': 30 });
  assert.equal(await bought('capped'), 100);
  const senders = new Set(readFileSync(sends, 'utf8').split('\n').filter(Boolean));
  assert.equal(senders.size, 2, 'both workers have placed orders');
});

test('and also where one of the workers is killed in the middle of it', async () => {
  const posting = buys('killed', '10', 40);
  await eventually(
    () => bought('killed'),
    (quantity) => quantity > 0,
    { everyMs: 5, what: 'the first fill' },
  );
  await workers[0]!.kill();
  const counts = await ends(await posting);
  workers[0] = await startWorker(0);
  assert.equal(await bought('killed'), 100);
  assert.deepEqual(counts, { filled: 10, 'denied POSITION_OVER_LIMIT': 30 });
});

test('never are there more open orders than the limit, and each that is over makes room for one', async () => {
  const rest = { account: 'few', order_type: 'limit', limit_price: '60000' };
  const replies = await Promise.all(
    Array.from({ length: 25 }, (_, index) => desk.holdfast.post(desk.write({ id: `few-${index}`, ...rest }))),
  );
  const stories = await Promise.all(
    replies.map(({ body }) =>
      eventually(
        () => desk.tell(body.workflow_id),
        ({ order }) => ['working', 'denied'].includes(order.status),
        { what: body.workflow_id },
      ),
    ),
  );
  const resting = stories.filter(({ order }) => order.status === 'working');
  assert.deepEqual(
    [resting.length, stories.filter((story) => codeOf(story) === 'denied MAX_OPEN_ORDERS').length],
    [7, 18],
  );
  for (const { order } of resting.slice(0, 2)) await desk.command(order.workflow_id, 'cancel');
  const more = await Promise.all(
    Array.from({ length: 4 }, (_, index) => desk.post({ id: `few-more-${index}`, ...rest })),
  );
  assert.deepEqual(more.map(({ body }) => body.status).toSorted(), ['denied', 'denied', 'working', 'working']);
});

const sendsOf = (pid?: number): number =>
  readFileSync(sends, 'utf8')
    .split('\n')
    .filter((line) => (pid === undefined ? line !== '' : line === String(pid))).length;

test('a halt stops fifty orders a second within a second, also at a worker that is cut off from the engine', async (t) => {
  const posting: Promise<Reply>[] = [];
  const over = new AbortController();
  const stream = (async () => {
    for (let index = 0; !over.signal.aborted; index += 1) {
      posting.push(desk.holdfast.post(desk.write({ id: `stream-${index}` })));
      await sleep(1_000 / PER_SECOND);
    }
  })();
  const cutOff = workers[1]!.pid;
  await eventually(
    () => sendsOf(cutOff),
    (count) => count > 5,
    { withinMs: 20_000, what: 'orders of the second worker' },
  );
  lines[1]!.cut();
  // What it knew when it was cut off it may know for a second.
  await sleep(1_000);
  const sentCutOff = sendsOf(cutOff);
  const headers = { 'content-type': 'application/json' };
  await desk.holdfast.operator('/halt', { method: 'POST', headers, body: '{"account":"binance"}' });
  const atAnswer = sendsOf();
  await sleep(1_000);
  const aSecondLater = sendsOf();
  await sleep(3_000);
  over.abort();
  await stream;
  assert.equal(sendsOf(), aSecondLater, 'nothing leaves when the halt was answered a second ago');
  assert.equal(sendsOf(cutOff), sentCutOff, 'one that is cut off sends nothing');
  t.diagnostic(`${posting.length} alerts, ${aSecondLater - atAnswer} orders left after the answer`);
  lines[1]!.mend();
  await Promise.allSettled(posting);
  await eventually(
    () => desk.holdfast.operator<{ orders: Reply['body'][] }>('/orders?account=binance&status=denied'),
    ({ orders }) => orders.length >= 10 && orders.every(({ reason }) => reason?.code === 'HALTED'),
    { withinMs: 60_000, what: 'orders that were denied' },
  );
  assert.equal(sendsOf(), aSecondLater);
});
