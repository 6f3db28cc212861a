import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';

import { KILL_POINTS } from '../chaos/plan.ts';
import type { FaultRule } from '../simulators/binance-spot/start-simulator.ts';
import { eventually } from '../support/eventually.ts';
import { ROOT } from '../support/holdfast.ts';
import { LiveDesk, type Alert } from '../support/live-desk.ts';

// The faults that a venue, a sender and a dying process bring, one row each: for every alert that was accepted there is
// one order at the venue or none, at any moment, and in the end one order or an explicit reason. This file shows each
// row once, in small; what proves it with force, in many variants, stands in `ELSEWHERE`, and is there by that name.
// Rows 15, 16, 17, 20 and 33 are in `fault-matrix-host.test.ts`; 21, 22, 32, 34 and the loop of 35 in
// `fault-matrix-sender.test.ts`. Rows 23 to 31 are about hostile senders, and have tests of their own.

const FAULTS = 'test/exchange/faults.test.ts';
const CHAOS = 'test/chaos/chaos.test.ts';
const KILLED = 'whatever is killed at whichever step, no order is lost, doubled, mislabelled or late';
const ENGINE_LOST = 'an engine that is lost under load comes back by itself, and nothing that was answered is lost';

/** Row, file, and the title under which a row is proven there; the titles of `faults.test.ts` are names of its rows. */
const ELSEWHERE: readonly (readonly [row: number, file: string, title: string])[] = [
  [1, FAULTS, 'execute-then-silence'],
  [1, FAULTS, 'stall-body'],
  [2, FAULTS, 'execute-then-drop'],
  [2, FAULTS, 'truncate'],
  [3, FAULTS, 'an order that arrives while the venue is away is sent when it is back'],
  [3, 'test/adapters/classify-error.test.ts', '${message}: nothing left'],
  [4, FAULTS, 'status-before ${status}'],
  [4, FAULTS, 'status-after ${status}'],
  [5, FAULTS, '-1003, twice'],
  [5, FAULTS, 'opens after five outages in a row, keeps the next order back, and closes again'],
  [6, FAULTS, 'raw: a header that never ends'],
  [6, FAULTS, 'wrong-json: ${name}'],
  [7, FAULTS, 'duplicate-text'],
  [8, FAULTS, 'reads that lag behind, within the bound'],
  [8, FAULTS, 'a look-up that denies the order twice is not believed before the bound has passed'],
  [9, 'test/exchange/market-and-limit.test.ts', 'counts each part of a fill once, and averages them exactly'],
  [10, CHAOS, KILLED],
  [11, CHAOS, KILLED],
  [12, CHAOS, KILLED],
  [12, 'test/exchange/two-workers.test.ts', 'an order whose worker is killed in mid-send is known again soon'],
  [13, CHAOS, KILLED],
  [
    13,
    'test/exchange/two-workers.test.ts',
    'an order whose worker is stopped before its bytes leave, and goes on when another has settled it, is one order',
  ],
  [14, 'test/scenarios/engine-loss.test.ts', ENGINE_LOST],
  [
    18,
    'test/scenarios/front-door.test.ts',
    'a thousand identical alerts over fifty connections are one order, and get equal answers',
  ],
  [19, 'test/scenarios/duplicates.test.ts', 'the same id with other content is a conflict, and changes nothing'],
  [
    22,
    'test/scenarios/bad-input.test.ts',
    'unusual alerts that can be understood are carried out, and never break anything',
  ],
  [
    32,
    'test/scenarios/boot-faults.test.ts',
    'a stop while alerts come in loses nothing that was answered, and books nothing twice',
  ],
  [33, 'test/replay/replay.test.ts', 'are there for each way in which an order can go, and all replay the same'],
  [34, 'test/scenarios/answer-table.test.ts', 'overloaded is 503, and what is under way is answered: UNAVAILABLE'],
  [35, 'test/scenarios/halt.test.ts', 'an account that is halted sends no entry, and another goes on'],
];

