import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { saysTheSame, sumFills, type Fill, type VenueOrder } from '../../domain/venue-order.ts';
import { RUNS } from '../support/property-runs.ts';

const fill = (tradeId: string, quantity: string, price: string): Fill => ({ tradeId, quantity, price });

test('executions add up to a quantity and its average price', () => {
  const rows: [Fill[], string, string | null][] = [
    [[], '0', null],
    [[fill('1', '0.01', '67500')], '0.01', '67500'],
    [[fill('1', '1', '100'), fill('2', '3', '200')], '4', '175'],
    [[fill('1', '0.1', '0.1'), fill('2', '0.2', '0.1')], '0.3', '0.1'],
    [[fill('1', '1', '1'), fill('2', '2', '2')], '3', '1.666666666666'],
    [[fill('1', '1', '5'), fill('1', '1', '5')], '1', '5'],
    [[fill('1', '1000000', '0.00000812'), fill('2', '1000000', '0.00000814')], '2000000', '0.00000813'],
  ];
  for (const [fills, filledQuantity, averagePrice] of rows) {
    assert.deepEqual(sumFills(fills), { filledQuantity, averagePrice });
  }
});

test('an execution counts once, however often and in whatever order it is reported', () => {
  const fills = fc.uniqueArray(
    fc.record({
      tradeId: fc.integer({ min: 1, max: 99 }).map(String),
      quantity: fc.integer({ min: 1, max: 999 }).map((thousandths) => String(thousandths / 1000)),
      price: fc.integer({ min: 1, max: 99_999 }).map(String),
    }),
    { selector: ({ tradeId }) => tradeId, maxLength: 8 },
  );
  const reports = fills.chain((once) =>
    fc.tuple(fc.constant(once), fc.shuffledSubarray([...once, ...once], { minLength: 0 })),
  );
  fc.assert(
    fc.property(reports, ([once, more]) => assert.deepEqual(sumFills([...more, ...once]), sumFills(once))),
    RUNS,
  );
});

test('two reports say the same when status and filled quantity are the same', () => {
  const report: VenueOrder = { venueOrderId: '1', status: 'working', filledQuantity: '0.10', averagePrice: null };
  const rows: [Partial<VenueOrder>, boolean][] = [
    [{}, true],
    [{ filledQuantity: '0.1' }, true],
    [{ words: 'other words', averagePrice: '7' }, true],
    [{ filledQuantity: '0.2' }, false],
    [{ status: 'canceled' }, false],
  ];
  for (const [change, expected] of rows) assert.equal(saysTheSame(report, { ...report, ...change }), expected);
});
