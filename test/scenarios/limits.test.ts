import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Holdfast, type Reply } from '../support/holdfast.ts';

// What limits keep from being booked, as a sender sees it.

const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const now = new Date();
/** A day that is neither today nor a neighbour of it, whatever happens around midnight. */
const otherDay = DAYS[(now.getUTCDay() + 3) % 7]!;

const CONFIG = `
accounts:
  paper:
    venue: paper
    prices: { "ETH/USDT": "3500" }
    limits: { max_quantity: "2", max_notional: "70000", symbols: [BTC/USDT, ETH/USDT, NEW/USDT] }
  closed: { venue: paper, limits: { trading_hours: "${otherDay} 00:00-24:00 UTC" } }
  free: { venue: paper, limits: { price_collar: off, duplicate_window: off, orders_per_minute: off } }
  practice: { venue: ccxt, exchange: binance, mode: dry_run, limits: { max_notional: "100" } }
strategies:
  wide: { token: token-of-wide-0123456789 }
  narrow: { token: token-of-narrow-0123456789, limits: { max_quantity: "0.5", price_collar: "5%", max_notional: "30000" } }
  only-free: { token: token-of-only-free-0123456789, accounts: [free] }
`;

let holdfast: Holdfast;
before(async () => (holdfast = await Holdfast.start({ config: CONFIG })));
after(() => holdfast?.dispose());

let count = 0;
const MARKET = { account: 'paper', symbol: 'BTC/USDT', action: 'buy', quantity: '0.01' };
const post = (alert: object, strategy = 'wide'): Promise<Reply> =>
  holdfast.post({ ...MARKET, id: `limits-${(count += 1)}`, ...alert }, { path: `/token-of-${strategy}-0123456789` });

const booked = (account: string): number => holdfast.paperBook(account).orders.length;

test('each limit denies with both numbers and its owner, and nothing is booked', async () => {
  const rows: [code: string, alert: object, said: string[], strategy?: 'narrow'][] = [
    ['QUANTITY_OVER_LIMIT', { symbol: 'ETH/USDT', quantity: '3' }, ['quantity 3', 'limit 2', 'the account paper']],
    [
      'QUANTITY_OVER_LIMIT',
      { symbol: 'ETH/USDT', quantity: '0.500000001' },
      ['quantity 0.500000001', 'limit 0.5', 'the strategy narrow'],
      'narrow',
    ],
    ['NOTIONAL_OVER_LIMIT', { quantity: '1.1' }, ['worth 74250 (1.1 at 67500)', 'limit 70000', 'the account paper']],
    ['NOTIONAL_OVER_LIMIT', { quantity: '1', price: '70000.01' }, ['70000.01', 'limit 70000', 'the account paper']],
    [
      'NOTIONAL_OVER_LIMIT',
      { quantity: '0.45' },
      ['worth 30375 (0.45 at 67500)', 'limit 30000', 'the strategy narrow'],
      'narrow',
    ],
    [
      'PRICE_OUTSIDE_COLLAR',
      { order_type: 'limit', limit_price: '60749' },
      ['limit price 60749', '60750 to 74250', '10%', 'the account paper'],
    ],
    [
      'PRICE_OUTSIDE_COLLAR',
      { order_type: 'stop', stop_price: '74251' },
      ['stop price 74251', '60750 to 74250', 'the account paper'],
    ],
    [
      'PRICE_OUTSIDE_COLLAR',
      { order_type: 'limit', limit_price: '64000' },
      ['limit price 64000', '64125 to 70875', '5%', 'the strategy narrow'],
      'narrow',
    ],
    ['SYMBOL_NOT_ALLOWED', { symbol: 'SOL/USDT' }, ['SOL/USDT', 'BTC/USDT, ETH/USDT, NEW/USDT', 'the account paper']],
    ['SYMBOL_NOT_ALLOWED', { symbol: 'BINANCE:BTCUSDT' }, ['BINANCE:BTCUSDT', 'the account paper']],
    ['OUTSIDE_TRADING_HOURS', { account: 'closed' }, [`${otherDay} 00:00-24:00 UTC`, 'the account closed']],
    ['NO_REFERENCE_PRICE', { symbol: 'NEW/USDT' }, ['NEW/USDT']],
    [
      'NOTIONAL_OVER_LIMIT',
      { account: 'practice', price: '67500' },
      ['worth 675', 'limit 100', 'the account practice'],
    ],
  ];
  for (const [code, alert, said, strategy] of rows) {
    const { http, body } = await post(alert, strategy);
    const row = `${code} ${JSON.stringify(body)}`;
    assert.deepEqual([http, body.success, body.status, body.order_id], [200, false, 'denied', null], row);
    assert.equal(body.reason?.code, code, row);
    assert.equal(body.error, body.reason?.message);
    for (const part of said) assert.ok(body.error!.includes(part), row);
    assert.ok(body.reason?.fix, row);
  }
  assert.deepEqual([booked('paper'), booked('closed'), booked('free')], [0, 0, 0]);
});

