import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { EncryptionCodec, parsePayloadKeys } from '../../workers/payload-codec.ts';
import { eventsOf, parseHistory } from '../support/history.ts';
import { Holdfast } from '../support/holdfast.ts';

const aKey = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;
const KEYS = `${aKey('new')},${aKey('old')}`;
/** A text that stands in the alert and nowhere else. */
const CANARY = 'canary-comment-7361';
const ALERT = { id: 'sealed', account: 'paper', symbol: 'BTC/USDT', action: 'buy', quantity: '0.0123', chart: CANARY };

let holdfast: Holdfast;
before(async () => (holdfast = await Holdfast.start({ env: { PAYLOAD_ENCRYPTION_KEYS: KEYS } })));
after(() => holdfast?.dispose());

test('an encrypted order is carried out, answered, listed and told as any other', async () => {
  const { body } = await holdfast.post(ALERT);
  assert.equal(body.status, 'filled');
  const resting = await holdfast.post({ ...ALERT, id: 'rests', order_type: 'limit', limit_price: '61000' });
  assert.equal(resting.body.status, 'working');
  const second = await holdfast.post(ALERT);
  assert.deepEqual([second.body.duplicate, second.body.order_id], [true, body.order_id]);
  const { alert, order } = await holdfast.operator<{ alert: typeof ALERT; order: { status: string } }>(
    '/orders/order%3Adefault%3Asealed',
  );
  assert.deepEqual([alert.chart, order.status], [CANARY, 'filled']);
  const canceled = await holdfast.operator<{ status: string }>('/orders/order%3Adefault%3Arests/cancel', {
    method: 'POST',
  });
  assert.equal(canceled.status, 'canceled');
});

test('what the engine stores of it cannot be read without the key', async () => {
  const history = await holdfast.history('order:default:sealed');
  const [started] = eventsOf(parseHistory(history), 'WORKFLOW_EXECUTION_STARTED');
  assert.match(JSON.stringify(started), new RegExp(Buffer.from('binary/encrypted').toString('base64')));
  for (const secret of [CANARY, '0.0123', Buffer.from(CANARY).toString('base64').slice(0, -4)]) {
    assert.ok(!history.includes(secret), secret);
  }
  const data = join(holdfast.dataDir, 'data');
  for (const file of readdirSync(data).filter((name) => name.startsWith('temporal.db'))) {
    assert.ok(!readFileSync(join(data, file)).includes(CANARY), file);
  }
});

test('the operator’s codec lets the command line read it', async () => {
  const show = ['workflow', 'show', '--workflow-id', 'order:default:sealed', '--output', 'json'];
  const shown = await holdfast.temporal(...show, '--codec-endpoint', `${holdfast.operatorUrl}/codec`);
  const texts = [...shown.matchAll(/"data": "([A-Za-z0-9+/=]+)"/g)].map(([, data]) =>
    Buffer.from(data!, 'base64').toString(),
  );
  assert.ok(texts.some((text) => text.includes('BTC/USDT')) || shown.includes('BTC/USDT'));
});

test('a new key encrypts while the old one still decrypts, and a stranger’s does neither', async () => {
  const [newer, older] = KEYS.split(',') as [string, string];
  const payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from('"x"') };
  const before = new EncryptionCodec(parsePayloadKeys(older));
  const rotated = new EncryptionCodec(parsePayloadKeys(`${newer},${older}`));
  const sealed = await before.encode([payload]);
  assert.deepEqual(Buffer.from((await rotated.decode(sealed))[0]!.data!).toString(), '"x"');
  assert.equal(Buffer.from((await rotated.encode([payload]))[0]!.metadata!['encryption-key-id']!).toString(), 'new');
  await assert.rejects(
    new EncryptionCodec(parsePayloadKeys(aKey('other'))).decode(sealed),
    /payload key old is not configured/,
  );
  const [{ data }] = sealed as [{ data: Uint8Array }];
  data[20]! ^= 1;
  await assert.rejects(rotated.decode(sealed));
});
