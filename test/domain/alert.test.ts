import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { SUPPORTED_FIELDS } from '../../domain/alert-fields.ts';
import { parseAlert, type EntryAlert, type ParsedAlert, type RefusalCode } from '../../domain/alert.ts';
import { multiply } from '../../domain/decimal.ts';
import { JsonNumber, type ExactJson } from '../../domain/json-number.ts';
import { RUNS } from '../support/property-runs.ts';

/** A value as ingress hands it over: its numbers as text. */
function exact(value: unknown): ExactJson {
  if (typeof value === 'number') return new JsonNumber(String(value));
  if (Array.isArray(value)) return value.map(exact);
  if (typeof value !== 'object' || value === null || value instanceof JsonNumber) return value as ExactJson;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, exact(member)]));
}

const MARKET = { symbol: 'BTC/USDT', action: 'buy', quantity: '0.01' };
const LIMIT = { ...MARKET, order_type: 'limit', limit_price: '67000' };
const STOP = { ...MARKET, order_type: 'stop', stop_price: '68000' };
const STOP_LIMIT = { ...MARKET, order_type: 'stop_limit', stop_price: '68000', limit_price: '68100' };

const parse = (body: unknown): ParsedAlert => parseAlert(exact(body));

function understood(body: unknown): EntryAlert {
  const parsed = parse(body);
  assert.ok(parsed.ok, JSON.stringify(parsed));
  assert.ok(!('exit' in parsed.alert));
  return parsed.alert;
}

test('the five original alerts are understood, and the two bad ones refused in their words', () => {
  const market = { symbol: 'BTCUSDT', action: 'buy', order_type: 'market', quantity: 0.01, confidence: 0.85 };
  assert.deepEqual(understood(market), {
    symbol: 'BTCUSDT',
    side: 'buy',
    orderType: 'market',
    quantity: '0.01',
    confidence: '0.85',
    inferred: [],
    ignored: [],
  });
  const bracket = understood({ ...market, action: 'sell', price: 67500, stop_loss: 68000, take_profit: 65000 });
  assert.deepEqual(
    [bracket.referencePrice, bracket.stopLoss, bracket.takeProfit],
    ['67500', { price: '68000' }, [{ share: '1', level: { price: '65000' } }]],
  );
  assert.equal(understood({ ...market, confidence: 0.3 }).confidence, '0.3');
  const bad = parse({ ...market, action: 'invalid_action' });
  assert.ok(!bad.ok && bad.refusals[0].code === 'INVALID_ACTION');
  assert.equal(bad.refusals[0].message, 'Invalid action: invalid_action');
  const missing = parse({ symbol: 'BTCUSDT', action: 'buy' });
  assert.ok(!missing.ok && missing.refusals[0].code === 'MISSING_FIELD' && missing.refusals[0].field === 'quantity');
  assert.match(missing.refusals[0].message, /missing field `quantity`/);
});

