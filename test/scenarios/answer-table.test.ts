import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { after, before, describe, test } from 'node:test';

import { Client, Connection } from '@temporalio/client';

import { runningProcesses } from '../../workers/process-table.ts';
import type { FaultRule } from '../simulators/binance-spot/start-simulator.ts';
import { startEngine, type Engine } from '../support/engine.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast, type Reply } from '../support/holdfast.ts';
import { LiveDesk, type Alert } from '../support/live-desk.ts';

// Each test is named after a row of the contract's two tables of answers.

const ANSWER =
  'success order_id error status workflow_id client_order_id duplicate account symbol side order_type quantity ' +
  'filled_quantity average_price reason inferred ignored links';
/** RFC 9457 with the members of every answer in front, and what says which request it was. */
const PROBLEM = 'success order_id error type title status detail code instance';

const DECIMAL = /^\d+(\.\d+)?$/;
const MARKET = { account: 'paper', symbol: 'BTC/USDT', action: 'buy', quantity: '0.01' };

function assertMembers(body: object, members: string): void {
  assert.deepEqual(Object.keys(body).toSorted(), members.split(' ').toSorted());
  assert.deepEqual(Object.keys(body).slice(0, 3), ['success', 'order_id', 'error']);
}

function assertAnswer(reply: Reply, http: number, status: string, success: boolean): void {
  const { body } = reply;
  assert.deepEqual([reply.http, body.status, body.success], [http, status, success], JSON.stringify(body));
  assert.match(reply.type, /^application\/json(; charset=utf-8)?$/);
  const { fee_quantity: fee, ...others } = body;
  assertMembers(others, ANSWER);
  if (fee !== undefined) assert.match(fee, DECIMAL);
  const { error, reason, links } = body;
  assert.equal(error, success ? null : reason?.message);
  if (reason !== null) assert.deepEqual(Object.keys(reason), ['code', 'message', 'fix']);
  assert.deepEqual(Object.keys(links), ['order', 'history']);
  for (const text of [body.quantity ?? '0', body.filled_quantity, body.average_price ?? '0'])
    assert.match(text, DECIMAL);
  for (const list of [body.inferred, body.ignored]) assert.ok(Array.isArray(list));
}

interface Sent extends Reply {
  readonly retryAfter: string | null;
  readonly ms: number;
}

const JSON_TYPE = { 'content-type': 'application/json' };
/** Every status that was answered to a raw request. */
const statuses = new Set<number>();

/** Sends one request, follows nothing, and takes the time. */
async function send(url: string, body: string, headers: Record<string, string> = JSON_TYPE): Promise<Sent> {
  const begun = performance.now();
  const response = await fetch(url, { method: 'POST', redirect: 'manual', headers, body });
  const answer = (await response.json()) as Reply['body'];
  const ms = performance.now() - begun;
  statuses.add(response.status);
  const told = { http: response.status, type: response.headers.get('content-type') ?? '', body: answer };
  return { ...told, retryAfter: response.headers.get('retry-after'), ms };
}

function assertRefused(reply: Sent, http: number, code: string, own = ''): void {
  const { body } = reply;
  assert.deepEqual([reply.http, body.code], [http, code], JSON.stringify(body));
  assert.match(reply.type, /^application\/problem\+json(; charset=utf-8)?$/);
  assertMembers(body, `${PROBLEM} ${own}`.trim());
  assert.deepEqual([body.success, body.order_id, body.status, body['detail']], [false, null, http, body.error]);
  for (const member of ['type', 'instance']) assert.ok(URL.canParse(String(body[member])), member);
  for (const member of ['title', 'error']) assert.match(String(body[member]), /^\S[^\r\n]*$/, member);
  const mayComeAgain = http === 429 || http === 503;
  assert.equal(reply.retryAfter === null, !mayComeAgain);
  if (mayComeAgain) assert.match(String(reply.retryAfter), /^[1-9]\d*$/);
}

