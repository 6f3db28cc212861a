import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

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
  await holdfast.post({ ...buy, id: 'resting', order_type: 'limit', limit_price: '60000' });
  const listed = await run('orders', 'list', '--json', '--account', 'paper');
  assert.equal(listed.code, 0, listed.stderr);
  const { orders } = JSON.parse(listed.stdout) as { orders: { workflow_id: string }[] };
  assert.ok(orders.some(({ workflow_id: id }) => id === 'order:default:resting'));
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
