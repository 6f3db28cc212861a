import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import type { Side } from '../../domain/alert.ts';
import { isPassed, reachedBy, watchOf, type Reached, type Watch, type Watched } from '../../domain/watch.ts';
import { RUNS } from '../support/property-runs.ts';

test('what is watched of a position comes to a price above and one below, the nearer first', () => {
  const rows: [Side, Watched, Watch | undefined][] = [
    ['sell', {}, undefined],
    ['sell', { target: '110' }, { above: '110' }],
    ['sell', { stop: '90' }, { below: '90' }],
    ['sell', { target: '110', stop: '90' }, { above: '110', below: '90' }],
    ['sell', { target: '110', move: '105' }, { above: '105' }],
    ['sell', { target: '110', move: '115' }, { above: '110' }],
    ['sell', { move: '9.5', target: '10' }, { above: '9.5' }],
    ['buy', { target: '90' }, { below: '90' }],
    ['buy', { stop: '110' }, { above: '110' }],
    ['buy', { target: '90', move: '95', stop: '110' }, { above: '110', below: '95' }],
    ['buy', { target: '9', move: '10', stop: '110' }, { above: '110', below: '10' }],
  ];
  for (const [side, watched, expected] of rows) assert.deepEqual(watchOf(side, watched), expected);
});

test('a price reaches a level at the level itself, and the target before all else', () => {
  const all = { target: '110', stop: '90', move: '105' };
  const rows: [Side, Watched, string, Reached | null][] = [
    ['sell', all, '109.99', 'move'],
    ['sell', all, '110', 'target'],
    ['sell', all, '104.99', null],
    ['sell', all, '90.01', null],
    ['sell', all, '90', 'stop'],
    ['sell', { ...all, move: '112' }, '113', 'target'],
    ['sell', { move: '105' }, '1000', 'move'],
    ['buy', { target: '90', stop: '110', move: '95' }, '90', 'target'],
    ['buy', { target: '90', stop: '110', move: '95' }, '94.9', 'move'],
    ['buy', { target: '90', stop: '110', move: '95' }, '95.1', null],
    ['buy', { target: '90', stop: '110', move: '95' }, '110.0', 'stop'],
  ];
  for (const [side, watched, price, expected] of rows) {
    assert.equal(reachedBy(side, watched, price), expected, JSON.stringify([side, watched, price]));
  }
});

test('whoever waits for the prices of what is watched is told when one of it is reached, and never else', () => {
  const price = fc.integer({ min: 1, max: 40 }).map(String);
  const level = fc.option(price, { nil: undefined });
  const sides = fc.constantFrom<Side>('buy', 'sell');
  fc.assert(
    fc.property(sides, level, level, level, price, (side, target, stop, move, now) => {
      const watched = {
        ...(target === undefined ? {} : { target }),
        ...(stop === undefined ? {} : { stop }),
        ...(move === undefined ? {} : { move }),
      };
      const watch = watchOf(side, watched);
      assert.equal(watch !== undefined && isPassed(watch, now), reachedBy(side, watched, now) !== null);
    }),
    RUNS,
  );
});