test('a field is understood as its sender meant it', () => {
  const rows: [object, Partial<EntryAlert>][] = [
    [MARKET, { side: 'buy', orderType: 'market', quantity: '0.01', confidence: '0.7' }],
    [{ ...MARKET, action: ' SELL ' }, { side: 'sell' }],
    [{ ...MARKET, quantity: 2 }, { quantity: '2' }],
    [{ ...MARKET, quantity: new JsonNumber('1.50e-3') }, { quantity: '0.0015' }],
    [
      { ...MARKET, quantity: new JsonNumber('0.1000000000000000055511151231') },
      { quantity: '0.1000000000000000055511151231' },
    ],
    [{ ...MARKET, quantity: ' 0.50 ' }, { quantity: '0.5' }],
    [{ ...MARKET, quantity: '1e3' }, { quantity: '1000' }],
    [{ ...MARKET, order_type: ' Market ' }, { orderType: 'market' }],
    [LIMIT, { orderType: 'limit', limitPrice: '67000' }],
    [
      { ...LIMIT, price: '67500' },
      { limitPrice: '67000', referencePrice: '67500' },
    ],
    [STOP, { orderType: 'stop', stopPrice: '68000' }],
    [
      { ...STOP_LIMIT, order_type: 'STOP_LIMIT' },
      { orderType: 'stop_limit', stopPrice: '68000', limitPrice: '68100' },
    ],
    [{ ...MARKET, confidence: 0 }, { confidence: '0' }],
    [{ ...MARKET, confidence: '1.0' }, { confidence: '1' }],
    [{ ...MARKET, time: '2026-11-24T09:30:00Z' }, { time: Date.UTC(2026, 10, 24, 9, 30) }],
    [{ ...MARKET, account: 'my_account-2' }, { account: 'my_account-2' }],
    [{ ...MARKET, id: 'Long €' }, { id: 'Long €' }],
    [{ ...MARKET, id: '𝟘'.repeat(512) }, { id: '𝟘'.repeat(512) }],
    [{ ...MARKET, symbol: 'BINANCE:BTCUSDT.P' }, { symbol: 'BINANCE:BTCUSDT.P' }],
    [{ ...MARKET, symbol: 'x'.repeat(64) }, { symbol: 'x'.repeat(64) }],
    [
      { ...MARKET, stop_loss: '65000.10', take_profit: 70000 },
      { stopLoss: { price: '65000.1' }, takeProfit: [{ share: '1', level: { price: '70000' } }] },
    ],
    [
      { ...MARKET, stop_loss: ' 1.50 % ', take_profit: '99.99%' },
      { stopLoss: { percent: '1.5' }, takeProfit: [{ share: '1', level: { percent: '99.99' } }] },
    ],
    [
      { ...MARKET, stop_loss: { percent: new JsonNumber('2e0') }, take_profit: { price: ' 7e4 ' } },
      { stopLoss: { percent: '2' }, takeProfit: [{ share: '1', level: { price: '70000' } }] },
    ],
    [{ ...MARKET, stop_loss: { trail_percent: new JsonNumber('2.50') } }, { stopLoss: { trailPercent: '2.5' } }],
    [{ ...MARKET, stop_loss: { trail_amount: '500' } }, { stopLoss: { trailAmount: '500' } }],
    [
      { ...MARKET, stop_loss: { price: 66000, breakeven_after: '1%' } },
      { stopLoss: { price: '66000', breakevenAfter: { percent: '1' } } },
    ],
    [
      { ...MARKET, stop_loss: { breakeven_after: { price: 70000 }, percent: 2 } },
      { stopLoss: { percent: '2', breakevenAfter: { price: '70000' } } },
    ],
    [
      { ...MARKET, take_profit: [target(2, 50), { price: '70000', quantity_percent: '50.0' }] },
      {
        takeProfit: [
          { share: '0.5', level: { percent: '2' } },
          { share: '0.5', level: { price: '70000' } },
        ],
      },
    ],
    [
      {
        ...MARKET,
        take_profit: [target(1, '33.3333333333333333333333333333'), target(2, '66.6666666666666666666666666667')],
      },
      {
        takeProfit: [
          { share: '0.333333333333333333333333333333', level: { percent: '1' } },
          { share: '0.666666666666666666666666666667', level: { percent: '2' } },
        ],
      },
    ],
    [
      { ...MARKET, take_profit: [1, 2, 3, 4, 5].map((percent) => target(percent, 20)) },
      { takeProfit: ['1', '2', '3', '4', '5'].map((percent) => ({ share: '0.2', level: { percent } })) },
    ],
  ];
  for (const [body, expected] of rows) {
    const alert = understood(body);
    const found = Object.fromEntries(Object.keys(expected).map((key) => [key, alert[key as keyof EntryAlert]]));
    assert.deepEqual(found, expected);
  }
});

test('what an alert does not say is not in what was understood', () => {
  const keys = ['symbol', 'side', 'orderType', 'quantity', 'confidence', 'inferred', 'ignored'];
  assert.deepEqual(Object.keys(understood(MARKET)).toSorted(), keys.toSorted());
});

