import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { runCommand, type Ran } from '../support/run-command.ts';

let holdfast: Holdfast;
before(async () => (holdfast = await Holdfast.start()));
after(() => holdfast?.dispose());

const run = (...args: string[]): Promise<Ran> =>
  runCommand(args, {
    OPERATOR_PORT: new URL(holdfast.operatorUrl).port,
    HOLDFAST_DATA: join(holdfast.dataDir, 'data'),
  });

const buy = { account: 'paper', symbol: 'BTC/USDT', action: 'buy', quantity: '0.01' };

test('orders are listed, shown and canceled', async () => {
  await holdfast.post({ ...buy, id: 'market' });
  await holdfast.post({ ...buy, id: 'resting', order_type: 'limit', limit_price: '61000' });
  // The engine's lists lag behind a little.
  await eventually(
    async () => {
      const listed = await run('orders', 'list', '--json', '--account', 'paper');
      assert.equal(listed.code, 0, listed.stderr);
      return (JSON.parse(listed.stdout) as { orders: { workflow_id: string }[] }).orders;
    },
    (orders) => orders.some(({ workflow_id: id }) => id === 'order:default:resting'),
    { what: 'the order in the list' },
  );
  const shown = await run('orders', 'show', 'order:default:market');
  assert.match(shown.stdout, /^order:default:market {2}buy 0.01 BTC\/USDT on paper: filled, 0.01 at 67500\n/);
  const canceled = await run('orders', 'cancel', 'order:default:resting');
  assert.match(canceled.stdout, /resting {2}buy 0.01 BTC\/USDT on paper: canceled\n$/);
});

test('an account is halted and resumed', async () => {
  const halted = await run('halt', 'paper', '--reason', 'the news');
  assert.match(halted.stdout, /^paper {2}entries {2}HALTED {2}since .* the news\n$/);
  assert.equal((await holdfast.post({ ...buy, id: 'halted' })).body.reason?.code, 'HALTED');
  assert.equal((await run('resume', 'paper')).stdout, 'Nothing is halted.\n');
  assert.equal((await holdfast.post({ ...buy, id: 'resumed' })).body.status, 'filled');
});

test('an alert in a file is explained, and one that cannot be understood is an exit code of 1', async () => {
  const file = join(holdfast.dataDir, 'alert.json');
  writeFileSync(file, JSON.stringify(buy));
  const good = await run('explain', file);
  assert.deepEqual([good.code, good.stdout.split('\n')[0]], [0, 'buy 0.01 BTC/USDT at the market on paper']);
  writeFileSync(file, JSON.stringify({ ...buy, quantity: '1,000' }));
  const bad = await run('explain', file);
  assert.equal(bad.code, 1);
  assert.match(bad.stdout, /quantity: /);
});

test('an alert is sent with every proof that its strategy knows', async (t) => {
  const config = `
accounts: { paper: { venue: paper, balances: { USDT: "100000" } } }
strategies:
  every:
    token: token-of-every-0123456789
    body_secret: body-secret-of-every
    hmac_secret: hmac-secret-of-every
    webhook_key: whsec_${Buffer.alloc(32, 7).toString('base64')}
    require: all
`;
  const other = await Holdfast.start({ config });
  t.after(() => other.dispose());
  const file = join(other.dataDir, 'alert.json');
  writeFileSync(file, JSON.stringify({ ...buy, id: 'sent' }));
  const env = {
    HOLDFAST_CONFIG: join(other.dataDir, 'holdfast.yaml'),
    PORT: new URL(other.publicUrl).port,
    OPERATOR_PORT: new URL(other.operatorUrl).port,
  };
  const dry = await runCommand(['send', file, '--dry-run'], env);
  assert.match(dry.stdout, /^buy 0.01 BTC\/USDT at the market on paper\n/);
  assert.deepEqual(other.paperBook().orders, []);
  const sent = await runCommand(['send', file], env);
  assert.deepEqual([sent.code, sent.stdout], [0, 'order:every:sent  filled, 0.01 at 67500\n'], sent.stderr);
  writeFileSync(file, JSON.stringify({ ...buy, id: 'unsure', confidence: 0.1 }));
  const denied = await runCommand(['send', file], env);
  assert.deepEqual([denied.code, denied.stdout], [1, 'order:every:unsure  denied\n']);
  assert.match(denied.stderr, /confidence 0.1 is below the minimum/);
});

