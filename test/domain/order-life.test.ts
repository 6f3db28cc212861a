import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import type { ResolveVerdict } from '../../domain/command.ts';
import { compare } from '../../domain/decimal.ts';
import {
  isFinal,
  isResting,
  NEW_ORDER,
  observed,
  placed,
  resolved,
  type OrderState,
  type OrderStatus,
} from '../../domain/order-state.ts';
import type { Placement } from '../../domain/outcome.ts';
import type { Fill, VenueOrder, VenueStatus } from '../../domain/venue-order.ts';
import { RUNS } from '../support/property-runs.ts';

// Whatever can happen to an order, in any order: placements, reports of a venue that contradicts itself, a person's word.
type Happening =
  | { readonly kind: 'placement'; readonly placement: Placement }
  | { readonly kind: 'report'; readonly report: VenueOrder }
  | { readonly kind: 'verdict'; readonly verdict: ResolveVerdict };

const quantity = fc.constantFrom('0', '0.5', '1.0', '1', '2', '10');
const fill: fc.Arbitrary<Fill> = fc.record({
  tradeId: fc.constantFrom('1', '2', '3', '4'),
  quantity: fc.constantFrom('0.5', '1'),
  price: fc.constantFrom('100', '101'),
});
const report: fc.Arbitrary<VenueOrder> = fc.record(
  {
    venueOrderId: fc.constantFrom('v-1', 'v-2'),
    status: fc.constantFrom<VenueStatus>('working', 'partially_filled', 'filled', 'canceled', 'rejected'),
    filledQuantity: quantity,
    averagePrice: fc.constantFrom(null, '100'),
    fills: fc.array(fill, { maxLength: 4 }),
    words: fc.constantFrom('No funds.', 'Too late.'),
  },
  { requiredKeys: ['venueOrderId', 'status', 'filledQuantity', 'averagePrice'] },
);
const reason = fc.constantFrom('A_REASON', 'ANOTHER').map((code) => ({ code, message: 'It was so.', fix: null }));
const placement = fc.oneof<fc.Arbitrary<Placement>[]>(
  report.map((order) => ({ kind: 'accepted', order })),
  fc.record({ kind: fc.constantFrom('rejected', 'denied', 'expired', 'failed'), reason }),
  fc.record({ kind: fc.constantFrom('unknown', 'outside_window'), evidence: fc.constantFrom('-1007', 'A time-out.') }),
  fc.constant({ kind: 'dry_run' }),
);
const verdict = fc.oneof<fc.Arbitrary<ResolveVerdict>[]>(
  fc.record({ outcome: fc.constantFrom('absent', 'rejected') }),
  fc.record({
    outcome: fc.constantFrom('filled', 'canceled'),
    venueOrderId: fc.constant('v-1'),
    filledQuantity: quantity,
    averagePrice: fc.constant('100'),
  }),
);
const happening = fc.oneof<fc.Arbitrary<Happening>[]>(
  placement.map((one) => ({ kind: 'placement', placement: one })),
  report.map((one) => ({ kind: 'report', report: one })),
  verdict.map((one) => ({ kind: 'verdict', verdict: one })),
);
const life = fc.array(happening, { maxLength: 12 });

function after(state: OrderState, happened: Happening): OrderState {
  switch (happened.kind) {
    case 'placement':
      // Nothing is placed while an order rests at its venue.
      return isResting(state) ? state : placed(state, happened.placement);
    case 'report':
      return observed(state, happened.report);
    case 'verdict':
      // A person is heard while nobody else knows: the workflow turns every other word away.
      return state.status === 'unknown' ? resolved(state, happened.verdict, 'Seen there.') : state;
  }
}

/** Looks at each step of a life. */
function eachStep(
  happenings: readonly Happening[],
  look: (before: OrderState, next: OrderState, happened: Happening) => void,
): OrderState {
  return happenings.reduce((before, happened) => {
    const next = after(before, happened);
    look(before, next, happened);
    return next;
  }, NEW_ORDER);
}

test('an order that is over stays over, but for a cancel that crossed a fill', () => {
  fc.assert(
    fc.property(life, (happenings) => {
      eachStep(happenings, (before, next) => {
        const crossed = before.status === 'canceled' && next.status === 'filled';
        if (isFinal(before) && !crossed) assert.equal(next.status, before.status);
      });
    }),
    RUNS,
  );
});

test('an order that we ended ourselves stays as it is to the letter, whatever a venue reports of it', () => {
  const ours: readonly OrderStatus[] = ['denied', 'expired', 'dry_run', 'failed'];
  fc.assert(
    fc.property(fc.constantFrom(...ours), life, (status, happenings) => {
      const ended: OrderState = { ...NEW_ORDER, status };
      assert.deepEqual(happenings.reduce(after, ended), ended);
    }),
    RUNS,
  );
});

test('an order that was rejected keeps its reason and its emptiness, whatever a venue reports of it', () => {
  fc.assert(
    fc.property(life, (happenings) => {
      eachStep(happenings, (before, next) => {
        if (before.status === 'rejected') assert.deepEqual(next, before);
      });
    }),
    RUNS,
  );
});

test('the filled quantity never falls, and is never more than somebody has said', () => {
  fc.assert(
    fc.property(life, (happenings) => {
      const said = new Set(['0']);
      eachStep(happenings, (before, next, happened) => {
        if (happened.kind === 'report') said.add(happened.report.filledQuantity);
        if (happened.kind === 'verdict' && 'filledQuantity' in happened.verdict)
          said.add(happened.verdict.filledQuantity);
        if (happened.kind === 'placement' && happened.placement.kind === 'accepted')
          said.add(happened.placement.order.filledQuantity);
        assert.ok(said.has(next.filledQuantity), `${next.filledQuantity} was not said`);
        assert.ok(compare(next.filledQuantity, before.filledQuantity) >= 0);
      });
    }),
    RUNS,
  );
});

