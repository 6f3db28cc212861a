import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { startEngine, type Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { LiveDesk } from '../support/live-desk.ts';
import { startOrderWorker, type OrderWorker } from '../support/order-worker.ts';

// What is filled while nobody watches has its stop soon after somebody does again: the loss of a worker that followed
// shows by its missing heartbeats, and not by the end of its time.

/** Five seconds are promised; the rest is for a machine that does other things beside. */
const PROTECTED_WITHIN_MS = 6_500;

let engine: Engine;
let desk: LiveDesk;
let worker: OrderWorker;
let startWorker: () => Promise<OrderWorker>;

before(async () => {
  engine = await startEngine();
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const env = {
    TEMPORAL_ADDRESS: engine.address,
    INTENT_SIGNING_KEY: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
  desk = await LiveDesk.start({ entry: 'ingress', env });
  const { dataDir } = desk.holdfast;
  startWorker = () =>
    startOrderWorker({
      TEMPORAL_ADDRESS: engine.address,
      INTENT_VERIFY_KEYS: String(publicKey.export({ type: 'spki', format: 'pem' })),
      HOLDFAST_CONFIG: join(dataDir, 'holdfast.yaml'),
      HOLDFAST_DATA: join(dataDir, 'worker'),
      SENDS_FILE: join(dataDir, 'sends'),
    });
  worker = await startWorker();
  await desk.warm();
});
after(async () => {
  await worker?.kill();
  await desk?.dispose();
  await engine?.stop();
});

/** When the venue has booked what protects an entry; null where it has not. */
async function protectedAt(clientOrderId: string): Promise<number | null> {
  const { lists } = await desk.control.books([`${clientOrderId}-`]);
  return lists[0]?.transactionTime ?? null;
}

test('an entry that is filled while no worker runs has its stop soon after one runs again', async () => {
  const levels = { stop_loss: '3300', take_profit: '3600', order_type: 'limit', limit_price: '3450' };
  const { body } = await desk.post({ id: 'filled-alone', symbol: 'ETH/USDT', quantity: '0.5', ...levels });
  const { client_order_id: clientOrderId, workflow_id: workflowId } = body;
  await desk.untilStatus(workflowId, 'working');
  await worker.kill();
  await desk.control.fill({ clientOrderId, quantity: '0.5' });
  worker = await startWorker();
  const again = Date.now();
  const at = await eventually(() => protectedAt(clientOrderId), Boolean, { withinMs: 30_000, what: 'a stop' });
  assert.ok(at! - again < PROTECTED_WITHIN_MS, `it took ${at! - again} ms`);
});
