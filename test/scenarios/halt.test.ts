import assert from 'node:assert/strict';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import type { AccountView } from '../../ingress/account-book.ts';
import type { HaltView } from '../../ingress/halts.ts';
import { Holdfast, type Reply } from '../support/holdfast.ts';

let holdfast: Holdfast;
before(async () => {
  const paper = '{ venue: paper, balances: { USDT: "1000000" } }';
  const config = `accounts: { one: ${paper}, two: ${paper} }\nstrategies: { trend: { token: a-token-of-the-trend-0123456789 } }\n`;
  holdfast = await Holdfast.start({ config });
});
after(() => holdfast?.dispose());

let count = 0;
const buy = (account: string): Promise<Reply> =>
  holdfast.post(
    { id: `halt-${(count += 1)}`, account, symbol: 'BTC/USDT', action: 'buy', quantity: '0.01' },
    { path: '/a-token-of-the-trend-0123456789' },
  );

const told = ({ http, body }: Reply): unknown[] => [http, body.status, body.reason?.code];
const FILLED = [200, 'filled', undefined];
const HALTED = [200, 'denied', 'HALTED'];

async function post(path: string, body?: object): Promise<{ http: number; halts: HaltView[]; error?: string }> {
  const response = await fetch(`${holdfast.operatorUrl}${path}`, {
    method: 'POST',
    ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
  });
  return { http: response.status, ...((await response.json()) as { halts: HaltView[] }) };
}

const listed = async (): Promise<HaltView[]> => (await holdfast.operator<{ halts: HaltView[] }>('/halt')).halts;

test('an account that is halted sends no entry, and another goes on', async () => {
  assert.deepEqual([told(await buy('one')), told(await buy('two'))], [FILLED, FILLED]);
  const { http, halts } = await post('/halt', { account: 'one', reason: 'the news' });
  assert.equal(http, 200);
  assert.deepEqual(
    halts.map(({ since: _since, ...halt }) => halt),
    [{ account: 'one', scope: 'entries', code: 'HALTED', reason: 'the news' }],
  );
  const before = holdfast.paperBook('one');
  const denied = await buy('one');
  assert.deepEqual(told(denied), HALTED);
  assert.match(denied.body.error!, /one is halted \(entries\): the news/);
  assert.match(denied.body.reason!.fix!, /resume one/);
  assert.deepEqual(told(await buy('two')), FILLED);
  assert.deepEqual(holdfast.paperBook('one'), before);
  const { accounts } = await holdfast.operator<{ accounts: AccountView[] }>('/accounts');
  assert.deepEqual(
    accounts.map(({ name, halts: own }) => [name, own.map(({ reason }) => reason)]),
    [
      ['one', ['the news']],
      ['two', []],
    ],
  );
});

test('a halt survives a restart, and what kills everything', async () => {
  await holdfast.stop();
  await holdfast.start();
  assert.deepEqual(told(await buy('one')), HALTED);
  await holdfast.killAll();
  await holdfast.start();
  assert.deepEqual(told(await buy('one')), HALTED);
});

test('a second halt of the same kind changes nothing, and one resume lifts what is there', async () => {
  const [first] = await listed();
  const { halts } = await post('/halt', { account: 'one' });
  assert.deepEqual(halts, [first]);
  assert.equal((await post('/halt', { account: 'one', scope: 'all' })).halts.length, 2);
  const { halts: left } = await post('/resume', { account: 'one' });
  assert.deepEqual([left, told(await buy('one'))], [[], FILLED]);
});

test('all accounts are halted and resumed at once', async () => {
  for (const body of [undefined, { account: '*' }]) {
    const { halts } = await post('/halt', body);
    assert.deepEqual(
      halts.map(({ account }) => account),
      ['one', 'two'],
    );
    assert.deepEqual([told(await buy('one')), told(await buy('two'))], [HALTED, HALTED]);
    assert.deepEqual((await post('/resume', body)).halts, []);
    assert.deepEqual([told(await buy('one')), told(await buy('two'))], [FILLED, FILLED]);
  }
});

test('the file HALT halts every account for as long as it is there', async () => {
  const file = join(holdfast.dataDir, 'data', 'HALT');
  writeFileSync(file, '');
  const denied = await buy('two');
  assert.deepEqual([told(denied), told(await buy('one'))], [HALTED, HALTED]);
  assert.match(denied.body.error!, /there is a file .*HALT/);
  rmSync(file);
  assert.deepEqual(told(await buy('two')), FILLED);
});

test('a resume that ingress did not sign lifts nothing', async () => {
  await post('/halt', { account: 'two' });
  const command = { kind: 'resume', workflowId: 'account:two', at: Date.now(), halts: [1, 2, 3, 4, 5, 6, 7, 8, 9] };
  const forged = JSON.stringify({ command, signature: { key: 'AAAAAAAA', value: 'AAAA' } });
  const update = [
    'workflow',
    'update',
    'execute',
    '--workflow-id',
    'account:two',
    '--name',
    'resume',
    '--input',
    forged,
  ];
  await assert.rejects(holdfast.temporal(...update), /No public key|not signed/);
  assert.deepEqual(told(await buy('two')), HALTED);
  await post('/resume', { account: 'two' });
});

test('a halt that cannot be understood is refused by name', async () => {
  for (const [body, field] of [
    [{ account: 'nobody' }, 'account'],
    [{ account: 7 }, 'account'],
    [{ scope: 'exits' }, 'scope'],
    [{ reason: '' }, 'reason'],
    [{ until: 'tomorrow' }, 'until'],
  ] as const) {
    const reply = await post('/halt', body);
    assert.deepEqual([reply.http, (reply as unknown as { field: string }).field], [400, field], JSON.stringify(reply));
  }
  for (const [body, field] of [
    [{ scope: 'all' }, 'scope'],
    [{ restored: 'yes' }, 'restored'],
    [{ account: 'nobody' }, 'account'],
  ] as const) {
    const reply = await post('/resume', body);
    assert.deepEqual([reply.http, (reply as unknown as { field: string }).field], [400, field], JSON.stringify(reply));
  }
  assert.deepEqual(await listed(), []);
});

test('a page of another origin commands nothing', async () => {
  await post('/halt', { account: 'two' });
  for (const path of ['/resume', '/halt', '/orders/order:trend:halt-1/cancel']) {
    const headers = { origin: 'https://example.com' };
    const response = await fetch(`${holdfast.operatorUrl}${path}`, { method: 'POST', headers });
    assert.deepEqual([response.status, ((await response.json()) as { code: string }).code], [403, 'CROSS_SITE']);
  }
  assert.equal((await listed()).length, 1);
  await post('/resume');
});

test('a halt outlives the end of the execution that keeps it', async () => {
  await post('/halt', { account: 'two', reason: 'for good' });
  await holdfast.temporal('workflow', 'cancel', '--workflow-id', 'account:two');
  assert.deepEqual(told(await buy('two')), HALTED);
  await holdfast.temporal('workflow', 'terminate', '--workflow-id', 'account:two');
  await holdfast.stop();
  await holdfast.start();
  assert.deepEqual(told(await buy('two')), HALTED);
  await post('/resume');
  assert.deepEqual(told(await buy('two')), FILLED);
});
