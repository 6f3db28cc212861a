import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { judgeHosts, inspect } from '../../workers/account-safety.ts';
import type { ExchangeAccount } from '../../config/config.ts';
import { NO_LIMITS } from '../../domain/limits.ts';
import { boot } from '../support/boot.ts';
import { startEngine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import type { Holdfast } from '../support/holdfast.ts';
import { LiveDesk } from '../support/live-desk.ts';
import { noOwnClockReason, OwnClock } from '../support/own-clock.ts';

const said = (holdfast: Holdfast, what: RegExp): Promise<string> =>
  eventually(
    () => holdfast.output,
    (output) => what.test(output),
    { what: String(what) },
  );

test('a key that may withdraw, and a clock that is off, are warned of at the start, and orders go on', async (t) => {
  const prepare: Parameters<typeof LiveDesk.start>[0] = {
    prepare: (control) => control.change({ enableWithdrawals: true, clockOffsetMs: 5_000 }),
  };
  const desk = await LiveDesk.start(prepare);
  t.after(() => desk.dispose());
  const output = await said(desk.holdfast, /KEY_CAN_WITHDRAW/);
  const [withdraw, clock] = ['KEY_CAN_WITHDRAW', 'CLOCK_OFF_VENUE'].map((code) =>
    output.split('\n').find((line) => line.includes(code)),
  );
  assert.match(withdraw!, /"account":"binance"/);
  assert.match(withdraw!, /The API key of binance may withdraw.*/);
  assert.match(withdraw!, /"fix":"Take the right to withdraw/);
  assert.match(clock!, /This host's clock \(\S+Z\) is (4\.[89]|5\.[01]) s behind the venue's of binance \(\S+Z\)\./);
  const { body } = await desk.post({ id: 'goes-on' });
  await desk.untilOver(body.workflow_id);
  assert.equal((await desk.booked({ id: 'goes-on' })).length, 1);
});

test('an account that is as it should be is warned of in nothing', async (t) => {
  const desk = await LiveDesk.start();
  t.after(() => desk.dispose());
  await eventually(
    async () => (await desk.control.ledger()).requests.filter(({ path }) => path.endsWith('/apiRestrictions')).length,
    (asked) => asked === 1,
    { what: 'the question about the key' },
  );
  await desk.warm();
  assert.doesNotMatch(desk.holdfast.output, /KEY_CAN_WITHDRAW|CLOCK_OFF|_HOST|Not all of it/);
});

const account = (exchange: string, mode: ExchangeAccount['mode'], httpOrigin?: string): ExchangeAccount => ({
  venue: 'ccxt',
  exchange,
  mode,
  apiKey: 'a-key',
  apiSecret: 'a-secret',
  httpOrigin,
  unprofiled: false,
  options: {},
  limits: NO_LIMITS,
});

const HOSTS: [string, ExchangeAccount, string | undefined][] = [
  ['a live account as it is', account('binance', 'live'), undefined],
  ['a sandbox as it is', account('binance', 'sandbox'), undefined],
  ['a demo as it is', account('binance', 'demo'), undefined],
  ['a sandbox that shares the host of the live exchange', account('okx', 'sandbox'), undefined],
  ['a sandbox that is sent to the live exchange', account('binance', 'sandbox', 'https://api.binance.com'), 'SANDBOX'],
  [
    'a live account that is sent to the test exchange',
    account('binance', 'live', 'https://testnet.binance.vision'),
    'LIVE',
  ],
  [
    'a live account at a host that calls itself a sandbox',
    account('kraken', 'live', 'https://eu.sandbox.example'),
    'LIVE',
  ],
  ['a gateway of the house', account('binance', 'sandbox', 'https://egress.example:8443'), undefined],
  ['a gateway on this machine', account('binance', 'live', 'http://127.0.0.1:9443'), undefined],
];

for (const [what, given, code] of HOSTS) {
  test(`${what} is ${code === undefined ? 'no finding' : 'a finding'}`, async () => {
    const inspection = await inspect('mine', given);
    const found = judgeHosts('mine', given.mode, inspection.hosts);
    await inspection.close();
    assert.deepEqual(
      found.map((one) => one.code.split('_')[0]),
      code === undefined ? [] : [code],
      JSON.stringify({ found, hosts: inspection.hosts }),
    );
  });
}

/** A worker that would trade for real against an engine of its own. */
async function worker(t: TestContext, address: string, mode: string): Promise<Record<string, string>> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-durable-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'holdfast.yaml');
  const origin = 'http://127.0.0.1:9';
  const section = `{ venue: ccxt, exchange: binance, mode: ${mode}, api_key: k, api_secret: s, http_origin: '${origin}' }`;
  writeFileSync(file, `accounts: { binance: ${section} }\nstrategies: { trend: { body_secret: a-secret } }\n`);
  const { publicKey } = generateKeyPairSync('ed25519');
  return {
    TEMPORAL_ADDRESS: address,
    HOLDFAST_CONFIG: file,
    HOLDFAST_DATA: join(folder, 'data'),
    HOLDFAST_STATE: join(folder, 'state'),
    INTENT_VERIFY_KEYS: String(publicKey.export({ type: 'spki', format: 'pem' })),
  };
}

test('a live account does not start on an engine that may be in memory, unless it is said that it is not', async (t) => {
  const engine = await startEngine();
  t.after(() => engine.stop());
  const env = await worker(t, engine.address, 'live');
  const refused = await boot({ entry: 'order-worker', env });
  assert.equal(refused.code, 78, refused.output);
  assert.match(refused.output, /TEMPORAL_DURABLE: The account binance trades for real.* Start it with --db-filename/);
  const startsWith = async (more: Record<string, string>): Promise<void> => {
    const ending = await boot({
      entry: 'order-worker',
      env: { ...env, ...more },
      meanwhile: async (child, output) => {
        await eventually(() => output().includes('The worker is ready.') || child.exitCode !== null, Boolean);
        child.kill('SIGTERM');
      },
    });
    assert.match(ending.output, /The worker is ready\./);
  };
  await startsWith({ TEMPORAL_DURABLE: 'true' });
  await startsWith(await worker(t, engine.address, 'sandbox'));
});

test("a host whose clock is not the engine's is warned of", { skip: noOwnClockReason }, async (t) => {
  const clock = new OwnClock();
  t.after(() => clock.remove());
  clock.setTo(-7);
  const engine = await startEngine();
  t.after(() => engine.stop());
  const env = { ...(await worker(t, engine.address, 'live')), ...clock.env, TEMPORAL_DURABLE: 'true' };
  const { output } = await boot({
    entry: 'order-worker',
    env,
    withinMs: 50_000,
    meanwhile: async (child, told) => {
      await eventually(told, (so) => so.includes('CLOCK_OFF_ENGINE') || child.exitCode !== null, { withinMs: 40_000 });
      child.kill('SIGTERM');
    },
  });
  assert.match(output, /is (6\.[89]|7\.[0-2]) s behind the engine's/);
});
