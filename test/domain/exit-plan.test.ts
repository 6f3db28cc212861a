import assert from 'node:assert/strict';
import { test } from 'node:test';

import { admit, type Admission, type AdmissionRequest } from '../../domain/admission.ts';
import type { DecimalString } from '../../domain/decimal.ts';
import { planExit, type ExitRequest } from '../../domain/exit-plan.ts';
import { NO_LIMITS } from '../../domain/limits.ts';
import { learned, NEW_TALLY, type Tally } from '../../domain/tally.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const LIMITS = { accountLimits: NO_LIMITS, strategyLimits: NO_LIMITS };
const BESIDE = { workflowId: 'order:trend:x', strategy: 'trend', symbol: 'BTC/USDT', price: null, receivedAt: NOW };

const exitOf = (change: Partial<ExitRequest> = {}): ExitRequest => ({
  ...BESIDE,
  ...LIMITS,
  exit: 'close',
  clientOrderId: 'EXIT',
  quantity: null,
  holding: null,
  hasAsked: true,
  hasCanceled: false,
  ...change,
});

interface Traded {
  readonly id: string;
  readonly quantity: DecimalString;
  readonly filled?: DecimalString;
  readonly exited?: DecimalString;
  readonly isProtected?: boolean;
  readonly isOver?: boolean;
  readonly isKnown?: boolean;
  readonly side?: 'buy' | 'sell';
  readonly strategy?: string;
}

/** The tally after orders were admitted, and so much became known of them. */
function after(...orders: readonly Traded[]): Tally {
  let tally = NEW_TALLY;
  for (const order of orders) {
    const { id, quantity, filled = quantity, exited = '0', side = 'buy', strategy = 'trend' } = order;
    const { isProtected = false, isKnown = true, isOver = !isProtected && filled === quantity } = order;
    const request: AdmissionRequest = {
      ...BESIDE,
      ...LIMITS,
      clientOrderId: id,
      workflowId: `order:${strategy}:${id}`,
      strategy,
      side,
      quantity,
      isProtected,
      inTurn: false,
      hasAsked: true,
    };
    tally = admit(tally, request, NOW).tally;
    if (!isKnown) continue;
    const prices = { averagePrice: '100', exitAveragePrice: exited === '0' ? null : '100' };
    const isDone = filled === quantity;
    tally = learned(tally, {
      clientOrderId: id,
      isKnown,
      isOver,
      isDone,
      filledQuantity: filled,
      exitedQuantity: exited,
      ...prices,
    });
  }
  return tally;
}

const plan = (tally: Tally, change: Partial<ExitRequest> = {}, now = NOW): Admission =>
  planExit(tally, exitOf(change), now).admission;

/** A plan in short: side, all of it, by its own order, by each entry. */
function inShort(admission: Admission): string {
  if (admission.kind !== 'planned')
    return 'reason' in admission ? `${admission.kind} ${admission.reason.code}` : admission.kind;
  const entries = admission.entries.map(({ clientOrderId, quantity }) => `${clientOrderId} ${quantity ?? 'all'}`);
  return [admission.side, admission.quantity, `own ${admission.own}`, ...entries].join(', ');
}

