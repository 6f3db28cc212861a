import assert from 'node:assert/strict';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import type { Verdict } from '../../cli/doctor/verdict.ts';
import { freePorts } from '../support/free-port.ts';
import { temporalCli } from '../support/holdfast.ts';
import { LiveDesk } from '../support/live-desk.ts';
import { runCommand } from '../support/run-command.ts';

interface Seen {
  readonly code: number | null;
  readonly checks: readonly Verdict[];
  /** `level check` of each. */
  readonly levels: readonly string[];
}

let desk: LiveDesk;
let env: Record<string, string>;

before(async () => {
  desk = await LiveDesk.start();
  const { publicUrl, operatorUrl, dataDir } = desk.holdfast;
  const [temporalPort, uiPort] = await freePorts(2);
  env = {
    PORT: new URL(publicUrl).port,
    OPERATOR_PORT: new URL(operatorUrl).port,
    TEMPORAL_PORT: String(temporalPort),
    TEMPORAL_UI_PORT: String(uiPort),
    TEMPORAL_CLI: await temporalCli(),
    HOLDFAST_CONFIG: join(dataDir, 'holdfast.yaml'),
    HOLDFAST_DATA: join(dataDir, 'data'),
    HOLDFAST_STATE: join(dataDir, 'state'),
  };
});
after(() => desk?.dispose());

async function examine(more: Readonly<Record<string, string>> = {}): Promise<Seen> {
  const { code, stdout, stderr } = await runCommand(['doctor', '--json'], { ...env, ...more });
  assert.ok(stdout.startsWith('{'), stderr + stdout);
  const { ok, checks } = JSON.parse(stdout) as { ok: boolean; checks: Verdict[] };
  assert.equal(ok, code === 0);
  for (const one of checks) {
    assert.match(one.message, /^[^]+[.!?]$/, 'a sentence');
    assert.ok(!['warning', 'fault'].includes(one.level) || one.fix !== null, `a fix for: ${one.message}`);
  }
  return { code, checks, levels: checks.map(({ level, check }) => `${level} ${check}`) };
}

/** What a check said at a level; fails where it said nothing. */
function said({ checks }: Seen, level: Verdict['level'], check: string, what = /./): Verdict {
  const found = checks.find((one) => one.level === level && one.check === check && what.test(one.message));
  assert.ok(found, `${level} ${check} ${what} among ${JSON.stringify(checks, null, 1)}`);
  return found;
}

/** The configuration with something else in the place of something. */
function changed(from: string | RegExp, to: string): { HOLDFAST_CONFIG: string } {
  const file = join(desk.holdfast.dataDir, 'changed.yaml');
  const text = readFileSync(env['HOLDFAST_CONFIG']!, 'utf8');
  assert.ok(text.search(from) >= 0);
  writeFileSync(file, text.replace(from, to));
  return { HOLDFAST_CONFIG: file };
}

