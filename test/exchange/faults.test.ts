import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import fc from 'fast-check';

import type { FaultRule } from '../simulators/binance-spot/start-simulator.ts';
import { eventually } from '../support/eventually.ts';
import { BOUND, LiveDesk, type Alert } from '../support/live-desk.ts';

type Fault = FaultRule['fault'];

interface Row {
  readonly fault: Fault;
  /** How often it strikes the order; null: every time. */
  readonly times?: number;
  /** How the order ends. */
  readonly told?: string;
  /** How many orders the venue has booked in the end. */
  readonly booked?: 0 | 1;
  /** How often it was sent in the end: more than once only after a proof that the one before was lost. */
  readonly sends?: number;
  /** What the venue does with a request that it holds, and when. */
  readonly letGo?: (alert: Alert) => Promise<unknown>;
  readonly members?: Readonly<Record<string, unknown>>;
}

const booked = (fault: object): Row => ({ fault: { ...fault, booked: true } as Fault, sends: 1 });
const unbooked = (fault: object): Row => ({ fault: { ...fault, booked: false } as Fault, sends: 2 });
const both = (name: string, fault: object): [string, Row][] => [
  [`${name}, booked`, booked(fault)],
  [`${name}, not booked`, unbooked(fault)],
];
const rejected = (code: number, msg: string, status = 400): Row => ({
  fault: { kind: 'reject', code, msg, status },
  told: 'rejected',
  booked: 0,
  sends: 1,
});

const LIMITED = { code: -1003, msg: 'Too much request weight used; current limit is 6000.' };
const POOR = { code: -2010, msg: 'Account has insufficient balance for requested action.' };

/** What a connection can bring, and break with. */
const wire: [string, Row][] = [
  ['drop-before', { fault: 'drop-before', sends: 2 }],
  ['drop-before, three times', { fault: 'drop-before', times: 3, sends: 4 }],
  ['silence', { fault: 'silence', sends: 2 }],
  ['execute-then-drop', { fault: 'execute-then-drop', sends: 1 }],
  ['execute-then-fin', { fault: 'execute-then-fin', sends: 1 }],
  ['execute-then-silence', { fault: 'execute-then-silence', sends: 1 }],
  ['truncate', { fault: 'truncate', sends: 1 }],
  ['stall-body', { fault: 'stall-body', sends: 1 }],
  ...both('raw: no HTTP', { kind: 'raw', bytes: 'SSH-2.0-OpenSSH_9.6\r\n' }),
  ...both('raw: nothing', { kind: 'raw', bytes: '' }),
  ...both('raw: noise', { kind: 'raw', bytes: 'AAECA//+/fz7gIGCgw==', encoding: 'base64' }),
  ...both('raw: less than it promises', {
    kind: 'raw',
    bytes: 'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{"symbol":"BTCUSDT",',
  }),
  ...both('raw: a header that never ends', { kind: 'raw', bytes: `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_000)}` }),
];

/** Statuses and pages: of a proxy, a firewall, a venue under maintenance. */
const pages: [string, Row][] = [
  ...[500, 502, 503, 504, 408, 302, 201].flatMap((status): [string, Row][] => [
    [`status-before ${status}`, { fault: { kind: 'status-before', status }, sends: 2 }],
    [`status-after ${status}`, { fault: { kind: 'status-after', status }, sends: 1 }],
  ]),
  ['status-before 403', { ...rejected(0, ''), fault: { kind: 'status-before', status: 403 } }],
  ['status-before 404', { ...rejected(0, ''), fault: { kind: 'status-before', status: 404 } }],
  [
    'the words of a limit, under 503, booked',
    { fault: { kind: 'status-after', status: 503, body: JSON.stringify(LIMITED) }, sends: 1 },
  ],
  [
    'the words of a refusal, under 502, booked',
    { fault: { kind: 'status-after', status: 502, body: JSON.stringify(POOR) }, sends: 1 },
  ],
  ...both('empty', { kind: 'empty' }),
  ...both('html', { kind: 'html' }),
];