test('the price of a limit or stop order is its own only in the original shape, and the answer says so', () => {
  const rows: [object, Partial<EntryAlert>, number][] = [
    [{ ...MARKET, order_type: 'limit', price: '67000' }, { limitPrice: '67000' }, 1],
    [{ ...MARKET, order_type: 'stop', price: '68000' }, { stopPrice: '68000' }, 1],
    [{ ...LIMIT, price: '1' }, { limitPrice: '67000', referencePrice: '1' }, 0],
    [{ ...STOP, price: '1' }, { stopPrice: '68000', referencePrice: '1' }, 0],
    [{ ...MARKET, price: '67500' }, { referencePrice: '67500' }, 0],
  ];
  for (const [body, prices, sentences] of rows) {
    const { limitPrice, stopPrice, referencePrice, inferred } = understood(body);
    const found = Object.entries({ limitPrice, stopPrice, referencePrice }).filter(([, price]) => price !== undefined);
    assert.deepEqual(Object.fromEntries(found), prices);
    assert.equal(inferred.length, sentences);
  }
});

test('the secret is handed over beside the alert, never in it', () => {
  const parsed = parse({ ...MARKET, secret: 'hunter2', bar: 'hunter3' });
  assert.ok(parsed.ok && parsed.secret === 'hunter2');
  assert.ok(!JSON.stringify([parsed.alert, parsed.others]).includes('hunter2'));
});

// From here on: what is refused. A row is a body, the code, and the field at fault; its message names the field.
type Row = [body: unknown, code: RefusalCode, field: string | null];
const NUMERIC: [string, object][] = [
  ['quantity', MARKET],
  ['price', MARKET],
  ['limit_price', LIMIT],
  ['stop_price', STOP],
  ['stop_loss', MARKET],
  ['take_profit', MARKET],
  ['confidence', MARKET],
];
/** The fields that are prices, and may be said otherwise too. */
const BRACKET = ['stop_loss', 'take_profit'];
const NO_NUMBER: unknown[] = [
  null,
  true,
  false,
  [],
  [1],
  {},
  { percent: 1 },
  '',
  ' ',
  'NaN',
  'na',
  'null',
  'Infinity',
  '1,000',
  '1.000,5',
];
NO_NUMBER.push(
  "1'000",
  '1_000',
  '1 000',
  '12%',
  '$5',
  '0x10',
  '--1',
  '1.2.3',
  'ten',
  '{{strategy.order.contracts}}',
  'a {{x}}',
);
NO_NUMBER.push(
  new JsonNumber('1e400'),
  new JsonNumber('-1'),
  '-0.01',
  new JsonNumber('1e-31'),
  '9'.repeat(31),
  '1'.repeat(70),
);

const isLevel = (value: unknown): boolean =>
  value === '12%' || (typeof value === 'object' && value !== null && 'percent' in value);

const BAD_LEVELS: unknown[] = [
  '%',
  ' %',
  '2%%',
  '2 % %',
  '%2',
  '-2%',
  '0%',
  '100%',
  '100.00%',
  '250%',
  'NaN%',
  '1,000%',
  '{{plot_0}}%',
  'two%',
  { price: 1, percent: 1 },
  { prize: 1 },
  { price: 1, limit_price: 1 },
  { percent: 2, trail: true },
  { amount: 5 },
  { ticks: 5 },
  { pips: 5 },
  { type: 'trailing' },
  { price: null },
  { price: { price: 1 } },
  { price: 0 },
  { price: -1 },
  { price: 'NaN' },
  { price: '2%' },
  { price: '{{close}}' },
  { price: '1,000' },
  { percent: 0 },
  { percent: -1 },
  { percent: 100 },
  { percent: '1e3' },
  { percent: true },
  { percent: '2%' },
];

const target = (percent: unknown, quantity_percent?: unknown): object => ({ percent, quantity_percent });
const BAD_TARGETS: unknown[][] = [
  [target(2, 99.99)],
  [target(2, 101)],
  [target(2, 50), target(4, 49.99)],
  [target(2, 50), target(4, 51)],
  [target(2, '33.333333'), target(3, '33.333333'), target(4, '33.333333')],
  [target(2, 100), target(4, '1e-25')],
  [1, 2, 3, 4, 5, 6].map((percent) => target(percent, percent === 6 ? 50 : 10)),
  [{ percent: 2 }],
  [{ percent: 2, quantity_percent: 50 }, { percent: 4 }],
  [{ quantity_percent: 100 }],
  ['2%'],
  ['2%', '4%'],
  [70000],
  [null],
  [[]],
  ...[null, true, 0, -100, 'NaN', '100%', '{{plot_0}}', '1,00', {}, []].map((share) => [target(2, share)]),
  [{ percent: 2, price: 70000, quantity_percent: 100 }],
  [{ percent: 2, quantity: 1, quantity_percent: 100 }],
  [target(100, 100)],
  [target('{{plot_0}}', 100)],
];
const NO_TEXT = [null, true, 5, [], {}, ['buy']];

