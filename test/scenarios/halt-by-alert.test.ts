import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import type { HaltView } from '../../ingress/halts.ts';
import { startEngine } from '../support/engine.ts';
import { Holdfast, type Reply } from '../support/holdfast.ts';
import { runCommand } from '../support/run-command.ts';

const TREND = '/a-token-of-the-trend-0123456789';
const GUARD = '/a-token-of-the-guard-0123456789';
const STRICT = '/a-token-of-the-strict-012345678';

let holdfast: Holdfast;
before(async () => {
  const paper = '{ venue: paper, balances: { USDT: "1000000" } }';
  const config = `
accounts: { one: ${paper}, two: ${paper}, three: ${paper} }
strategies:
  trend: { token: ${TREND.slice(1)} }
  guard: { token: ${GUARD.slice(1)}, may_halt: true, accounts: [one, two] }
  strict: { token: ${STRICT.slice(1)}, may_halt: true, strict: true }
`;
  // Few entries in an hour: what is counted is soon found out.
  holdfast = await Holdfast.start({ config, env: { RATE_LIMIT_REQUESTS: '3', RATE_LIMIT_WINDOW: '3600' } });
});
after(() => holdfast?.dispose());

const post = (alert: object, path: string): Promise<Reply> => holdfast.post(alert, { path });
const listed = async (): Promise<HaltView[]> => (await holdfast.operator<{ halts: HaltView[] }>('/halt')).halts;
const resume = () => holdfast.operator('/resume', { method: 'POST' });
const workflows = async (): Promise<string> =>
  holdfast.temporal('workflow', 'list', '--query', 'WorkflowType != "TradingAccount"', '-o', 'json');

test('an alert halts the account that it names, in force when it is answered, and is no order', async () => {
  const { http, body } = await post(
    { action: 'Halt', account: 'one', reason: 'too\u001b[2J wide', id: 'x', a: 1 },
    GUARD,
  );
  assert.deepEqual(Object.entries(body).slice(0, 4), [
    ['success', true],
    ['order_id', null],
    ['error', null],
    ['status', 'halted'],
  ]);
  assert.deepEqual([http, body['accounts'], body['ignored'], body['reason']], [200, ['one'], ['a'], null]);
  assert.deepEqual(
    (await listed()).map(({ account, scope, code, reason }) => [account, scope, code, reason]),
    [['one', 'entries', 'HALTED', 'too [2J wide']],
  );
  assert.deepEqual(JSON.parse(await workflows()), []);
  const buy = { symbol: 'BTC/USDT', action: 'buy', quantity: '0.01', account: 'one', id: 'kept-back' };
  assert.equal((await post(buy, TREND)).body.reason?.code, 'HALTED');
  await resume();
});

test('without an account it halts those of its strategy, and no other', async () => {
  await post({ action: 'halt' }, GUARD);
  assert.deepEqual(
    (await listed()).map(({ account, reason }) => [account, reason]),
    ['one', 'two'].map((account) => [account, 'An alert of the strategy guard halted it.']),
  );
});

test('it is not refused for its rate, however often it comes', async () => {
  const replies = await Promise.all([1, 2, 3, 4, 5].map(() => post({ action: 'halt' }, GUARD)));
  assert.deepEqual(
    replies.map(({ http }) => http),
    [200, 200, 200, 200, 200],
  );
  await resume();
});

const REFUSED: [string, object, string, number, string, RegExp][] = [
  [
    'to halt of a strategy that may not',
    { action: 'halt' },
    TREND,
    403,
    'ACTION_NOT_ALLOWED',
    /"may_halt: true" at the/,
  ],
  ['to resume', { action: 'resume', account: 'one' }, GUARD, 403, 'ACTION_NOT_ALLOWED', /cannot lift a halt: a person/],
  ['to halt another account', { action: 'halt', account: 'three' }, GUARD, 422, 'INVALID_FIELD', /one of one, two/],
  ['to halt exits', { action: 'halt', scope: 'all' }, GUARD, 422, 'INVALID_FIELD', /cannot hold exits back/],
  ['to halt whose reason is no text', { action: 'halt', reason: 7 }, GUARD, 422, 'INVALID_FIELD', /`reason`/],
  [
    'to halt with an unknown key, if strict,',
    { action: 'halt', b: 1 },
    STRICT,
    422,
    'UNSUPPORTED_FIELD',
    /"b" is not known/,
  ],
  ['to halt without proof', { action: 'halt' }, '', 401, 'UNPROVEN', /no proof/],
  ['to halt with a wrong token', { action: 'halt' }, '/a-wrong-token', 404, 'UNKNOWN_TOKEN', /no webhook/],
];

for (const [what, alert, path, http, code, sentence] of REFUSED) {
  test(`an alert ${what} is refused in a sentence, and halts nothing`, async () => {
    const reply = await post(alert, path);
    assert.deepEqual([reply.http, reply.body.code], [http, code], JSON.stringify(reply.body));
    assert.match(reply.body.error!, sentence);
    assert.deepEqual(await listed(), []);
  });
}

test('what an alert to halt would do is explained, and nothing of it done', async () => {
  const file = join(holdfast.dataDir, 'halt.json');
  writeFileSync(file, JSON.stringify({ action: 'halt', reason: 'the news' }));
  const env = {
    HOLDFAST_CONFIG: join(holdfast.dataDir, 'holdfast.yaml'),
    OPERATOR_PORT: new URL(holdfast.operatorUrl).port,
  };
  const good = await runCommand(['explain', file, '--strategy', 'guard'], env);
  assert.deepEqual([good.code, good.stdout], [0, 'halts the entries of one, two: the news\n'], good.stderr);
  const bad = await runCommand(['explain', file, '--strategy', 'trend'], env);
  assert.deepEqual([bad.code, /action: .*may_halt/.test(bad.stdout)], [1, true], bad.stdout);
  assert.deepEqual(await listed(), []);
});

test('an alert to halt that no worker takes up is answered in time, and kept', async (t) => {
  const engine = await startEngine();
  t.after(() => engine.stop());
  const config = `
accounts: { one: { venue: paper } }
strategies: { guard: { token: ${GUARD.slice(1)}, may_halt: true } }
`;
  const { privateKey } = generateKeyPairSync('ed25519');
  const env = {
    TEMPORAL_ADDRESS: engine.address,
    INTENT_SIGNING_KEY: String(privateKey.export({ type: 'pkcs8', format: 'pem' })),
  };
  const alone = await Holdfast.start({ entry: 'ingress', config, env });
  t.after(() => alone.dispose());
  const begun = performance.now();
  const { http, body } = await alone.post({ action: 'halt' }, { path: GUARD });
  assert.ok(performance.now() - begun < 2_500);
  assert.deepEqual([http, body['status'], body.reason?.code], [202, 'pending', 'HALT_NOT_TAKEN_UP']);
  assert.match(await alone.history('account:one'), /WORKFLOW_EXECUTION_SIGNALED/);
});
