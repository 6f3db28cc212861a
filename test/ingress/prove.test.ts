import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';

import { loadConfig, type StrategyConfig } from '../../config/config.ts';
import type { Engine } from '../../ingress/engine.ts';
import { Gate } from '../../ingress/gate.ts';
import { Links } from '../../ingress/links.ts';
import { Prover, type Evidence } from '../../ingress/prove.ts';
import { buildPublicApp } from '../../ingress/public-app.ts';
import { Refused } from '../../ingress/refused.ts';
import type { WebhookHeaders } from '../../ingress/standard-webhooks.ts';
import { createLog } from '../../telemetry/log.ts';

type Secrets = Partial<Pick<StrategyConfig, 'tokens' | 'bodySecrets' | 'hmacSecrets' | 'webhookKeys' | 'requireAll'>>;

const noFile = loadConfig({}, import.meta.dirname, import.meta.dirname);
const strategy = (secrets: Secrets): StrategyConfig => {
  const { requireAll: _all, ...proofs } = secrets;
  return { ...noFile.strategies['default']!, ...secrets, isOpen: Object.keys(proofs).length === 0 };
};

const trend = strategy({
  tokens: ['tok-1', 'tok-2'],
  bodySecrets: ['sec-1', 'sec-2'],
  hmacSecrets: ['key-1', 'key-2'],
});
const BODY = Buffer.from('{"symbol":"BTC/USDT"}');
const signed = (key: string, body: Buffer = BODY): string => createHmac('sha256', key).update(body).digest('hex');

const NO_EVIDENCE: Evidence = { token: undefined, signature: undefined, delivery: undefined, isLocal: false };

interface Given extends Partial<Evidence> {
  readonly secret?: string;
}

/** The strategy that an alert is from, or the code of its refusal. */
function verdict(strategies: Record<string, StrategyConfig>, { secret, ...evidence }: Given): string {
  const prover = new Prover(strategies);
  try {
    const standing = prover.judge({ ...NO_EVIDENCE, ...evidence }, BODY);
    return prover.settle(standing, secret);
  } catch (error) {
    assert.ok(error instanceof Refused, String(error));
    return error.code;
  }
}

function check(strategies: Record<string, StrategyConfig>, rows: [Given, string][]): void {
  for (const [given, expected] of rows) assert.equal(verdict(strategies, given), expected, JSON.stringify(given));
}

test('one right proof suffices, whichever it is', () => {
  const right: Given[] = [{ token: 'tok-1' }, { token: 'tok-2' }, { secret: 'sec-1' }, { secret: 'sec-2' }];
  right.push({ signature: signed('key-1') }, { signature: signed('key-2') });
  check(
    { trend },
    right.map((given) => [given, 'trend']),
  );
});

test('a proof that is there and wrong refuses the alert, also beside right ones', () => {
  const right = { token: 'tok-1', secret: 'sec-1', signature: signed('key-1') };
  assert.equal(verdict({ trend }, right), 'trend');
  check({ trend }, [
    [{ ...right, token: 'tok-3' }, 'UNKNOWN_TOKEN'],
    [{ ...right, secret: 'sec-3' }, 'UNPROVEN'],
    [{ ...right, signature: signed('key-3') }, 'UNPROVEN'],
    [{ token: 'tok-1', secret: 'sec-3' }, 'UNPROVEN'],
    [{ token: 'tok-1', signature: signed('key-3') }, 'UNPROVEN'],
    [{ signature: signed('key-1'), secret: 'sec-3' }, 'UNPROVEN'],
    [{ signature: signed('key-3'), secret: 'sec-1' }, 'UNPROVEN'],
    [{ token: 'tok-3' }, 'UNKNOWN_TOKEN'],
    [{ secret: 'sec-3' }, 'UNPROVEN'],
    [{ signature: signed('key-3') }, 'UNPROVEN'],
    [{}, 'UNPROVEN'],
    [{ isLocal: true }, 'UNPROVEN'],
  ]);
});

