import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { MarketInterface } from 'ccxt';
import fc from 'fast-check';

import { fitToMarket, type Fit } from '../../adapters/ccxt/market-rules.ts';
import { checkDistance } from '../../adapters/ccxt/percent-price.ts';
import type { OrderTicket } from '../../adapters/venue-adapter.ts';
import type { Side } from '../../domain/alert.ts';
import { RUNS } from '../support/property-runs.ts';

// The oracle: a decimal is a whole number of its last place, and nothing here is ever a float.
const PLACES = 12;

/** Plain text of units / 10^places, without trailing zeros. */
function written(units: bigint, places = PLACES): string {
  const digits = String(units).padStart(places + 1, '0');
  const fraction = digits.slice(digits.length - places).replace(/0+$/, '');
  return `${digits.slice(0, digits.length - places)}${fraction === '' ? '' : `.${fraction}`}`;
}

function unitsOf(text: string, places = PLACES): bigint {
  const [whole, fraction = ''] = text.split('.');
  assert.match(text, /^\d+(\.\d+)?$/);
  assert.ok(fraction.length <= places, text);
  return BigInt(whole + fraction.padEnd(places, '0'));
}

/** Up to 27 digits: far more than a float has. */
const amount = fc.oneof(
  fc.bigInt({ min: 1n, max: 10n ** 27n }),
  fc.bigInt({ min: 1n, max: 10n ** 14n }),
  // Where floats go wrong first: tenths, hundredths.
  fc.bigInt({ min: 1n, max: 1_000n }).map((hundredths) => hundredths * 10n ** 10n),
);
/** Powers of ten, as most markets have, and others, as some have. */
const step = fc
  .tuple(fc.constantFrom(1n, 1n, 5n, 25n, 3n, 7n), fc.nat(PLACES))
  .map(([digit, zeros]) => digit * 10n ** BigInt(zeros));

interface Case {
  readonly side: Side;
  readonly type: OrderTicket['type'];
  readonly quantity: bigint;
  readonly limit: bigint;
  readonly stop: bigint;
  readonly seen: bigint | undefined;
  readonly step: bigint;
  readonly tick: bigint;
  readonly least: bigint | undefined;
  readonly most: bigint | undefined;
  readonly leastValue: bigint | undefined;
  readonly isNumeric: boolean;
}

const maybe = (arbitrary: fc.Arbitrary<bigint>): fc.Arbitrary<bigint | undefined> =>
  fc.option(arbitrary, { nil: undefined });
const anyCase: fc.Arbitrary<Case> = fc.record({
  side: fc.constantFrom('buy', 'sell'),
  type: fc.constantFrom('market', 'limit', 'stop', 'stop_limit', 'bracket'),
  quantity: amount,
  limit: amount,
  stop: amount,
  seen: maybe(amount),
  step,
  tick: step,
  least: maybe(step),
  most: maybe(amount),
  leastValue: maybe(amount),
  isNumeric: fc.boolean(),
});

const hasLimit = ({ type }: Case): boolean => type.includes('limit') || type === 'bracket';
const hasStop = ({ type }: Case): boolean => type.startsWith('stop') || type === 'bracket';

const ticketOf = (one: Case): OrderTicket => ({
  clientOrderId: '0AB'.padEnd(26, 'C'),
  symbol: 'BTC/USDT',
  side: one.side,
  type: one.type,
  quantity: written(one.quantity),
  ...(hasLimit(one) ? { limitPrice: written(one.limit) } : {}),
  ...(hasStop(one) ? { stopPrice: written(one.stop) } : {}),
  ...(one.seen === undefined ? {} : { referencePrice: written(one.seen) }),
  notAfter: 0,
});

function marketOf({ step: amountStep, tick, least, most, leastValue, isNumeric }: Case): MarketInterface {
  // The library gives text where it is told to, and numbers where it has written them down itself.
  const given = (units: bigint): string | number => (isNumeric ? Number(written(units)) : written(units));
  return {
    symbol: 'BTC/USDT',
    precision: { amount: given(amountStep), price: given(tick) },
    limits: {
      amount: { min: least && given(least), max: most && written(most) },
      cost: { min: leastValue && written(leastValue) },
    },
  } as unknown as MarketInterface;
}

