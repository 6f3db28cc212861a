import assert from 'node:assert/strict';
import { createHmac, randomBytes } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { Agent, request } from 'undici';

import { Holdfast, type Reply } from '../support/holdfast.ts';
import { LIMITS_OFF } from '../support/limits-off.ts';

const HMAC = 'hmac-secret-of-the-trend';
const KEY = randomBytes(32).toString('base64');
const MARKET = { symbol: 'BTC/USDT', action: 'buy', quantity: '0.01' };

let holdfast: Holdfast;
before(async () => {
  holdfast = await Holdfast.start({
    config: `
accounts: { paper: { venue: paper, balances: { USDT: "100000000" }, limits: ${LIMITS_OFF} } }
strategies:
  trend: { hmac_secret: ${HMAC} }
  relay: { webhook_key: whsec_${KEY} }
  both: { token: token-of-both-0123456789, body_secret: body-secret-of-both, require: all }
  picky: { token: token-of-picky-0123456789, strict: true }
  hasty: { token: token-of-hasty-0123456789 }
  distant: { token: token-of-distant-0123456789, ip_allow: [203.0.113.0/24] }
`,
    env: { RATE_LIMIT_REQUESTS: '400', TRUSTED_PROXIES: '127.0.0.1/32' },
  });
});
after(() => holdfast?.dispose());

let count = 0;
const anAlert = (members: object = {}): string =>
  JSON.stringify({ ...MARKET, id: `front-${(count += 1)}`, ...members });
const hmacOf = (body: string): string => createHmac('sha256', HMAC).update(body).digest('hex');
const told = ({ http, body }: Reply): unknown[] => [http, body.code ?? body.status];

