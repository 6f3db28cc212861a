import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { checkLimits, checkValue, needsMarketPrice, noReferencePrice } from '../../domain/check-limits.ts';
import type { EntryIntent } from '../../domain/intent.ts';
import { ACCOUNT_LIMITS, NO_LIMITS, type Limits } from '../../domain/limits.ts';
import type { Reason } from '../../domain/reason.ts';
import { parseTradingHours } from '../../domain/trading-hours.ts';
import { anIntent } from '../support/an-intent.ts';
import { RUNS } from '../support/property-runs.ts';

const WHOSE = 'the account paper';
const asWritten = (symbol: string): string => symbol;
const limits = (some: Partial<Limits>): Limits => ({ ...NO_LIMITS, ...some });
/** What is said of an order that a limit denies: the code, both numbers, whose limit it is, and what to do. */
function assertDenied(found: Reason | null, code: string, parts: readonly string[], row: string): void {
  assert.equal(found?.code, code, row);
  for (const part of [...parts, WHOSE]) assert.ok(found!.message.includes(part), `${row}: ${found!.message}`);
  assert.ok(found!.fix !== null && found!.message.endsWith('.'), row);
}

test('a quantity is traded up to its limit, and not one step beyond', () => {
  const rows: [string, string, boolean][] = [
    ['2', '2', true],
    ['2.000', '2', true],
    ['1.999999999999999999', '2', true],
    ['2.000000000000000001', '2', false],
    ['3', '2', false],
    ['0.00000001', '0.00000001', true],
  ];
  for (const [quantity, maxQuantity, passes] of rows) {
    const found = checkLimits(anIntent({ quantity }), limits({ maxQuantity }), WHOSE, asWritten);
    if (passes) assert.equal(found, null, quantity);
    else assertDenied(found, 'QUANTITY_OVER_LIMIT', [quantity, maxQuantity, 'above the limit'], quantity);
  }
  const { message, fix } = checkLimits(anIntent({ quantity: '3' }), limits({ maxQuantity: '2' }), WHOSE, asWritten)!;
  assert.equal(message, 'The quantity 3 is above the limit 2 of the account paper.');
  assert.equal(fix, 'Lower "quantity", or raise limits.max_quantity of the account paper.');
});

test('a symbol is compared under the one name that its venue has for it', () => {
  const nameOf = (symbol: string): string => (/BTC\/?USDT$/.test(symbol) ? 'BTC/USDT' : symbol);
  const rows: [string, string[], boolean][] = [
    ['BTC/USDT', ['BTC/USDT'], true],
    ['BINANCE:BTCUSDT', ['BTC/USDT'], true],
    ['BTC/USDT', ['ETH/USDT', 'BINANCE:BTCUSDT'], true],
    ['ETH/USDT', ['BTC/USDT', 'SOL/USDT'], false],
    ['BTC/USD', ['BTC/USDT'], false],
  ];
  for (const [symbol, symbols, passes] of rows) {
    const found = checkLimits(anIntent({ symbol }), limits({ symbols }), WHOSE, nameOf);
    if (passes) assert.equal(found, null, symbol);
    else assertDenied(found, 'SYMBOL_NOT_ALLOWED', [symbol, ...symbols], symbol);
  }
  assert.equal(
    checkLimits(anIntent({ symbol: 'BTCUSDT' }), limits({ symbols: ['BTC/USDT'] }), WHOSE, asWritten)?.code,
    'SYMBOL_NOT_ALLOWED',
  );
});

test('an alert is traded within its hours, by when it was received', () => {
  const tradingHours = [parseTradingHours('Mon-Fri 09:30-16:00 America/New_York')!];
  const at = (time: string): EntryIntent => anIntent({ receivedAt: Date.parse(time) });
  const rows: [string, boolean][] = [
    ['2026-11-24T09:30:00-05:00', true],
    ['2026-11-24T09:29:59.999-05:00', false],
    ['2026-11-24T15:59:59.999-05:00', true],
    ['2026-11-24T16:00:00-05:00', false],
    ['2026-11-21T12:00:00-05:00', false],
  ];
  for (const [time, passes] of rows) {
    const found = checkLimits(at(time), limits({ tradingHours }), WHOSE, asWritten);
    if (passes) assert.equal(found, null, time);
    else assertDenied(found, 'OUTSIDE_TRADING_HOURS', ['Mon-Fri 09:30-16:00 America/New_York'], time);
  }
  const found = checkLimits(at('2026-11-21T12:00:00-05:00'), limits({ tradingHours }), WHOSE, asWritten);
  assert.ok(found?.message.includes('Sat 12:00 (America/New_York)'), found?.message);
  const either = [...tradingHours, parseTradingHours('Sat,Sun 00:00-24:00 UTC')!];
  assert.equal(checkLimits(at('2026-11-21T12:00:00Z'), limits({ tradingHours: either }), WHOSE, asWritten), null);
});