const fit = (one: Case): Fit => fitToMarket(ticketOf(one), marketOf(one));
const down = (units: bigint, by: bigint): bigint => (units / by) * by;
const up = (units: bigint, by: bigint): bigint => ((units + by - 1n) / by) * by;

test('what is sent is on the steps of its market, and is the nearest to what was asked on the safe side', () => {
  fc.assert(
    fc.property(anyCase, (one) => {
      const fitted = fit(one);
      fc.pre(fitted.kind === 'fits');
      const isBuy = one.side === 'buy';
      const { quantity, limitPrice, stopPrice } = fitted.order;
      assert.equal(unitsOf(quantity), down(one.quantity, one.step));
      if (limitPrice !== undefined) assert.equal(unitsOf(limitPrice), (isBuy ? down : up)(one.limit, one.tick));
      if (stopPrice !== undefined) assert.equal(unitsOf(stopPrice), (isBuy ? up : down)(one.stop, one.tick));
    }),
    RUNS,
  );
});

test('never more is sent than was asked for, never a limit that is worse, never a stop that triggers sooner', () => {
  fc.assert(
    fc.property(anyCase, (one) => {
      const fitted = fit(one);
      fc.pre(fitted.kind === 'fits');
      const { quantity, limitPrice, stopPrice } = fitted.order;
      assert.ok(unitsOf(quantity) > 0n && unitsOf(quantity) <= one.quantity);
      const better = one.side === 'buy' ? -1n : 1n;
      if (limitPrice !== undefined) assert.ok((unitsOf(limitPrice) - one.limit) * better >= 0n);
      if (stopPrice !== undefined) assert.ok((unitsOf(stopPrice) - one.stop) * better <= 0n);
      for (const price of [limitPrice, stopPrice]) assert.ok(price === undefined || unitsOf(price) > 0n);
      // An order has the prices of its type, and no other.
      assert.deepEqual([limitPrice !== undefined, stopPrice !== undefined], [hasLimit(one), hasStop(one)]);
    }),
    RUNS,
  );
});

test('an order that fits already is left alone, and says nothing', () => {
  fc.assert(
    fc.property(anyCase, (one) => {
      const fitted = fit(one);
      fc.pre(fitted.kind === 'fits');
      const again = fitToMarket({ ...ticketOf(one), ...fitted.order }, marketOf(one));
      assert.deepEqual(again, { ...fitted, notes: [] });
    }),
    RUNS,
  );
});

test('every change is told, with both numbers', () => {
  fc.assert(
    fc.property(anyCase, (one) => {
      const fitted = fit(one);
      fc.pre(fitted.kind === 'fits');
      const ticket = ticketOf(one);
      const changes = (['quantity', 'limitPrice', 'stopPrice'] as const).filter(
        (name) => fitted.order[name] !== ticket[name],
      );
      assert.equal(fitted.notes.length, changes.length);
      for (const [i, name] of changes.entries()) {
        assert.ok(fitted.notes[i]!.includes(ticket[name]!) && fitted.notes[i]!.includes(fitted.order[name]!));
      }
    }),
    RUNS,
  );
});

test('an order is refused where it is below a minimum or above a maximum, and nowhere else', () => {
  fc.assert(
    fc.property(anyCase, (one) => {
      const isBuy = one.side === 'buy';
      const quantity = down(one.quantity, one.step);
      const limit = hasLimit(one) ? (isBuy ? down : up)(one.limit, one.tick) : undefined;
      const stop = hasStop(one) ? (isBuy ? up : down)(one.stop, one.tick) : undefined;
      // Of a bracket either order may be the cheaper one.
      const prices = one.type === 'bracket' ? [limit!, stop!] : [limit ?? stop ?? one.seen];
      const isSmall = quantity === 0n || quantity < (one.least ?? one.step);
      const isLarge = one.most !== undefined && quantity > one.most;
      const isCheap = (price: bigint | undefined): boolean =>
        price !== undefined &&
        one.leastValue !== undefined &&
        quantity * price < one.leastValue * 10n ** BigInt(PLACES);
      const notional = prices.every(isCheap) ? 'NOTIONAL_BELOW_MINIMUM' : 'NOTIONAL_BELOW_MINIMUM_AT_LEVEL';
      const expected = isSmall
        ? 'QUANTITY_BELOW_MINIMUM'
        : isLarge
          ? 'QUANTITY_ABOVE_MAXIMUM'
          : limit === 0n || stop === 0n
            ? 'PRICE_BELOW_TICK'
            : prices.some(isCheap)
              ? notional
              : null;
      const fitted = fit(one);
      assert.equal(fitted.kind === 'refused' ? fitted.reason.code : null, expected);
    }),
    RUNS,
  );
});