test('exactly at its limits an order is booked', async () => {
  const before = booked('paper');
  assert.equal((await post({ symbol: 'ETH/USDT', quantity: '2' })).body.status, 'filled');
  assert.equal((await post({ quantity: '0.01', price: '67500' })).body.status, 'filled');
  for (const alert of [
    { order_type: 'limit', limit_price: '60750' },
    { order_type: 'stop', stop_price: '74250' },
  ]) {
    assert.equal((await post(alert)).body.status, 'working', JSON.stringify(alert));
  }
  assert.equal((await post({ quantity: '0.5', price: '60000' }, 'narrow')).body.status, 'filled');
  assert.equal(booked('paper'), before + 5);
});

test('a dry run that has no price says what it did not judge', async () => {
  const { body } = await post({ account: 'practice' });
  assert.equal(body.status, 'dry_run');
  assert.ok(
    body.inferred.some((note) => note.includes('not judged')),
    body.inferred.join(),
  );
  const priced = await post({ account: 'practice', quantity: '0.001', price: '67500' });
  assert.deepEqual([priced.body.status, priced.body.inferred], ['dry_run', []]);
});

test('an account that the strategy may not use is refused before anything is started', async () => {
  const { http, body } = await post({ account: 'paper' }, 'only-free');
  assert.deepEqual([http, body.code, body.field], [422, 'INVALID_FIELD', 'account']);
});

test('without a window every equal alert is an order of its own; a window makes them one', async () => {
  const equal = async (account: string): Promise<Reply[]> => {
    const alert = { id: undefined, account, quantity: '0.001' };
    return [await post(alert), await post(alert), await post(alert)];
  };
  const free = await equal('free');
  assert.deepEqual(
    free.map(({ body }) => [body.status, body.duplicate]),
    Array(3).fill(['filled', false]),
  );
  assert.equal(new Set(free.map(({ body }) => body.workflow_id)).size, 3);
  assert.equal(booked('free'), 3);
  const before = booked('paper');
  const guarded = await equal('paper');
  assert.deepEqual(
    guarded.map(({ body }) => body.duplicate),
    [false, true, true],
  );
  assert.equal(booked('paper'), before + 1);
});

test('what is looser than the default is named at the start, and denials are counted', async () => {
  const said =
    'The account free has looser limits than the default: orders_per_minute off (60), price_collar off (10%).';
  assert.ok(holdfast.output.includes(said), holdfast.output);
  assert.equal(holdfast.output.split('looser limits').length, 5);
  const page = await (await fetch(`${holdfast.operatorUrl}/metrics`)).text();
  assert.match(page, /^holdfast_denied_total\{account="paper",code="QUANTITY_OVER_LIMIT"\} 2$/m);
  assert.match(page, /^holdfast_denied_total\{account="closed",code="OUTSIDE_TRADING_HOURS"\} 1$/m);
});

test('an alert is explained with the limit that it would meet', async () => {
  const explain = async (alert: object): Promise<string | undefined> => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const body = JSON.stringify({ ...MARKET, id: 'why', ...alert });
    const said = await holdfast.operator<{ reason: { code: string } | null }>('/explain?strategy=narrow', {
      ...init,
      body,
    });
    return said.reason?.code;
  };
  assert.equal(await explain({}), undefined);
  assert.equal(await explain({ quantity: '0.6' }), 'QUANTITY_OVER_LIMIT');
  assert.equal(await explain({ account: 'closed' }), 'OUTSIDE_TRADING_HOURS');
  assert.equal(await explain({ quantity: '0.5', order_type: 'limit', limit_price: '67500' }), 'NOTIONAL_OVER_LIMIT');
});
