import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { startEngine, type Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast, type Reply } from '../support/holdfast.ts';
import { startOrderWorker, type OrderWorker } from '../support/order-worker.ts';
import { readPaperBook } from '../support/paper-book.ts';

// Two ingresses on one engine, and no worker yet: what makes two deliveries one alert lives in the engine alone.

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const ALERT = { symbol: 'BTC/USDT', action: 'buy', quantity: '0.01', account: 'paper' };
const data = mkdtempSync(join(tmpdir(), 'holdfast-two-'));

let engine: Engine;
let ingresses: Holdfast[] = [];
let worker: OrderWorker | undefined;

before(async () => {
  engine = await startEngine();
  const env = {
    TEMPORAL_ADDRESS: engine.address,
    INTENT_SIGNING_KEY: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    RATE_LIMIT_REQUESTS: '100000',
    ANSWER_BUDGET_MS: '150',
  };
  ingresses = await Promise.all([1, 2].map(() => Holdfast.start({ entry: 'ingress', env })));
});
after(async () => {
  await worker?.kill();
  await Promise.all(ingresses.map((ingress) => ingress.dispose()));
  await engine?.stop();
  rmSync(data, { recursive: true, force: true });
});

test('a thousand deliveries without an id, over two ingresses while nobody works, are one order', async () => {
  const replies: Reply[] = [];
  const senders = Array.from({ length: 50 }, async (_, sender) => {
    for (let n = 0; n < 20; n++) replies.push(await ingresses[sender % 2]!.post(ALERT));
  });
  await Promise.all(senders);
  assert.deepEqual([...new Set(replies.map(({ http, body }) => `${http} ${body.status}`))], ['202 pending']);
  assert.deepEqual([replies.length, new Set(replies.map(({ body }) => body.workflow_id)).size], [1_000, 1]);
  assert.equal(replies.filter(({ body }) => !body.duplicate).length, 1);
});

test('when a worker comes, the order is placed once, and both ingresses tell the same of it', async () => {
  worker = await startOrderWorker({
    TEMPORAL_ADDRESS: engine.address,
    INTENT_VERIFY_KEYS: String(publicKey.export({ type: 'spki', format: 'pem' })),
    HOLDFAST_DATA: data,
  });
  const told = await Promise.all(
    ingresses.map((ingress) =>
      eventually(
        async () => (await ingress.post(ALERT)).body,
        ({ status }) => status !== 'pending',
        { what: 'the outcome', withinMs: 25_000 },
      ),
    ),
  );
  const book = readPaperBook(join(data, 'paper-paper.db'));
  const ids = new Set(told.map(({ workflow_id }) => workflow_id));
  // The window is counted from the first delivery; a slow machine may be asking after its end, which is a new order.
  assert.equal(book.orders.length, ids.size);
  assert.ok(told.every(({ status }) => status === 'filled' || status === 'expired'));
});
