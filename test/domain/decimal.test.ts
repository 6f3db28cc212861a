import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import {
  add,
  compare,
  divide,
  isPositive,
  isZero,
  multiply,
  parseDecimal,
  roundDownToStep,
  roundUpToStep,
  subtract,
} from '../../domain/decimal.ts';
import { RUNS } from '../support/property-runs.ts';

test('a number is read exactly as it was written', () => {
  const rows: [string, string][] = [
    ['0.01', '0.01'],
    ['1', '1'],
    ['+1', '1'],
    ['-1.50', '-1.5'],
    ['007', '7'],
    ['1.', '1'],
    ['.5', '0.5'],
    ['-.5', '-0.5'],
    ['1.10', '1.1'],
    ['100', '100'],
    ['0', '0'],
    ['-0', '0'],
    ['0.000', '0'],
    ['0e5', '0'],
    ['1e-8', '0.00000001'],
    ['1.5E+3', '1500'],
    ['2e0', '2'],
    ['0.1000000000000000055511151231', '0.1000000000000000055511151231'],
    ['123456789012345678901234567890', '123456789012345678901234567890'],
    ['0.00000000000000000000000000001', '0.00000000000000000000000000001'],
    ['1e29', '100000000000000000000000000000'],
  ];
  for (const [text, expected] of rows) assert.equal(parseDecimal(text), expected, text);
});

test('what is no number, or has more digits than a venue could mean, is not read', () => {
  const texts = [
    '',
    ' ',
    '.',
    '-',
    '+',
    'e5',
    '1e',
    '1e+',
    '1e1.5',
    '--1',
    '+-1',
    '1-',
    '1.2.3',
    '1,5',
    '1,000',
    '1 000',
  ];
  texts.push(
    '1_000',
    ' 1',
    '1 ',
    '1\n',
    'NaN',
    'na',
    'Infinity',
    '-Infinity',
    'null',
    'true',
    '0x10',
    '0b1',
    '1n',
    '$1',
  );
  texts.push(
    '1%',
    '١',
    '１',
    '½',
    '1e400',
    '1e-400',
    '1e30',
    '1e-30',
    '1e1000',
    '1e-1000',
    '1e9999',
    `1${'0'.repeat(30)}`,
  );
  texts.push(`0.${'0'.repeat(29)}1`, '0'.repeat(65), `${'1'.repeat(65)}`, '{{close}}', 'toString', '__proto__');
  for (const text of texts) assert.equal(parseDecimal(text), undefined, JSON.stringify(text));
});

// The oracle: a decimal is a whole number of its last place.
interface Sample {
  readonly text: string;
  readonly units: bigint;
  readonly places: number;
}

const sample = (unitsMax: bigint, placesMax: number, unitsMin = -unitsMax): fc.Arbitrary<Sample> =>
  fc
    .tuple(fc.bigInt({ min: unitsMin, max: unitsMax }), fc.nat(placesMax))
    .map(([units, places]) => ({ text: written(units, places), units, places }));
const signed = sample(10n ** 15n, 8);
const positive = sample(10n ** 15n, 8, 1n);

/** Plain text of units / 10^places, trailing zeros cut. */
function written(units: bigint, places: number): string {
  const digits = String(units < 0n ? -units : units).padStart(places + 1, '0');
  const whole = digits.slice(0, digits.length - places);
  const fraction = digits.slice(digits.length - places).replace(/0+$/, '');
  return `${units < 0n ? '-' : ''}${whole}${fraction === '' ? '' : `.${fraction}`}`;
}

const at = ({ units, places }: Sample, scale: number): bigint => units * 10n ** BigInt(scale - places);

test('reading and writing are inverse', () => {
  fc.assert(
    fc.property(signed, fc.boolean(), ({ text, units, places }, inExponentForm) => {
      assert.equal(parseDecimal(inExponentForm ? `${units}e-${places}` : text), text);
    }),
    RUNS,
  );
});

test('sums, differences, products and comparisons are exact', () => {
  fc.assert(
    fc.property(signed, signed, (a, b) => {
      const [x, y] = [at(a, 8), at(b, 8)];
      assert.equal(add(a.text, b.text), written(x + y, 8));
      assert.equal(subtract(a.text, b.text), written(x - y, 8));
      assert.equal(multiply(a.text, b.text), written(x * y, 16));
      assert.equal(compare(a.text, b.text), x < y ? -1 : x > y ? 1 : 0);
      assert.equal(isPositive(a.text), x > 0n);
      assert.equal(isZero(a.text), x === 0n);
    }),
    RUNS,
  );
});

test('a quotient is cut, never rounded up', () => {
  fc.assert(
    fc.property(positive, positive, fc.nat(12), (a, b, places) => {
      assert.equal(divide(a.text, b.text, places), written((at(a, 8) * 10n ** BigInt(places)) / at(b, 8), places));
    }),
    RUNS,
  );
  assert.equal(divide('2', '3', 12), '0.666666666666');
  assert.equal(divide('1', '8', 3), '0.125');
});

test('rounding to a step finds the nearest multiple on its side, and leaves a multiple alone', () => {
  fc.assert(
    fc.property(positive, sample(10n ** 6n, 8, 1n), (a, step) => {
      const [x, s] = [at(a, 8), at(step, 8)];
      assert.equal(roundDownToStep(a.text, step.text), written((x / s) * s, 8));
      assert.equal(roundUpToStep(a.text, step.text), written(((x + s - 1n) / s) * s, 8));
    }),
    RUNS,
  );
  assert.deepEqual([roundDownToStep('0.3', '0.1'), roundUpToStep('0.3', '0.1')], ['0.3', '0.3']);
  assert.deepEqual([roundDownToStep('1', '0.3'), roundUpToStep('1', '0.3')], ['0.9', '1.2']);
});

/** Whatever can be read at all: thirty digits, wherever the point is. */
const readable = fc
  .tuple(fc.bigInt({ min: 1n, max: 10n ** 29n - 1n }), fc.nat(29))
  .map(([units, places]): Sample => ({ text: written(units, places), units, places }))
  .filter(({ text }) => parseDecimal(text) !== undefined);

test('rounding is exact for any two numbers that can be read, and rounding again changes nothing', () => {
  fc.assert(
    fc.property(readable, readable, (a, step) => {
      const [x, s] = [at(a, 29), at(step, 29)];
      const [below, above] = [roundDownToStep(a.text, step.text), roundUpToStep(a.text, step.text)];
      assert.deepEqual([below, above], [written((x / s) * s, 29), written(((x + s - 1n) / s) * s, 29)]);
      assert.equal(roundDownToStep(below, step.text), below);
      assert.equal(roundUpToStep(above, step.text), above);
      assert.ok(compare(below, a.text) <= 0 && compare(above, a.text) >= 0);
    }),
    RUNS,
  );
});

test('any two numbers that can be read are added and multiplied without losing a digit', () => {
  const fine = '0.12345678901234567890123456789';
  const large = '123456789012345678901234567891';
  assert.equal(add(large, fine), '123456789012345678901234567891.12345678901234567890123456789');
  assert.equal(multiply(large, large), String(BigInt(large) ** 2n));
});
