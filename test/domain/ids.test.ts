import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import fc from 'fast-check';

import {
  base32,
  clientOrderId,
  contentHash,
  deploymentTag,
  entryIdOf,
  keyOfContent,
  keyOfId,
  keyOfWindow,
  legId,
  NAME,
  parseWorkflowId,
  windowId,
  workflowId,
  type ClientOrderIdInput,
} from '../../domain/ids.ts';
import { RUNS } from '../support/property-runs.ts';

const sha256 = (text: string): Uint8Array => createHash('sha256').update(text).digest();

const name = fc.stringMatching(/^[a-z0-9_-]{1,32}$/);
const printable = fc.stringMatching(/^[\x21-\x7e]([\x20-\x7e]{0,126}[\x21-\x7e])?$/);
const anyText = fc.string({ unit: 'binary', maxLength: 200 });
const input: fc.Arbitrary<ClientOrderIdInput> = fc.record({
  deployment: name,
  account: name,
  strategy: name,
  alertKey: printable,
  leg: fc.constantFrom('entry', 'stop_loss', 'take_profit'),
  generation: fc.nat(100),
});
const A: ClientOrderIdInput = {
  deployment: 'local',
  account: 'paper',
  strategy: 'default',
  alertKey: 'a-1',
  leg: 'entry',
  generation: 0,
};

// Orders rest at venues under these ids: a change of any line here orphans them.
test('a client order id is the same for ever', () => {
  assert.equal(clientOrderId(A, sha256), 'KSSYV1JSYP31TAKRZ3VGK9KP76');
  assert.equal(
    clientOrderId({ ...A, deployment: 'prod-eu', account: 'binance', strategy: 'trend' }, sha256),
    'FWXG2B5ET9SFE3K9E3QFW4ZJFQ',
  );
  const stop = {
    account: 'binance',
    strategy: 'trend',
    alertKey: 'c-0123456789ABCDEFGHJKMNPQRS',
    leg: 'stop_loss',
    generation: 2,
  };
  assert.equal(clientOrderId({ ...A, ...stop }, sha256), 'KSSHEWGSBVK1A1VHQS2MCR5ANX');
});

test('hashes, keys and workflow ids are the same for ever', () => {
  const content = { symbol: 'BTC/USDT', side: 'buy', quantity: '0.01' };
  const rows: [string, string][] = [
    [deploymentTag('local', sha256), 'KSS'],
    [contentHash(content, sha256), '2EVAP7M035RSM71PDPAGB6D3ZH'],
    [contentHash({ quantity: '0.01', side: 'buy', symbol: 'BTC/USDT' }, sha256), '2EVAP7M035RSM71PDPAGB6D3ZH'],
    [keyOfId('BTC-Long 1', sha256), 'BTC-Long 1'],
    [keyOfId('x'.repeat(128), sha256), 'x'.repeat(128)],
    [keyOfId('x'.repeat(129), sha256), 'h-3E469A48T09Z3MNSN5X342A7VX'],
    [keyOfId('Long €', sha256), 'h-ASKG3K8D1000ZYYEZYH9QQH8ZR'],
    [keyOfContent('HASH'), 'c-HASH'],
    [keyOfWindow('HASH', 'run-1', sha256), 'w-K0JFFR5BE3ZFNXANA1ZET3TQTY'],
    [workflowId('trend', 'a-1'), 'order:trend:a-1'],
    [windowId('trend', 'HASH'), 'window:trend:HASH'],
  ];
  for (const [found, expected] of rows) assert.equal(found, expected);
});

test('base 32 is Crockford’s, five bits to a character, the first bits first', () => {
  const rows: [number[], number, string][] = [
    [[], 0, ''],
    [[0, 0], 3, '000'],
    [[255, 255, 255, 255], 6, 'ZZZZZZ'],
    [[0b00001_000, 0b10_00011_0, 0b0100_0010, 0b1_00000_00], 5, '12345'],
    [[...sha256('')], 26, 'WERC8GMRZGE196QVYK49JVXS4G'],
  ];
  for (const [bytes, length, expected] of rows) assert.equal(base32(Uint8Array.from(bytes), length), expected);
});

