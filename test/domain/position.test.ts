import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { add, compare, multiply, subtract } from '../../domain/decimal.ts';
import { afterFill, FLAT, type Position } from '../../domain/position.ts';
import { RUNS } from '../support/property-runs.ts';

const fill = (before: Position, side: 'buy' | 'sell', quantity: string, price: string) =>
  afterFill(before, side, quantity, multiply(quantity, price));

test('buying more averages the price, selling some keeps it and brings the difference', () => {
  const one = fill(FLAT, 'buy', '1', '100').position;
  const two = fill(one, 'buy', '3', '120');
  assert.deepEqual(two, { position: { quantity: '4', averagePrice: '115' }, realized: '0' });
  const sold = fill(two.position, 'sell', '1', '110');
  assert.deepEqual(sold, { position: { quantity: '3', averagePrice: '115' }, realized: '-5' });
  assert.deepEqual(fill(sold.position, 'sell', '3', '116'), { position: FLAT, realized: '3' });
});

test('a short position gains when it is bought back below its price', () => {
  const short = fill(FLAT, 'sell', '2', '100').position;
  assert.deepEqual(short, { quantity: '-2', averagePrice: '100' });
  assert.equal(fill(short, 'buy', '1', '90').realized, '10');
  assert.equal(fill(short, 'buy', '1', '110').realized, '-10');
});

test('selling through zero closes the one and opens the other at the price of the fill', () => {
  const long = fill(FLAT, 'buy', '2', '100').position;
  assert.deepEqual(fill(long, 'sell', '5', '90'), {
    position: { quantity: '-3', averagePrice: '90' },
    realized: '-20',
  });
});

test('whatever is traded, what was brought and what is held come to what was paid and taken', () => {
  const trade = fc.record({
    side: fc.constantFrom('buy' as const, 'sell' as const),
    quantity: fc.integer({ min: 1, max: 1_000 }).map((n) => String(n / 8)),
    price: fc.integer({ min: 1, max: 100_000 }).map((n) => String(n / 4)),
  });
  fc.assert(
    fc.property(fc.array(trade, { maxLength: 30 }), (trades) => {
      let position = FLAT;
      let [cash, realized] = ['0', '0'];
      for (const { side, quantity, price } of trades) {
        const value = multiply(quantity, price);
        cash = side === 'buy' ? subtract(cash, value) : add(cash, value);
        const after = fill(position, side, quantity, price);
        position = after.position;
        realized = add(realized, after.realized);
        const held = add(cash, multiply(position.quantity, position.averagePrice));
        const off = subtract(realized, held);
        // An average price is cut at 18 places.
        assert.ok(compare(off, '0.000001') < 0 && compare(off, '-0.000001') > 0, `${realized} ${held}`);
      }
    }),
    RUNS,
  );
});
