import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { test } from 'node:test';

import { ApplicationFailure } from '@temporalio/common';

import { keyId, VerifyKeys } from '../../activities/verify-keys.ts';
import { VerifyIntent } from '../../activities/verify-intent.ts';
import { intentBytesToSign, type ExitIntent, type Intent } from '../../domain/intent.ts';
import { exitOf, protectionOf, type Leg } from '../../domain/leg.ts';
import { anIntent } from '../support/an-intent.ts';
import { inActivity } from '../support/in-activity.ts';

const ID = 'order:trend:a-1';
const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const guard = new VerifyIntent(new VerifyKeys([publicKey]));

/** What becomes of a request that holds these: `done`, or why it got no further. */
async function outcome(intent: Intent, leg: Leg | undefined, workflowType = 'ExecuteOrder'): Promise<string> {
  const value = sign(null, Buffer.from(intentBytesToSign(intent, ID)), privateKey).toString('base64');
  const request = { signed: { intent, signature: { key: keyId(publicKey), value } }, leg, originalRunId: 'first' };
  const workflowExecution = { workflowId: ID, runId: 'first' };
  const attempt = { inWorkflow: true, workflowExecution, workflowType, activityType: 'placeOrder' };
  const input = { args: [request], headers: {} };
  const done = inActivity(attempt, async () => guard.execute(input, async () => 'done'));
  return done.then(String, (error: unknown) =>
    error instanceof ApplicationFailure ? `${error.type}${error.nonRetryable ? ' for good' : ''}` : String(error),
  );
}

const intent = anIntent({ stopLoss: { percent: '1' }, takeProfit: [{ share: '1', level: { percent: '2' } }] });
const basis = { part: 0, generation: 0, quantity: '0.01', averagePrice: '100', notAfter: 1 };
const protection = protectionOf(intent, basis);
const exit = exitOf(intent, { part: 0, generation: 1, quantity: '0.01', notAfter: 1 });

test('an entry and its legs get through', async () => {
  for (const leg of [undefined, protection, exit, { ...exit, quantity: '0.001' }]) {
    assert.equal(await outcome(intent, leg), 'done');
  }
});

test('a leg on its entry’s side, for more than it, of no part of it, or of an entry without a bracket is not proven', async () => {
  const forged: Leg[] = [protection, exit].flatMap((leg) => [
    { ...leg, side: 'buy' },
    { ...leg, quantity: '0.010001' },
    { ...leg, quantity: '1000000' },
    { ...leg, part: 1 },
  ]);
  for (const leg of forged) assert.equal(await outcome(intent, leg), 'IntentNotProven for good', JSON.stringify(leg));
  assert.equal(await outcome(anIntent(), exit), 'IntentNotProven for good');
});

test('a leg is placed by the workflow of its order only', async () => {
  assert.equal(await outcome(intent, exit, 'TradingAccount'), 'IntentNotProven for good');
});

const { side: _side, orderType: _orderType, quantity: _quantity, ...rest } = anIntent({ notAfter: 100 });
const close: ExitIntent = { ...rest, exit: 'close', quantity: '2' };
const wayOut: Leg = { ...exit, quantity: '2', notAfter: 100 };

test('an exit has market orders of its own, in time, for no more than it names', async () => {
  for (const side of ['buy', 'sell'] as const) assert.equal(await outcome(close, { ...wayOut, side }), 'done');
  assert.equal(await outcome({ ...close, exit: 'reverse' }, { ...wayOut, part: 1, quantity: '3' }), 'done');
  const forged: Leg[] = [
    { ...wayOut, quantity: '2.1' },
    { ...wayOut, notAfter: 101 },
    { ...wayOut, part: 2 },
    { ...wayOut, type: 'limit', limitPrice: '1' },
    { ...wayOut, name: 'protection' },
  ];
  for (const leg of forged) assert.equal(await outcome(close, leg), 'IntentNotProven for good', JSON.stringify(leg));
});