test('an order is unknown until somebody says what became of it, and is then what was said', () => {
  fc.assert(
    fc.property(life, (happenings) => {
      eachStep(happenings, (before, next, happened) => {
        if (before.status !== 'unknown') return;
        const expected = saidBy(happened);
        assert.equal(next.status, expected);
        assert.ok(next.status !== 'pending');
        if (expected === 'unknown') assert.equal(next.reason?.code, 'OUTCOME_UNKNOWN');
      });
    }),
    RUNS,
  );
});

function saidBy(happened: Happening): OrderStatus {
  if (happened.kind === 'report') return happened.report.status;
  if (happened.kind === 'verdict') return happened.verdict.outcome === 'absent' ? 'expired' : happened.verdict.outcome;
  const { placement: said } = happened;
  if (said.kind === 'accepted') return said.order.status;
  return said.kind === 'outside_window' ? 'unknown' : said.kind;
}

test('once something was said of an order, it is never again as if nothing had happened', () => {
  fc.assert(
    fc.property(life, (happenings) => {
      eachStep(happenings, (_, next, happened) => {
        if (happened.kind !== 'verdict') assert.notEqual(next.status, 'pending');
      });
    }),
    RUNS,
  );
});

// A venue that tells the truth, late: each report is what it knew at some moment, and they come in any order, again
// and again, with all the executions of that moment, some of them twice, or none.
interface Told {
  readonly truth: readonly VenueOrder[];
  readonly told: readonly VenueOrder[];
}

const PLACES = 12n;
const trade = fc.record({
  thousandths: fc.bigInt({ min: 1n, max: 10n ** 9n }),
  cents: fc.bigInt({ min: 1n, max: 10n ** 9n }),
});

/** Plain text of units / 10^places: the oracle counts in whole numbers. */
function written(units: bigint, places: number): string {
  const digits = String(units).padStart(places + 1, '0');
  const fraction = digits.slice(digits.length - places).replace(/0+$/, '');
  return `${digits.slice(0, digits.length - places)}${fraction === '' ? '' : `.${fraction}`}`;
}

const venueThatLags: fc.Arbitrary<Told> = fc
  .record({ trades: fc.array(trade, { maxLength: 6 }), ends: fc.constantFrom<VenueStatus>('filled', 'canceled') })
  .map(({ trades, ends }) => {
    const fills = trades.map(({ thousandths, cents }, i): Fill => ({
      tradeId: `t-${i}`,
      quantity: written(thousandths, 3),
      price: written(cents, 2),
    }));
    const moments = [0, ...trades.keys(), trades.length - 1].map((_, moment): VenueOrder => {
      const done = trades.slice(0, moment);
      const thousandths = done.reduce((sum, one) => sum + one.thousandths, 0n);
      const value = done.reduce((sum, one) => sum + one.thousandths * one.cents, 0n);
      return {
        venueOrderId: 'v-1',
        status: moment > trades.length ? ends : moment === 0 ? 'working' : 'partially_filled',
        filledQuantity: written(thousandths, 3),
        // value / thousandths is in cents.
        averagePrice:
          moment === 0 || trades.length === 0 ? null : written((value * 10n ** (PLACES - 2n)) / thousandths, 12),
        fills: fills.slice(0, moment),
      };
    });
    return moments;
  })
  .chain((truth) => {
    const retold = fc.record({ moment: fc.nat(truth.length - 1), how: fc.constantFrom('whole', 'bare', 'repeated') });
    return fc.record({
      truth: fc.constant(truth),
      told: fc.array(retold, { maxLength: 20 }).map((all) => all.map(({ moment, how }) => tell(truth[moment]!, how))),
    });
  });

function tell(order: VenueOrder, how: string): VenueOrder {
  const { fills = [], ...bare } = order;
  if (how === 'bare') return bare;
  return how === 'repeated' ? { ...bare, fills: [...fills.toReversed(), ...fills] } : order;
}

test('from reports that come late, twice and out of order, an order is at each moment the latest that was told', () => {
  fc.assert(
    fc.property(venueThatLags, ({ truth, told }) => {
      let latest = -1;
      told.reduce((before, one) => {
        const next = observed(before, one);
        latest = Math.max(
          latest,
          truth.findLastIndex((moment) => isOf(moment, one)),
        );
        const { status, filledQuantity, averagePrice } = truth[latest]!;
        assert.deepEqual([next.status, next.filledQuantity, next.averagePrice], [status, filledQuantity, averagePrice]);
        return next;
      }, NEW_ORDER);
    }),
    RUNS,
  );
});

const isOf = (moment: VenueOrder, told: VenueOrder): boolean =>
  moment.status === told.status && moment.filledQuantity === told.filledQuantity;

test('in whatever order executions become known, each counts once and the average is exact', () => {
  fc.assert(
    fc.property(venueThatLags, ({ truth, told }) => {
      const end = truth.at(-1)!;
      const { status, filledQuantity, averagePrice, fills } = [...told, end].reduce(observed, NEW_ORDER);
      assert.deepEqual([status, filledQuantity, averagePrice], [end.status, end.filledQuantity, end.averagePrice]);
      const byId = (all: readonly Fill[] = []): Fill[] => all.toSorted((a, b) => (a.tradeId < b.tradeId ? -1 : 1));
      assert.deepEqual(byId(fills), byId(end.fills));
    }),
    RUNS,
  );
});