const KNOWN = 'an outcome known within the budget is 200 with success';
const NOT_TRIED = 'what is not tried, by our own rules, is 200 without success';
const RESTING = { order_type: 'limit', limit_price: '60000' };
const CROSSING = { order_type: 'limit', limit_price: '68000' };
const POOR = { kind: 'reject', code: -2010, msg: 'Account has insufficient balance for requested action.' } as const;

describe('what became of the order', () => {
  const rows: [string, string, { alert?: object; fault?: FaultRule['fault']; filled?: string; reason?: string }][] = [
    [KNOWN, 'filled', { filled: '0.01' }],
    [KNOWN, 'partially_filled', { alert: CROSSING, fault: { kind: 'partial', quantity: '0.004' }, filled: '0.004' }],
    [KNOWN, 'working', { alert: RESTING }],
    [KNOWN, 'canceled', { alert: { ...RESTING, time_in_force: 'ioc' } }],
    [NOT_TRIED, 'denied', { alert: { confidence: 0.1 }, reason: 'CONFIDENCE_TOO_LOW' }],
    [NOT_TRIED, 'expired', { alert: { time: '2026-01-02T03:04:05Z' }, reason: 'ALERT_TOO_OLD' }],
    ['the venue’s no is 200 without success', 'rejected', { fault: POOR, reason: 'VENUE_INSUFFICIENT_FUNDS' }],
  ];

  let desk: LiveDesk;
  before(async () => {
    // The breaker lets a call through again soon after the questions that go wrong.
    desk = await LiveDesk.start({ accounts: ['binance', 'lost'], env: { CIRCUIT_BREAKER_TIMEOUT: '1' } });
    for (const account of ['binance', 'lost']) await desk.warm(account);
  });
  after(() => desk?.dispose());

  const first = new Map<string, { alert: Alert; reply: Reply }>();
  for (const [name, status, { alert: members, fault, filled = '0', reason }] of rows) {
    test(`${name}: ${status}`, async () => {
      const alert = { id: status, ...members };
      if (fault !== undefined) await desk.failPlacing(alert, fault);
      const reply = await desk.post(alert);
      first.set(status, { alert, reply });
      assertAnswer(reply, 200, status, reason === undefined);
      const { duplicate, filled_quantity, order_id, reason: told } = reply.body;
      assert.deepEqual([duplicate, filled_quantity, told?.code], [false, filled, reason]);
      const ids = (await desk.booked(alert)).map(({ orderId }) => String(orderId));
      assert.deepEqual([ids, order_id], reason === undefined ? [[order_id], ids[0]] : [[], null]);
    });
  }

  test('what we broke is 200 without success: failed', async (t) => {
    const alert = { id: 'failed' };
    await desk.failPlacing(alert, 'silence');
    const connection = await Connection.connect({ address: desk.holdfast.temporalAddress });
    t.after(() => connection.close());
    const answering = desk.post(alert);
    await eventually(async () => (await desk.sends(alert)).length, Boolean, { what: 'the order on its way' });
    await new Client({ connection }).workflow.getHandle('order:trend:failed').terminate('a test');
    const reply = await answering;
    first.set('failed', { alert, reply });
    assertAnswer(reply, 200, 'failed', false);
    assert.equal(reply.body.reason?.code, 'ORDER_BROKEN');
  });

  for (const status of [...rows.map(([, known]) => known), 'failed']) {
    test(`the same alert again is as the first answer, never a second order: ${status}`, async () => {
      const { alert, reply } = first.get(status)!;
      const sends = (await desk.sends(alert)).length;
      const again = await desk.post(alert);
      assert.deepEqual(again, { ...reply, body: { ...reply.body, duplicate: true } });
      assert.equal((await desk.sends(alert)).length, sends);
    });
  }

  /** Two deliveries of one alert, both of which wait for the same order. */
  async function postTwice(alert: Alert, status: string, success: boolean): Promise<Reply['body']> {
    const replies = await Promise.all([desk.post(alert), desk.post(alert)]);
    for (const reply of replies) assertAnswer(reply, 202, status, success);
    assert.deepEqual(replies.map(({ body }) => String(body.duplicate)).toSorted(), ['false', 'true']);
    assert.deepEqual([replies[0].body.order_id, (await desk.sends(alert)).length], [null, 1]);
    return replies[0].body;
  }

  test('what is still under way, the venue’s answer not yet due, is 202 with success: pending', async () => {
    const alert = { id: 'pending' };
    await desk.failPlacing(alert, 'silence');
    await postTwice(alert, 'pending', true);
  });

  test('what was sent, and failed without telling what became of it, is 202 without success: unknown', async () => {
    const alert = { id: 'unknown', account: 'lost' };
    await desk.failPlacing(alert, 'execute-then-drop');
    await desk.failAsking(alert, { kind: 'status-before', status: 503 }, { times: 100 });
    const { workflow_id, reason } = await postTwice(alert, 'unknown', false);
    assert.equal(reason?.code, 'OUTCOME_UNKNOWN');
    // Once the venue tells, so does the next delivery.
    await desk.control.clearFaults();
    await desk.untilOver(workflow_id);
    const later = await desk.post(alert);
    assertAnswer(later, 200, 'filled', true);
    assert.deepEqual([later.body.duplicate, (await desk.sends(alert)).length], [true, 1]);
  });
});

