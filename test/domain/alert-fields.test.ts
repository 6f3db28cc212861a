import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { judgeField, SUPPORTED_FIELDS, type SupportedField } from '../../domain/alert-fields.ts';
import { RUNS } from '../support/property-runs.ts';

const supports = (key: string): key is SupportedField => (SUPPORTED_FIELDS as readonly string[]).includes(key);

test('a supported key is supported in its own spelling', () => {
  for (const field of SUPPORTED_FIELDS) assert.deepEqual(judgeField(field), { kind: 'supported', field });
  for (const field of [
    'symbol',
    'action',
    'quantity',
    'order_type',
    'price',
    'stop_loss',
    'take_profit',
    'confidence',
  ]) {
    assert.ok(supports(field), `${field} is one of the original's fields`);
  }
});

/** The whole grammar: each key, and its other spellings. What stands behind a dash has no key that says the same. */
const GRAMMAR: [string, string][] = [
  ['id', 'signalId signal_id alertId alert_id idempotencyKey alertTimestamp clientId'],
  ['symbol', 'ticker pair instrument market sym tv_instrument tickerid s'],
  ['exchange', 'tv_exchange venue e destination'],
  ['account', 'accounts accountId apiKey stub profilesCodes a'],
  ['action', 'side signal direction order command b isBuy isSell isClose'],
  ['position', 'sentiment market_position marketPosition strategy_info'],
  ['prev_position', 'prev_market_position prevMarketPosition'],
  ['position_size', 'strategy.position_size pos target_quantity'],
  ['quantity', 'qty size contracts amount units volume shares lots q order.amount'],
  ['quantity_type', 'quantityType unitsType investmentType currency_type amountPerTradeType risk'],
  ['order_type', 'orderType type pricetype t'],
  ['price', 'signalPrice trigger_price close referencePrice marketPrice'],
  ['limit_price', 'limitPrice'],
  ['stop_price', 'stopPrice trigger stop'],
  ['trail_amount', 'trailAmount'],
  ['trail_percent', 'trailPercent'],
  ['activation_price', 'activationPrice'],
  ['stop_loss', 'sl stopLoss stopLossPercent slp stop_loss_price'],
  ['take_profit', 'tp takeProfit targets targets[]'],
  ['time_in_force', 'timeInForce tif timeToLive'],
  ['expire_at', 'expireAt'],
  ['reduce_only', 'reduceOnly REDUCE_ONLY'],
  ['post_only', 'postOnly'],
  ['leverage', 'lev l'],
  ['margin_mode', 'marginType'],
  ['position_side', 'hedgeMode'],
  ['cancel_first', 'cancel'],
  ['flatten_first', 'flattenFirst'],
  ['require_position', 'require_market_position'],
  ['time', 'timestamp timenow ts'],
  ['max_lag', 'maxLag ttl_ms expiresAt'],
  ['confidence', 'score'],
  ['strategy', 'bot_uuid'],
  ['order_id', 'strategy.order.id'],
  ['comment', 'message note'],
  ['interval', 'timeframe'],
  ['dry_run', 'test is_test_net d paper'],
  ['secret', 'passphrase key token auth_key webhook_secret signalToken'],
  ['extras', 'metadata meta custom'],
  ['-', 'trailtrig traildist trailstep delay not_before execution approval tag TAG orders'],
  ['-', 'tp1 tp2 tp12 TAKE_PROFIT_PRICE_1 TAKE_PROFIT_PRICE_12 VOLUME_RATIO_1 VOLUME_RATIO_10'],
];

for (const [field, spellings] of GRAMMAR) {
  test(`another spelling of ${field === '-' ? 'what has no key here' : field} is refused by name`, () => {
    const instead = supports(field) ? field : null;
    const keys = field === '-' || supports(field) ? spellings : `${field} ${spellings}`;
    for (const key of keys.split(' ')) assert.deepEqual(judgeField(key), { kind: 'unsupported', instead }, key);
  });
}

test('a nested key of the grammar is refused when it is written flat', () => {
  const keys = ['strategy.order.id', 'strategy.position_size', 'order.amount', 'strategy_info.market_position'];
  for (const key of keys) assert.equal(judgeField(key).kind, 'unsupported', key);
});

test('an alias is known in any letters and with any separators', () => {
  for (const key of [
    'ORDERTYPE',
    'Order_Type',
    'order-type',
    'order type',
    'StopLoss',
    'STOP_LOSS',
    'takeprofit',
    'TickerID',
    'API_KEY',
  ]) {
    assert.equal(judgeField(key).kind, 'unsupported', key);
  }
});