test('a signature is the lower-case hex HMAC of the very bytes, and nothing near it', () => {
  const right = signed('key-1');
  const wrong = [
    '',
    ' ',
    right.toUpperCase(),
    `sha256=${right}`,
    `${right} `,
    right.slice(0, 63),
    `${right}0`,
    'é',
    'key-1',
  ];
  wrong.push(
    signed('key-1', Buffer.from(`${BODY.toString()}\n`)),
    signed(''),
    createHmac('sha512', 'key-1').update(BODY).digest('hex'),
  );
  wrong.push(createHmac('sha256', 'key-1').update(BODY).digest('base64'), `${right},${right}`);
  check(
    { trend },
    wrong.map((signature) => [{ signature }, 'UNPROVEN']),
  );
});

const KEYS = [1, 2, 3].map((byte) => `whsec_${Buffer.alloc(32, byte).toString('base64')}`);
const hooked = strategy({ webhookKeys: KEYS.slice(0, 2) });

/** A Standard Webhooks delivery, signed with keys by their place in KEYS. */
function delivered(keys: number[], { age = 0, body = BODY, id = 'msg_1' } = {}): WebhookHeaders {
  const timestamp = String(Math.floor(Date.now() / 1000) - age);
  const signatures = keys.map((key) =>
    createHmac('sha256', Buffer.alloc(32, key)).update(`${id}.${timestamp}.${body.toString()}`).digest('base64'),
  );
  return { id, timestamp, signature: signatures.map((one) => `v1,${one}`).join(' ') };
}

test('a Standard Webhooks delivery is proven by any of its signatures and any key, within five minutes', () => {
  const right = delivered([1]);
  check({ hooked }, [
    [{ delivery: right }, 'hooked'],
    [{ delivery: delivered([2]) }, 'hooked'],
    [{ delivery: delivered([3, 1]) }, 'hooked'],
    [{ delivery: { ...right, signature: `v1a,x ${right.signature}` } }, 'hooked'],
    [{ delivery: delivered([1], { age: 298 }) }, 'hooked'],
    [{ delivery: delivered([1], { age: -298 }) }, 'hooked'],
    [{ delivery: delivered([1], { age: 302 }) }, 'UNPROVEN'],
    [{ delivery: delivered([1], { age: -302 }) }, 'UNPROVEN'],
    [{ delivery: delivered([3]) }, 'UNPROVEN'],
    [{ delivery: delivered([]) }, 'UNPROVEN'],
    [{ delivery: delivered([1], { body: Buffer.from('{}') }) }, 'UNPROVEN'],
    [{ delivery: { ...right, id: 'msg_2' } }, 'UNPROVEN'],
    [{ delivery: { ...right, timestamp: String(Number(right.timestamp) + 1) } }, 'UNPROVEN'],
    [{ delivery: { ...right, timestamp: `${right.timestamp}.0` } }, 'UNPROVEN'],
    [{ delivery: { ...right, timestamp: '' } }, 'UNPROVEN'],
    [{ delivery: { ...right, signature: right.signature.replace('v1,', 'v2,') } }, 'UNPROVEN'],
    [{ delivery: { ...right, signature: right.signature.slice(3) } }, 'UNPROVEN'],
    [{ delivery: 'incomplete' }, 'UNPROVEN'],
  ]);
  check({ trend }, [
    [{ delivery: right }, 'UNPROVEN'],
    [{ delivery: right, token: 'tok-1' }, 'UNPROVEN'],
    [{ delivery: 'incomplete', token: 'tok-1' }, 'UNPROVEN'],
  ]);
});