/** Rows that a kill proves: the points of the chaos run that are theirs. */
const KILLS: Readonly<Record<number, readonly string[]>> = {
  10: ['ingress: before the start'],
  11: ['ingress: after the start, before the answer'],
  12: [
    'worker: before signing',
    'worker: between signing and sending',
    "worker: after sending, before the venue's answer",
    "worker: after the venue's answer, before completion",
    'worker: after completion',
  ],
  13: ['worker: frozen between signing and sending', "worker: frozen after sending, before the venue's answer"],
  14: ['engine: any instant', 'everything: any instant'],
};

for (const [row, file, title] of ELSEWHERE) {
  test(`row ${row}: is proven in ${file} by “${title}”`, () => {
    const source = readFileSync(join(ROOT, file), 'utf8');
    assert.ok(["'", '"', '`'].some((quote) => source.includes(quote + title + quote)));
  });
}

for (const [row, points] of Object.entries(KILLS)) {
  test(`row ${row}: is among the kill points of the chaos run`, () => {
    const names = KILL_POINTS.map(({ name }) => name);
    assert.deepEqual(
      points.filter((point) => !names.includes(point)),
      [],
    );
  });
}

let desk: LiveDesk;
before(async () => {
  desk = await LiveDesk.start({ accounts: ['binance', 'away', 'dying'], env: { CIRCUIT_BREAKER_TIMEOUT: '1' } });
  for (const account of ['binance', 'away', 'dying']) await desk.warm(account);
});
after(() => desk?.dispose());

const RESTING = { order_type: 'limit', limit_price: '60000' };
const HUGE = `{"symbol":"BTCUSDT","x":"${'x'.repeat(4_000_000)}`;

/** How an order ended, how often it was sent, and how often it is on the books. */
async function outcomeOf(alert: Alert): Promise<[told: string, sends: number, booked: number]> {
  const { order } = await desk.untilOver(`order:trend:${alert.id}`, 60_000);
  return [order.status, (await desk.sends(alert)).length, (await desk.booked(alert)).length];
}

/** Rows in which the venue, or the way to it, does something once to the request that places an order. */
const ONCE: readonly (readonly [name: string, fault: FaultRule['fault'], sends: number])[] = [
  ['row 1: a time-out after the send is looked up, not sent again', 'execute-then-silence', 1],
  ['row 2: an answer that is reset in the middle is looked up, not sent again', 'truncate', 1],
  ['row 2: an answer that ends too early is looked up, not sent again', 'execute-then-fin', 1],
  ['row 4: a 5xx after the booking is looked up, not sent again', { kind: 'status-after', status: 503 }, 1],
  ['row 4: a 5xx before the booking is sent again, once that is proven', { kind: 'status-before', status: 503 }, 2],
  ['row 6: a page instead of an answer is looked up, not sent again', { kind: 'html', booked: true }, 1],
  ['row 6: an empty answer is looked up, not sent again', { kind: 'empty', booked: true }, 1],
  ['row 6: an answer of another type is looked up', { kind: 'wrong-json', booked: true, json: [7, null] }, 1],
  [
    'row 6: a huge answer that never ends is looked up, not sent again',
    { kind: 'raw', booked: true, bytes: huge() },
    1,
  ],
  [
    'row 7: an id that the venue calls a duplicate is found, and is a success',
    { kind: 'duplicate-text', booked: true },
    1,
  ],
];

describe('what the venue does once', { concurrency: 5 }, () => {
  for (const [index, [name, fault, sends]] of ONCE.entries()) {
    test(name, async () => {
      const alert = { id: `once-${index}` };
      await desk.failPlacing(alert, fault);
      const { http } = await desk.post(alert);
      assert.ok(http === 200 || http === 202);
      assert.deepEqual(await outcomeOf(alert), ['filled', sends, 1]);
    });
  }
});

/** A body of megabytes of which more is promised. */
function huge(): string {
  return `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 90000000\r\n\r\n${HUGE}`;
}