const ROWS: Row[] = [
  ...[null, true, 5, 'BUY 1 BTC', '', [], [MARKET]].map((body): Row => [body, 'MALFORMED', null]),
  ...NUMERIC.flatMap(([field, body]) =>
    NO_NUMBER.filter((bad) => !BRACKET.includes(field) || !isLevel(bad)).map((bad): Row => [
      { ...body, [field]: bad },
      'INVALID_FIELD',
      field,
    ]),
  ),
  ...BRACKET.flatMap((field) => BAD_LEVELS.map((bad): Row => [{ ...MARKET, [field]: bad }, 'INVALID_FIELD', field])),
  ...BAD_TARGETS.map((bad): Row => [{ ...MARKET, take_profit: bad }, 'INVALID_FIELD', 'take_profit']),
  [{ ...MARKET, stop_loss: [{ percent: 2, quantity_percent: 100 }] }, 'INVALID_FIELD', 'stop_loss'],
  ...NUMERIC.filter(([field]) => field !== 'confidence').flatMap(([field, body]) =>
    [0, '0', '0.00', '-0', '0e9'].map((bad): Row => [{ ...body, [field]: bad }, 'INVALID_FIELD', field]),
  ),
  ...[1.000001, '2', '85', 100].map((bad): Row => [{ ...MARKET, confidence: bad }, 'INVALID_FIELD', 'confidence']),
  ...['symbol', 'action', 'order_type', 'id', 'account', 'time', 'time_in_force', 'secret'].flatMap((field) =>
    [...NO_TEXT, '{{ticker}}', 'x {{plot_0}}'].map((bad): Row => [{ ...LIMIT, [field]: bad }, 'INVALID_FIELD', field]),
  ),
  ...['', ' ', 'BTC USDT', 'BTC\n', 'BTC\u0000', 'Ƀ', 'x'.repeat(65)].map((symbol): Row => [
    { ...MARKET, symbol },
    'INVALID_FIELD',
    'symbol',
  ]),
  ...['', 'x'.repeat(201)].map((action): Row => [{ ...MARKET, action }, 'INVALID_ACTION', 'action']),
  ...[
    'hold',
    'long',
    'exit',
    'buy!',
    'b',
    'buy sell',
    '__proto__',
    'constructor',
    'toString',
    'NaN',
    'x'.repeat(200),
  ].map((action): Row => [{ ...MARKET, action }, 'INVALID_ACTION', 'action']),
  ...['', 'Limit Order', 'trailing_stop', 'stop-limit', 'stoplimit', 'constructor', '__proto__', 'buy'].map(
    (bad): Row => [{ ...MARKET, order_type: bad }, 'INVALID_FIELD', 'order_type'],
  ),
  ...['', 'x'.repeat(1025)].flatMap((bad): Row[] => [
    [{ ...MARKET, id: bad }, 'INVALID_FIELD', 'id'],
    [{ ...MARKET, secret: bad }, 'INVALID_FIELD', 'secret'],
  ]),
  ...['', 'A', 'a b', 'a.b', 'é', 'x'.repeat(33)].map((account): Row => [
    { ...MARKET, account },
    'INVALID_FIELD',
    'account',
  ]),
  ...['', 'now', '1763976600', '2026-11-24', '2026-11-24T09:30:00', '2026-02-30T00:00:00Z', 'NaN', '09:30'].map(
    (time): Row => [{ ...MARKET, time }, 'INVALID_FIELD', 'time'],
  ),
  ...['symbol', 'action', 'quantity'].map((field): Row => {
    const { [field as 'symbol']: _left, ...rest } = MARKET;
    return [rest, 'MISSING_FIELD', field];
  }),
  [{ ...MARKET, order_type: 'limit' }, 'MISSING_FIELD', 'limit_price'],
  [{ ...MARKET, order_type: 'stop' }, 'MISSING_FIELD', 'stop_price'],
  [{ ...MARKET, order_type: 'stop_limit' }, 'MISSING_FIELD', 'limit_price'],
  [{ ...MARKET, order_type: 'stop_limit', price: 1 }, 'MISSING_FIELD', 'limit_price'],
  [{ ...MARKET, order_type: 'stop_limit', limit_price: 1 }, 'MISSING_FIELD', 'stop_price'],
  [{ ...MARKET, order_type: 'stop_limit', stop_price: 1 }, 'MISSING_FIELD', 'limit_price'],
  [{ ...MARKET, order_type: 'limit', stop_price: 1, price: 1 }, 'MISSING_FIELD', 'limit_price'],
  [{ ...MARKET, limit_price: 1 }, 'INVALID_FIELD', 'limit_price'],
  [{ ...MARKET, stop_price: 1 }, 'INVALID_FIELD', 'stop_price'],
  [{ ...LIMIT, stop_price: 1 }, 'INVALID_FIELD', 'stop_price'],
  [{ ...STOP, limit_price: 1 }, 'INVALID_FIELD', 'limit_price'],
  ...['stop_los', 'symbl', 'quantiy', 'Price', 'tmie', 'limt_price', 'leverge'].map((key): Row => [
    { ...MARKET, [key]: 1 },
    'MISSPELT_FIELD',
    key,
  ]),
  ...['ticker', 'side', 'qty', 'sl', 'tp', 'tp1', 'trail_percent', 'orderType', 'exchange', 'message', 'dry_run'].map(
    (key): Row => [{ ...MARKET, [key]: 'x' }, 'UNSUPPORTED_FIELD', key],
  ),
];