const LIMIT = { orderType: 'limit', limitPrice: '100' } as const;
const STOP = { orderType: 'stop', stopPrice: '100' } as const;
const STOP_LIMIT = { orderType: 'stop_limit', stopPrice: '100', limitPrice: '110' } as const;

test('the worth of an order is what it can trade at, at the most', () => {
  // Each order is of one unit: its worth is the price by which it is valued.
  const rows: [string, Partial<EntryIntent>, string | null, string | null][] = [
    ['market', {}, '105', '105'],
    ['market sell', { side: 'sell' }, '105', '105'],
    ['market, without a price', {}, null, null],
    ['limit buy', LIMIT, '105', '100'],
    ['limit buy, without a price', LIMIT, null, '100'],
    ['limit sell below the market', { ...LIMIT, side: 'sell' }, '105', '105'],
    ['limit sell above the market', { ...LIMIT, side: 'sell' }, '95', '100'],
    ['limit sell, without a price', { ...LIMIT, side: 'sell' }, null, '100'],
    ['stop buy', STOP, '95', '100'],
    ['stop buy below the market', STOP, '105', '105'],
    ['stop sell', { ...STOP, side: 'sell' }, '105', '105'],
    ['stop-limit buy', STOP_LIMIT, '120', '110'],
    ['stop-limit sell', { ...STOP_LIMIT, side: 'sell' }, '105', '110'],
    ['stop-limit sell below the market', { ...STOP_LIMIT, side: 'sell' }, '120', '120'],
  ];
  for (const [name, change, market, worth] of rows) {
    const order = anIntent({ ...change, quantity: '1' });
    const judge = (maxNotional: string): Reason | null => checkValue(order, limits({ maxNotional }), WHOSE, market);
    if (worth === null) {
      assert.equal(judge('0.00000001'), null, name);
      continue;
    }
    assert.equal(judge(worth), null, name);
    const below = `${Number(worth) - 1}.999999999999`;
    assertDenied(judge(below), 'NOTIONAL_OVER_LIMIT', [worth, below, 'above the limit'], name);
  }
});

test('the market is asked for its price only where a limit needs it', () => {
  const rows: [Partial<EntryIntent>, Partial<Limits>, boolean][] = [
    [{}, { priceCollar: '0.1' }, false],
    [{}, { maxNotional: '5000' }, true],
    [{}, ACCOUNT_LIMITS, false],
    [{ side: 'sell' }, { maxNotional: '5000' }, true],
    [LIMIT, { maxNotional: '5000' }, false],
    [LIMIT, { priceCollar: '0.1' }, true],
    [LIMIT, NO_LIMITS, false],
    [{ ...LIMIT, side: 'sell' }, { maxNotional: '5000' }, true],
    [STOP, { maxNotional: '5000' }, true],
    [STOP, { priceCollar: '0.1' }, true],
    [STOP_LIMIT, { maxNotional: '5000' }, false],
  ];
  for (const [change, some, needs] of rows) {
    assert.equal(needsMarketPrice(anIntent(change), limits(some)), needs, JSON.stringify([change, some]));
  }
});