/** What the venue itself says. */
const words: [string, Row][] = [
  ['engine-timeout-booked', { fault: 'engine-timeout-booked', sends: 1 }],
  ['engine-timeout-booked, late', { fault: { kind: 'engine-timeout-booked', ms: BOUND.engineMs }, sends: 1 }],
  ['engine-timeout-unbooked', { fault: 'engine-timeout-unbooked', sends: 2 }],
  ['engine-timeout-unbooked, late', { fault: { kind: 'engine-timeout-unbooked', ms: BOUND.engineMs }, sends: 2 }],
  ...(['-1000', '-1001', '-1006', '-1008'] as const).flatMap((kind) => both(kind, { kind })),
  ...both('duplicate-text', { kind: 'duplicate-text' }),
  ['429', { fault: '429', sends: 2 }],
  // A venue that turns away what it has booked contradicts its documents: it is looked for all the same.
  ['429, booked', { fault: { kind: 'status-after', status: 429 }, sends: 1 }],
  ['418', { fault: { kind: '418', retryAfter: 1 }, sends: 2 }],
  ['-1003, twice', { fault: '-1003', times: 2, sends: 3 }],
  ['-1015', { fault: '-1015', sends: 2 }],
  [
    'outside the window',
    {
      ...rejected(-1021, 'Timestamp for this request is outside of the recvWindow.'),
      told: 'filled',
      booked: 1,
      sends: 2,
    },
  ],
  ['no money', rejected(POOR.code, POOR.msg)],
  ['a filter', rejected(-1013, 'Filter failure: LOT_SIZE')],
  ['no such symbol', rejected(-1121, 'Invalid symbol.')],
  ['a wrong key', rejected(-2015, 'Invalid API-key, IP, or permissions for action.', 401)],
  ['a code that nobody knows', rejected(-9999, 'Something new.')],
  ['the answer to another question', { ...rejected(0, ''), fault: 'lie-absent' }],
];

/** JSON that is no answer to this request, under 200. */
const shapes: [string, unknown][] = [
  ['an empty object', {}],
  ['a list', [{ orderId: 1 }]],
  ['null', null],
  ['a text', 'ok'],
  ['a number', 1e308],
  ['too many requests', LIMITED],
  ['too many orders', { ...LIMITED, code: -1015 }],
  ['no money', POOR],
  ['a code without words', { code: -2010 }],
  [
    'another order',
    {
      symbol: 'BTCUSDT',
      orderId: 7,
      clientOrderId: 'SOMEBODYELSE',
      status: 'FILLED',
      origQty: '0.01',
      executedQty: '0.01',
      cummulativeQuoteQty: '675',
    },
  ],
  ['an order without an id', { symbol: 'BTCUSDT', status: 'FILLED', origQty: '0.01', executedQty: '0.01' }],
  [
    'a state that nobody knows',
    { symbol: 'BTCUSDT', orderId: 7, status: 'HALF_DONE', origQty: '0.01', executedQty: '0' },
  ],
  [
    'more filled than was asked for',
    { symbol: 'BTCUSDT', orderId: 7, status: 'FILLED', origQty: '0.01', executedQty: '5' },
  ],
  ['numbers that are none', { symbol: 'BTCUSDT', orderId: {}, status: [], origQty: 'NaN', executedQty: 'Infinity' }],
];

const FUZZED = 8;
/** The same bodies in every run; none describes an order, for one that does would be a lie that nobody could see through. */
const fuzzed = fc
  .sample(fc.jsonValue({ maxDepth: 3 }), { numRuns: FUZZED, seed: 4 })
  .map((json, index): [string, unknown] => [`fuzzed ${index + 1}`, json]);
const bodies = [...shapes, ...fuzzed].flatMap(([name, json]) =>
  both(`wrong-json: ${name}`, { kind: 'wrong-json', json }),
);