test('a client order id has 26 characters of Crockford’s base 32, the first three its deployment’s tag', () => {
  fc.assert(
    fc.property(input, (one) => {
      const id = clientOrderId(one, sha256);
      assert.match(id, /^[0-9A-HJKMNP-TV-Z]{26}$/);
      assert.equal(id.slice(0, 3), deploymentTag(one.deployment, sha256));
      assert.equal(clientOrderId({ ...one }, sha256), id);
    }),
    RUNS,
  );
});

test('a client order id fits the rule of each venue', () => {
  const rules: Record<string, RegExp> = {
    binance: /^[.A-Z:/a-z0-9_-]{1,36}$/,
    bybit: /^[A-Za-z0-9_-]{1,36}$/,
    okx: /^[A-Za-z0-9]{1,32}$/,
    kucoin: /^[0-9A-Za-z_-]{1,40}$/,
    bitget: /^[0-9A-Za-z_.-]{1,50}$/,
    gate: /^t-[0-9A-Za-z_.-]{1,28}$/,
    coinbase: /^[0-9A-Za-z_-]{1,64}$/,
  };
  fc.assert(
    fc.property(input, (one) => {
      const id = clientOrderId(one, sha256);
      for (const [venue, rule] of Object.entries(rules)) assert.match(venue === 'gate' ? `t-${id}` : id, rule, venue);
    }),
    RUNS,
  );
});

test('each part of the input makes another client order id', () => {
  const parts = Object.keys(A) as (keyof ClientOrderIdInput)[];
  fc.assert(
    fc.property(input, fc.constantFrom(...parts), input, (one, part, other) => {
      fc.pre(one[part] !== other[part]);
      assert.notEqual(clientOrderId({ ...one, [part]: other[part] }, sha256), clientOrderId(one, sha256));
    }),
    RUNS,
  );
});

test('two orders that differ in anything have different client order ids', () => {
  fc.assert(
    fc.property(input, input, (one, other) => {
      fc.pre(!isDeepStrictEqual(one, other));
      assert.notEqual(clientOrderId(one, sha256), clientOrderId(other, sha256));
    }),
    RUNS,
  );
});

test('two inputs that only look alike when run together have different client order ids', () => {
  const rows: Partial<ClientOrderIdInput>[] = [
    {},
    { account: 'paperdefault', strategy: '' },
    { account: 'paper-default', strategy: '-' },
    { alertKey: 'a-1","entry' },
    { alertKey: 'a-', leg: '1entry' },
    { alertKey: 'a-1entry', leg: '' },
    { leg: 'entry0' },
    { leg: 'entry",0' },
    { generation: 10 },
    { generation: 1 },
    { account: 'default', strategy: 'paper' },
  ];
  assert.equal(new Set(rows.map((row) => clientOrderId({ ...A, ...row }, sha256))).size, rows.length);
});

test('an id that is not short printable text is hashed, and any key can be shown', () => {
  for (const id of [
    '',
    ' ',
    'a ',
    ' a',
    'a\n',
    'a\tb',
    'é',
    '€',
    '😀',
    '\u007f',
    '\u0000',
    'x'.repeat(129),
    'x'.repeat(5000),
  ]) {
    assert.match(keyOfId(id, sha256), /^h-[0-9A-HJKMNP-TV-Z]{26}$/, JSON.stringify(id));
  }
  fc.assert(
    fc.property(printable, (id) => assert.equal(keyOfId(id, sha256), id)),
    RUNS,
  );
  fc.assert(
    fc.property(anyText, (id) => assert.match(keyOfId(id, sha256), /^[\x21-\x7e][\x20-\x7e]{0,127}$/)),
    RUNS,
  );
});

test('different ids, contents and windows have different keys', () => {
  fc.assert(
    fc.property(anyText, anyText, (a, b) => {
      fc.pre(a !== b);
      assert.notEqual(keyOfId(a, sha256), keyOfId(b, sha256));
      assert.notEqual(contentHash(a, sha256), contentHash(b, sha256));
      assert.notEqual(keyOfWindow('HASH', a, sha256), keyOfWindow('HASH', b, sha256));
      assert.notEqual(keyOfWindow(a, 'run', sha256), keyOfWindow(b, 'run', sha256));
    }),
    RUNS,
  );
  const long = 'x'.repeat(129);
  assert.notEqual(keyOfId(long, sha256).slice(2), contentHash(long, sha256));
});