test('a key that is nearly a known one is misspelt', () => {
  const rows: [string, string][] = [
    ['symbol', 'symbl smybol symboll syymbol sybmol Symbol SYMBOL symbol_'],
    ['action', 'acton actoin acttion Action aktion'],
    ['quantity', 'quantiy qauntity quantitiy quanity quantity_ Quantity QUANTITY'],
    ['order_type', 'ordertyp order_tpye order_typ oder_type ordre_type'],
    ['price', 'prcie pirce Price prise'],
    ['limit_price', 'limt_price limit_prise limit_pric limitprce'],
    ['stop_price', 'stop_pirce stopprce stp_price'],
    ['stop_loss', 'stop_los stop_lose stpo_loss stop-los stoplos'],
    ['take_profit', 'take_proft tak_profit takeproft take_profits'],
    ['confidence', 'confidance confidense confidnce Confidence'],
    ['account', 'acount accuont Account'],
    ['secret', 'secrt sercet Secret'],
    ['time', 'tmie Time'],
    ['reduce_only', 'reduce_onyl redue_only'],
    ['leverage', 'levarage leverge'],
    ['position', 'postion positon'],
    ['time_in_force', 'time_in_forc'],
    ['exchange', 'exchnage echange'],
  ];
  for (const [meant, keys] of rows) {
    for (const key of keys.split(' ')) {
      assert.deepEqual(judgeField(key), { kind: 'misspelt', meant }, key);
    }
  }
});

test('one wrong, missing, added or swapped letter in a long key never goes unnoticed', () => {
  const long = SUPPORTED_FIELDS.filter((field) => field.length >= 5);
  const letter = fc.constantFrom(...'abcdefghijklmnopqrstuvwxyz'.split(''));
  fc.assert(
    fc.property(fc.constantFrom(...long), fc.nat(20), letter, fc.nat(3), (field, place, other, kind) => {
      const i = place % (field.length - 1);
      const [head, tail] = [field.slice(0, i), field.slice(i + 1)];
      const swapped = head + field[i + 1]! + field[i]! + field.slice(i + 2);
      const key = [head + tail, head + other + tail, head + other + field.slice(i), swapped][kind]!;
      fc.pre(key !== field);
      assert.notEqual(judgeField(key).kind, 'unknown', key);
    }),
    RUNS,
  );
});

const ORDINARY =
  `bar foo exchange_time exchange_name chart_url version name title source mode chart candle open high low rsi macd
  ema atr vwap session bar_time bar_index server_time local_time date datetime timezone utc time_close time_open entry exit
  entry_price exit_price last_price bid ask mid spread mark_price index_price open_price high_price fill_price avg_price
  average_price target target_price profit pnl equity balance capital win_rate trend momentum strength probability reason
  description text content subject url link image screenshot plot_0 indicator script study strategy_name bot bot_id user
  user_id email channel chat_id webhook hook sender origin provider platform broker base quote currency asset coin sector
  country language level zone pattern setup phase state status flag enabled live debug trace_id request_id uuid hash nonce
  seq counter count index number max_price min_price event event_type event_time alert alert_name alert_message alert_type
  trigger_time trigger_name triggered_at created_at sent_at fired_at lag latency duration timeout retry attempt priority
  weight ratio percent percentage pct fee slippage tick pips points multiplier lot_size step notional value cost margin
  fraction allocation exposure trade_id trades ticket magic order_comment order_action order_name expiry strike option
  funding_rate long short buy sell bull bear bias regime week month year period length lookback hlc3 close_time prev_close
  change_pct volatility zscore rank grade rating remark memo label category group class kind code uid reference ref parent
  file folder host ip port address city account_name account_type accounting section caution reaction fire site line mice
  price_usd symbol_name execute max_age drying`.split(/\s+/);

test('an ordinary key that means nothing here is unknown', () => {
  for (const key of ORDINARY) assert.deepEqual(judgeField(key), { kind: 'unknown' }, key);
  for (const key of ['', ' ', '_', '😀', '__proto__', 'constructor', 'toString', 'hasOwnProperty', 'x'.repeat(5000)]) {
    assert.deepEqual(judgeField(key), { kind: 'unknown' }, key.slice(0, 20));
  }
});

test('an everyday word two letters away from a key is not called misspelt', () => {
  const words = 'change average quality positive portion coverage spot_price list_price timer tile exchange_id';
  const wronged = words.split(' ').filter((word) => judgeField(word).kind === 'misspelt');
  assert.deepEqual(wronged, []);
});

test('any text is judged, and none throws', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (key) => {
      assert.match(judgeField(key).kind, /^(supported|unsupported|misspelt|unknown)$/);
    }),
    RUNS,
  );
});

test('a key of ours with something behind it is refused, for it was meant to change the order', () => {
  for (const key of 'stop_loss_pct takeProfit9x quantity_usd limit_price_max order_type_2 confidence_level'.split(
    ' ',
  )) {
    assert.equal(judgeField(key).kind, 'misspelt', key);
  }
});