test('the table of malformed alerts is as long as it is meant to be', () =>
  assert.ok(ROWS.length >= 120, `${ROWS.length}`));

const titles = new Map<string, Row[]>();
for (const row of ROWS) {
  const title = `${row[2] === null ? 'a body that is no object' : row[2]} is refused as ${row[1]}`;
  titles.set(title, [...(titles.get(title) ?? []), row]);
}
for (const [title, rows] of titles) {
  test(title, () => {
    for (const [body, code, field] of rows) {
      const shown = JSON.stringify(body).slice(0, 200);
      const parsed = parse(body);
      assert.ok(!parsed.ok, `accepted: ${shown}`);
      const refusal = parsed.refusals.find((one) => one.field === field);
      assert.equal(refusal?.code, code, `${shown} ${JSON.stringify(parsed.refusals)}`);
      assert.ok(field === null || refusal!.message.includes(field), refusal!.message);
      assert.ok(refusal!.message.length < 400 && !refusal!.message.includes('\n'), refusal!.message);
    }
  });
}

test('what is wrong with a level is told as of any other number, and where in a list it is', () => {
  const rows: [object, string][] = [
    [{ stop_loss: '{{plot_0}}' }, 'is the placeholder "{{plot_0}}", which the sender left unresolved'],
    [{ stop_loss: '{{plot_0}}%' }, 'is the placeholder "{{plot_0}}", which the sender left unresolved'],
    [{ stop_loss: '66,000' }, 'is "66,000", with grouped digits; write 66000'],
    [{ stop_loss: null }, 'is null; expected a number'],
    [{ stop_loss: 0 }, 'is 0; it must be greater than zero'],
    [{ stop_loss: '-2%' }, 'is -2; it must be greater than zero'],
    [{ stop_loss: '100%' }, 'is 100 %, where less than 100 % is meant'],
    [{ stop_loss: { price: 1, percent: 2 } }, 'names "price", "percent" where one of'],
    [{ stop_loss: {} }, 'names nothing where one of'],
    [{ stop_loss: { trail_percent: 100 } }, 'has a "trail_percent" of 100, where less than 100 is meant'],
    [{ stop_loss: { trail_percent: '2%' } }, 'has a "trail_percent" that is "2%"'],
    [{ stop_loss: { trail_amount: 0 } }, 'has a "trail_amount" that is 0; it must be greater than zero'],
    [{ stop_loss: { trail_amount: '{{plot_0}}' } }, 'has a "trail_amount" that is the placeholder "{{plot_0}}"'],
    [{ stop_loss: { trail_percent: 2, trail_amount: 5 } }, 'has "trail_amount" beside "trail_percent", which starts'],
    [{ stop_loss: { price: 5, trail_amount: 5 } }, 'has "price" beside "trail_amount", which starts'],
    [{ stop_loss: { trail_percent: 2, breakeven_after: '1%' } }, 'has "breakeven_after" beside "trail_percent"'],
    [{ stop_loss: { breakeven_after: '1%' } }, 'names nothing where one of'],
    [{ stop_loss: { percent: 2, breakeven_after: null } }, 'has a "breakeven_after" that is null'],
    [{ stop_loss: { percent: 2, breakeven_after: { ticks: 3 } } }, 'has a "breakeven_after" that names "ticks"'],
    [{ stop_loss: { percent: 2, breakeven_after: '100%' } }, 'has a "breakeven_after" that is 100 %'],
    [{ take_profit: { trail_percent: 2 } }, 'names "trail_percent" where one of'],
    [{ take_profit: { percent: 2, breakeven_after: '1%' } }, 'names "percent", "breakeven_after" where one of'],
    [{ take_profit: [] }, 'has 0 targets, where 1 to 5 are meant'],
    [{ take_profit: [target(2, 50), target(4)] }, 'has a target 2 that has no "quantity_percent"'],
    [
      { take_profit: [target(2, '1,000')] },
      'has a target 1 that has a "quantity_percent" that is "1,000", with grouped',
    ],
    [{ take_profit: [target(2, 50), target(4, 49.99)] }, 'has targets of 99.99 % together, where 100 % are meant'],
    [{ take_profit: [{ trail: 1, quantity_percent: 100 }] }, 'has a target 1 that names "trail" where one of'],
  ];
  for (const [change, expected] of rows) {
    const parsed = parse({ ...MARKET, ...change });
    assert.ok(!parsed.ok);
    const { message } = parsed.refusals[0];
    assert.ok(message.includes(expected) && message.includes('expected something like'), message);
  }
});