describe('refused', () => {
  const [TOKEN, DISTANT, HASTY] = ['trend', 'distant', 'hasty'].map((name) => `token-of-${name}-0123456789`);
  let holdfast: Holdfast;
  before(async () => {
    const config = `
accounts: { paper: { venue: paper }, practice: { venue: ccxt, exchange: binance, mode: dry_run } }
strategies:
  trend: { token: ${TOKEN} }
  distant: { token: ${DISTANT}, ip_allow: [203.0.113.0/24] }
  hasty: { token: ${HASTY} }
`;
    holdfast = await Holdfast.start({ config, env: { RATE_LIMIT_REQUESTS: '12', RATE_LIMIT_WINDOW: '360' } });
  });
  after(() => holdfast?.dispose());

  const say = (body: string, headers?: object): Promise<Sent> =>
    send(`${holdfast.publicUrl}/webhook/tradingview/${TOKEN}`, body, { ...JSON_TYPE, ...headers });
  const post = (alert: object, path = `/${TOKEN}`): Promise<Sent> => {
    const body = JSON.stringify({ ...MARKET, ...alert });
    return send(`${holdfast.publicUrl}/webhook/tradingview${path}`, body);
  };

  test(`${KNOWN}: dry_run`, async () => {
    const reply = await post({ id: 'practice', account: 'practice' });
    assertAnswer(reply, 200, 'dry_run', true);
    const again = await post({ id: 'practice', account: 'practice' });
    assert.deepEqual([again.http, again.body], [200, { ...reply.body, duplicate: true }]);
  });

  const rows: [name: string, http: number, code: string, ask: () => Promise<Sent>, field?: string][] = [
    ['what is not JSON', 400, 'MALFORMED', () => say('BUY 0.01 BTC/USDT')],
    ['an unknown action', 400, 'INVALID_ACTION', () => post({ action: 'invalid_action' }), 'action'],
    ['no proof of sender', 401, 'UNPROVEN', () => post({}, '')],
    ['a wrong proof of sender', 401, 'UNPROVEN', () => post({ secret: 'a guess' }, '')],
    ['an address that is not allowed', 403, 'ADDRESS_NOT_ALLOWED', () => post({}, `/${DISTANT}`)],
    ['an unknown token', 404, 'UNKNOWN_TOKEN', () => post({}, '/token-of-nobody')],
    ['a body over 64 KiB', 413, 'TOO_LARGE', () => post({ chart: 'x'.repeat(64 * 1024) })],
    ['another content type', 415, 'CONTENT_TYPE', () => say('{}', { 'content-type': 'text/html' })],
    ['a missing field', 422, 'MISSING_FIELD', () => post({ quantity: undefined }), 'quantity'],
    ['a value out of its range', 422, 'INVALID_FIELD', () => post({ quantity: '-1' }), 'quantity'],
    ['a value out of its type', 422, 'INVALID_FIELD', () => post({ quantity: '1,000' }), 'quantity'],
    ['a key that is nearly a known one', 422, 'MISSPELT_FIELD', () => post({ stop_los: 1 }), 'stop_los'],
    ['a key that is not honored yet', 422, 'UNSUPPORTED_FIELD', () => post({ trail_amount: 1 }), 'trail_amount'],
  ];
  for (const [name, http, code, ask, field] of rows) {
    test(`${name} is ${http}${field === undefined ? '' : ', by its name'}: ${code}`, async () => {
      const reply = await ask();
      assertRefused(reply, http, code, field === undefined ? '' : 'field issues');
      if (field === undefined) return;
      const { error, issues } = reply.body;
      assert.deepEqual([reply.body.field, issues], [field, [{ path: field, code, message: error }]]);
      if (code === 'INVALID_ACTION') assert.equal(error, 'Invalid action: invalid_action');
      else assert.match(String(error), new RegExp(`[\`"]${field}[\`"]`));
    });
  }

  test('the same explicit id with other content is 409, with the workflow’s id: ALERT_CONFLICT', async () => {
    const filled = await post({ id: 'taken' });
    const reply = await post({ id: 'taken', quantity: '0.02' });
    assertRefused(reply, 409, 'ALERT_CONFLICT', 'workflow_id');
    assert.deepEqual([filled.http, reply.body.workflow_id], [200, filled.body.workflow_id]);
  });

  for (const [whose, path] of [
    ['a strategy', `/${HASTY}`],
    ['an address, for what fails its proof,', '/token-of-nobody'],
  ] as const) {
    test(`over the rate of ${whose} is 429 with Retry-After: RATE_LIMITED`, async () => {
      const ask = (): Promise<Sent> => post({ id: 'hasty', confidence: 0.1 }, path);
      const reply = await eventually(ask, ({ http }) => http === 429, { what: 'the end of the rate', everyMs: 1 });
      assertRefused(reply, 429, 'RATE_LIMITED', 'retry_after');
      assert.equal(reply.body['retry_after'], Number(reply.retryAfter));
      assert.ok(Number(reply.retryAfter) <= 30, 'the time for one of twelve within six minutes');
      // Nobody else is made to wait for it.
      assert.equal((await post({ id: `beside ${whose}` })).http, 200);
    });
  }

  test('nothing that was refused has come to an order', async () => {
    const listed = async (): Promise<number> =>
      (await holdfast.operator<{ orders: unknown[] }>('/orders')).orders.length;
    // The engine's list follows within a second.
    await eventually(listed, (count) => count === 5, { what: 'the five orders that were started' });
    assert.equal(holdfast.paperBook().orders.length, 3);
  });

  test('never 3xx, however the address is written', async () => {
    const paths = `/ // /Webhook/TradingView /webhook/ /webhook//tradingview //webhook/tradingview/${TOKEN}`;
    const tails = `${TOKEN}/ /${TOKEN} ${TOKEN}?next=//example.com %2f%2fexample.com .. .`;
    const all = [...paths.split(' '), ...tails.split(' ').map((tail) => `/webhook/tradingview/${tail}`)];
    for (const path of all) await send(holdfast.publicUrl + path, '{}');
  });
});