test('a strategy that requires every proof takes no alert that lacks one', () => {
  const strict = strategy({ tokens: ['tok-1'], bodySecrets: ['sec-1'], hmacSecrets: ['key-1'], requireAll: true });
  const all = { token: 'tok-1', secret: 'sec-1', signature: signed('key-1') };
  const { token, secret, signature } = all;
  check({ strict }, [
    [all, 'strict'],
    [{ token, secret }, 'UNPROVEN'],
    [{ token, signature }, 'UNPROVEN'],
    [{ secret, signature }, 'UNPROVEN'],
    [{ token }, 'UNPROVEN'],
    [{ secret }, 'UNPROVEN'],
    [{ ...all, secret: 'sec-2' }, 'UNPROVEN'],
  ]);
  check({ one: strategy({ tokens: ['tok-1'], requireAll: true }) }, [[{ token }, 'one']]);
});

test('an empty or near secret or token proves nothing', () => {
  check(
    { trend },
    ['', ' ', 'sec-1 ', 'SEC-1', 'sec', 'sec-1sec-2', 'tok-1'].map((secret) => [{ secret }, 'UNPROVEN']),
  );
  check(
    { trend },
    ['', 'tok', 'TOK-1', 'tok-1/', 'sec-1', '__proto__'].map((token) => [{ token }, 'UNKNOWN_TOKEN']),
  );
});

test('a proof of a kind that the strategy does not have is wrong', () => {
  const byToken = strategy({ tokens: ['tok-1'] });
  check({ byToken }, [
    [{ token: 'tok-1' }, 'byToken'],
    [{ token: 'tok-1', secret: 'sec-1' }, 'UNPROVEN'],
    [{ token: 'tok-1', signature: signed('key-1') }, 'UNPROVEN'],
    [{ secret: 'tok-1' }, 'UNPROVEN'],
  ]);
});

test('what is proven decides between two strategies', () => {
  const strategies = {
    a: strategy({ tokens: ['tok-a'], bodySecrets: ['sec-a'] }),
    b: strategy({ bodySecrets: ['sec-b'], hmacSecrets: ['key-b'] }),
  };
  check(strategies, [
    [{ token: 'tok-a' }, 'a'],
    [{ secret: 'sec-a' }, 'a'],
    [{ secret: 'sec-b' }, 'b'],
    [{ signature: signed('key-b') }, 'b'],
    [{ token: 'tok-a', secret: 'sec-b' }, 'UNPROVEN'],
    [{ token: 'tok-a', signature: signed('key-b') }, 'UNPROVEN'],
    [{ signature: signed('key-b'), secret: 'sec-a' }, 'UNPROVEN'],
  ]);
});

test('a proof that fits two strategies needs a second one that tells them apart', () => {
  const strategies = {
    a: strategy({ tokens: ['tok'], bodySecrets: ['sec-a'] }),
    b: strategy({ tokens: ['tok'], bodySecrets: ['sec-b'] }),
  };
  check(strategies, [
    [{ token: 'tok' }, 'UNPROVEN'],
    [{ token: 'tok', secret: 'sec-b' }, 'b'],
    [{ secret: 'sec-a' }, 'a'],
  ]);
});

test('a strategy without proofs takes alerts from this machine only, and only those that prove nothing', () => {
  const open = strategy({});
  check({ open }, [
    [{ isLocal: true }, 'open'],
    [{}, 'UNPROVEN'],
    [{ isLocal: true, secret: 'x' }, 'UNPROVEN'],
    [{ isLocal: true, signature: signed('x') }, 'UNPROVEN'],
    [{ isLocal: true, token: 'x' }, 'UNKNOWN_TOKEN'],
  ]);
  check({ open, trend }, [
    [{ isLocal: true }, 'open'],
    [{}, 'UNPROVEN'],
    [{ secret: 'sec-1' }, 'trend'],
    [{ isLocal: true, secret: 'sec-1' }, 'trend'],
    [{ isLocal: true, secret: 'sec-3' }, 'UNPROVEN'],
    [{ token: 'tok-1' }, 'trend'],
  ]);
});