test('keys that are made are keys that the processes take', async (t) => {
  const { stdout } = await runCommand(['keygen', '--json']);
  const { INTENT_SIGNING_KEY, INTENT_VERIFY_KEYS, OPERATOR_TOKEN, PAYLOAD_ENCRYPTION_KEYS } = JSON.parse(
    stdout,
  ) as Record<string, string>;
  const env = { INTENT_SIGNING_KEY, INTENT_VERIFY_KEYS, OPERATOR_TOKEN, PAYLOAD_ENCRYPTION_KEYS } as Record<
    string,
    string
  >;
  const other = await Holdfast.start({ env });
  t.after(() => other.dispose());
  assert.equal((await other.post({ ...buy, id: 'with-made-keys' })).body.status, 'filled');
  const port = { OPERATOR_PORT: new URL(other.operatorUrl).port };
  assert.equal((await runCommand(['orders', 'list'], { ...port, OPERATOR_TOKEN: OPERATOR_TOKEN! })).code, 0);
  assert.match((await runCommand(['orders', 'list'], port)).stderr, /operator token/);
});

test('a configuration is checked, and each fault told with its fix', async () => {
  const file = join(holdfast.dataDir, 'checked.yaml');
  writeFileSync(
    file,
    'accounts: { paper: { venue: paper, balances: { USDT: "1" } } }\nstrategies: { a: { token: a-token-0123456789abcdef } }\n',
  );
  const good = await runCommand(['config', 'check', '--json'], { HOLDFAST_CONFIG: file });
  assert.deepEqual([good.code, JSON.parse(good.stdout)], [0, { file, accounts: ['paper'], strategies: ['a'] }]);
  writeFileSync(file, 'accounts: { paper: { venue: papr } }\n');
  const bad = await runCommand(['config', 'check'], { HOLDFAST_CONFIG: file });
  assert.equal(bad.code, 78);
  assert.match(bad.stderr, /accounts\.paper\.venue/);
});

test('the alert to paste is understood once TradingView has filled it in', async () => {
  const { stdout } = await runCommand(['alert-template']);
  const filled = {
    exchange: 'BINANCE',
    ticker: 'BTCUSDT',
    'strategy.order.action': 'buy',
    'strategy.order.contracts': '0.5',
    'strategy.order.price': '67500.1',
    'strategy.order.id': 'Long',
    timenow: '2026-11-24T09:00:00Z',
  };
  const alert = stdout.replace(/\{\{([\w.]+)\}\}/g, (_all, name: keyof typeof filled) => filled[name]);
  const file = join(holdfast.dataDir, 'template.json');
  writeFileSync(file, alert);
  const { code, stdout: told } = await run('explain', file);
  assert.deepEqual([code, told.split('\n')[0]], [0, 'buy 0.5 BINANCE:BTCUSDT at the market on binance']);
});

test('what is refused is told in a sentence, and a wrong use is an exit code of 2', async () => {
  const unknown = await run('orders', 'show', 'order:default:nobody');
  assert.deepEqual([unknown.code, unknown.stderr], [1, 'There is no order under this id.\n']);
  const account = await run('halt', 'nobody');
  assert.match(account.stderr, /There is no account named nobody; use one of /);
  assert.equal((await run('halt', '--scope', 'exits')).code, 2);
  assert.equal((await run('orders', 'list', '--color', 'red')).code, 2);
  assert.equal((await run('explain', join(holdfast.dataDir, 'nothing.json'))).code, 2);
});

test('an installation that is not running is told in a sentence', async () => {
  const { code, stderr } = await runCommand(['halt'], { OPERATOR_PORT: '1' });
  assert.equal(code, 1);
  assert.match(stderr, /cannot be reached at http:\/\/127\.0\.0\.1:1\. Is it running/);
});
