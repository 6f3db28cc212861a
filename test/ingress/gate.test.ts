import assert from 'node:assert/strict';
import { test } from 'node:test';

import { loadConfig } from '../../config/config.ts';
import { AddressList } from '../../ingress/address-list.ts';
import { Gate } from '../../ingress/gate.ts';
import { Refused } from '../../ingress/refused.ts';

const gateOf = (env: Record<string, string> = {}): Gate => new Gate(loadConfig(env, '/', '/nowhere'));

function codeOf(step: () => void): string {
  try {
    step();
    return 'passed';
  } catch (error) {
    return error instanceof Refused ? error.code : String(error);
  }
}

test('a list holds addresses and networks of both kinds, mapped ones too, and TradingView’s by name', () => {
  const list = new AddressList(['10.0.0.0/8', '192.0.2.7', '2001:db8::/32', 'tradingview']);
  for (const address of ['10.1.2.3', '192.0.2.7', '2001:db8::1', '52.89.214.238', '::ffff:10.9.9.9']) {
    assert.equal(list.has(address), true, address);
  }
  for (const address of ['11.0.0.1', '192.0.2.8', '2001:db9::1', '', 'nonsense', '52.89.214.239']) {
    assert.equal(list.has(address), false, address);
  }
});

test('where nobody is named, everybody may come; where somebody is, nobody else', () => {
  assert.equal(
    codeOf(() => gateOf().requireAddress('203.0.113.9')),
    'passed',
  );
  const gate = gateOf({ IP_WHITELIST: '203.0.113.0/24' });
  assert.equal(
    codeOf(() => gate.requireAddress('203.0.113.9')),
    'passed',
  );
  assert.equal(
    codeOf(() => gate.requireAddress('198.51.100.1')),
    'ADDRESS_NOT_ALLOWED',
  );
});

test('failed proofs are counted for each address, entries for each strategy', () => {
  const gate = gateOf({ RATE_LIMIT_REQUESTS: '2' });
  const fail = (address: string): string => codeOf(() => gate.countFailedProof(address));
  assert.deepEqual([fail('a'), fail('a'), fail('a'), fail('b')], ['passed', 'passed', 'RATE_LIMITED', 'passed']);
  const enter = (): string => codeOf(() => gate.countEntry('trend'));
  assert.deepEqual([enter(), enter(), enter()], ['passed', 'passed', 'RATE_LIMITED']);
});

test('more than can be answered in time is shed, and comes in again when others have left', () => {
  const gate = gateOf();
  for (let n = 0; n < 300; n++) gate.enter();
  assert.equal(
    codeOf(() => gate.enter()),
    'UNAVAILABLE',
  );
  gate.leave();
  assert.equal(
    codeOf(() => gate.enter()),
    'passed',
  );
});

test('a gate that is closing lets nobody in, and waits for those inside', async () => {
  const gate = gateOf();
  gate.enter();
  let drained = false;
  const draining = gate.drain().then(() => (drained = true));
  assert.equal(
    codeOf(() => gate.enter()),
    'UNAVAILABLE',
  );
  await Promise.resolve();
  assert.equal(drained, false);
  gate.leave();
  await draining;
  assert.equal(drained, true);
});