test('everything that is wrong is said at once, and each field at most once', () => {
  const parsed = parse({
    symbl: 'X',
    qty: 1,
    action: 'hold',
    order_type: 'limit',
    price: 'NaN',
    confidence: 2,
    bar: 1,
  });
  assert.ok(!parsed.ok);
  const found = parsed.refusals.map(({ code, field }) => `${code} ${field}`).toSorted();
  const expected = [
    'INVALID_ACTION action',
    'INVALID_FIELD confidence',
    'INVALID_FIELD price',
    'MISSING_FIELD limit_price',
  ];
  expected.push('MISSING_FIELD quantity', 'MISSING_FIELD symbol', 'MISSPELT_FIELD symbl', 'UNSUPPORTED_FIELD qty');
  assert.deepEqual(found, expected);
});

test('a refusal never repeats the secret', () => {
  const secrets = [12345678901234, 'hunter2 {{x}}', `hunter2${'x'.repeat(1024)}`];
  for (const secret of secrets) {
    const parsed = parse({ ...MARKET, secret });
    assert.ok(!parsed.ok);
    assert.doesNotMatch(JSON.stringify(parsed.refusals), /hunter2|12345678901234/);
  }
});

test('an unknown key is listed, kept and changes nothing else', () => {
  const parsed = parse({
    ...MARKET,
    bar: { deep: [1, null] },
    chart_url: 'https://x.test',
    constructor: 'x',
    toString: 1,
  });
  assert.ok(parsed.ok);
  assert.deepEqual(parsed.alert.ignored, ['bar', 'chart_url', 'constructor', 'toString']);
  assert.deepEqual(Object.keys(parsed.others), ['bar', 'chart_url', 'constructor', 'toString']);
  assert.deepEqual({ ...parsed.alert, ignored: [] }, understood(MARKET));
});

test('a key that names a prototype is listed like any other, and has no power', () => {
  const body = JSON.parse(
    '{"symbol":"BTC/USDT","action":"buy","quantity":"0.01","__proto__":{"quantity":"9","polluted":1}}',
  );
  const parsed = parse(body);
  assert.ok(parsed.ok);
  assert.equal(parsed.alert.quantity, '0.01');
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
  assert.deepEqual(parsed.alert.ignored, ['__proto__']);
  assert.equal(Object.getPrototypeOf(parsed.others), Object.prototype);
});

