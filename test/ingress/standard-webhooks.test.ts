import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';

import { Webhook } from 'standardwebhooks';

import { isTimely, signaturesOf, signDelivery, webhookHeaders } from '../../ingress/standard-webhooks.ts';

test('we sign as the reference library does', () => {
  for (let n = 0; n < 50; n++) {
    const secret = `whsec_${randomBytes(24 + n).toString('base64')}`;
    const body = randomBytes(n * 7).toString('base64');
    const at = new Date(1_700_000_000_000 + n * 86_400_000);
    const signature = new Webhook(secret).sign(`msg_${n}`, at, body);
    const headers = { id: `msg_${n}`, timestamp: String(Math.floor(at.getTime() / 1000)), signature };
    assert.deepEqual(signaturesOf(headers), [signDelivery(secret, headers, Buffer.from(body))]);
  }
});

test('a delivery is timely within five minutes, before and after', () => {
  const now = 1_700_000_000_000;
  const at = (seconds: number) => ({ id: 'x', signature: '', timestamp: String(1_700_000_000 + seconds) });
  assert.deepEqual(
    [-301, -300, 0, 300, 301].map((s) => isTimely(at(s), now)),
    [false, true, true, true, false],
  );
  for (const timestamp of ['', 'soon', '-1', '1e9', '17000000000000']) {
    assert.equal(isTimely({ id: 'x', signature: '', timestamp }, now), false, timestamp);
  }
});

test('no header is no delivery, and one that is missing makes it incomplete', () => {
  assert.equal(webhookHeaders({ 'content-type': 'application/json' }), undefined);
  assert.equal(webhookHeaders({ 'webhook-id': 'a', 'webhook-timestamp': '1' }), 'incomplete');
  assert.equal(
    webhookHeaders({ 'webhook-id': 'a', 'webhook-timestamp': '1', 'webhook-signature': ['v1,a', 'v1,b'] }),
    'incomplete',
  );
});