test('row 3: a connection that is refused has sent nothing: the order waits, and leaves once', async () => {
  await desk.venue.kill();
  const alert = { id: 'refused', account: 'away' };
  const { body } = await desk.post(alert);
  await desk.venue.restart();
  assert.equal(body.status, 'pending');
  assert.deepEqual(await outcomeOf(alert), ['filled', 1, 1]);
  const { events } = await desk.tell(body.workflow_id);
  assert.ok(!events.some(({ kind }) => kind.startsWith('findOrder')), 'nothing was lost that had to be found');
});

test('row 5: a limit is waited out for as long as the venue says, by every order of the account', async () => {
  const [alert, next] = [{ id: 'limited' }, { id: 'after-the-limit' }];
  await desk.failPlacing(alert, { kind: '429', retryAfter: 2 });
  await Promise.all([desk.post(alert), desk.post(next)]);
  assert.deepEqual(await outcomeOf(alert), ['filled', 2, 1]);
  assert.deepEqual((await outcomeOf(next)).slice(2), [1]);
  const [first, second] = await desk.sends(alert);
  assert.ok(second!.arrivedAt - first!.arrivedAt >= 2_000, `${second!.arrivedAt - first!.arrivedAt} ms`);
});

test('row 8: an order that the venue shows only later is found, and not sent again', async (t) => {
  await desk.control.change({ readLagMs: 2_000 });
  t.after(() => desk.control.change({ readLagMs: 0 }));
  const alert = { id: 'lagging' };
  await desk.failPlacing(alert, 'execute-then-drop');
  await desk.post(alert);
  assert.deepEqual(await outcomeOf(alert), ['filled', 1, 1]);
  assert.ok((await desk.asks(alert)).length > 1);
});

describe('row 9: what comes after the venue’s first answer', { concurrency: 2 }, () => {
  const endings = [
    ['row 9: a part, and then the rest', '0.004', '0.006', 'filled', '0.01'],
    ['row 9: a part, and then the venue ends it', '0.004', null, 'canceled', '0.004'],
    ['row 9: nothing, and then the venue ends it', null, null, 'canceled', '0'],
  ] as const;
  for (const [name, part, rest, status, filled] of endings) {
    test(name, async () => {
      const alert = { id: name.replace(/\W+/g, '-'), ...RESTING };
      const { body } = await desk.post(alert);
      assert.deepEqual([body.status, body.filled_quantity], ['working', '0']);
      const clientOrderId = body.client_order_id;
      if (part !== null) {
        await desk.control.fill({ clientOrderId, quantity: part });
        const { order } = await desk.untilStatus(body.workflow_id, 'partially_filled');
        assert.equal(order.filled_quantity, part);
      }
      if (rest === null) await desk.control.expire({ clientOrderId });
      else await desk.control.fill({ clientOrderId, quantity: rest });
      const { order } = await desk.untilOver(body.workflow_id);
      assert.deepEqual([order.status, order.filled_quantity], [status, filled]);
      assert.deepEqual((await outcomeOf(alert)).slice(1), [1, 1]);
    });
  }
});

test('row 12: everything is killed between the send and the answer, and it is one order', async () => {
  const alert = { id: 'dying', account: 'dying' };
  await desk.failPlacing(alert, { kind: 'late-unchecked' });
  const posting = desk.post(alert).catch(() => undefined);
  await desk.untilHeld(alert);
  await desk.holdfast.killAll();
  await posting;
  await desk.release(alert);
  await desk.holdfast.start();
  const again = await desk.post(alert);
  assert.deepEqual([again.http < 300, again.body.duplicate], [true, true]);
  assert.deepEqual(await outcomeOf(alert), ['filled', 1, 1]);
});

