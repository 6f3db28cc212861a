import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import type { Side } from '../../domain/alert.ts';
import { compare, divide, isPositive, multiply, subtract } from '../../domain/decimal.ts';
import { protectionOf } from '../../domain/leg.ts';
import { follow, movesAt, movesStop, stopInWords, stopPriceOf, type StopLoss } from '../../domain/stop-loss.ts';
import { anIntent } from '../support/an-intent.ts';
import { RUNS } from '../support/property-runs.ts';

const long = { side: 'buy', averagePrice: '200' } as const;
const short = { side: 'sell', averagePrice: '200' } as const;

/** The stops that a market leaves behind it, and where the next look is due after each of its prices. */
function steps(stopLoss: StopLoss, entry: typeof long | typeof short, prices: readonly string[]) {
  let followed = follow(stopLoss, entry, null);
  const seen = [[stopPriceOf(stopLoss, entry, followed), movesAt(stopLoss, entry, followed)]];
  for (const price of prices) {
    followed = follow(stopLoss, entry, followed, price);
    seen.push([stopPriceOf(stopLoss, entry, followed), movesAt(stopLoss, entry, followed)]);
  }
  return seen;
}

test('a stop at a level stays there, and nobody has to look again', () => {
  assert.deepEqual(steps({ price: '190' }, long, ['300']), [
    ['190', undefined],
    ['190', undefined],
  ]);
  assert.deepEqual(steps({ percent: '2' }, short, ['1']), [
    ['204', undefined],
    ['204', undefined],
  ]);
  assert.deepEqual([movesStop({ price: '1' }), movesStop(undefined)], [false, false]);
});

test('a stop moves to the entry’s price once, when its market has come so far, and stays', () => {
  const rows: [StopLoss, typeof long | typeof short, string[], [string, string | undefined][]][] = [
    [
      { price: '190', breakevenAfter: { percent: '1' } },
      long,
      ['201.99', '202', '150'],
      [
        ['190', '202'],
        ['190', '202'],
        ['200', undefined],
        ['200', undefined],
      ],
    ],
    [
      { percent: '2', breakevenAfter: { price: '190' } },
      short,
      ['190.01', '189', '260'],
      [
        ['204', '190'],
        ['204', '190'],
        ['200', undefined],
        ['200', undefined],
      ],
    ],
    // Filled beyond it, or at it: moved, it would stand in the market.
    [
      { percent: '2', breakevenAfter: { price: '199' } },
      long,
      ['210'],
      [
        ['196', undefined],
        ['196', undefined],
      ],
    ],
    [
      { percent: '2', breakevenAfter: { price: '200' } },
      short,
      ['190'],
      [
        ['204', undefined],
        ['204', undefined],
      ],
    ],
  ];
  for (const [stopLoss, entry, prices, expected] of rows) {
    assert.deepEqual(steps(stopLoss, entry, prices), expected, JSON.stringify(stopLoss));
    assert.ok(movesStop(stopLoss));
  }
});

test('a stop that has moved stays so when more is filled at another price, and goes with the average', () => {
  const stopLoss: StopLoss = { percent: '2', breakevenAfter: { percent: '1' } };
  const even = follow(stopLoss, long, null, '202');
  const later = { side: 'buy', averagePrice: '201' } as const;
  assert.equal(stopPriceOf(stopLoss, later, follow(stopLoss, later, even)), '201');
});

test('a stop that follows begins at its distance from the fill, and looks again when it gains a fifth of it', () => {
  assert.deepEqual(steps({ trailAmount: '10' }, long, ['201.99', '202', '250', '150', '249']), [
    ['190', '202'],
    ['191.99', '203.99'],
    ['192', '204'],
    ['240', '252'],
    ['240', '252'],
    ['240', '252'],
  ]);
  assert.deepEqual(steps({ trailAmount: '10' }, short, ['150', '300']), [
    ['210', '198'],
    ['160', '148'],
    ['160', '148'],
  ]);
  // Its distance is in percent of the best price: 20 % of 200 are 40, and a fifth is 8. 210 × 0.8 = 168.
  assert.deepEqual(steps({ trailPercent: '20' }, long, ['210']), [
    ['160', '210'],
    ['168', '220.5'],
  ]);
  assert.deepEqual(steps({ trailPercent: '25' }, short, ['192']), [
    ['250', '192'],
    ['240', '184.32'],
  ]);
});