test('a price is believed up to the edge of the collar, on both sides of the market', () => {
  const rows: [Partial<EntryIntent>, string | null][] = [
    [{ ...LIMIT, limitPrice: '90' }, null],
    [{ ...LIMIT, limitPrice: '110' }, null],
    [{ ...LIMIT, limitPrice: '89.999999999999999999' }, 'limit price 89.999999999999999999'],
    [{ ...LIMIT, limitPrice: '110.000000000000000001' }, 'limit price 110.000000000000000001'],
    [{ ...LIMIT, side: 'sell', limitPrice: '89.99' }, 'limit price 89.99'],
    [{ ...LIMIT, side: 'sell', limitPrice: '110.01' }, 'limit price 110.01'],
    [{ ...STOP, stopPrice: '110' }, null],
    [{ ...STOP, stopPrice: '110.01' }, 'stop price 110.01'],
    [{ ...STOP, side: 'sell', stopPrice: '90' }, null],
    [{ ...STOP, side: 'sell', stopPrice: '89.99' }, 'stop price 89.99'],
    [{ ...STOP_LIMIT, limitPrice: '110', stopPrice: '111' }, 'stop price 111'],
    [{ ...STOP_LIMIT, limitPrice: '111', stopPrice: '110' }, 'limit price 111'],
    [{}, null],
  ];
  for (const [change, said] of rows) {
    const found = checkValue(anIntent(change), limits({ priceCollar: '0.1' }), WHOSE, '100');
    if (said === null) assert.equal(found, null, JSON.stringify(change));
    else assertDenied(found, 'PRICE_OUTSIDE_COLLAR', [said, '90 to 110', '10%', '100'], JSON.stringify(change));
  }
  assert.equal(checkValue(anIntent({ ...LIMIT, limitPrice: '1' }), limits({ priceCollar: '0.1' }), WHOSE, null), null);
});

test('a market without a price says so', () => {
  const { code, message, fix } = noReferencePrice(anIntent({ symbol: 'NEW/USDT' }), 'binance');
  assert.equal(code, 'NO_REFERENCE_PRICE');
  assert.ok(message.includes('binance') && message.includes('NEW/USDT') && fix !== null);
});

test('what has no limit is not held up, whatever it is', () => {
  const order = anIntent({ ...LIMIT, quantity: '1000000000', limitPrice: '1' });
  assert.equal(checkLimits(order, NO_LIMITS, WHOSE, asWritten), null);
  assert.equal(checkValue(order, NO_LIMITS, WHOSE, '1000000'), null);
  assert.deepEqual(
    [ACCOUNT_LIMITS.ordersPerMinute, ACCOUNT_LIMITS.maxOpenOrders, ACCOUNT_LIMITS.priceCollar],
    [60, 50, '0.1'],
  );
});

/** Units of a thousandth, so that the expected verdict is a comparison of whole numbers. */
const units = fc.bigInt({ min: 1n, max: 10n ** 12n });
const decimal = (thousandths: bigint): string =>
  `${thousandths / 1000n}.${String(thousandths % 1000n).padStart(3, '0')}`;

test('a quantity and a worth are compared without losing a digit', () => {
  fc.assert(
    fc.property(units, units, units, (quantity, price, most) => {
      const order = anIntent({ ...LIMIT, quantity: decimal(quantity), limitPrice: decimal(price) });
      const byQuantity = checkLimits(order, limits({ maxQuantity: decimal(most) }), WHOSE, asWritten);
      assert.equal(byQuantity?.code, quantity > most ? 'QUANTITY_OVER_LIMIT' : undefined);
      const byWorth = checkValue(order, limits({ maxNotional: decimal(most) }), WHOSE, null);
      assert.equal(byWorth?.code, quantity * price > most * 1000n ? 'NOTIONAL_OVER_LIMIT' : undefined);
    }),
    RUNS,
  );
});

test('a collar lets a price through exactly where it is within', () => {
  fc.assert(
    fc.property(units, units, fc.integer({ min: 1, max: 99 }), fc.boolean(), (price, market, percent, isStop) => {
      const order = anIntent(
        isStop ? { ...STOP, stopPrice: decimal(price) } : { ...LIMIT, limitPrice: decimal(price) },
      );
      const priceCollar = `0.${String(percent).padStart(2, '0')}`;
      const distance = price > market ? price - market : market - price;
      const found = checkValue(order, limits({ priceCollar }), WHOSE, decimal(market));
      assert.equal(found?.code, distance * 100n > market * BigInt(percent) ? 'PRICE_OUTSIDE_COLLAR' : undefined);
    }),
    RUNS,
  );
});