test('row 14: the engine is killed; nothing that was answered is lost, and what was refused may come again', async () => {
  const resting = { id: 'before-the-loss', ...RESTING };
  await desk.post(resting);
  process.kill(desk.holdfast.enginePid()!, 'SIGKILL');
  const alerts = Array.from({ length: 8 }, (_, index) => ({ id: `loss-${index}` }));
  const replies = await Promise.all(alerts.map((alert) => desk.post(alert)));
  assert.deepEqual(
    replies.filter(({ http, body }) => http >= 300 && body.code !== 'UNAVAILABLE'),
    [],
  );
  for (const [index, alert] of alerts.entries()) {
    // What was refused comes again; what was answered 2xx is there without that.
    if (replies[index]!.http === 503) {
      await eventually(
        () => desk.post(alert),
        ({ http }) => http < 300,
        { what: `${alert.id} being taken` },
      );
    }
    const [told, , booked] = await outcomeOf(alert);
    assert.deepEqual([told, booked], ['filled', 1]);
  }
  await desk.control.fill({
    clientOrderId: (await desk.tell(`order:trend:${resting.id}`)).order.client_order_id,
    quantity: '0.01',
  });
  assert.deepEqual(await outcomeOf(resting), ['filled', 1, 1]);
});

test('row 18: identical alerts, together and one after another, are one order and one answer', async () => {
  const alert = { id: 'identical' };
  const replies = await Promise.all(Array.from({ length: 100 }, () => desk.post(alert)));
  for (let n = 0; n < 20; n += 1) replies.push(await desk.post(alert));
  const answers = new Set(replies.map(({ http, body }) => JSON.stringify({ http, ...body, duplicate: null })));
  assert.deepEqual([answers.size, replies.filter(({ body }) => !body.duplicate).length], [1, 1]);
  assert.deepEqual(await outcomeOf(alert), ['filled', 1, 1]);
});

test('row 19: an id that comes again with another body is a conflict, is counted, and sends nothing', async () => {
  const conflicts = async (): Promise<number> => {
    const page = await (await fetch(`${desk.holdfast.operatorUrl}/metrics`)).text();
    return Number(/^holdfast_alerts_total\{strategy="trend",result="ALERT_CONFLICT"\} (\d+)/m.exec(page)?.[1] ?? 0);
  };
  const alert = { id: 'conflict' };
  await desk.post(alert);
  const before = await conflicts();
  for (const other of [{ quantity: '0.02' }, { action: 'sell' }, { symbol: 'ETH/USDT' }]) {
    const { http, body } = await desk.holdfast.post(JSON.stringify({ ...JSON.parse(desk.write(alert)), ...other }));
    assert.deepEqual([http, body.code], [409, 'ALERT_CONFLICT']);
  }
  assert.equal(await conflicts(), before + 3);
  assert.deepEqual(await outcomeOf(alert), ['filled', 1, 1]);
});

test('row 35: a strategy in a loop is stopped by a halt: after its answer nothing leaves', async () => {
  let sent = 0;
  let halted = false;
  const denied: unknown[] = [];
  const loop = async (): Promise<void> => {
    for (let after = 0; after < 10;) {
      // What was posted before the answer may have passed; what is posted after it may not.
      const wasHalted = halted;
      const { body } = await desk.post({ id: `loop-${(sent += 1)}` });
      if (!wasHalted) continue;
      after += 1;
      denied.push([body.status, body.reason?.code]);
    }
  };
  const loops = Array.from({ length: 6 }, loop);
  await eventually(
    () => sent,
    (count) => count > 30,
    { what: 'the loop', everyMs: 5 },
  );
  const begun = performance.now();
  const { status } = await fetch(`${desk.holdfast.operatorUrl}/halt`, { method: 'POST' });
  const took = performance.now() - begun;
  const { requests } = await desk.control.ledger();
  halted = true;
  await Promise.all(loops);
  const { requests: later } = await desk.control.ledger(requests.at(-1)!.id);
  assert.deepEqual([status, later.filter(({ method }) => method === 'POST')], [200, []]);
  assert.ok(took < 2_500, `the halt took ${Math.round(took)} ms`);
  assert.equal(denied.length, 60);
  assert.deepEqual(new Set(denied.map(String)), new Set(['denied,HALTED']));
  await fetch(`${desk.holdfast.operatorUrl}/resume`, { method: 'POST' });
});

test('in the end the venue has booked what was told, and nothing else', () => desk.reconcile());