/** How long a request is on its way, around what the venue allows; and requests that come when nobody expects them. */
const times: [string, Row][] = [
  ['a delay', { fault: { kind: 'delay', ms: 300 }, sends: 1 }],
  ['a delay just within the window', { fault: { kind: 'delay', ms: BOUND.windowMs - 400 }, sends: 1 }],
  ['a delay beyond the window', { fault: { kind: 'delay', ms: BOUND.windowMs + 200 }, sends: 2 }],
  ['a delay beyond the answer', { fault: { kind: 'delay', ms: 3_000 }, sends: 2 }],
  ...(['keep', 'reset'] as const).flatMap((connection): [string, Row][] => [
    [
      `late (${connection}), and as late in the engine as it may be`,
      { fault: { kind: 'late', ms: BOUND.windowMs - 400, engineMs: BOUND.engineMs, connection }, sends: 1 },
    ],
    [`late (${connection}), let go at once`, { fault: { kind: 'late', connection }, sends: 1, letGo: release }],
    [
      `late (${connection}), let go when its time has passed`,
      { fault: { kind: 'late', ms: BOUND.windowMs + 200, connection }, sends: 2 },
    ],
    [
      `late (${connection}), let go after it was proven absent and sent again`,
      { fault: { kind: 'late', connection }, sends: 2, letGo: releaseAfterTheSecond },
    ],
    [`late-unchecked (${connection})`, { fault: { kind: 'late-unchecked', ms: 200, connection }, sends: 1 }],
    [
      `late-unchecked (${connection}), as late as the engine may be`,
      { fault: { kind: 'late-unchecked', connection }, sends: 1 },
    ],
    [
      `late-unchecked (${connection}), let go while it is looked for`,
      { fault: { kind: 'late-unchecked', connection }, sends: 1, letGo: releaseWhileLookedFor },
    ],
  ]),
];

/** Orders that end in another way than filled at once. */
const others: [string, Row][] = [
  ['a market order that finds a part', { fault: { kind: 'partial', quantity: '0.004' }, told: 'canceled', sends: 1 }],
  ...(['execute-then-drop', 'drop-before', 'stall-body', '-1006'] as const).map((fault): [string, Row] => [
    `a limit order under ${fault}`,
    {
      fault: fault === '-1006' ? { kind: fault, booked: true } : fault,
      members: { order_type: 'limit', limit_price: '60000' },
      told: 'working',
      sends: fault === 'drop-before' ? 2 : 1,
    },
  ]),
  [
    'a fill or kill that finds nothing, under execute-then-drop',
    {
      fault: 'execute-then-drop',
      members: { order_type: 'limit', limit_price: '60000', time_in_force: 'fok' },
      told: 'canceled',
      sends: 1,
    },
  ],
];

const rows = [...wire, ...pages, ...words, ...bodies, ...times, ...others];

/** Rows that run at a time: with more of them, answers would take longer than they may on a small machine. */
const TOGETHER = 8;
/** Each with a breaker of its own, under which one row runs at a time: one row's outage is no other row's. */
const lanes = Array.from({ length: TOGETHER }, (_, lane) => `lane-${lane + 1}`);
/** From the loss of a request to the second answer, in the slowest row. */
const ROW_MS = 40_000;

/** Seconds after which the breaker lets one call through. */
const OPEN_S = 2;

let desk: LiveDesk;
before(async () => {
  assert.equal(new Set(rows.map(([name]) => name)).size, rows.length);
  const own = ['unnamed', 'no-clock', 'ahead', 'behind', 'lagging', 'hiding', 'gone', 'refusing', 'outage'];
  const accounts = [...lanes, ...own];
  desk = await LiveDesk.start({ accounts, env: { CIRCUIT_BREAKER_TIMEOUT: String(OPEN_S) } });
  for (const lane of lanes) await desk.warm(lane);
});
after(() => desk?.dispose());

const asksOf = async (alert: Alert): Promise<number> => (await desk.asks(alert)).length;
const sendsOf = async (alert: Alert): Promise<number> => (await desk.sends(alert)).length;

async function release(alert: Alert): Promise<void> {
  const released = await eventually(
    () => desk.release(alert),
    (count) => count > 0,
    { what: 'the held request' },
  );
  assert.equal(released, 1);
}