describe('unavailable', () => {
  let engine: Engine;
  let connection: Connection;
  let holdfast: Holdfast;
  before(async () => {
    engine = await startEngine();
    connection = await Connection.connect({ address: engine.address });
    const key = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' });
    const env = { TEMPORAL_ADDRESS: engine.address, INTENT_SIGNING_KEY: String(key) };
    // Nobody works: whatever is started stays pending for as long as its answer may wait.
    holdfast = await Holdfast.start({ entry: 'ingress', env });
  });
  after(async () => {
    await holdfast?.dispose();
    await connection?.close();
    await engine?.stop();
  });

  const post = (id: string): Promise<Sent> =>
    send(`${holdfast.publicUrl}/webhook/tradingview`, JSON.stringify({ ...MARKET, id }));
  const readiness = async (): Promise<string> => (await fetch(`${holdfast.publicUrl}/ready`)).text();
  const untilIt = (says: string): Promise<string> =>
    eventually(readiness, (text) => text.includes(says), { what: says, everyMs: 10 });
  const untilStarted = (id: string): Promise<unknown> => {
    const workflow = new Client({ connection }).workflow.getHandle(`order:default:${id}`);
    return eventually(() => workflow.describe(), Boolean, { what: `the workflow of ${id}`, everyMs: 10 });
  };
  const signalEngine = (name: NodeJS.Signals): void => {
    const isOurs = new RegExp(` start-dev .*--port ${engine.address.split(':')[1]} `);
    process.kill(runningProcesses().find(({ command }) => isOurs.test(command))!.pid, name);
  };

  test('draining is 503, and what is under way is answered: UNAVAILABLE', async () => {
    const waiting = post('before-the-end');
    await untilStarted('before-the-end');
    holdfast.signal('SIGTERM');
    await untilIt('"draining":true');
    assertRefused(await post('after-the-end'), 503, 'UNAVAILABLE');
    assertAnswer(await waiting, 202, 'pending', true);
    assert.equal(await holdfast.ended(), 0);
    await holdfast.start();
    const again = await post('after-the-end');
    assertAnswer(again, 202, 'pending', true);
    assert.equal(again.body.duplicate, false);
  });

  test('once the workflow is known to exist, the loss of the engine is 202, never 5xx: pending', async (t) => {
    const waiting = post('in-time');
    await untilStarted('in-time');
    t.after(() => signalEngine('SIGCONT'));
    signalEngine('SIGSTOP');
    const reply = await waiting;
    assertAnswer(reply, 202, 'pending', true);
    assert.ok(reply.ms < 2_500, `${Math.round(reply.ms)} ms`);
  });

  test('an unreachable engine is 503, within 1 s once it is known to be down, else within 2.4 s: UNAVAILABLE', async () => {
    await untilIt('"engine":true');
    signalEngine('SIGSTOP');
    const surprised = await post('surprised');
    await untilIt('"engine":false');
    const told = await post('told');
    for (const reply of [surprised, told]) assertRefused(reply, 503, 'UNAVAILABLE', 'workflow_id');
    assert.ok(surprised.ms < 2_400, `${Math.round(surprised.ms)} ms`);
    assert.ok(told.ms < 1_000, `${Math.round(told.ms)} ms`);
    signalEngine('SIGCONT');
    await untilIt('"engine":true');
    for (const [id, { body }] of Object.entries({ surprised, told })) {
      const again = await post(id);
      assertAnswer(again, 202, 'pending', true);
      assert.equal(again.body.workflow_id, body.workflow_id);
    }
  });

  test('overloaded is 503, and what is under way is answered: UNAVAILABLE', async () => {
    const replies = await Promise.all(Array.from({ length: 340 }, (_, index) => post(`crowd-${index}`)));
    const shed = replies.filter(({ body }) => String(body.error).startsWith('Too much at once'));
    assert.ok(shed.length > 0 && replies.length - shed.length >= 300, `${shed.length} were shed`);
    for (const reply of shed) assertRefused(reply, 503, 'UNAVAILABLE');
    for (const reply of replies) if (reply.http !== 503) assertAnswer(reply, 202, 'pending', true);
  });
});

test('never 3xx and never 504', () => {
  assert.match([...statuses].join(' '), /^((200|202|4\d\d|503) ?)+$/);
});