test('the step in which a market counts is told with what fits it, and not where the exchange tells none', () => {
  const ticket = { ...BRACKET, quantity: '1' };
  const stepless = { ...MARKET, precision: {} } as unknown as MarketInterface;
  const [known, unknown] = [fitToMarket(ticket, MARKET), fitToMarket(ticket, stepless)];
  assert.ok(known.kind === 'fits' && unknown.kind === 'fits');
  assert.deepEqual([known.quantityStep, 'quantityStep' in unknown], ['0.0001', false]);
});

const MARKET = {
  symbol: 'ETH/USDT',
  precision: { amount: '0.0001', price: '0.01' },
  limits: { cost: { min: '5' } },
} as unknown as MarketInterface;
const BRACKET: OrderTicket = {
  clientOrderId: `${'0AB'.padEnd(26, 'C')}-P0.0`,
  symbol: 'ETH/USDT',
  side: 'sell',
  type: 'bracket',
  quantity: '0.0014',
  limitPrice: '3600',
  stopPrice: '3400',
  notAfter: 0,
};

test('a bracket is worth what the lower of its prices makes it worth, with both numbers', () => {
  for (const [side, limitPrice, stopPrice] of [
    ['sell', '3600', '3400'],
    ['buy', '3400', '3600'],
  ] as const) {
    const fitted = fitToMarket({ ...BRACKET, side, limitPrice, stopPrice }, MARKET);
    assert.ok(fitted.kind === 'refused' && fitted.reason.code === 'NOTIONAL_BELOW_MINIMUM_AT_LEVEL');
    assert.match(fitted.reason.message, /4\.76 \(0\.0014 at 3400\) .* 5\./);
  }
});

test('a leg may be as far from its entry as the exchange takes it, and not one step further', () => {
  const filter = {
    filterType: 'PERCENT_PRICE_BY_SIDE',
    bidMultiplierUp: '1.2',
    bidMultiplierDown: '0.8',
    askMultiplierUp: '5',
    askMultiplierDown: '0.2',
  };
  const binance = (filters: unknown): MarketInterface => ({ ...MARKET, info: { filters } }) as MarketInterface;
  const near = { ...BRACKET, quantity: '1', referencePrice: '100' };
  const rows: [Partial<OrderTicket>, string | null][] = [
    [{ limitPrice: '500' }, null],
    [{ limitPrice: '500.01' }, 'The limit price 500.01 of ETH/USDT is above 500, which is 5 times the price 100'],
    [{ limitPrice: '20' }, null],
    [{ limitPrice: '19.99' }, 'The limit price 19.99 of ETH/USDT is below 20, which is 0.2 times the price 100'],
    [{ side: 'buy', limitPrice: '80' }, null],
    [{ side: 'buy', limitPrice: '79.99' }, 'is below 80, which is 0.8 times the price 100'],
    [{ side: 'buy', limitPrice: '120.01' }, 'is above 120, which is 1.2 times the price 100'],
    [{ type: 'limit', limitPrice: '501' }, 'is above 500'],
    // An entry is not a leg.
    [{ type: 'limit', limitPrice: '501', clientOrderId: BRACKET.clientOrderId.slice(0, 26) }, null],
  ];
  for (const [change, expected] of rows) {
    const ticket = { ...near, ...change };
    const found = checkDistance(ticket, ticket, binance([{ filterType: 'NOTIONAL' }, filter]));
    if (expected === null) assert.equal(found, null, JSON.stringify(change));
    else assert.ok(found?.code === 'BRACKET_TOO_FAR' && found.message.includes(expected), JSON.stringify(found));
  }
  const far = { ...near, limitPrice: '501' };
  const { referencePrice: _unknown, ...unpriced } = far;
  assert.equal(checkDistance(unpriced, far, binance([filter])), null, 'nothing is guessed without a price');
  for (const filters of [undefined, [], 'none', [{ filterType: 'PERCENT_PRICE_BY_SIDE' }]]) {
    assert.equal(checkDistance(far, far, binance(filters)), null);
  }
  assert.equal(checkDistance(far, far, MARKET), null);
});
