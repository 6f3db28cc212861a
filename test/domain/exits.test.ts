import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { add, compare, isZero, roundDownToStep, subtract } from '../../domain/decimal.ts';
import { graver, leavesSome } from '../../domain/exit-problem.ts';
import { dueOf, exitsOf, NO_EXITS } from '../../domain/exits.ts';
import type { EntryIntent } from '../../domain/intent.ts';
import { exitOf, partsOf, protectionOf } from '../../domain/leg.ts';
import { NEW_ORDER, type OrderState } from '../../domain/order-state.ts';
import type { Reason } from '../../domain/reason.ts';
import { anIntent } from '../support/an-intent.ts';
import { RUNS } from '../support/property-runs.ts';

const entry = (filledQuantity: string, fees: readonly [asset: string, amount: string][] = []): OrderState => ({
  ...NEW_ORDER,
  status: 'filled',
  filledQuantity,
  averagePrice: '100',
  fills: fees.map(([asset, amount], index) => ({
    tradeId: `${index}`,
    quantity: '1',
    price: '100',
    fee: { asset, amount },
  })),
});

const inShares = (...shares: string[]): Partial<EntryIntent> => ({
  takeProfit: shares.map((share, index) => ({ share, level: { percent: `${index + 1}` } })),
});

const dues = (intent: EntryIntent, state: OrderState): string[] =>
  partsOf(intent).map((_, part) => dueOf(intent, state, part));

test('what is filled is due in the shares of its targets, or whole where there is only a stop', () => {
  assert.deepEqual(dues(anIntent(inShares('0.25', '0.75')), entry('2')), ['0.5', '1.5']);
  assert.deepEqual(dues(anIntent({ stopLoss: { percent: '1' } }), entry('2')), ['2']);
  assert.deepEqual(dues(anIntent(inShares('0.25', '0.75')), entry('0')), ['0', '0']);
});

test('shares that no venue could count in come to the whole all the same', () => {
  const thirds = [
    '0.333333333333333333333333333333',
    '0.333333333333333333333333333333',
    '0.333333333333333333333333333334',
  ];
  const [one, two, three] = dues(anIntent(inShares(...thirds)), entry('0.7'));
  assert.equal(add(add(one!, two!), three!), '0.7');
});

test('a fee in the asset that was bought was never brought in; any other fee was paid from elsewhere', () => {
  const rows: [Partial<EntryIntent>, [string, string][], string][] = [
    [{}, [['BTC', '0.001']], '0.999'],
    [
      {},
      [
        ['BTC', '0.001'],
        ['BTC', '0.002'],
      ],
      '0.997',
    ],
    [
      {},
      [
        ['BNB', '0.5'],
        ['USDT', '0.1'],
      ],
      '1',
    ],
    [
      { symbol: 'BTCUSDT' },
      [
        ['BTC', '0.001'],
        ['USDT', '0.1'],
      ],
      '0.999',
    ],
    [{ symbol: 'binance:btcusdt' }, [['BTC', '0.001']], '0.999'],
    [{ symbol: 'BINANCE:BTC/USDT' }, [['BTC', '0.001']], '0.999'],
    // The market is of another asset, whose name begins the same.
    [{ symbol: 'BTCST/USDT' }, [['BTC', '0.001']], '1'],
    // A contract's fee in its settlement asset takes nothing off the contracts.
    [{ symbol: 'BTC/USDT:USDT' }, [['USDT', '0.1']], '1'],
    [{}, [['', '0.1']], '1'],
    [{ symbol: 'BTCUSDT' }, [['', '0.1']], '1'],
    [{ side: 'sell' }, [['BTC', '0.001']], '1'],
    // A rebate may be booked anywhere; what is not surely there cannot be sold.
    [{}, [['BTC', '-0.001']], '1'],
    [{}, [['BTC', '2']], '0'],
  ];
  for (const [change, fees, expected] of rows) {
    const intent = anIntent({ stopLoss: { percent: '1' }, ...change });
    assert.deepEqual(dues(intent, entry('1', fees)), [expected], JSON.stringify([change, fees]));
  }
});

const shares = fc
  .uniqueArray(fc.integer({ min: 1, max: 9_999 }), { maxLength: 4 })
  .map((cuts) => [0, ...cuts.toSorted((a, b) => a - b), 10_000])
  .map((ends) => ends.slice(1).map((end, i) => `${(end - ends[i]!) / 10_000}`));

test('what is due comes to what is held, in no part below zero, and never to more than was filled', () => {
  const units = fc.bigInt({ min: 0n, max: 10n ** 12n }).map((count) => `${count}e-8`);
  const fee = fc.tuple(
    fc.constantFrom('BTC', 'USDT', 'BNB'),
    fc.integer({ min: -5, max: 50 }).map((count) => `${count}e-6`),
  );
  fc.assert(
    fc.property(
      fc.constantFrom('buy' as const, 'sell' as const),
      shares,
      units,
      fc.array(fee, { maxLength: 4 }),
      (side, split, filled, fees) => {
        const intent = anIntent({ side, ...inShares(...split) });
        const parts = dues(intent, entry(filled, fees));
        const total = parts.reduce(add, '0');
        assert.ok(parts.every((part) => compare(part, '0') >= 0));
        assert.ok(compare(total, filled) <= 0);
        const paid = fees.filter(([asset, amount]) => asset === 'BTC' && compare(amount, '0') > 0 && side === 'buy');
        const held = paid.reduce((left, [, amount]) => subtract(left, amount), filled);
        assert.equal(compare(total, compare(held, '0') > 0 ? held : '0'), 0);
      },
    ),
    RUNS,
  );
});