async function releaseWhileLookedFor(alert: Alert): Promise<void> {
  await desk.untilHeld(alert);
  await Promise.race([
    eventually(
      () => asksOf(alert),
      (asks) => asks > 0,
      { what: 'a question' },
    ),
    // With the connection kept, nobody asks before it is let go.
    eventually(
      () => desk.isHeld(alert),
      (held) => !held,
      { what: 'the end of the engine’s time' },
    ),
  ]);
  await desk.release(alert);
}

async function releaseAfterTheSecond(alert: Alert): Promise<void> {
  await eventually(
    () => sendsOf(alert),
    (sends) => sends === 2,
    { what: 'the second request', withinMs: ROW_MS },
  );
  await release(alert);
}

describe('one order at most, and the right end, under', { concurrency: TOGETHER }, () => {
  for (const [index, account] of lanes.entries()) {
    describe(account, { concurrency: 1 }, () => {
      for (const [name, row] of rows.filter((_, place) => place % TOGETHER === index)) {
        test(name, () => suffer({ id: name.replace(/\W+/g, '-'), account, ...row.members }, row));
      }
    });
  }
});

/** Places one order under a fault, and compares how it ends with what the venue has booked. */
async function suffer(alert: Alert, row: Row): Promise<void> {
  await desk.failPlacing(alert, row.fault, row.times === undefined ? {} : { times: row.times });
  const [{ body }] = await Promise.all([desk.post(alert), row.letGo?.(alert)]);
  const told = row.told ?? 'filled';
  const { order } = await desk.untilStatus(body.workflow_id, told, ROW_MS);
  const inBooks = await desk.booked(alert);
  assert.deepEqual(
    { booked: inBooks.length, sends: await sendsOf(alert) },
    { booked: row.booked ?? 1, sends: row.sends },
  );
  if (told === 'rejected') assert.match(String(order.reason?.code), /^VENUE_/);
}

describe('a resting order is followed to its fill when this host’s clock is not the venue’s', () => {
  for (const [account, clockOffsetMs] of [
    ['ahead', -2_000],
    ['behind', 12_000],
  ] as const) {
    test(`the host is ${account} by ${Math.abs(clockOffsetMs)} ms`, async (t) => {
      await desk.control.change({ clockOffsetMs });
      t.after(() => desk.control.change({ clockOffsetMs: 0 }));
      const alert = { id: `clock-${account}`, account, order_type: 'limit', limit_price: '60000' };
      const { body } = await desk.post(alert);
      assert.equal(body.status, 'working');
      await desk.control.fill({ clientOrderId: body.client_order_id, quantity: '0.01' });
      const { order } = await desk.untilOver(body.workflow_id, 12_000);
      assert.equal(order.status, 'filled');
    });
  }
});

test('an order waits for a clock that cannot be read, is sent once it can, and is never sent without', async () => {
  const { id } = await desk.control.fault({ match: { path: '/api/v3/time' }, times: null, fault: 'drop-before' });
  const alert = { id: 'no-clock', account: 'no-clock' };
  const { body } = await desk.post(alert);
  assert.deepEqual([body.status, await sendsOf(alert)], ['pending', 0], String(id));
  await desk.control.clearFaults();
  assert.equal((await desk.untilOver(body.workflow_id)).order.status, 'filled');
  assert.equal(await sendsOf(alert), 1);
});

// Binance repeats the client id in every order: an answer without it describes no order of ours.
test('an answer that does not name the order is not believed', async () => {
  const json = { symbol: 'BTCUSDT', orderId: 7, status: 'CANCELED', origQty: '0.01', executedQty: '0' };
  const alert = { id: 'unnamed', account: 'unnamed' };
  await desk.failPlacing(alert, { kind: 'wrong-json', booked: true, json });
  const { body } = await desk.post(alert);
  assert.equal((await desk.untilOver(body.workflow_id)).order.status, 'filled');
});

