import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { EntryIntent } from '../../domain/intent.ts';
import { checkAlert, checkBracket } from '../../domain/pre-trade.ts';
import { anIntent } from '../support/an-intent.ts';

const RULES = { minConfidence: '0.6', maxAgeMs: 60_000 };
const AT = anIntent().receivedAt;

test('an alert is traded up to its limits, and not one step beyond', () => {
  const rows: [Partial<EntryIntent>, string, string?][] = [
    [{ confidence: '0.6' }, 'admitted'],
    [{ confidence: '0.60' }, 'admitted'],
    [{ confidence: '1' }, 'admitted'],
    [{ confidence: '0.599999999999999999' }, 'denied', 'CONFIDENCE_TOO_LOW'],
    [{ confidence: '0' }, 'denied', 'CONFIDENCE_TOO_LOW'],
    [{ alertTime: AT }, 'admitted'],
    [{ alertTime: AT - 60_000 }, 'admitted'],
    [{ alertTime: AT - 60_001 }, 'expired', 'ALERT_TOO_OLD'],
    [{ alertTime: 0 }, 'expired', 'ALERT_TOO_OLD'],
    [{ alertTime: AT + 5_000 }, 'admitted'],
    [{ alertTime: AT + 5_001 }, 'denied', 'ALERT_TIME_IN_FUTURE'],
    [{ confidence: '0.1', alertTime: 0 }, 'denied', 'CONFIDENCE_TOO_LOW'],
  ];
  for (const [change, kind, code] of rows) {
    const verdict = checkAlert(anIntent(change), RULES);
    const found = [verdict.kind, verdict.kind === 'admitted' ? undefined : verdict.reason.code];
    assert.deepEqual(found, [kind, code], JSON.stringify(change));
  }
});

test('a strategy may take every confidence and any age', () => {
  const rules = { minConfidence: '0', maxAgeMs: Number.MAX_SAFE_INTEGER };
  assert.equal(checkAlert(anIntent({ confidence: '0', alertTime: 0 }), rules).kind, 'admitted');
});

test('a reason says both numbers and what to do', () => {
  const low = checkAlert(anIntent({ confidence: '0.5' }), RULES);
  assert.ok(low.kind === 'denied' && /0\.5 .* 0\.6/.test(low.reason.message) && low.reason.fix !== null);
  const old = checkAlert(anIntent({ alertTime: AT - 61_500 }), RULES);
  assert.ok(old.kind === 'expired' && /61\.5 s .* 60 s/.test(old.reason.message) && old.reason.fix !== null);
});

test('an age just over the limit is not shown as the limit itself', () => {
  const verdict = checkAlert(anIntent({ alertTime: AT - 60_001 }), RULES);
  assert.ok(verdict.kind === 'expired');
  const [age, limit] = verdict.reason.message.match(/[\d.]+ s/g)!;
  assert.notEqual(age, limit, verdict.reason.message);
});

test('a stop-loss and a take-profit lie on their sides of the entry, and not on its price', () => {
  const rows: [Partial<EntryIntent>, string | null][] = [
    [{}, null],
    [
      { limitPrice: '100', stopLoss: { price: '99.99' }, takeProfit: [{ share: '1', level: { price: '100.01' } }] },
      null,
    ],
    [{ limitPrice: '100', stopLoss: { price: '100' } }, 'stop_loss 100 of a buy must be below its price 100'],
    [{ limitPrice: '100', stopLoss: { price: '100.01' } }, 'stop_loss 100.01 of a buy must be below its price 100'],
    [
      { limitPrice: '100', takeProfit: [{ share: '1', level: { price: '100' } }] },
      'take_profit 100 of a buy must be above its price 100',
    ],
    [
      { limitPrice: '100', takeProfit: [{ share: '1', level: { price: '99.99' } }] },
      'take_profit 99.99 of a buy must be above its price 100',
    ],
    [
      {
        side: 'sell',
        limitPrice: '100',
        stopLoss: { price: '100.01' },
        takeProfit: [{ share: '1', level: { price: '99.99' } }],
      },
      null,
    ],
    [
      { side: 'sell', limitPrice: '100', stopLoss: { price: '100' } },
      'stop_loss 100 of a sell must be above its price 100',
    ],
    [
      { side: 'sell', limitPrice: '100', takeProfit: [{ share: '1', level: { price: '100' } }] },
      'take_profit 100 of a sell must be below its price 100',
    ],
    [{ stopPrice: '100', stopLoss: { price: '101' } }, 'must be below its price 100'],
    [{ referencePrice: '100', stopLoss: { price: '101' } }, 'must be below its price 100'],
    [{ limitPrice: '100', referencePrice: '200', stopLoss: { price: '150' } }, 'must be below its price 100'],
    [{ limitPrice: '100', stopPrice: '200', stopLoss: { price: '150' } }, 'must be below its price 100'],
    [{ stopLoss: { price: '99' }, takeProfit: [{ share: '1', level: { price: '101' } }] }, null],
    [{ limitPrice: '100', stopLoss: { price: '99', breakevenAfter: { price: '100.01' } } }, null],
    [
      { limitPrice: '100', stopLoss: { price: '99', breakevenAfter: { price: '100' } } },
      'breakeven_after 100 of a buy must be above its price 100',
    ],
    [
      { side: 'sell', limitPrice: '100', stopLoss: { percent: '1', breakevenAfter: { price: '101' } } },
      'breakeven_after 101 of a sell must be below its price 100',
    ],
    [
      { stopLoss: { price: '99', breakevenAfter: { price: '98' } } },
      'stop_loss 99 of a buy must be below its breakeven_after 98',
    ],
    [{ limitPrice: '100', stopLoss: { trailAmount: '99.99' } }, null],
    [{ side: 'sell', limitPrice: '100', stopLoss: { trailAmount: '1000' } }, null],
    [
      { limitPrice: '100', stopLoss: { trailAmount: '100' } },
      'trail_amount 100 of a buy must be less than its price 100',
    ],
    [
      { stopLoss: { price: '100' }, takeProfit: [{ share: '1', level: { price: '100' } }] },
      'stop_loss 100 of a buy must be below its take_profit 100',
    ],
    [
      { side: 'sell', stopLoss: { price: '99' }, takeProfit: [{ share: '1', level: { price: '101' } }] },
      'stop_loss 99 of a sell must be above its take_profit 101',
    ],
    [{ limitPrice: '9', stopLoss: { price: '10' } }, 'must be below its price 9'],
  ];
  for (const [change, expected] of rows) {
    const found = checkBracket(anIntent(change));
    if (expected === null) assert.equal(found, null, JSON.stringify(change));
    else assert.ok(found?.code === 'BRACKET_WRONG_SIDE' && found.message.includes(expected), JSON.stringify(found));
  }
});
