import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { compare } from '../../domain/decimal.ts';
import type { Exits } from '../../domain/exits.ts';
import {
  isFinal,
  isResting,
  leaving,
  left,
  NEW_ORDER,
  observed,
  placed,
  resolved,
  type OrderState,
  type OrderStatus,
} from '../../domain/order-state.ts';
import type { Placement } from '../../domain/outcome.ts';
import { sumFills, type Fill, type VenueOrder, type VenueStatus } from '../../domain/venue-order.ts';
import { RUNS } from '../support/property-runs.ts';

const REASON = { code: 'A_REASON', message: 'It was so.', fix: null };

const report = (status: VenueStatus, filledQuantity = '0', more: Partial<VenueOrder> = {}): VenueOrder => ({
  venueOrderId: 'v-1',
  status,
  filledQuantity,
  averagePrice: filledQuantity === '0' ? null : '100',
  ...more,
});

const inStatus = (status: OrderStatus, filledQuantity = '0'): OrderState => ({
  ...NEW_ORDER,
  status,
  filledQuantity,
  averagePrice: filledQuantity === '0' ? null : '100',
});

const VENUE_STATUSES: readonly VenueStatus[] = ['working', 'partially_filled', 'filled', 'canceled', 'rejected'];

// Rows: the status an order is in. Columns: what its venue reports next. A dash: the order stays as it is.
const TRANSITIONS = `
                   working  partially_filled  filled  canceled  rejected
  pending          working  partially_filled  filled  canceled  rejected
  unknown          working  partially_filled  filled  canceled  rejected
  working          working  partially_filled  filled  canceled  rejected
  partially_filled -        partially_filled  filled  canceled  -
  filled           -        -                 filled  -         -
  canceled         -        -                 filled  canceled  -
  rejected         -        -                 -       -         rejected
`;
const STARTS: Partial<Record<OrderStatus, string>> = { partially_filled: '1', filled: '2', canceled: '1' };

const [columns = [], ...lines] = TRANSITIONS.trim()
  .split('\n')
  .map((line) => line.trim().split(/\s+/));
for (const [from, ...expected] of lines) {
  test(`an order that is ${from} takes from its venue what can follow, and nothing else`, () => {
    const state = inStatus(from as OrderStatus, STARTS[from as OrderStatus]);
    columns.forEach((column, i) => {
      const next = observed(state, report(column as VenueStatus, column === 'filled' ? '2' : state.filledQuantity));
      if (expected[i] === '-') assert.deepEqual(next, state, column);
      else assert.equal(next.status, expected[i], column);
    });
  });
}

test('an order that our own rules ended stays ended, whatever its venue reports', () => {
  for (const status of ['denied', 'expired', 'failed', 'dry_run'] as const) {
    const state = { ...inStatus(status), reason: REASON };
    for (const next of VENUE_STATUSES) assert.deepEqual(observed(state, report(next)), state, `${status} ${next}`);
  }
});

test('a placement cannot move an order that is over', () => {
  const placements: Placement[] = [
    { kind: 'rejected', reason: REASON },
    { kind: 'denied', reason: REASON },
    { kind: 'expired', reason: REASON },
    { kind: 'dry_run' },
    { kind: 'unknown', evidence: 'A time-out.' },
    { kind: 'outside_window', evidence: '-1021' },
  ];
  const filled = inStatus('filled', '2');
  for (const placement of placements) assert.deepEqual(placed(filled, placement), filled, placement.kind);
});

test('a placement leaves a new order in the status that it came to', () => {
  const rows: [Placement, OrderStatus, string | undefined][] = [
    [{ kind: 'accepted', order: report('working') }, 'working', undefined],
    [{ kind: 'accepted', order: report('filled', '2') }, 'filled', undefined],
    [{ kind: 'rejected', reason: REASON }, 'rejected', 'A_REASON'],
    [{ kind: 'denied', reason: REASON }, 'denied', 'A_REASON'],
    [{ kind: 'expired', reason: REASON }, 'expired', 'A_REASON'],
    [{ kind: 'dry_run' }, 'dry_run', undefined],
    [{ kind: 'unknown', evidence: 'A time-out.' }, 'unknown', 'OUTCOME_UNKNOWN'],
    [{ kind: 'outside_window', evidence: '-1021' }, 'unknown', 'OUTCOME_UNKNOWN'],
  ];
  for (const [placement, status, code] of rows) {
    const next = placed(NEW_ORDER, placement);
    assert.deepEqual([next.status, next.reason?.code], [status, code], placement.kind);
    assert.equal(next.venueOrderId, placement.kind === 'accepted' ? 'v-1' : null);
  }
});