function delivery(
  body: string,
  { id = `msg_${(count += 1)}`, at = Date.now(), key = KEY } = {},
): Record<string, string> {
  const timestamp = String(Math.floor(at / 1000));
  const mac = createHmac('sha256', Buffer.from(key, 'base64')).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${mac}` };
}

describe('Standard Webhooks', () => {
  test('a signed delivery is proven, and names the alert when it has no id', async () => {
    const body = JSON.stringify(MARKET);
    const headers = delivery(body, { id: 'msg_first' });
    const first = await holdfast.post(body, { headers });
    assert.deepEqual(told(first), [200, 'filled']);
    assert.equal(first.body.workflow_id, 'order:relay:msg_first');
    const second = await holdfast.post(body, { headers });
    assert.deepEqual([second.body.duplicate, second.body.order_id], [true, first.body.order_id]);
  });

  test('one signature of several suffices, while the sender rotates its secret', async () => {
    const body = anAlert();
    const headers = delivery(body);
    const signatures = `v1,${randomBytes(32).toString('base64')} ${headers['webhook-signature']} v1a,other`;
    assert.deepEqual(told(await holdfast.post(body, { headers: { ...headers, 'webhook-signature': signatures } })), [
      200,
      'filled',
    ]);
  });

  test('an old delivery, one of another key, of another body or without a header proves nothing', async () => {
    const body = anAlert();
    const { 'webhook-id': _id, ...withoutId } = delivery(body);
    for (const headers of [
      delivery(body, { at: Date.now() - 301_000 }),
      delivery(body, { at: Date.now() + 301_000 }),
      delivery(body, { key: randomBytes(32).toString('base64') }),
      delivery(`${body} `),
      withoutId,
    ]) {
      assert.deepEqual(told(await holdfast.post(body, { headers })), [401, 'UNPROVEN']);
    }
  });
});

test('a proof that is wrong refuses the alert beside one that is right', async () => {
  const body = anAlert();
  const right = { 'x-webhook-signature': hmacOf(body) };
  assert.deepEqual(told(await holdfast.post(body, { headers: right, path: '/nobody' })), [404, 'UNKNOWN_TOKEN']);
  assert.deepEqual(told(await holdfast.post(body, { headers: { ...right, ...delivery(`${body} `) } })), [
    401,
    'UNPROVEN',
  ]);
  const wrongSecret = anAlert({ secret: 'not-a-secret-of-anybody' });
  const signed = { 'x-webhook-signature': hmacOf(wrongSecret) };
  assert.deepEqual(told(await holdfast.post(wrongSecret, { headers: signed })), [401, 'UNPROVEN']);
  assert.deepEqual(told(await holdfast.post(body, { headers: right })), [200, 'filled']);
});

test('a strategy that asks for every proof takes no less', async () => {
  const path = '/token-of-both-0123456789';
  assert.deepEqual(told(await holdfast.post(anAlert(), { path })), [401, 'UNPROVEN']);
  assert.deepEqual(told(await holdfast.post(anAlert({ secret: 'body-secret-of-both' }))), [401, 'UNPROVEN']);
  assert.deepEqual(told(await holdfast.post(anAlert({ secret: 'body-secret-of-both' }), { path })), [200, 'filled']);
});

test('a strict strategy refuses what others list as ignored', async () => {
  const path = '/token-of-picky-0123456789';
  const refused = await holdfast.post(anAlert({ chart: 'x' }), { path });
  assert.deepEqual([...told(refused), refused.body.field], [422, 'UNSUPPORTED_FIELD', 'chart']);
  const body = anAlert({ chart: 'x' });
  const accepted = await holdfast.post(body, { headers: { 'x-webhook-signature': hmacOf(body) } });
  assert.deepEqual(accepted.body.ignored, ['chart']);
});

test('an address counts as a trusted proxy says it, and is allowed or not', async () => {
  const path = '/token-of-distant-0123456789';
  const from = (address: string): Record<string, string> => ({ 'x-forwarded-for': address });
  assert.deepEqual(told(await holdfast.post(anAlert(), { path })), [403, 'ADDRESS_NOT_ALLOWED']);
  assert.deepEqual(told(await holdfast.post(anAlert(), { path, headers: from('203.0.113.9') })), [200, 'filled']);
  // The hop nearest to the proxy counts; what stands before it anybody can have written.
  assert.deepEqual(told(await holdfast.post(anAlert(), { path, headers: from('203.0.113.9, 198.51.100.7') })), [
    403,
    'ADDRESS_NOT_ALLOWED',
  ]);
});

test('a thousand identical alerts over fifty connections are one order, and get equal answers', async () => {
  const other = await Holdfast.start({ env: { RATE_LIMIT_REQUESTS: '100000' } });
  const agent = new Agent({ connections: 50 });
  try {
    const body = JSON.stringify({ ...MARKET, account: 'paper' });
    const post = async (): Promise<{ http: number; answer: string }> => {
      const reply = await request(`${other.publicUrl}/webhook/tradingview`, {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
        dispatcher: agent,
      });
      const answer = (await reply.body.json()) as Record<string, unknown>;
      return { http: reply.statusCode, answer: JSON.stringify({ ...answer, duplicate: null }) };
    };
    const first = await post();
    const replies = await Promise.all(
      Array.from({ length: 50 }, async () => {
        const mine = [];
        for (let n = 0; n < 20; n++) mine.push(await post());
        return mine;
      }),
    );
    assert.equal(first.http, 200);
    assert.deepEqual([...new Set(replies.flat().map(({ answer }) => answer))], [first.answer]);
    assert.equal(replies.flat().length, 1_000);
    assert.equal(other.paperBook().orders.length, 1);
  } finally {
    await agent.close();
    await other.dispose();
  }
});

test('a strategy that is over its rate is told when the next one fits, and another is not', async () => {
  const path = '/token-of-hasty-0123456789';
  // Denied at once, so that the bucket is emptied quickly.
  const send = (): Promise<Reply> => holdfast.post(anAlert({ confidence: '0.1' }), { path });
  const replies: Reply[] = [];
  // On a busy machine the bucket is filled again while it is emptied.
  const isOver = (): boolean => replies.length > 3_000 || replies.some(({ http }) => http === 429);
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (!isOver()) replies.push(await send());
    }),
  );
  const limited = replies.filter(({ http }) => http === 429);
  const passed = replies.filter(({ body }) => body.status === 'denied').length;
  assert.ok(passed >= 400 && limited.length > 0 && passed + limited.length === replies.length, `${passed} passed`);
  assert.equal(limited[0]!.body.code, 'RATE_LIMITED');
  assert.ok(Number(limited[0]!.body['retry_after']) >= 1);
  const body = anAlert();
  assert.deepEqual(told(await holdfast.post(body, { headers: { 'x-webhook-signature': hmacOf(body) } })), [
    200,
    'filled',
  ]);
});

test('failed proofs are limited, and a sender who proves itself from the same address is not', async () => {
  let limited = 0;
  for (let n = 0; n < 420; n++) if ((await holdfast.post('{}')).http === 429) limited += 1;
  assert.ok(limited > 0);
  const body = anAlert();
  assert.deepEqual(told(await holdfast.post(body, { headers: { 'x-webhook-signature': hmacOf(body) } })), [
    200,
    'filled',
  ]);
});

test('an alert is explained, and nothing comes of it', async () => {
  const before = holdfast.paperBook();
  const explain = (body: object): Promise<Record<string, unknown>> =>
    holdfast.operator('/explain?strategy=trend', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
  const good = await explain({ ...MARKET, order_type: 'limit', limit_price: '61000', id: 'why' });
  assert.deepEqual([good['understood'], good['sentence']], [true, 'buy 0.01 BTC/USDT at 61000 or better on paper']);
  assert.equal(good['workflow_id'], 'order:trend:why');
  const bad = await explain({ ...MARKET, quantity: '1,000' });
  assert.deepEqual([bad['understood'], (bad['issues'] as { path: string }[])[0]!.path], [false, 'quantity']);
  assert.deepEqual(holdfast.paperBook(), before);
});