const rows: readonly [string, Tally, Partial<ExitRequest>, string][] = [
  ['a long position is sold', after({ id: 'A', quantity: '2' }), {}, 'sell, 2, own 2'],
  ['a short one is bought back', after({ id: 'A', quantity: '2', side: 'sell' }), {}, 'buy, 2, own 2'],
  ['nothing held is nothing to do', after(), {}, 'flat FLAT'],
  [
    'what came out again is not held',
    after({ id: 'A', quantity: '2' }, { id: 'B', quantity: '2', side: 'sell' }),
    {},
    'flat FLAT',
  ],
  ['another strategy’s position is not touched', after({ id: 'A', quantity: '2', strategy: 'other' }), {}, 'flat FLAT'],
  ['a part of it', after({ id: 'A', quantity: '2' }), { quantity: '0.5' }, 'sell, 0.5, own 0.5'],
  ['no more than there is', after({ id: 'A', quantity: '2' }), { quantity: '2.1' }, 'denied THROUGH_ZERO'],
  [
    'what is protected comes out by its own order',
    after({ id: 'A', quantity: '2', isProtected: true }),
    {},
    'sell, 2, own 0, A all',
  ],
  [
    'what is not protected comes out first',
    after({ id: 'A', quantity: '2', isProtected: true }, { id: 'B', quantity: '1' }),
    { quantity: '1.5' },
    'sell, 1.5, own 1, A 0.5',
  ],
  [
    'of a protected one only what is left',
    after({ id: 'A', quantity: '2', exited: '0.5', isProtected: true }),
    {},
    'sell, 1.5, own 0, A all',
  ],
  [
    'the venue has less: a fee, or a hand',
    after({ id: 'A', quantity: '2' }),
    { holding: { kind: 'asset', quantity: '1.998' } },
    'sell, 1.998, own 1.998',
  ],
  [
    'the venue has nothing',
    after({ id: 'A', quantity: '2' }),
    { holding: { kind: 'asset', quantity: '0' } },
    'flat FLAT',
  ],
  [
    'the venue has more, which is not ours',
    after({ id: 'A', quantity: '2' }),
    { holding: { kind: 'asset', quantity: '7' } },
    'sell, 2, own 2',
  ],
  [
    'what was sold unheld no asset shows',
    after({ id: 'A', quantity: '2', side: 'sell' }),
    { holding: { kind: 'asset', quantity: '5' } },
    'buy, 2, own 2',
  ],
  [
    'a net position tells of shorts as well',
    after({ id: 'A', quantity: '2', side: 'sell' }),
    { holding: { kind: 'net', quantity: '-1' } },
    'buy, 1, own 1',
  ],
  [
    'two strategies against each other are both there',
    after({ id: 'A', quantity: '2' }, { id: 'B', quantity: '2', side: 'sell', strategy: 'other' }),
    { holding: { kind: 'net', quantity: '0' } },
    'sell, 2, own 2',
  ],
  ['a reverse of nothing', after(), { exit: 'reverse', quantity: '1' }, 'denied FLAT'],
  ['a reverse takes out all', after({ id: 'A', quantity: '2' }), { exit: 'reverse', quantity: '1' }, 'sell, 2, own 2'],
  [
    'what a reverse opens is held to the limits',
    after({ id: 'A', quantity: '2' }),
    { exit: 'reverse', quantity: '3', accountLimits: { ...NO_LIMITS, maxPosition: '2' } },
    'denied POSITION_OVER_LIMIT',
  ],
  [
    'a close is held to none',
    after({ id: 'A', quantity: '2' }),
    { accountLimits: { ...NO_LIMITS, maxPosition: '0.1', ordersPerMinute: 1, dailyLoss: '0', reduceOnly: true } },
    'sell, 2, own 2',
  ],
];
for (const [name, tally, change, expected] of rows) {
  test(name, () => assert.equal(inShort(plan(tally, change)), expected));
}

test('the orders beside it are asked about first', () => {
  const tally = after({ id: 'A', quantity: '2', filled: '1' });
  assert.deepEqual(plan(tally, { hasAsked: false }), {
    kind: 'ask_first',
    orders: [{ clientOrderId: 'A', workflowId: 'order:trend:A' }],
  });
});

test('an order whose outcome is not known is waited for, and not for ever', () => {
  const tally = after({ id: 'A', quantity: '2' }, { id: 'B', quantity: '1', isKnown: false });
  assert.equal(plan(tally).kind, 'wait');
  const late = plan(tally, {}, NOW + 5_000);
  assert.equal(inShort(late), 'sell, 2, own 2');
  assert.match(JSON.stringify(late), /B is not known yet/);
});

test('flatten has what waits canceled first, once', () => {
  const tally = after({ id: 'A', quantity: '2' }, { id: 'B', quantity: '1', filled: '0' });
  assert.deepEqual(plan(tally, { exit: 'flatten' }), {
    kind: 'cancel_first',
    orders: [{ clientOrderId: 'B', workflowId: 'order:trend:B' }],
  });
  assert.equal(inShort(plan(tally, { exit: 'flatten', hasCanceled: true })), 'sell, 2, own 2');
});

test('the same exit gets the same plan, and another one waits until it is over', () => {
  const first = planExit(after({ id: 'A', quantity: '2' }), exitOf(), NOW);
  assert.deepEqual(planExit(first.tally, exitOf(), NOW + 60_000).admission, first.admission);
  assert.deepEqual(planExit(first.tally, exitOf({ confirms: true }), NOW).admission, first.admission);
  const second = { clientOrderId: 'SECOND' };
  assert.equal(plan(first.tally, second, NOW + 60_000).kind, 'wait');
  const news = { clientOrderId: 'EXIT', isKnown: true, isOver: true, filledQuantity: '2', averagePrice: '100' };
  assert.equal(inShort(plan(learned(first.tally, news), second)), 'flat FLAT');
});

test('what was never decided is not confirmed', () => {
  assert.equal(inShort(plan(after({ id: 'A', quantity: '2' }), { confirms: true })), 'denied EXIT_NOT_PLANNED');
});

test('what the venue does not have is not counted any more', () => {
  const { tally } = planExit(
    after({ id: 'A', quantity: '2' }),
    exitOf({ holding: { kind: 'asset', quantity: '1.5' } }),
    NOW,
  );
  assert.deepEqual(
    Object.values(tally.traded).map(({ positions }) => positions['BTC/USDT']?.quantity),
    ['1.5', '1.5'],
  );
});