test('what the steps of a market leave of the other parts is due in the last, once no more comes in', () => {
  const intent = anIntent(inShares('0.33', '0.33', '0.34'));
  const filled = { ...entry('0.00999'), quantityStep: '0.00001' };
  assert.deepEqual(dues(intent, filled), ['0.00329', '0.00329', '0.00341']);
  for (const status of ['partially_filled', 'canceled'] as const) {
    assert.deepEqual(dues(intent, { ...filled, status }), ['0.0032967', '0.0032967', '0.0033966'], status);
  }
  // What is no whole step is nobody's but the last one's, who is told of it.
  assert.deepEqual(dues(intent, { ...filled, filledQuantity: '0.009995' }), ['0.00329', '0.00329', '0.003415']);
  assert.deepEqual(dues(anIntent({ stopLoss: { percent: '1' } }), filled), ['0.00999']);
  assert.deepEqual(dues(anIntent(inShares('0.0005', '0.9995')), filled), ['0', '0.00999']);
});

test('in steps too, what is due comes to what is held, and in no part to less than its share, rounded down', () => {
  const steps = fc.nat(1_000).map((count) => `${count + 1}e-6`);
  const units = fc.bigInt({ min: 0n, max: 10n ** 12n }).map((count) => `${count}e-8`);
  fc.assert(
    fc.property(shares, units, steps, (split, filled, step) => {
      const intent = anIntent(inShares(...split));
      const exact = dues(intent, entry(filled));
      const parts = dues(intent, { ...entry(filled), quantityStep: step });
      assert.equal(compare(parts.reduce(add, '0'), filled), 0);
      for (const [part, due] of parts.entries()) {
        const own = roundDownToStep(exact[part]!, step);
        assert.ok(part === parts.length - 1 ? compare(due, exact[part]!) >= 0 : compare(due, own) === 0);
      }
    }),
    RUNS,
  );
});

const INTENT = anIntent({ stopLoss: { price: '90' }, ...inShares('0.5', '0.5') });
const guard = (part: number, generation: number, quantity: string, state: Partial<OrderState>) => ({
  leg: protectionOf(INTENT, { part, generation, quantity, averagePrice: '100', notAfter: 1 }),
  state: { ...NEW_ORDER, ...state },
});
const out = (quantity: string, averagePrice: string, status: OrderState['status'] = 'filled'): Partial<OrderState> => ({
  status,
  filledQuantity: quantity,
  averagePrice,
});

test('all legs of a position are told as one: what waits, what is out, and at which average', () => {
  assert.deepEqual(exitsOf([], null), NO_EXITS);
  const resting = [guard(0, 0, '1', { status: 'working' }), guard(1, 0, '1', out('0.25', '110', 'partially_filled'))];
  assert.deepEqual(exitsOf(resting, null), {
    guardedQuantity: '1.75',
    exitedQuantity: '0.25',
    exitAveragePrice: '110',
    problem: null,
  });
  const exit = exitOf(INTENT, { part: 1, generation: 1, quantity: '1', notAfter: 1 });
  const ended = [guard(0, 0, '1', out('1', '110')), guard(1, 0, '1', { status: 'rejected' })];
  const all = exitsOf([...ended, { leg: exit, state: { ...NEW_ORDER, ...out('1', '90') } }], null);
  assert.deepEqual([all.guardedQuantity, all.exitedQuantity, all.exitAveragePrice], ['0', '2', '100']);
});

test('what waits is told as the venue has it, in the steps of its market', () => {
  const waits = { status: 'partially_filled', filledQuantity: '0.25' } as const;
  const told = (quantityStep: object): string =>
    exitsOf([guard(0, 0, '1.0567', { ...waits, ...quantityStep })], null).guardedQuantity;
  assert.deepEqual([told({}), told({ quantityStep: '0.01' })], ['0.8067', '0.8']);
});

test('what is on its way, lost, or a market exit that rests protects nothing', () => {
  const exit = exitOf(INTENT, { part: 0, generation: 0, quantity: '1', notAfter: 1 });
  const legs = (['pending', 'unknown', 'canceled', 'expired', 'denied'] as const).map((status, i) =>
    guard(0, i, '1', { status }),
  );
  const { guardedQuantity } = exitsOf([...legs, { leg: exit, state: { ...NEW_ORDER, status: 'working' } }], null);
  assert.ok(isZero(guardedQuantity));
});

test('what is worse in one part is not hidden by what comes later in another', () => {
  const codes = ['UNPROTECTED', 'PROTECTION_CANCELED', 'PROTECTION_FAILED', 'TARGET_MISSED', 'TOO_SMALL_TO_PROTECT'];
  const problem = (code: string, message = ''): Reason => ({ code, message, fix: null });
  for (const [rank, code] of codes.entries()) {
    assert.equal(graver(null, problem(code)).code, code);
    for (const [other, later] of codes.entries()) {
      assert.equal(graver(problem(code), problem(later)).code, rank < other ? code : later, `${code} then ${later}`);
    }
    assert.equal(graver(problem(code, 'first'), problem(code, 'second')).message, 'second');
  }
  assert.deepEqual(
    codes.map((code) => leavesSome(problem(code))),
    [true, true, false, false, false],
  );
  assert.ok(!leavesSome(null));
});