test('an installation that runs and is well is told so, and nothing of it is changed', async () => {
  await desk.warm();
  const already = (await desk.control.ledger()).requests.length;
  const files = readdirSync(env['HOLDFAST_DATA']!);
  const seen = await examine();
  assert.equal(seen.code, 0);
  said(seen, 'ok', 'node');
  said(seen, 'ok', 'config', /1 account, 1 strategy/);
  said(seen, 'ok', 'data', /is writable, and its disk has \d+ MiB left/);
  said(seen, 'ok', 'keys', /for this user only/);
  said(seen, 'ok', 'ports', /OPERATOR_PORT \d+ on 127\.0\.0\.1 is in use by Holdfast/);
  said(seen, 'ok', 'engine', /The embedded engine answers/);
  said(seen, 'ok', 'ingress', /ready for alerts/);
  said(seen, 'ok', 'strategies');
  said(seen, 'ok', 'halts');
  said(seen, 'ok', 'account binance', /reached \(binance, live\), and has \d+ spot markets/);
  said(seen, 'ok', 'account binance', /credentials are accepted/);
  said(seen, 'ok', 'account binance', /clock and this host's agree/);
  said(seen, 'ok', 'account binance', /cannot withdraw/);
  said(seen, 'warning', 'account binance', /good from any address/);
  assert.equal(seen.levels.filter((level) => level.startsWith('warning')).length, 1, seen.levels.join());
  const { requests } = await desk.control.ledger();
  assert.deepEqual(
    requests.slice(already).filter(({ method }) => method !== 'GET'),
    [],
  );
  assert.deepEqual(readdirSync(env['HOLDFAST_DATA']!), files);
});

test('what is unsafe or keeps orders back is a warning with a fix, and no fault', async (t) => {
  await desk.control.change({ enableWithdrawals: true, clockOffsetMs: -3_000 });
  writeFileSync(join(env['HOLDFAST_DATA']!, 'HALT'), '');
  await runCommand(['halt', 'binance', '--reason', 'the news'], env);
  t.after(async () => {
    rmSync(join(env['HOLDFAST_DATA']!, 'HALT'));
    await runCommand(['resume'], env);
    await desk.control.change({ enableWithdrawals: false, clockOffsetMs: 0 });
  });
  const seen = await examine();
  assert.equal(seen.code, 0);
  assert.match(said(seen, 'warning', 'account binance', /may withdraw/).fix!, /Take the right to withdraw/);
  said(seen, 'warning', 'account binance', /is (2\.9|3\.[01]) s ahead of the venue's of binance/);
  said(seen, 'warning', 'halts', /The file .*HALT halts every account/);
  assert.match(said(seen, 'warning', 'halts', /binance is halted .*: the news\./).fix!, /resume binance$/);
  const { stdout, stderr } = await runCommand(['doctor'], env);
  assert.match(stdout, /^warning {6}account binance: The API key of binance may withdraw: .*\n {13}Take the right/m);
  assert.equal(stderr, 'No faults, 5 warnings.\n');
});

test('credentials that are not accepted are a fault, and are not repeated', async () => {
  const seen = await examine(changed('api_key: demo-key', 'api_key: canary-of-a-key'));
  assert.equal(seen.code, 1);
  said(seen, 'fault', 'account binance', /cannot be read with these credentials/);
  said(seen, 'not_checked', 'account binance', /What its key may do/);
  assert.doesNotMatch(JSON.stringify(seen), /canary-of-a-key|demo-secret|signature=[0-9a-f]/);
});

test('an exchange that cannot be reached is a fault, and the rest is told', async () => {
  const [port] = await freePorts(1);
  const seen = await examine(changed(/http_origin: \S+/, `http_origin: http://127.0.0.1:${port}`));
  assert.equal(seen.code, 1);
  said(seen, 'fault', 'account binance', /The markets of binance, live cannot be read/);
  said(seen, 'ok', 'ingress', /ready for alerts/);
});

test('faults of the configuration are all told, with an exit code of 78', async () => {
  const seen = await examine({ ...changed('mode: live', 'mode: lively'), PORT: 'high' });
  assert.equal(seen.code, 78);
  const paths = seen.checks.filter(({ level }) => level === 'fault').map(({ path }) => path);
  assert.deepEqual(new Set(paths), new Set(['PORT', 'accounts.binance.mode']));
  const inside = await examine({ HOLDFAST_STATE: join(env['HOLDFAST_DATA']!, 'state') });
  assert.deepEqual([inside.code, said(inside, 'fault', 'state').path], [78, 'HOLDFAST_STATE']);
  const { code, stdout } = await runCommand(['doctor'], { ...env, PORT: 'high' });
  assert.deepEqual([code, /^fault {8}config: PORT: "high" cannot be used\./m.test(stdout)], [78, true], stdout);
});

test('an engine elsewhere is asked whether it is there, whether it may forget, and what time it has', async () => {
  const [port] = await freePorts(1);
  const gone = await examine({ TEMPORAL_ADDRESS: `127.0.0.1:${port}` });
  said(gone, 'fault', 'engine', /cannot be reached/);
  const forgetful = await examine({ TEMPORAL_ADDRESS: desk.holdfast.temporalAddress });
  assert.deepEqual([forgetful.code, said(forgetful, 'fault', 'engine').path], [78, 'TEMPORAL_DURABLE']);
  const durable = await examine({ TEMPORAL_ADDRESS: desk.holdfast.temporalAddress, TEMPORAL_DURABLE: 'true' });
  assert.equal(durable.code, 0);
  said(durable, 'ok', 'engine', /has the namespace default/);
  said(durable, 'ok', 'clock', /agree/);
});

test('a strategy without proof is a warning', async () => {
  const paper = '$1accounts: { p: { venue: paper } }\nstrategies: { open: {} }\n';
  const seen = await examine(changed(/()^accounts[^]*/m, paper));
  assert.equal(seen.code, 0);
  said(seen, 'warning', 'strategies', /open takes alerts without proof/);
  said(seen, 'ok', 'account p', /Paper money/);
});

test('an installation that does not run is examined too', async (t) => {
  assert.equal(await desk.holdfast.stop(), 0);
  t.after(() => desk.holdfast.start());
  const seen = await examine();
  assert.equal(seen.code, 0);
  for (const check of ['engine', 'ingress', 'halts']) said(seen, 'not_checked', check);
  said(seen, 'ok', 'ports', /^PORT \d+ on 127\.0\.0\.1 is free/);
  said(seen, 'ok', 'account binance', /credentials are accepted/);

  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => server.close());
  const key = join(env['HOLDFAST_DATA']!, 'intent-signing-key.pem');
  chmodSync(key, 0o644);
  t.after(() => chmodSync(key, 0o600));
  const sick = await examine({
    OPERATOR_PORT: String((server.address() as AddressInfo).port),
    TEMPORAL_CLI: join(desk.holdfast.dataDir, 'no-such-cli'),
  });
  assert.equal(sick.code, 1);
  said(sick, 'fault', 'ports', /OPERATOR_PORT .* is taken by another program/);
  assert.match(said(sick, 'fault', 'keys', /Other users can reach the signing key/).fix!, /^chmod 600 /);
  said(sick, 'fault', 'engine', /TEMPORAL_CLI is .*no-such-cli/);

  const file = join(desk.holdfast.dataDir, 'a-file');
  writeFileSync(file, '');
  const folder = join(desk.holdfast.dataDir, 'empty');
  mkdirSync(folder);
  said(await examine({ HOLDFAST_DATA: file }), 'fault', 'data', /is no folder/);
  said(await examine({ HOLDFAST_DATA: join(folder, 'data') }), 'ok', 'keys', /"npm start" makes them/);
  assert.deepEqual(readdirSync(folder), []);
});
