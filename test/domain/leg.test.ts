import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import type { Side } from '../../domain/alert.ts';
import { compare, isPositive } from '../../domain/decimal.ts';
import {
  exitOf,
  hasBracket,
  isWithin,
  levelInWords,
  partsOf,
  protectionOf,
  type Leg,
  type Level,
} from '../../domain/leg.ts';
import { anIntent } from '../support/an-intent.ts';
import { RUNS } from '../support/property-runs.ts';

const LEG = { part: 0, generation: 0, quantity: '0.01', averagePrice: '200', notAfter: 5 };
const whole = (level: Level) => [{ share: '1', level }];

test('a level in percent is a distance from the average fill: a stop on the losing side, a target on the winning one', () => {
  const rows: [Side, string, Level, string][] = [
    ['buy', 'stop', { percent: '2' }, '196'],
    ['buy', 'target', { percent: '2' }, '204'],
    ['sell', 'stop', { percent: '2' }, '204'],
    ['sell', 'target', { percent: '2' }, '196'],
    ['buy', 'stop', { percent: '99.99' }, '0.02'],
    ['sell', 'target', { percent: '99.99' }, '0.02'],
    ['buy', 'stop', { price: '190.5' }, '190.5'],
    ['sell', 'target', { price: '190.5' }, '190.5'],
  ];
  for (const [side, kind, level, expected] of rows) {
    const intent = anIntent({ side, ...(kind === 'stop' ? { stopLoss: level } : { takeProfit: whole(level) }) });
    const leg = protectionOf(intent, LEG);
    assert.equal(kind === 'stop' ? leg.stopPrice : leg.limitPrice, expected, `${side} ${kind}`);
  }
});

test('protection is a stop, a target, or both in one order, on the other side than the entry', () => {
  const [stopLoss, takeProfit] = [{ price: '190' }, whole({ price: '210' })];
  const stop = protectionOf(anIntent({ stopLoss }), LEG);
  assert.deepEqual(stop, {
    name: 'protection',
    part: 0,
    generation: 0,
    side: 'sell',
    type: 'stop',
    quantity: '0.01',
    stopPrice: '190',
    notAfter: 5,
  });
  const target = protectionOf(anIntent({ takeProfit }), LEG);
  assert.deepEqual([target.type, target.limitPrice, target.stopPrice], ['limit', '210', undefined]);
  const both = protectionOf(anIntent({ stopLoss, takeProfit }), LEG);
  assert.deepEqual([both.type, both.limitPrice, both.stopPrice], ['bracket', '210', '190']);
  assert.equal(protectionOf(anIntent({ side: 'sell', stopLoss: { price: '210' } }), LEG).side, 'buy');
});

test('each part has its own target, and all of them the one stop', () => {
  const levels: Level[] = [{ percent: '2' }, { price: '230' }];
  const takeProfit = levels.map((level) => ({ share: '0.5', level }));
  const intent = anIntent({ stopLoss: { percent: '1' }, takeProfit });
  const legs = [0, 1].map((part) => protectionOf(intent, { ...LEG, part }));
  assert.deepEqual(
    legs.map(({ part, limitPrice, stopPrice }) => [part, limitPrice, stopPrice]),
    [
      [0, '204', '198'],
      [1, '230', '198'],
    ],
  );
  assert.equal(partsOf(anIntent({ stopLoss: { price: '1' } })).length, 1);
});

test('the way out at the market bears no price', () => {
  const leg = exitOf(anIntent(), { part: 1, generation: 3, quantity: '0.005', notAfter: 9 });
  assert.deepEqual(leg, {
    name: 'exit',
    side: 'sell',
    type: 'market',
    part: 1,
    generation: 3,
    quantity: '0.005',
    notAfter: 9,
  });
});

test('an order has a bracket when it has a stop or a target', () => {
  assert.ok(!hasBracket(anIntent()));
  assert.ok(hasBracket(anIntent({ stopLoss: { price: '1' } })));
  assert.ok(hasBracket(anIntent({ takeProfit: whole({ price: '1' }) })));
  assert.deepEqual([levelInWords({ price: '5' }), levelInWords({ percent: '2' })], ['5', '2 %']);
});

test('a leg is within its entry on the other side, and for no more than it', () => {
  const intent = anIntent({ quantity: '0.01', stopLoss: { percent: '1' } });
  const leg: Leg = exitOf(intent, { part: 0, generation: 0, quantity: '0.01', notAfter: 1 });
  assert.ok(isWithin(intent, leg));
  assert.ok(isWithin(intent, { ...leg, quantity: '0.009' }));
  assert.ok(!isWithin(intent, { ...leg, quantity: '0.0100000001' }));
  assert.ok(!isWithin(intent, { ...leg, side: 'buy' }));
  assert.ok(!isWithin(intent, { ...leg, part: 1 }));
  // Nobody has signed that this one is to be taken out again.
  assert.ok(!isWithin(anIntent({ quantity: '0.01' }), leg));
});

test('a level in percent has a price above zero, on its own side of the average fill', () => {
  const percents = fc.integer({ min: 1, max: 9_999 }).map((hundredths) => `${hundredths / 100}`);
  const prices = fc.integer({ min: 1, max: 10 ** 9 }).map((units) => `${units}e-4`);
  fc.assert(
    fc.property(
      fc.constantFrom<Side>('buy', 'sell'),
      percents,
      percents,
      prices,
      (side, stop, target, averagePrice) => {
        const intent = anIntent({ side, stopLoss: { percent: stop }, takeProfit: whole({ percent: target }) });
        const leg = protectionOf(intent, { ...LEG, averagePrice });
        const below = side === 'buy' ? leg.stopPrice! : leg.limitPrice!;
        const above = side === 'buy' ? leg.limitPrice! : leg.stopPrice!;
        assert.ok(isPositive(below) && compare(below, averagePrice) < 0 && compare(above, averagePrice) > 0);
      },
    ),
    RUNS,
  );
});
