import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { admit, type AdmissionRequest } from '../../domain/admission.ts';
import { answerOf } from '../../domain/answer.ts';
import { compare, subtract } from '../../domain/decimal.ts';
import type { Exits } from '../../domain/exits.ts';
import { NO_LIMITS } from '../../domain/limits.ts';
import { NEW_ORDER, type OrderStatus } from '../../domain/order-state.ts';
import { learned, NEW_TALLY, newsOf, WHOLE, type OrderNews, type Tally } from '../../domain/tally.ts';
import { anIntent } from '../support/an-intent.ts';
import { RUNS } from '../support/property-runs.ts';

const NOON = Date.UTC(2026, 5, 1, 12);
const ID = anIntent().clientOrderId;

const request = (change: Partial<AdmissionRequest> = {}): AdmissionRequest => ({
  clientOrderId: ID,
  workflowId: 'order:trend:1',
  strategy: 'trend',
  symbol: 'BTC/USDT',
  side: 'buy',
  quantity: '2',
  price: '100',
  receivedAt: NOON,
  inTurn: false,
  accountLimits: NO_LIMITS,
  strategyLimits: NO_LIMITS,
  hasAsked: true,
  ...change,
});

const admitted = (change?: Partial<AdmissionRequest>): Tally => admit(NEW_TALLY, request(change), NOON).tally;

interface Stand {
  readonly status?: OrderStatus;
  readonly filled: string;
  readonly at?: string;
  readonly out?: string;
  readonly outAt?: string;
  readonly problem?: Exits['problem'];
}

/** What the answer of a protected order tells that stands like this. */
function news({ status = 'filled', filled, at = '100', out = '0', outAt = '110', problem = null }: Stand): OrderNews {
  const exitAveragePrice = out === '0' ? null : outAt;
  const exits: Exits = { guardedQuantity: '0', exitedQuantity: out, exitAveragePrice, problem };
  const averagePrice = filled === '0' ? null : at;
  return newsOf(
    answerOf('order:trend:1', anIntent(), { ...NEW_ORDER, status, filledQuantity: filled, averagePrice, exits }),
  );
}

const hear = (tally: Tally, ...stands: Stand[]): Tally => stands.map(news).reduce(learned, tally);
const isOpen = ({ open }: Tally): boolean => Object.hasOwn(open, ID);
const held = ({ traded }: Tally, whose = WHOLE): string => traded[whose]?.positions['BTC/USDT']?.quantity ?? '0';
const gained = ({ traded }: Tally, whose = WHOLE): string => traded[whose]?.realized['USDT'] ?? '0';

test('a protected order counts as open until its position is out again', () => {
  const filled = hear(admitted(), { filled: '2' });
  assert.deepEqual([isOpen(filled), held(filled), gained(filled)], [true, '2', '0']);
  const half = hear(filled, { filled: '2', out: '1' });
  assert.deepEqual([isOpen(half), held(half), gained(half)], [true, '1', '10']);
  const closed = hear(half, { status: 'closed', filled: '2', out: '2' });
  assert.deepEqual([isOpen(closed), held(closed), gained(closed)], [false, '0', '20']);
});

test('what a stop has cost is the loss of the account and of the strategy', () => {
  const tally = hear(admitted(), { filled: '2' }, { status: 'closed', filled: '2', out: '2', outAt: '90' });
  assert.deepEqual([gained(tally), gained(tally, 'trend'), held(tally, 'trend')], ['-20', '-20', '0']);
  const short = hear(
    admitted({ side: 'sell' }),
    { filled: '2' },
    { status: 'closed', filled: '2', out: '2', outAt: '115' },
  );
  assert.deepEqual([gained(short), held(short)], ['-30', '0']);
});

test('entry and exit in one piece of news are both counted', () => {
  const tally = hear(admitted(), { status: 'closed', filled: '2', out: '2' });
  assert.deepEqual([isOpen(tally), held(tally), gained(tally)], [false, '0', '20']);
});

test('one that is over without an exit leaves its position, and is open no longer', () => {
  for (const status of ['denied', 'expired', 'canceled'] as const) {
    assert.ok(!isOpen(hear(admitted(), { status, filled: '0' })), status);
  }
  const ended = learned(hear(admitted(), { filled: '2' }), { ...news({ filled: '2' }), isOver: true });
  assert.deepEqual([isOpen(ended), held(ended)], [false, '2']);
});

test('what a protected order did not fill before it was canceled is no position to come', () => {
  const maxPosition = { ...NO_LIMITS, maxPosition: '2' };
  const next = request({ clientOrderId: 'next', quantity: '1.5', accountLimits: maxPosition });
  const resting = hear(admitted(), { status: 'partially_filled', filled: '0.5' });
  assert.equal(admit(resting, next, NOON).admission.kind, 'denied');
  const canceled = hear(resting, { status: 'canceled', filled: '0.5' });
  assert.ok(isOpen(canceled));
  assert.equal(admit(canceled, next, NOON).admission.kind, 'admitted');
  assert.equal(admit(canceled, { ...next, quantity: '1.6' }, NOON).admission.kind, 'denied');
});

test('news that were recorded before there were exits are understood', () => {
  const before = { clientOrderId: ID, isKnown: true, filledQuantity: '1', averagePrice: '100' };
  const tally = learned(admitted(), { ...before, isOver: false });
  assert.deepEqual([isOpen(tally), held(tally)], [true, '1']);
  assert.equal(held(hear(tally, { filled: '2', out: '1' })), '1');
  assert.ok(!isOpen(learned(tally, { ...before, isOver: true })));
});

// An exit in two steps at different prices, as the answers tell it: what is told is always the whole so far.
const LIFE: Stand[] = [
  { status: 'partially_filled', filled: '1' },
  { filled: '2' },
  { filled: '2', out: '0.5', outAt: '110' },
  { filled: '2', out: '1.5', outAt: '100' },
];

test('news that come late, again or not at all change nothing of what the last ones tell', () => {
  const steps = fc.array(fc.nat(LIFE.length - 1), { maxLength: 12 });
  const expected = hear(admitted(), ...LIFE, { status: 'closed', filled: '2', out: '2', outAt: '95' });
  fc.assert(
    fc.property(steps, (order) => {
      const tally = hear(admitted(), ...order.map((step) => LIFE[step]!));
      assert.ok(isOpen(tally));
      const most = Math.max(-1, ...order);
      const { filled, out = '0' } = LIFE[most] ?? { filled: '0' };
      assert.equal(held(tally), subtract(filled, out));
      const closed = hear(tally, { status: 'closed', filled: '2', out: '2', outAt: '95' });
      assert.deepEqual([closed.open, closed.traded], [expected.open, expected.traded]);
      assert.deepEqual(hear(closed, ...order.map((step) => LIFE[step]!)), closed);
    }),
    RUNS,
  );
});

test('what is realized is what came out less what went in, in however many pieces it is told', () => {
  const units = (max: number) => fc.integer({ min: 1, max }).map((count) => `${count}`);
  fc.assert(
    fc.property(
      units(500),
      units(500),
      fc.uniqueArray(fc.integer({ min: 1, max: 99 }), { maxLength: 5 }),
      (at, outAt, cuts) => {
        const told = cuts.toSorted((a, b) => a - b).map((cut) => ({ filled: '1', at, out: `${cut / 100}`, outAt }));
        const tally = hear(admitted(), ...told, { status: 'closed', filled: '1', at, out: '1', outAt });
        assert.equal(compare(gained(tally), subtract(outAt, at)), 0);
        assert.equal(held(tally), '0');
      },
    ),
    RUNS,
  );
});
