import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { join } from 'node:path';
import { test } from 'node:test';

import type { AccountView } from '../../ingress/account-book.ts';
import { startEngine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { LiveDesk } from '../support/live-desk.ts';
import { startOrderWorker } from '../support/order-worker.ts';

async function accounts(holdfast: Holdfast): Promise<Record<string, AccountView>> {
  const page = await holdfast.operator<{ accounts: AccountView[] }>('/accounts');
  return Object.fromEntries(page.accounts.map((account) => [account.name, account]));
}

const until = (
  holdfast: Holdfast,
  name: string,
  isSo: (account: AccountView) => boolean,
  what: string,
): Promise<AccountView> =>
  eventually(async () => (await accounts(holdfast))[name]!, isSo, { withinMs: 60_000, everyMs: 200, what });

test('a paper account tells what it holds, and what an order has changed', async (t) => {
  const holdfast = await Holdfast.start();
  t.after(() => holdfast.dispose());
  const { problem, balances, ...account } = await until(holdfast, 'paper', ({ health }) => health === 'ok', 'health');
  assert.deepEqual([problem, balances?.['USDT'], balances?.['BTC']], [null, '100000', '1']);
  assert.deepEqual([account.venue, account.mode, account.breaker], ['paper', 'paper', null]);
  await holdfast.post({ id: 'buy', account: 'paper', symbol: 'BTC/USDT', action: 'buy', quantity: '0.01' });
  const changed = await until(holdfast, 'paper', (now) => now.balances?.['BTC'] === '1.01', 'the purchase');
  assert.equal(changed.balances!['USDT'], '99325');
  const isCounted = (now: AccountView): boolean => now.positions?.['BTC/USDT'] !== undefined;
  const { positions } = await until(holdfast, 'paper', isCounted, 'the position');
  assert.deepEqual(positions, { 'BTC/USDT': { quantity: '0.01', average_price: '67500' } });

  const dry = await until(holdfast, 'binance', ({ health }) => health === 'ok', 'health');
  assert.deepEqual([dry.venue, dry.mode, dry.breaker, dry.balances], ['ccxt', 'dry_run', null, null]);
});

test('an exchange account tells what it holds, and what keeps it from telling', async (t) => {
  const desk = await LiveDesk.start();
  t.after(() => desk.dispose());
  await desk.control.setBalances({ USDT: '5000.25', BTC: '0.75', ETH: '0', BNB: '0' });
  const isAsSet = ({ balances }: AccountView): boolean => balances?.['USDT'] === '5000.25';
  const account = await until(desk.holdfast, 'binance', isAsSet, 'the balances');
  assert.deepEqual([account.health, account.breaker, account.mode], ['ok', 'closed', 'live']);
  assert.deepEqual(account.balances, { BTC: '0.75', USDT: '5000.25' });

  await desk.venue.kill();
  const gone = await until(desk.holdfast, 'binance', ({ health }) => health === 'unreachable', 'the loss of the venue');
  assert.equal(gone.balances, null);
  // What the library says of a failure holds the signed address of the request; none of that is told.
  assert.ok(gone.problem !== null && !/signature|http:|api_secret/.test(gone.problem), String(gone.problem));
  await desk.venue.restart();
  await until(desk.holdfast, 'binance', ({ health }) => health === 'ok', 'the venue');
});

test('reading balances has no say in whether the breaker opens', async (t) => {
  const desk = await LiveDesk.start({ env: { CIRCUIT_BREAKER_THRESHOLD: '2' } });
  t.after(() => desk.dispose());
  await desk.warm();
  await desk.control.fault({ match: { path: '/api/v3/account' }, times: null, fault: { kind: 'status-before' } });
  await until(desk.holdfast, 'binance', ({ health }) => health === 'unreachable', 'balances that cannot be read');
  const asked = async (): Promise<number> =>
    (await desk.control.ledger()).requests.filter(({ path }) => path === '/api/v3/account').length;
  const before = await asked();
  // More failures than the breaker takes of orders.
  await eventually(asked, (count) => count >= before + 3, { withinMs: 60_000, what: 'more questions' });
  assert.equal(await desk.circuitState(), 0);
  const { body } = await desk.post({ id: 'all-the-same' });
  assert.equal((await desk.untilOver(body.workflow_id)).order.status, 'filled');
});

test('an account is unserved until a worker elsewhere serves it', async (t) => {
  const engine = await startEngine();
  t.after(() => engine.stop());
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const config =
    'accounts: { paper: { venue: paper, balances: { USDT: "5" } } }\nstrategies: { trend: { token: a-token-of-the-trend-0123456789 } }\n';
  const holdfast = await Holdfast.start({
    entry: 'ingress',
    config,
    env: {
      TEMPORAL_ADDRESS: engine.address,
      INTENT_SIGNING_KEY: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
    },
  });
  t.after(() => holdfast.dispose());
  const { health, problem, balances, seen_at: seen } = (await accounts(holdfast))['paper']!;
  assert.deepEqual([health, balances, seen], ['unserved', null, null]);
  assert.match(problem!, /No worker/);
  const worker = await startOrderWorker({
    TEMPORAL_ADDRESS: engine.address,
    INTENT_VERIFY_KEYS: String(publicKey.export({ type: 'spki', format: 'pem' })),
    HOLDFAST_CONFIG: join(holdfast.dataDir, 'holdfast.yaml'),
    HOLDFAST_DATA: join(holdfast.dataDir, 'worker'),
  });
  t.after(() => worker.kill());
  const served = await until(holdfast, 'paper', (account) => account.health === 'ok', 'a worker');
  assert.deepEqual(served.balances, { USDT: '5' });
});
