import assert from 'node:assert/strict';
import { test } from 'node:test';

import { checkFitted, expectedPrice, foreseenLeg, wouldBeRefused } from '../../domain/foreseen.ts';
import type { EntryIntent } from '../../domain/intent.ts';
import { anIntent } from '../support/an-intent.ts';

const LIMIT = { orderType: 'limit', limitPrice: '100' } as const;
const STOP = { orderType: 'stop', stopPrice: '100' } as const;
const STOP_LIMIT = { orderType: 'stop_limit', stopPrice: '99', limitPrice: '100' } as const;
const market = (price: string) => ({ price, isMarket: true });
const own = (price: string) => ({ price, isMarket: false });

test('an entry is expected to be filled at the market where it trades at once, else at its own price', () => {
  const rows: [Partial<EntryIntent>, string | null, ReturnType<typeof expectedPrice>][] = [
    [{}, '90', market('90')],
    [{ referencePrice: '80' }, '90', market('90')],
    [{ referencePrice: '80' }, null, own('80')],
    [{}, null, null],
    // A limit is the worst price at which it trades.
    [LIMIT, '101', own('100')],
    [LIMIT, '100', own('100')],
    [LIMIT, '99', market('99')],
    [{ ...LIMIT, side: 'sell' }, '99', own('100')],
    [{ ...LIMIT, side: 'sell' }, '101', market('101')],
    [{ ...LIMIT, referencePrice: '80' }, null, own('100')],
    // What waits for a price trades there, wherever the market is now.
    [STOP, '90', own('100')],
    [{ ...STOP, side: 'sell' }, '110', own('100')],
    [STOP_LIMIT, '90', own('100')],
  ];
  for (const [change, now, expected] of rows) {
    assert.deepEqual(expectedPrice(anIntent(change), now), expected, JSON.stringify([change, now]));
  }
});

const HALVES = [
  { share: '0.5', level: { price: '120' } },
  { share: '0.5', level: { percent: '10' } },
];

test('a part is foreseen for its share, less the fee that a venue may keep of what was bought', () => {
  const entry = anIntent({ quantity: '2', stopLoss: { percent: '5' }, takeProfit: HALVES });
  const leg = foreseenLeg(entry, 1, market('100'))!;
  const { name, side, type, quantity, stopPrice, limitPrice } = leg;
  assert.deepEqual(
    [name, side, type, quantity, stopPrice, limitPrice],
    ['protection', 'sell', 'bracket', '0.999', '95', '110'],
  );
  // What was sold brings money in: its fee takes nothing off what has to be bought back.
  assert.equal(foreseenLeg({ ...entry, side: 'sell' }, 1, market('100'))!.quantity, '1');
});

test('without any price only what counts from none is foreseen', () => {
  const entry = anIntent({ takeProfit: HALVES });
  assert.equal(foreseenLeg(entry, 0, null)?.limitPrice, '120');
  assert.equal(foreseenLeg(entry, 1, null), null);
  assert.equal(foreseenLeg({ ...entry, stopLoss: { percent: '5' } }, 0, null), null);
});

test('a level that has come to the entry’s price, or beyond it, is too close, with both numbers', () => {
  const rows: [Partial<EntryIntent>, { stopPrice?: string; limitPrice?: string }, string | null][] = [
    [{}, { stopPrice: '99.99', limitPrice: '100.01' }, null],
    [{}, { stopPrice: '100' }, 'stop_loss of the stop comes to 100 in the market'],
    [{}, { stopPrice: '100.01' }, 'not below the entry'],
    [{}, { limitPrice: '100' }, 'take_profit of the stop comes to 100 in the market'],
    [{ side: 'sell' }, { stopPrice: '100.01', limitPrice: '99.99' }, null],
    [{ side: 'sell' }, { stopPrice: '100' }, 'not above the entry'],
    [{ side: 'sell' }, { limitPrice: '100' }, 'not below the entry'],
    [{ takeProfit: HALVES }, { stopPrice: '100' }, 'of the target 2 of 2 comes to 100'],
    [{ takeProfit: HALVES.slice(1) }, { stopPrice: '100' }, 'of the target comes to 100'],
  ];
  for (const [change, fitted, expected] of rows) {
    const intent = anIntent(change);
    const part = intent.takeProfit?.length === 2 ? 1 : 0;
    const found = checkFitted(intent, part, fitted, own('100'));
    if (expected === null) assert.equal(found, null, JSON.stringify(fitted));
    else {
      assert.equal(found?.code, 'BRACKET_TOO_CLOSE');
      assert.ok(found.message.includes(expected) && found.message.endsWith('price 100.'), found.message);
    }
    assert.equal(checkFitted(intent, part, fitted, null), null);
  }
});

test('what the venue would say becomes the denial of the entry, and names the part', () => {
  const entry = anIntent({ takeProfit: HALVES });
  const small = wouldBeRefused(entry, 1, { code: 'QUANTITY_BELOW_MINIMUM', message: '1 is below 2.', fix: 'x' });
  assert.deepEqual(small, {
    code: 'BRACKET_TOO_SMALL',
    message: 'The venue would not take the target 2 of 2, less the fee of 0.1 % that it may keep: 1 is below 2.',
    fix: 'Raise "quantity", or name fewer targets.',
  });
  const sold = { ...anIntent({ side: 'sell', stopLoss: { percent: '1' } }) };
  const value = { code: 'NOTIONAL_BELOW_MINIMUM_AT_LEVEL', message: '1 is below 2.', fix: 'x' };
  assert.deepEqual(wouldBeRefused(sold, 0, value), {
    code: 'BRACKET_TOO_SMALL',
    message: 'The venue would not take the stop: 1 is below 2.',
    fix: 'Raise "quantity".',
  });
  const far = { code: 'BRACKET_TOO_FAR', message: 'Too far.', fix: 'Nearer.' };
  assert.deepEqual(wouldBeRefused(sold, 0, far), { ...far, message: 'The venue would not take the stop: Too far.' });
});