test('an id cannot spell the key that another alert has without its doing', () => {
  for (const key of [
    keyOfId('x'.repeat(129), sha256),
    keyOfContent(contentHash('c', sha256)),
    keyOfWindow('c', 'r', sha256),
  ]) {
    assert.notEqual(keyOfId(key, sha256), key);
  }
});

test('whatever an alert calls itself, it does not get the key that was derived for another', () => {
  const shape = fc.tuple(fc.constantFrom('h', 'c', 'w'), fc.stringMatching(/^[0-9A-HJKMNP-TV-Z]{26}$/));
  fc.assert(
    fc.property(anyText, anyText, anyText, shape, (content, run, id, [letter, digits]) => {
      const hash = contentHash(content, sha256);
      const derived = [keyOfContent(hash), keyOfWindow(hash, run, sha256)];
      // Also where it has seen the other's key, and calls itself that.
      for (const name of [id, ...derived, `${letter}-${digits}`])
        assert.ok(!derived.includes(keyOfId(name, sha256)), name);
    }),
    RUNS,
  );
});

test('ids that differ in half a character only have different keys', () => {
  assert.notEqual(keyOfId('\ud800', sha256), keyOfId('\ud801', sha256));
});

test('a workflow id names its strategy and key, and nothing else reads as one', () => {
  fc.assert(
    fc.property(name, anyText, (strategy, id) => {
      const alertKey = keyOfId(id, sha256);
      assert.deepEqual(parseWorkflowId(workflowId(strategy, alertKey)), { strategy, alertKey });
    }),
    RUNS,
  );
  assert.deepEqual(parseWorkflowId('order:trend:a:b'), { strategy: 'trend', alertKey: 'a:b' });
  const others = [
    '',
    'order',
    'order:',
    'order:trend',
    'order:trend:',
    'order::a',
    'order:Trend:a',
    'order:a b:c',
    'Order:a:b',
  ];
  others.push(
    `order:${'s'.repeat(33)}:a`,
    'window:trend:a',
    ' order:trend:a',
    'order:trend:\u00e9',
    'order:trend:a\n',
    'order:trend: a',
  );
  for (const text of others) assert.equal(parseWorkflowId(text), undefined, JSON.stringify(text));
});

test('names of accounts, strategies and deployments are short and plain', () => {
  for (const good of ['a', 'binance', 'my_account-2', '0', 'x'.repeat(32)]) assert.match(good, NAME);
  for (const bad of ['', 'A', 'a b', 'a.b', 'a:b', 'é', 'x'.repeat(33), 'a\n']) assert.doesNotMatch(bad, NAME);
});

test('a leg bears its entry’s id, and behind it which leg it is', () => {
  const entryId = clientOrderId(A, sha256);
  assert.equal(legId(entryId, 'protection', 0, 0), `${entryId}-P0.0`);
  assert.equal(legId(entryId, 'exit', 4, 12), `${entryId}-E4.12`);
  assert.equal(entryIdOf(legId(entryId, 'exit', 4, 12)), entryId);
  assert.equal(entryIdOf(entryId), entryId);
});

test('no two legs share an id, each leads to its entry, and venues take them', () => {
  const leg = fc.tuple(fc.constantFrom('protection', 'exit'), fc.nat(4), fc.nat(999));
  fc.assert(
    fc.property(input, leg, leg, (of, one, other) => {
      const entryId = clientOrderId(of, sha256);
      const [id, otherId] = [legId(entryId, ...one), legId(entryId, ...other)];
      assert.equal(id === otherId, isDeepStrictEqual(one, other));
      assert.equal(entryIdOf(id), entryId);
      // Binance: `newClientOrderId`, of at most 36 characters; 34 leave some room.
      assert.match(id, /^[.A-Z0-9-]{1,34}$/);
      assert.ok(id.startsWith(deploymentTag(of.deployment, sha256)));
    }),
    RUNS,
  );
});