test('an order that was lost and is found has no reason any more', () => {
  const lost = placed(NEW_ORDER, { kind: 'unknown', evidence: 'A time-out.' });
  assert.ok(lost.reason?.message.includes('A time-out.'));
  assert.deepEqual(observed(lost, report('working')).reason, null);
});

test("a rejection carries the venue's words where it has some", () => {
  assert.equal(observed(NEW_ORDER, report('rejected', '0', { words: 'No funds.' })).reason?.message, 'No funds.');
  assert.equal(observed(NEW_ORDER, report('rejected')).reason?.code, 'VENUE_REJECTED');
});

test("an operator's word settles an order that its venue cannot tell of", () => {
  const lost = placed(NEW_ORDER, { kind: 'unknown', evidence: 'A time-out.' });
  const told = { venueOrderId: 'v-9', filledQuantity: '1', averagePrice: '100' };
  const rows: [Parameters<typeof resolved>[1], OrderStatus, string, string | null][] = [
    [{ outcome: 'absent' }, 'expired', 'RESOLVED_ABSENT', null],
    [{ outcome: 'rejected' }, 'rejected', 'RESOLVED_REJECTED', null],
    [{ outcome: 'filled', ...told }, 'filled', 'RESOLVED_FILLED', 'v-9'],
    [{ outcome: 'canceled', ...told }, 'canceled', 'RESOLVED_CANCELED', 'v-9'],
  ];
  for (const [verdict, status, code, venueOrderId] of rows) {
    const next = resolved(lost, verdict, 'Seen in the terminal.');
    assert.deepEqual([next.status, next.reason?.code, next.venueOrderId], [status, code, venueOrderId]);
    assert.equal(next.filledQuantity, venueOrderId === null ? '0' : '1');
    assert.ok(isFinal(next) && next.reason?.message.includes('Seen in the terminal.'));
  }
});

test('an order is final, resting, or on its way there', () => {
  const resting = ['working', 'partially_filled'];
  const open = ['pending', 'unknown', ...resting];
  const all: OrderStatus[] = ['pending', 'unknown', 'working', 'partially_filled', 'filled', 'canceled', 'rejected'];
  for (const status of [...all, 'denied', 'expired', 'failed', 'dry_run'] as OrderStatus[]) {
    const state = inStatus(status);
    assert.deepEqual([isFinal(state), isResting(state)], [!open.includes(status), resting.includes(status)], status);
  }
});

test('the average is that of the executions where they account for everything, else the venue’s own', () => {
  const fills: Fill[] = [
    { tradeId: '1', quantity: '1', price: '100' },
    { tradeId: '2', quantity: '1', price: '101' },
  ];
  const all = observed(NEW_ORDER, report('filled', '2', { averagePrice: '999', fills }));
  assert.deepEqual([all.averagePrice, all.fills], ['100.5', fills]);
  const some = observed(NEW_ORDER, report('partially_filled', '2', { averagePrice: '999', fills: fills.slice(0, 1) }));
  assert.equal(some.averagePrice, '999');
  assert.equal(
    observed(some, report('filled', '2', { averagePrice: '999', fills: fills.slice(1) })).averagePrice,
    '100.5',
  );
});

test('what was noted about an order stays with it', () => {
  assert.deepEqual(observed({ ...NEW_ORDER, notes: ['It was cut.'] }, report('filled', '2')).notes, ['It was cut.']);
});

/** A venue that forgets, repeats, lags and contradicts itself. */
const fill = fc.record({
  tradeId: fc.constantFrom('1', '2', '3', '4'),
  quantity: fc.constantFrom('0.5', '1'),
  price: fc.constantFrom('100', '101'),
});
const anyReport = fc.record(
  {
    venueOrderId: fc.constant('v-1'),
    status: fc.constantFrom<VenueStatus>('working', 'partially_filled', 'filled', 'canceled', 'rejected'),
    filledQuantity: fc.constantFrom('0', '0.5', '1.0', '1', '2'),
    averagePrice: fc.constantFrom(null, '100'),
    fills: fc.array(fill, { maxLength: 4 }),
  },
  { requiredKeys: ['venueOrderId', 'status', 'filledQuantity', 'averagePrice'] },
);
const history = fc.array(anyReport, { maxLength: 12 });

/** Each state that an order goes through, the first included. */
const lived = (reports: readonly VenueOrder[]): OrderState[] => {
  const states = [NEW_ORDER];
  for (const one of reports) states.push(observed(states.at(-1)!, one));
  return states;
};

