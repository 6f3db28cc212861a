import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import {
  compareOrders,
  foundAgain,
  inShort,
  isSameHalt,
  nameOf,
  restoredHalt,
  type Difference,
  type EngineOrder,
  type ListedOrder,
} from '../../domain/reconciliation.ts';
import { halted, NEW_STANDING } from '../../domain/standing.ts';
import { RUNS } from '../support/property-runs.ts';

const TAG = 'ABC';

const atVenue = (id: string, members: Partial<ListedOrder> = {}): ListedOrder => ({
  clientOrderId: `${TAG}${id}`,
  venueOrderId: `v-${id}`,
  symbol: 'BTC/USDT',
  status: 'open',
  isOpen: true,
  isFilled: false,
  ...members,
});
const inEngine = (id: string, members: Partial<EngineOrder> = {}): EngineOrder => ({
  clientOrderId: `${TAG}${id}`,
  workflowId: `order:trend:${id}`,
  symbol: 'BTC/USDT',
  status: 'working',
  isRunning: true,
  ...members,
});

function differences(listed: readonly ListedOrder[], engine: readonly EngineOrder[] = []) {
  const known = new Map(engine.map((order) => [order.clientOrderId, order]));
  const resting = engine.filter(({ isRunning, status }) => isRunning && status === 'working');
  return compareOrders({ tag: TAG, listed, known, resting });
}

/** Kind and order of what is found for one order at the venue. */
const kindOf = (listed: ListedOrder, engine?: EngineOrder): string[] =>
  differences([listed], engine === undefined ? [] : [engine]).differences.map(({ kind, order }) => `${kind} ${order}`);

const OVER = { isOpen: false, status: 'closed', isFilled: true };

test('an order under our tag that the engine does not know is a stranger, open or over', () => {
  assert.deepEqual(kindOf(atVenue('1')), ['stranger ABC1']);
  assert.deepEqual(kindOf(atVenue('1', OVER)), ['stranger ABC1']);
});

test('an order without our tag counts while it is open, and under the venue’s own id', () => {
  const other = { clientOrderId: 'web_1' };
  assert.deepEqual(kindOf(atVenue('1', other)), ['manual v-1']);
  assert.deepEqual(kindOf(atVenue('1', { clientOrderId: '' })), ['manual v-1']);
  assert.deepEqual(kindOf(atVenue('1', { ...other, ...OVER })), []);
});

test('an order that is over for the engine and open at the venue is orphaned, also where its workflow was terminated', () => {
  for (const status of ['canceled', 'filled', 'expired', 'working']) {
    assert.deepEqual(kindOf(atVenue('1'), inEngine('1', { status, isRunning: false })), ['orphaned ABC1'], status);
  }
});

test('a fill at the venue of an order that ended without one is unbooked', () => {
  for (const status of ['expired', 'denied', 'rejected', 'failed', 'working', 'pending']) {
    const ended = inEngine('1', { status, isRunning: false });
    assert.deepEqual(kindOf(atVenue('1', OVER), ended), ['unbooked ABC1'], status);
    assert.deepEqual(kindOf(atVenue('1', { ...OVER, isFilled: false }), ended), [], status);
  }
});

test('an order that rests for the engine and is not open at the venue is one to ask for', () => {
  assert.deepEqual(
    differences([], [inEngine('1'), inEngine('2', { status: 'unknown' })]).unseen.map(({ workflowId }) => workflowId),
    ['order:trend:1'],
  );
  assert.deepEqual(differences([atVenue('1')], [inEngine('1')]).unseen, []);
  assert.equal(differences([atVenue('1', OVER)], [inEngine('1')]).unseen.length, 1);
});

const ids = fc.uniqueArray(fc.stringMatching(/^[0-9A-Z]{4}$/), { maxLength: 30 });
const pair = (id: string) =>
  fc.oneof(
    // It goes on, and the venue may have it in any state: whoever follows it takes that over.
    fc.record({ isOpen: fc.boolean(), isFilled: fc.boolean(), status: fc.string() }).map((members) => ({
      listed: atVenue(id, members),
      engine: inEngine(id),
    })),
    // It has come to its end on both sides.
    fc
      .record({ status: fc.constantFrom('filled', 'canceled'), isFilled: fc.boolean() })
      .map(({ status, isFilled }) => ({
        listed: atVenue(id, { ...OVER, isFilled }),
        engine: inEngine(id, { status, isRunning: false }),
      })),
  );