test('a stop that follows does not go back when more is filled at a worse average', () => {
  const stopLoss: StopLoss = { trailAmount: '10' };
  const begun = follow(stopLoss, long, null);
  const cheaper = { side: 'buy', averagePrice: '150' } as const;
  assert.equal(stopPriceOf(stopLoss, cheaper, follow(stopLoss, cheaper, begun)), '190');
  const dearer = { side: 'buy', averagePrice: '220' } as const;
  assert.equal(stopPriceOf(stopLoss, dearer, follow(stopLoss, dearer, begun)), '210');
});

test('a market too small for a step is not looked at for ever', () => {
  const tiny = { side: 'buy', averagePrice: '0.000000000001' } as const;
  const stopLoss: StopLoss = { trailPercent: '0.000000000001' };
  assert.equal(movesAt(stopLoss, tiny, follow(stopLoss, tiny, null)), undefined);
});

test('the protection of a position has its stop where it has come', () => {
  const stopLoss: StopLoss = { trailAmount: '10' };
  const intent = anIntent({ stopLoss });
  const leg = { part: 0, generation: 0, quantity: '0.01', averagePrice: '200', notAfter: 5 };
  assert.equal(protectionOf(intent, leg).stopPrice, '190');
  const followed = follow(stopLoss, long, null, '230');
  assert.equal(protectionOf(intent, { ...leg, followed }).stopPrice, '220');
});

test('a stop is told in words', () => {
  const inWords = (level: object): string => JSON.stringify(level);
  assert.deepEqual(
    [{ price: '5' }, { trailPercent: '2' }, { trailAmount: '2' }].map((stop) => stopInWords(stop as StopLoss, inWords)),
    ['{"price":"5"}', '2 % behind the market', '2 behind the market'],
  );
  const words = stopInWords({ price: '5', breakevenAfter: { price: '7' } }, ({ ...level }) =>
    'price' in level ? level.price : '',
  );
  assert.equal(words, "5, moved to the entry's price after 7");
});

const sides = fc.constantFrom<Side>('buy', 'sell');
const prices = fc.array(
  fc.integer({ min: 1, max: 10 ** 7 }).map((cents) => `${cents / 100}`),
  { maxLength: 30 },
);
const trails = fc.oneof(
  fc.integer({ min: 1, max: 9_999 }).map((hundredths): StopLoss => ({ trailPercent: `${hundredths / 100}` })),
  fc.integer({ min: 1, max: 10 ** 6 }).map((cents): StopLoss => ({ trailAmount: `${cents / 100}` })),
  fc
    .tuple(fc.integer({ min: 1, max: 9_999 }), fc.integer({ min: 1, max: 9_999 }))
    .map(([stop, even]): StopLoss => ({ percent: `${stop / 100}`, breakevenAfter: { percent: `${even / 100}` } })),
);

test('a stop never goes back, whatever its market does, and moves just where it was to be looked at', () => {
  fc.assert(
    fc.property(sides, trails, prices, (side, stopLoss, market) => {
      const entry = { side, averagePrice: '1000' };
      const isWorse = (a: string, b: string): boolean => compare(a, b) === (side === 'buy' ? -1 : 1);
      let followed = follow(stopLoss, entry, null);
      for (const price of market) {
        const [stop, next] = [stopPriceOf(stopLoss, entry, followed), movesAt(stopLoss, entry, followed)];
        const isLook = next !== undefined && !isWorse(price, next);
        const after = follow(stopLoss, entry, followed, price);
        const moved = stopPriceOf(stopLoss, entry, after);
        assert.ok(!isWorse(moved, stop), `${stop} to ${moved}`);
        if (!isLook) continue;
        followed = after;
        assert.ok(isWorse(stop, moved), `${stop} stays at ${price}`);
        if (!('trailAmount' in stopLoss || 'trailPercent' in stopLoss)) continue;
        const distance =
          'trailAmount' in stopLoss ? stopLoss.trailAmount : multiply(next, `${stopLoss.trailPercent}e-2`);
        const gained = side === 'buy' ? subtract(moved, stop) : subtract(stop, moved);
        // A fifth of what the distance was, but for the last digit of a division.
        const fifth = 'trailAmount' in stopLoss ? divide(distance, '5', 12) : '0';
        assert.ok(compare(gained, subtract(fifth, '1e-9')) >= 0 && isPositive(gained));
      }
    }),
    RUNS,
  );
});
