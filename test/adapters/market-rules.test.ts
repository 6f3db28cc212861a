import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { MarketInterface } from 'ccxt';
import fc from 'fast-check';

import { fitToMarket, type Fit } from '../../adapters/ccxt/market-rules.ts';
import type { OrderTicket } from '../../adapters/venue-adapter.ts';
import type { OrderType, Side } from '../../domain/alert.ts';
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
  readonly type: OrderType;
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
  type: fc.constantFrom('market', 'limit', 'stop', 'stop_limit'),
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

const ticketOf = ({ side, type, quantity, limit, stop, seen }: Case): OrderTicket => ({
  clientOrderId: '0AB'.padEnd(26, 'C'),
  symbol: 'BTC/USDT',
  side,
  type,
  quantity: written(quantity),
  ...(type.includes('limit') ? { limitPrice: written(limit) } : {}),
  ...(type.startsWith('stop') ? { stopPrice: written(stop) } : {}),
  ...(seen === undefined ? {} : { referencePrice: written(seen) }),
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
      assert.deepEqual(
        [limitPrice !== undefined, stopPrice !== undefined],
        [one.type.includes('limit'), one.type.startsWith('stop')],
      );
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
      assert.deepEqual(again, { kind: 'fits', order: fitted.order, notes: [] });
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
      const limit = one.type.includes('limit') ? (isBuy ? down : up)(one.limit, one.tick) : undefined;
      const stop = one.type.startsWith('stop') ? (isBuy ? up : down)(one.stop, one.tick) : undefined;
      const price = limit ?? stop ?? one.seen;
      const isSmall = quantity === 0n || quantity < (one.least ?? one.step);
      const isLarge = one.most !== undefined && quantity > one.most;
      const isCheap =
        price !== undefined &&
        one.leastValue !== undefined &&
        quantity * price < one.leastValue * 10n ** BigInt(PLACES);
      const expected = isSmall
        ? 'QUANTITY_BELOW_MINIMUM'
        : isLarge
          ? 'QUANTITY_ABOVE_MAXIMUM'
          : limit === 0n || stop === 0n
            ? 'PRICE_BELOW_TICK'
            : isCheap
              ? 'NOTIONAL_BELOW_MINIMUM'
              : null;
      const fitted = fit(one);
      assert.equal(fitted.kind === 'refused' ? fitted.reason.code : null, expected);
    }),
    RUNS,
  );
});