describe('a venue that does not show what it has', () => {
  test('reads that lag behind, within the bound', async (t) => {
    await desk.control.change({ readLagMs: BOUND.windowMs + BOUND.engineMs });
    t.after(() => desk.control.change({ readLagMs: 0 }));
    const alert = { id: 'lagging', account: 'lagging' };
    await desk.failPlacing(alert, 'execute-then-drop');
    const { body } = await desk.post(alert);
    assert.equal((await desk.untilOver(body.workflow_id)).order.status, 'filled');
    assert.equal(await sendsOf(alert), 1);
  });

  test('a look-up that denies the order twice is not believed before the bound has passed', async () => {
    const alert = { id: 'hiding', account: 'hiding' };
    await desk.failPlacing(alert, 'execute-then-drop');
    await desk.failAsking(alert, 'lie-absent', { times: 2 });
    const { body } = await desk.post(alert);
    assert.equal((await desk.untilOver(body.workflow_id)).order.status, 'filled');
    assert.deepEqual([await sendsOf(alert), (await asksOf(alert)) > 2], [1, true]);
  });

  test('a look-up that denies the order for ever is not believed while a list shows it', async () => {
    const alert = { id: 'hiding-on', account: 'hiding' };
    await desk.failPlacing(alert, 'execute-then-drop');
    await desk.failAsking(alert, 'lie-absent', { times: 100 });
    const { body } = await desk.post(alert);
    assert.equal((await desk.untilOver(body.workflow_id)).order.status, 'filled');
    assert.equal(await sendsOf(alert), 1);
  });
});

test('an order that arrives while the venue is away is sent when it is back', async () => {
  await desk.warm('gone');
  await desk.venue.kill();
  const alerts = [1, 2, 3].map((index) => ({ id: `gone-${index}`, account: 'gone' }));
  const replies = await Promise.all(alerts.map((alert) => desk.post(alert)));
  await desk.venue.restart();
  for (const [index, { body }] of replies.entries()) {
    assert.ok(['pending', 'unknown'].includes(body.status), body.status);
    const { order } = await desk.untilOver(body.workflow_id);
    assert.deepEqual([order.status, await sendsOf(alerts[index]!)], ['filled', 1]);
  }
});

describe('the circuit breaker', () => {
  const THRESHOLD = 5;

  test('stays closed, however often the venue refuses', async () => {
    const account = 'refusing';
    for (let index = 0; index < THRESHOLD + 2; index += 1) {
      const alert = { id: `refused-${index}`, account };
      await desk.failPlacing(alert, { kind: 'reject', ...POOR });
      assert.equal((await desk.post(alert)).body.status, 'rejected');
    }
    assert.equal(await desk.circuitState(account), 0);
  });

  test('opens after five outages in a row, keeps the next order back, and closes again', async () => {
    const account = 'outage';
    const alert = { id: 'outage', account };
    await desk.warm(account);
    // A question that is answered would begin the row anew.
    await desk.failPlacing(alert, { kind: 'status-after', status: 503 });
    await desk.failAsking(alert, { kind: 'status-before', status: 503 }, { times: THRESHOLD - 1 });
    const { body } = await desk.post(alert);
    await eventually(
      () => desk.circuitState(account),
      (state) => state === 2,
      { what: 'the open breaker', everyMs: 20 },
    );
    const next = { id: 'after-the-outage', account };
    const { body: kept } = await desk.post(next);
    assert.equal((await desk.untilOver(body.workflow_id)).order.status, 'filled');
    assert.equal((await desk.untilOver(kept.workflow_id)).order.status, 'filled');
    assert.equal(await desk.circuitState(account), 0);
    assert.deepEqual([await sendsOf(alert), await sendsOf(next)], [1, 1]);
    const { events } = await desk.tell(kept.workflow_id);
    assert.ok(!events.some(({ kind }) => kind.startsWith('findOrder')), 'nothing was lost that had to be found');
  });
});

test('in the end it still runs, and the venue has booked what was told and nothing else', async () => {
  assert.equal((await fetch(`${desk.holdfast.publicUrl}/ready`)).status, 200);
  await desk.reconcile();
});