test('a required member that only a prototype has is missing', () => {
  const parsed = parseAlert(Object.create(exact(MARKET) as object) as ExactJson);
  assert.ok(!parsed.ok);
  assert.deepEqual(
    parsed.refusals.map(({ field }) => field),
    ['symbol', 'action', 'quantity'],
  );
});

const KEYS = [
  ...SUPPORTED_FIELDS,
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  'ticker',
  'symbl',
  'bar',
  '',
];
const anyValue = fc.oneof(
  fc.jsonValue(),
  fc.constantFrom('buy', 'limit', '1', 'NaN', '{{x}}', '__proto__', '2026-01-01T00:00:00Z'),
);
const anyBody = fc
  .array(fc.tuple(fc.oneof(fc.constantFrom(...KEYS), fc.string()), anyValue), { maxLength: 12 })
  .map((members): unknown => Object.fromEntries(members));

test('no JSON value makes the parser throw, and every refusal is whole', () => {
  fc.assert(
    fc.property(fc.oneof(fc.jsonValue(), anyBody), (body) => {
      const parsed = parse(body);
      if (parsed.ok) return;
      for (const { code, field, message } of parsed.refusals) {
        assert.match(code, /^(INVALID_ACTION|MISSING_FIELD|INVALID_FIELD|MISSPELT_FIELD|UNSUPPORTED_FIELD|MALFORMED)$/);
        assert.ok((field === null) === (code === 'MALFORMED') && message.length > 0 && message.length < 400);
      }
    }),
    RUNS,
  );
});

const positive = fc
  .tuple(fc.integer({ min: 1, max: 10 ** 9 }), fc.nat(8))
  .map(([units, places]) => `${units}e-${places}`);
const numberOrText = positive.map((text) => (text.length % 2 === 0 ? text : new JsonNumber(text)));
const hundredths = (min: number, max: number) => fc.integer({ min, max }).map((units) => `${units}e-2`);
const level = fc.oneof(
  numberOrText.map((price) => ({ price })),
  hundredths(1, 9_999).map((percent) => ({ percent })),
);
const levelOrShort = fc.oneof(
  level,
  numberOrText,
  hundredths(1, 9_999).map((percent) => `${percent}%`),
);
/** One to five targets whose shares come to a hundred, each cut off where the one before it ends. */
const targetList = fc
  .uniqueArray(fc.integer({ min: 1, max: 9_999 }), { maxLength: 4 })
  .map((cuts) => [0, ...cuts.toSorted((a, b) => a - b), 10_000])
  .chain((ends) =>
    fc
      .array(level, { minLength: ends.length - 1, maxLength: ends.length - 1 })
      .map((levels) => levels.map((one, i) => ({ ...one, quantity_percent: `${ends[i + 1]! - ends[i]!}e-2` }))),
  );
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const goodAlert = fc
  .record({
    base: fc.constantFrom(
      MARKET,
      LIMIT,
      STOP,
      STOP_LIMIT,
      { ...MARKET, order_type: 'limit', price: '5' },
      { ...MARKET, order_type: 'stop', price: '5' },
    ),
    symbol: fc.stringMatching(/^[A-Z]{2,6}\/USDT$/),
    action: fc.constantFrom('buy', 'SELL', ' Buy'),
    quantity: numberOrText,
    stop_loss: maybe(levelOrShort),
    take_profit: maybe(fc.oneof(levelOrShort, targetList)),
    confidence: maybe(fc.integer({ min: 0, max: 100 }).map((hundredths) => hundredths / 100)),
    id: maybe(fc.string({ minLength: 1, maxLength: 40 }).filter((id) => !/\{\{|\}\}/.test(id))),
    account: maybe(fc.constantFrom('paper', 'binance')),
    time: maybe(
      fc.date({ min: new Date(0), max: new Date(4e12), noInvalidDate: true }).map((date) => date.toISOString()),
    ),
  })
  .map(({ base, ...rest }) => ({
    ...base,
    ...Object.fromEntries(Object.entries(rest).filter(([, value]) => value !== undefined)),
  }));