test('whatever a venue reports, the filled quantity never falls and no execution is lost or counted twice', () => {
  fc.assert(
    fc.property(history, (reports) => {
      lived(reports).reduce((before, after) => {
        assert.ok(compare(after.filledQuantity, before.filledQuantity) >= 0);
        const trades = after.fills.map(({ tradeId }) => tradeId);
        assert.equal(new Set(trades).size, trades.length);
        assert.deepEqual(after.fills.slice(0, before.fills.length), before.fills);
        return after;
      });
    }),
    RUNS,
  );
});

test('whatever a venue reports, an order that is over stays over, but for a cancel that crossed a fill', () => {
  fc.assert(
    fc.property(history, (reports) => {
      lived(reports).reduce((before, after) => {
        const crossed = before.status === 'canceled' && after.status === 'filled';
        if (isFinal(before) && !crossed) assert.equal(after.status, before.status);
        return after;
      });
    }),
    RUNS,
  );
});

test('a report that comes again changes nothing', () => {
  fc.assert(
    fc.property(history, anyReport, (reports, last) => {
      const once = observed(lived(reports).at(-1)!, last);
      assert.deepEqual(observed(once, last), once);
    }),
    RUNS,
  );
});

test('where the executions account for the filled quantity, the average is theirs', () => {
  fc.assert(
    fc.property(history, (reports) => {
      for (const { filledQuantity, averagePrice, fills } of lived(reports)) {
        const summed = sumFills(fills);
        if (summed.averagePrice === null || compare(summed.filledQuantity, filledQuantity) !== 0) continue;
        assert.equal(averagePrice, summed.averagePrice);
      }
    }),
    RUNS,
  );
});

const exitsWith = (exitedQuantity: string, code?: string): Exits => ({
  guardedQuantity: '0',
  exitedQuantity,
  exitAveragePrice: exitedQuantity === '0' ? null : '110',
  problem: code === undefined ? null : { ...REASON, code },
});

test('on its way out an order keeps its status, and tells what is wrong with its protection', () => {
  const filled = inStatus('filled', '2');
  const guarded = leaving(filled, { ...exitsWith('0'), guardedQuantity: '2' });
  assert.deepEqual([guarded.status, guarded.exits?.guardedQuantity, guarded.reason], ['filled', '2', null]);
  const failed = leaving(guarded, exitsWith('1', 'PROTECTION_FAILED'));
  assert.deepEqual([failed.status, failed.reason?.code], ['filled', 'PROTECTION_FAILED']);
  const resolvedBefore = { ...filled, reason: REASON };
  assert.deepEqual(leaving(resolvedBefore, exitsWith('0')).reason, REASON);
});

test('a report of the entry does not hide what is wrong with its protection', () => {
  const failed = leaving(inStatus('partially_filled', '1'), exitsWith('0', 'UNPROTECTED'));
  const next = observed(failed, report('filled', '2'));
  assert.deepEqual([next.status, next.reason?.code, next.exits], ['filled', 'UNPROTECTED', failed.exits]);
});

test('an order is closed when it has been taken out, unless something of it was left where it is', () => {
  const rows: [Exits, OrderStatus][] = [
    [exitsWith('2'), 'closed'],
    [exitsWith('2', 'PROTECTION_FAILED'), 'closed'],
    [exitsWith('1.9', 'TOO_SMALL_TO_PROTECT'), 'closed'],
    [exitsWith('0', 'TOO_SMALL_TO_PROTECT'), 'filled'],
    [exitsWith('1', 'PROTECTION_CANCELED'), 'filled'],
    [exitsWith('1', 'UNPROTECTED'), 'filled'],
    [exitsWith('0'), 'filled'],
  ];
  for (const [exits, status] of rows) {
    const state = leaving(inStatus('filled', '2'), exits);
    assert.deepEqual(left(state), { ...state, status }, JSON.stringify(exits));
  }
  const partly = leaving(inStatus('canceled', '1'), exitsWith('1'));
  assert.equal(left(partly).status, 'closed');
  assert.deepEqual(left(inStatus('filled', '2')), inStatus('filled', '2'));
});

test('a closed order is over, and no report of its entry opens it again', () => {
  const closed = left(leaving(inStatus('filled', '2'), exitsWith('2')));
  assert.ok(isFinal(closed) && !isResting(closed));
  for (const status of VENUE_STATUSES) assert.deepEqual(observed(closed, report(status, '2')), closed, status);
});
