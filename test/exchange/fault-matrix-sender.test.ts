import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { existsSync, mkdtempSync, rmSync, symlinkSync, unlinkSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { Agent, request } from 'undici';

import { eventually } from '../support/eventually.ts';
import { temporalCli, type Reply } from '../support/holdfast.ts';
import { LiveDesk, type Alert } from '../support/live-desk.ts';
import { TradingViewSender, type Delivery } from '../support/tradingview-sender.ts';

// The rows of the fault matrix in which a sender has its habits, our own code breaks, and a process is stopped, blocked
// or out of memory while alerts come in. See `fault-matrix.test.ts` for what each row means.

/** Contract: every answer of an ingress that runs is out by then; the rest is for a machine with much to do. */
const ANSWERED_BY_MS = 2_500 + 500;
/** A stop has come to its end by then. */
const DRAINED_BY_MS = 30_000;
const RESTING = { order_type: 'limit', limit_price: '60000' };

describe('a sender with TradingView’s habits', () => {
  /** Sends one message to somebody who answers with these statuses in turn, 0 meaning not at all. */
  async function deliver(message: string, statuses: readonly number[]): Promise<{ told: unknown[]; types: unknown[] }> {
    const types: unknown[] = [];
    const server = createServer((incoming, outgoing) => {
      const status = statuses[types.length] ?? 200;
      types.push(incoming.headers['content-type']);
      if (status > 0) outgoing.writeHead(status, { location: '/elsewhere' }).end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    try {
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
      const deliveries = await new TradingViewSender(url, { patienceMs: 300, pauseMs: 1 }).fire(message);
      return { told: deliveries.map(({ reply }) => reply?.http ?? 0), types };
    } finally {
      server.closeAllConnections();
      server.close();
    }
  }

  const again: (readonly [what: string, statuses: readonly number[]])[] = [
    ['until it is taken', [500, 503, 200]],
    ['three times at most', [503, 502, 500, 599]],
    ['not after a time-out', [0]],
    ['not when a later one times out', [503, 0]],
    ...[200, 202, 301, 400, 401, 404, 409, 422, 429, 504].map((status) => [`not after ${status}`, [status]] as const),
  ];
  for (const [what, statuses] of again) {
    test(`row 21: it sends again ${what}`, async () => {
      assert.deepEqual((await deliver('{}', [...statuses, 200, 200])).told, statuses);
    });
  }

  test('row 21: it calls JSON by its name, and everything else text', async () => {
    assert.deepEqual((await deliver('{"a":1}', [503])).types, Array(2).fill('application/json; charset=utf-8'));
    assert.deepEqual((await deliver('BUY 1', [])).types, ['text/plain; charset=utf-8']);
  });
});

describe('one process tree', () => {
  /** The engine's program, in a place from which it can be taken away: then nothing brings the engine back. */
  const programs = mkdtempSync(join(tmpdir(), 'holdfast-engine-'));
  const program = join(programs, 'temporal');
  let desk: LiveDesk;
  let cli: string;
  let url: string;
  before(async () => {
    cli = await temporalCli();
    symlinkSync(cli, program);
    const heap = '--max-old-space-size=256';
    const NODE_OPTIONS = `--import=${import.meta.resolve('../support/poison.ts')} ${heap}`;
    desk = await LiveDesk.start({ env: { TEMPORAL_CLI: program, NODE_OPTIONS, CIRCUIT_BREAKER_THRESHOLD: '50' } });
    url = `${desk.holdfast.publicUrl}/webhook/tradingview`;
    await desk.warm();
  });
  after(async () => {
    await desk?.dispose();
    rmSync(programs, { recursive: true, force: true });
  });

  async function outcomeOf(alert: Alert): Promise<[told: string, sends: number, booked: number]> {
    const { order } = await desk.untilOver(`order:trend:${alert.id}`, 60_000);
    return [order.status, (await desk.sends(alert)).length, (await desk.booked(alert)).length];
  }

  const taken = (alert: Alert): Promise<Reply> =>
    eventually(
      () => desk.holdfast.post(desk.write(alert)),
      ({ http }) => http < 300,
      { withinMs: 30_000, what: `${alert.id} being taken` },
    );

  const untilReady = (wanted: boolean): Promise<unknown> =>
    eventually(
      async () => (await fetch(`${desk.holdfast.publicUrl}/ready`)).ok,
      (ready) => ready === wanted,
      { withinMs: 40_000, what: wanted ? 'readiness' : 'the loss being known' },
    );

  test('row 21: what TradingView sends again while the engine is down is one order', async (t) => {
    t.after(() => existsSync(program) || symlinkSync(cli, program));
    const resting = JSON.parse(desk.write({ id: 'sent-again' })) as Alert;
    const { id: _id, ...rest } = resting;
    const messages = [
      resting,
      // With a time and no id, and with neither.
      { ...rest, quantity: '0.0111', time: new Date().toISOString() },
      { ...rest, quantity: '0.0112' },
    ].map((alert) => JSON.stringify(alert));
    unlinkSync(program);
    process.kill(desk.holdfast.enginePid()!, 'SIGKILL');
    await untilReady(false);
    const sender = new TradingViewSender(url);
    const firing = Promise.all(messages.map((message) => sender.fire(message)));
    await eventually(
      () => sender.deliveries,
      (count) => count > messages.length,
      { what: 'the first resend' },
    );
    symlinkSync(cli, program);
    for (const [index, deliveries] of (await firing).entries()) {
      const { http, body } = lastOf(deliveries);
      t.diagnostic(`${messages[index]!.length}: ${deliveries.map(({ reply }) => reply?.http).join(', ')}`);
      assert.ok(deliveries.length >= 2 && http < 300, JSON.stringify(body));
      for (const { reply, ms } of deliveries) assert.ok(reply !== null && ms < ANSWERED_BY_MS, `${Math.round(ms)} ms`);
      const again = await desk.holdfast.post(messages[index]);
      assert.deepEqual([again.body.duplicate, again.body.workflow_id], [true, body.workflow_id]);
      assert.equal((await desk.untilOver(body.workflow_id)).order.status, 'filled');
      assert.equal((await desk.control.orders(body.client_order_id)).length, 1);
    }
  });

  test('row 22: an alert over which ingress breaks is refused, starts no order, and harms no other', async () => {
    const poison = JSON.stringify({ ...JSON.parse(desk.write({ id: 'sound' })), id: 'poison-in-ingress' });
    const sender = new TradingViewSender(url, { pauseMs: 1 });
    const [deliveries, sound] = await Promise.all([sender.fire(poison), desk.post({ id: 'sound' })]);
    assert.deepEqual(
      deliveries.map(({ reply }) => [reply?.http, reply?.body.code]),
      Array(4).fill([500, 'INTERNAL']),
    );
    assert.equal(sound.body.status, 'filled');
    const { status } = await fetch(`${desk.holdfast.operatorUrl}/orders/order%3Atrend%3Apoison-in-ingress`);
    assert.equal(status, 404);
  });

  test('row 22: an order over which the check breaks ends with a reason, once, and harms no other', async () => {
    const poison = { id: 'poison-in-check', quantity: '0.0666' };
    const text = desk.write(poison);
    // Its end is for this test to see; the last one reconciles what has an end.
    for (const [id, { id: name }] of desk.sent) if (name === poison.id) desk.sent.delete(id);
    const [{ body }, sound] = await Promise.all([desk.holdfast.post(text), desk.post({ id: 'beside-the-poison' })]);
    assert.equal(sound.body.status, 'filled');
    const { order } = await desk.untilOver(body.workflow_id, 10_000);
    assert.ok(['denied', 'failed'].includes(order.status), order.status);
    assert.deepEqual([order.success, (await desk.booked(poison)).length], [false, 0]);
  });

  test('row 34: a process that stands still for longer than its senders wait places nothing twice', async (t) => {
    const underWay = { id: 'under-way', ...RESTING };
    await desk.failPlacing(underWay, { kind: 'delay', ms: 500 });
    const posting = desk.holdfast.post(desk.write(underWay));
    await eventually(
      () => desk.sends(underWay),
      (sends) => sends.length === 1,
      { what: 'the order on its way', everyMs: 20 },
    );
    t.after(() => desk.holdfast.signal('SIGCONT'));
    desk.holdfast.signal('SIGSTOP');
    const alerts = Array.from({ length: 30 }, (_, index) => ({ id: `blocked-${index}` }));
    const sender = new TradingViewSender(url);
    // Two times three seconds: longer than a heartbeat may be missing, so that the order under way is given up for lost.
    for (const part of [alerts.slice(0, 15), alerts.slice(15)]) {
      const fired = await Promise.all(part.map((alert) => sender.fire(desk.write(alert))));
      assert.deepEqual(
        fired.map((deliveries) => deliveries.map(({ reply }) => reply)),
        part.map(() => [null]),
      );
    }
    desk.holdfast.signal('SIGCONT');
    // Nobody has taken these; who sends them again finds the order of the first, or makes it.
    for (const alert of alerts) await taken(alert);
    for (const alert of alerts) assert.deepEqual(await outcomeOf(alert), ['filled', 1, 1], alert.id);
    const { body } = await posting;
    await desk.untilStatus(body.workflow_id, 'working');
    assert.deepEqual([(await desk.sends(underWay)).length, (await desk.booked(underWay)).length], [1, 1]);
  });

  test('row 34: a process whose heap is at its limit dies, and after its start each order is one', async () => {
    await untilReady(true);
    const alerts = Array.from({ length: 12 }, (_, index) => ({ id: `heap-${index}` }));
    for (const alert of alerts.slice(0, 6)) await desk.failPlacing(alert, 'execute-then-silence');
    const posting = alerts.map((alert) => desk.holdfast.post(desk.write(alert)).catch(() => undefined));
    await eventually(
      async () => (await Promise.all(alerts.slice(0, 6).map((alert) => desk.booked(alert)))).flat().length,
      (count) => count > 0,
      { what: 'an order on the books', everyMs: 20 },
    );
    desk.holdfast.signal('SIGUSR2');
    await desk.holdfast.ended();
    const replies = await Promise.all(posting);
    assert.match(desk.holdfast.output, /heap out of memory/);
    await desk.holdfast.start();
    for (const [index, alert] of alerts.entries()) {
      // What was answered 2xx is there without coming again.
      if ((replies[index]?.http ?? 503) >= 300) await taken(alert);
    }
    for (const alert of alerts) {
      const [told, , booked] = await outcomeOf(alert);
      assert.deepEqual([told, booked], ['filled', 1], alert.id);
    }
  });

  test('row 32: a stop under load answers all that it has taken, and ends in time', async (t) => {
    const rule = { match: { method: 'POST', path: '/api/v3/order' }, times: null, fault: { kind: 'delay', ms: 400 } };
    await desk.control.fault(rule as Parameters<LiveDesk['control']['fault']>[0]);
    const replies = new Map<string, Reply>();
    /** Posted before the stop. */
    const early: string[] = [];
    let over = false;
    let count = 0;
    let stopping = false;
    const send = async (): Promise<void> => {
      while (!over) {
        const alert = { id: `stop-${(count += 1)}`, ...(count % 4 === 0 ? RESTING : {}) };
        const text = desk.write(alert);
        if (!stopping) early.push(alert.id);
        // Once the listener is closed nobody takes an alert, and nobody answers.
        const reply = await desk.holdfast.post(text).catch(() => undefined);
        if (reply === undefined) return;
        replies.set(alert.id, reply);
        if (reply.http >= 300) return;
      }
    };
    const senders = Array.from({ length: 12 }, send);
    await eventually(
      () => replies.size,
      (size) => size >= 24,
      { what: 'answers' },
    );
    const begun = performance.now();
    stopping = true;
    const code = await desk.holdfast.stop();
    const took = performance.now() - begun;
    over = true;
    await Promise.all(senders);
    assert.equal(code, 0, desk.holdfast.output.slice(-2_000));
    assert.ok(took < DRAINED_BY_MS, `it took ${Math.round(took)} ms`);
    assert.deepEqual(
      early.filter((id) => !replies.has(id)),
      [],
    );
    const accepted = [...replies].filter(([, { http }]) => http < 300).map(([id]) => id);
    const others = [...replies.values()].filter(({ http }) => http >= 300);
    assert.deepEqual(
      others.filter(({ http, body }) => http !== 503 || body.code !== 'UNAVAILABLE'),
      [],
    );
    t.diagnostic(`${accepted.length} taken, ${others.length} told to come again; drained in ${Math.round(took)} ms`);
    // None of these was left to the next start.
    for (const id of accepted)
      assert.deepEqual([(await desk.sends({ id })).length, (await desk.booked({ id })).length], [1, 1], id);
    await desk.control.clearFaults();
    await desk.holdfast.start();
    for (const alert of desk.sent.values()) if (alert.id.startsWith('stop-')) await taken(alert);
    for (const id of accepted) {
      const { order } = await desk.tell(`order:trend:${id}`);
      assert.equal(order.status, replies.get(id)!.body.order_type === 'limit' ? 'working' : 'filled');
    }
  });

  test('in the end the venue has booked what was told, and nothing else', async () => {
    for (const { id } of desk.sent.values()) {
      await eventually(
        async () => (await desk.tell(`order:trend:${id}`)).order.status,
        (status) => status !== 'pending' && status !== 'unknown',
        { withinMs: 60_000, what: `an outcome of ${id}` },
      );
    }
    await desk.reconcile();
  });
});

test('row 35: ten thousand alerts of a strategy in a loop are as many orders as its rate allows', async (t) => {
  const [requests, windowS] = [100, 60];
  const desk = await LiveDesk.start({
    env: { RATE_LIMIT_REQUESTS: String(requests), RATE_LIMIT_WINDOW: String(windowS) },
  });
  const agent = new Agent({ connections: 16 });
  t.after(async () => {
    await agent.close();
    await desk.dispose();
  });
  const { id: _id, ...alert } = JSON.parse(desk.write({ id: 'loop-1' })) as Alert;
  const passed: string[] = [];
  const others = new Set<string>();
  let sent = 0;
  const loop = async (): Promise<void> => {
    while (sent < 10_000) {
      const id = `loop-${(sent += 1)}`;
      const reply = await request(`${desk.holdfast.publicUrl}/webhook/tradingview`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...alert, id }),
        dispatcher: agent,
      });
      const { code } = (await reply.body.json()) as { code?: string };
      if (reply.statusCode < 300) passed.push(id);
      else others.add(`${reply.statusCode} ${code}`);
    }
  };
  const begun = performance.now();
  await Promise.all(Array.from({ length: 16 }, loop));
  const seconds = (performance.now() - begun) / 1_000;
  desk.sent.clear();
  for (const id of passed) await desk.untilOver(`order:trend:${id}`).then(() => desk.write({ id }));
  const { orders } = await desk.control.ledger();
  t.diagnostic(`${sent} alerts in ${seconds.toFixed(1)} s, of which ${passed.length} passed`);
  assert.deepEqual([...others], ['429 RATE_LIMITED']);
  assert.ok(passed.length >= requests && passed.length <= requests + (seconds * requests) / windowS + 1);
  assert.equal(orders.length, passed.length);
  await desk.reconcile();
});

const lastOf = (deliveries: readonly Delivery[]): Reply => deliveries.at(-1)!.reply!;