test('orders that both sides know are no difference, and each that one does not know is one', () => {
  const sides = ids.chain((all) => fc.tuple(...all.map(pair)));
  fc.assert(
    fc.property(sides, fc.nat(), (pairs, pick) => {
      const listed = pairs.map((one) => one.listed);
      const engine = pairs.map((one) => one.engine);
      assert.deepEqual(differences(listed, engine).differences, []);
      if (engine.length === 0) return;
      const forgotten = engine[pick % engine.length]!;
      const rest = engine.filter((order) => order !== forgotten);
      const found = differences(listed, rest).differences;
      assert.deepEqual(
        found.map(({ kind, order }) => [kind, order]),
        [['stranger', forgotten.clientOrderId]],
      );
    }),
    RUNS,
  );
});

test('a difference is one that is found again, of the same kind and in the same market', () => {
  const one: Difference = { kind: 'manual', order: '1', symbol: 'BTC/USDT', detail: 'first' };
  const before = new Set([nameOf(one)]);
  assert.deepEqual(foundAgain([{ ...one, detail: 'then' }], before).length, 1);
  assert.deepEqual(foundAgain([{ ...one, symbol: 'ETH/USDT' }], before), []);
  assert.deepEqual(foundAgain([{ ...one, kind: 'stranger' }], before), []);
});

test('a report takes twenty differences along, those of ours first, in little room, and says how many there are', () => {
  const long = 'x'.repeat(10_000);
  const listed = Array.from({ length: 3_000 }, (_, index) =>
    atVenue(`${index}`, { status: long, symbol: long, ...(index < 2_995 ? { clientOrderId: `web_${index}` } : {}) }),
  );
  const told = inShort(differences(listed).differences);
  assert.deepEqual(told.counts, { manual: 2_995, stranger: 5 });
  assert.equal(told.differences.length, 20);
  assert.deepEqual(new Set(told.differences.slice(0, 5).map(({ kind }) => kind)), new Set(['stranger']));
  assert.ok(JSON.stringify(told).length < 20_000);
});

test('a halt for a restored engine that comes again is another one, though it began when the first did', () => {
  const first = halted(NEW_STANDING, { code: 'ENGINE_RESTORED', scope: 'entries', reason: 'so' }, 1_000);
  const again = halted(first, { code: 'ENGINE_RESTORED', scope: 'entries', reason: 'so' }, 2_000);
  assert.equal(again.halts[0]!.since, first.halts[0]!.since);
  assert.ok(isSameHalt(restoredHalt(first), restoredHalt(first)));
  assert.ok(!isSameHalt(restoredHalt(first), restoredHalt(again)));
  // The same number in an engine that was put back: another time.
  const elsewhere = halted(NEW_STANDING, { code: 'ENGINE_RESTORED', scope: 'entries', reason: 'so' }, 3_000);
  assert.ok(!isSameHalt(restoredHalt(first), restoredHalt(elsewhere)));
  assert.equal(restoredHalt(halted(NEW_STANDING, { code: 'HALTED', scope: 'all' }, 1_000)), null);
  assert.ok(!isSameHalt(null, null));
});

test('a leg is known by its entry: no difference while that goes on, and orphaned when it is open after it', () => {
  const entry = inEngine('1', { status: 'filled' });
  const ended = { ...entry, isRunning: false };
  const leg = atVenue('1-P0.0');
  assert.deepEqual(kindOf(leg, entry), []);
  assert.deepEqual(kindOf(atVenue('1-P0.0', OVER), entry), []);
  assert.deepEqual(kindOf(leg, ended), ['orphaned ABC1-P0.0']);
  for (const status of ['closed', 'filled', 'canceled']) {
    assert.deepEqual(kindOf(atVenue('1-E0.1', OVER), { ...ended, status }), [], status);
  }
  assert.deepEqual(kindOf(leg), ['stranger ABC1-P0.0']);
});

test('a leg that is open does not stand in for its entry that is not', () => {
  const entry = inEngine('1', { status: 'partially_filled' });
  const sides = { tag: TAG, known: new Map([['ABC1', entry]]), resting: [entry] };
  assert.equal(compareOrders({ ...sides, listed: [atVenue('1-P0.0')] }).unseen.length, 1);
  assert.equal(compareOrders({ ...sides, listed: [atVenue('1-P0.0'), atVenue('1')] }).unseen.length, 0);
});