/** An alert as one would write what was understood of it. */
function rewritten(alert: EntryAlert): Record<string, unknown> {
  const written = {
    id: alert.id,
    account: alert.account,
    symbol: alert.symbol,
    action: alert.side,
    order_type: alert.orderType,
    quantity: alert.quantity,
    limit_price: alert.limitPrice,
    stop_price: alert.stopPrice,
    price: alert.referencePrice,
    stop_loss: alert.stopLoss,
    take_profit: alert.takeProfit?.map(({ level: its, share }) => ({
      ...its,
      quantity_percent: multiply(share, '100'),
    })),
    time_in_force: alert.timeInForce,
    confidence: alert.confidence,
    time: alert.time === undefined ? undefined : new Date(alert.time).toISOString(),
  };
  return Object.fromEntries(Object.entries(written).filter(([, value]) => value !== undefined));
}

test('an alert that is written again as it was understood is understood the same', () => {
  fc.assert(
    fc.property(goodAlert, (body) => {
      const alert = understood(body);
      assert.deepEqual(understood(rewritten(alert)), { ...alert, inferred: [] });
    }),
    RUNS,
  );
});

test('no key vanishes: it is acted on, listed as ignored, or refused by name', () => {
  const key = fc.oneof(fc.string(), fc.string({ unit: 'binary' }), fc.stringMatching(/^[a-z]{1,8}(_[a-z]{1,6})?$/));
  fc.assert(
    fc.property(goodAlert, key, fc.jsonValue(), (body, extra, value) => {
      fc.pre(!Object.hasOwn(body, extra) && extra !== '__proto__');
      const parsed = parse({ ...body, [extra]: value });
      if (parsed.ok && (SUPPORTED_FIELDS as readonly string[]).includes(extra)) return;
      if (parsed.ok) {
        assert.deepEqual(parsed.alert.ignored, [extra.slice(0, 64)]);
        assert.ok(Object.hasOwn(parsed.others, extra));
      } else
        assert.ok(
          parsed.refusals.some(({ field }) => field === extra),
          JSON.stringify(parsed.refusals),
        );
    }),
    RUNS,
  );
});

test('close, flatten and reverse are understood', () => {
  const rows: [object, object][] = [
    [{ action: 'close' }, { exit: 'close' }],
    [
      { action: ' Close ', quantity: '0.5' },
      { exit: 'close', quantity: '0.5' },
    ],
    [
      { action: 'flatten', price: '67000' },
      { exit: 'flatten', referencePrice: '67000' },
    ],
    [
      { action: 'reverse', quantity: 2 },
      { exit: 'reverse', quantity: '2' },
    ],
    [
      { action: 'close', stop_loss: '66000' },
      { exit: 'close', stopLoss: { price: '66000' } },
    ],
  ];
  for (const [body, expected] of rows) {
    const parsed = parse({ symbol: 'BTC/USDT', ...body });
    assert.ok(parsed.ok, JSON.stringify(parsed));
    const { symbol: _symbol, confidence: _confidence, inferred: _inferred, ignored: _ignored, ...found } = parsed.alert;
    assert.deepEqual(found, expected);
  }
});

test('what an exit cannot carry is refused by name', () => {
  const rows: [object, RefusalCode, string][] = [
    [{ action: 'reverse' }, 'MISSING_FIELD', 'quantity'],
    [{ action: 'flatten', quantity: '1' }, 'INVALID_FIELD', 'quantity'],
    [{ action: 'close', quantity: '-1' }, 'INVALID_FIELD', 'quantity'],
    [{ action: 'close', quantity: null }, 'INVALID_FIELD', 'quantity'],
    [{ action: 'close', order_type: 'limit', limit_price: '1' }, 'INVALID_FIELD', 'order_type'],
    [{ action: 'close', limit_price: '1' }, 'INVALID_FIELD', 'limit_price'],
    [{ action: 'close', time_in_force: 'gtc' }, 'INVALID_FIELD', 'time_in_force'],
  ];
  for (const [body, code, field] of rows) {
    const parsed = parse({ symbol: 'BTC/USDT', ...body });
    assert.ok(!parsed.ok, JSON.stringify(body));
    assert.deepEqual([parsed.refusals[0].code, parsed.refusals[0].field], [code, field]);
  }
});