test('a body is talked about only with whoever has proven something, or is alone with this machine', () => {
  const trusted = (strategies: Record<string, StrategyConfig>, evidence: Partial<Evidence>): boolean =>
    new Prover(strategies).judge({ ...NO_EVIDENCE, ...evidence }, BODY).trusted;
  const open = strategy({});
  assert.equal(trusted({ trend }, { token: 'tok-1' }), true);
  assert.equal(trusted({ trend }, { signature: signed('key-1') }), true);
  assert.equal(trusted({ trend }, {}), false);
  assert.equal(trusted({ trend }, { isLocal: true }), false);
  assert.equal(trusted({ open }, { isLocal: true }), true);
  assert.equal(trusted({ open, trend }, {}), false);
});

test('unknown and wrong are told in the same words, and no refusal repeats what was sent', () => {
  const words = (given: Given): string => {
    const prover = new Prover({ a: strategy({ tokens: ['tok-a'] }), trend });
    const { secret, ...evidence } = given;
    try {
      prover.settle(prover.judge({ ...NO_EVIDENCE, ...evidence }, BODY), secret);
    } catch (error) {
      return JSON.stringify((error as Refused).problem());
    }
    return assert.fail('accepted');
  };
  const same: Given[][] = [
    [{ token: 'tok-3' }, { token: 'x'.repeat(500) }, { token: '' }, { token: 'tok-' }, { token: 'sec-1' }],
    [{ signature: signed('key-3') }, { signature: 'zz' }, { signature: '' }, { signature: signed('tok-a') }],
    [{ secret: 'sec-3' }, { secret: '' }, { secret: 'tok-1' }, { secret: 'y'.repeat(500) }],
  ];
  for (const group of same) {
    assert.equal(new Set(group.map(words)).size, 1);
    for (const given of group) {
      for (const sent of Object.values(given)) assert.ok(sent === '' || !words(given).includes(String(sent)));
    }
  }
});

/** The public listener with nothing behind it: an alert whose sender is believed gets as far as UNAVAILABLE. */
function listener(): ReturnType<typeof buildPublicApp> {
  const gone = { isUp: true, require: () => Promise.reject(new Refused('UNAVAILABLE', 'There is no engine here.')) };
  return buildPublicApp({
    config: noFile,
    engine: gone as unknown as Engine,
    gate: new Gate(noFile),
    signingKey: { id: 'k', key: generateKeyPairSync('ed25519').privateKey },
    links: new Links('http://127.0.0.1', null, 'default'),
    log: createLog('silent'),
    isWorking: () => true,
    version: '0',
  });
}

test('the start without a file believes this machine, and nobody for whom a proxy speaks', async () => {
  const app = listener();
  const post = async (remoteAddress: string, headers: Record<string, string> = {}): Promise<unknown> => {
    const payload = { symbol: 'BTC/USDT', action: 'buy', quantity: 1, id: 'a' };
    const reply = await app.inject({ method: 'POST', url: '/webhook/tradingview', remoteAddress, headers, payload });
    return reply.json<{ code: unknown }>().code;
  };
  for (const local of ['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1']) {
    assert.equal(await post(local), 'UNAVAILABLE', local);
  }
  for (const foreign of [
    '10.0.0.1',
    '192.168.1.5',
    '52.89.214.238',
    '::',
    'fe80::1',
    '::ffff:10.0.0.1',
    '::ffff:7f00:102:1',
  ]) {
    assert.equal(await post(foreign), 'UNPROVEN', foreign);
  }
  for (const header of ['forwarded', 'x-forwarded-for', 'x-real-ip', 'x-forwarded-host', 'X-Forwarded-Proto']) {
    assert.equal(await post('127.0.0.1', { [header]: '127.0.0.1' }), 'UNPROVEN', header);
  }
  await app.close();
});

test('a page in a browser on this machine cannot send an alert', async () => {
  const app = listener();
  const headers = { 'content-type': 'text/plain', origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' };
  const payload = '{"symbol":"BTC/USDT","action":"buy","quantity":1,"id":"a"}';
  const reply = await app.inject({ method: 'POST', url: '/webhook/tradingview', headers, payload });
  assert.equal(reply.json<{ code: unknown }>().code, 'UNPROVEN');
  await app.close();
});
