import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import fc from 'fast-check';

import type { SignedIntent } from '../../domain/intent.ts';
import type { OrderState } from '../../domain/order-state.ts';
import { anIntent } from '../support/an-intent.ts';
import { RUNS } from '../support/property-runs.ts';
import { LyingEngine, Reset } from './lying-engine.ts';
import { LyingVenue, type Booking, type VenueHabits } from './lying-venue.ts';
import { World } from './lying-world.ts';
import { liveOrder, type Mistake } from './order-protocol.ts';

/** Long enough for whatever is on its way to arrive. */
const LATER_MS = 120_000;

interface Case {
  readonly habits: VenueHabits;
  readonly bytes: Uint8Array;
  readonly venueAheadMs: number;
  /** How long after its receipt the order may be sent. */
  readonly lifeMs: number;
  readonly stepsPerReset: number;
}

const cases = (isFalse: boolean): fc.Arbitrary<Case> =>
  fc.record({
    habits: fc.record({
      isBound: fc.constantFrom(true, true, true, false),
      isWatchful: fc.boolean(),
      isFalse: fc.constant(isFalse),
    }),
    bytes: fc.uint8Array({ maxLength: 200, size: 'max' }),
    venueAheadMs: fc.constantFrom(0, -3_600_000, -900, 700, 86_400_000),
    lifeMs: fc.constantFrom(60_000, 600_000, 60_000, 600_000, 12_000, 1_500),
    stepsPerReset: fc.constantFrom(40, 12, 3),
  });

interface Ended {
  readonly state: OrderState;
  readonly book: readonly Booking[];
  readonly story: string;
}

let clock: World | undefined;

/** The activities measure how time passes with this clock; in here it is the world's. */
function stopTime(t: TestContext): void {
  // No mock of the test runner's: those keep every call that was made.
  performance.now = () => clock?.now ?? 0;
  t.after(() => Reflect.deleteProperty(performance, 'now'));
}

async function live({ habits, bytes, venueAheadMs, lifeMs, stepsPerReset }: Case, mistake?: Mistake): Promise<Ended> {
  const world = new World(bytes, venueAheadMs);
  clock = world;
  const receivedAt = world.now;
  const order = { orderType: 'limit', limitPrice: '100', quantity: '1' } as const;
  const intent = anIntent({ ...order, receivedAt, notAfter: receivedAt + lifeMs });
  const signed: SignedIntent = { intent, signature: { key: '', value: '' } };
  const venue = new LyingVenue(world, habits);
  const engine = new LyingEngine(world, venue, { stepsPerReset });
  for (;;) {
    try {
      const state = await liveOrder({ engine, world, book: venue.book }, signed, mistake);
      world.pass(LATER_MS);
      return { state, book: venue.book, story: [...world.notes, `it ends as ${JSON.stringify(state)}`].join('\n') };
    } catch (error) {
      if (!(error instanceof Reset)) throw error;
      engine.restart();
    }
  }
}

/** Whether what is said of the order is what the venue's book says. */
function agrees({ status, filledQuantity, venueOrderId }: OrderState, booking: Booking | undefined): boolean {
  if (status === 'unknown') return true;
  if (booking === undefined) return ['denied', 'expired', 'failed', 'rejected'].includes(status);
  const truth = booking.past.at(-1)!;
  const isSame = status === truth.status && filledQuantity === truth.filledQuantity;
  // A person who settles an order as rejected names no id of the venue's.
  return isSame && (venueOrderId === truth.venueOrderId || (venueOrderId === null && status === 'rejected'));
}

const bookedOnce = (isFalse: boolean, mistake?: Mistake) =>
  fc.asyncProperty(cases(isFalse), async (one) => {
    const { book, story } = await live(one, mistake);
    assert.ok(book.length <= 1, `It is ${book.length} orders:\n${story}`);
  });

test('a venue that lies within its bounds books an order once at most, and its end is what the venue has', async (t) => {
  stopTime(t);
  const endings = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(cases(false), async (one) => {
      const { state, book, story } = await live(one);
      assert.ok(book.length <= 1, `It is ${book.length} orders:\n${story}`);
      assert.ok(agrees(state, book[0]), `It is ${state.status}, and not at the venue:\n${story}`);
      endings.set(state.status, (endings.get(state.status) ?? 0) + 1);
    }),
    RUNS,
  );
  t.diagnostic(`They ended as ${JSON.stringify(Object.fromEntries(endings))}.`);
  // Where every order came to nothing, nothing would have been tried.
  const ends = [
    'canceled',
    'denied',
    'expired',
    'failed',
    'filled',
    'partially_filled',
    'rejected',
    'unknown',
    'working',
  ];
  if (RUNS.numRuns >= 10_000) assert.deepEqual([...endings.keys()].toSorted(), ends);
});

test('a venue that says what is false of its own book still books an order once at most', async (t) => {
  stopTime(t);
  await fc.assert(bookedOnce(true), RUNS);
});

// The same lies against a protocol that is wrong in one place: what does not break there is no test of the right one.
for (const mistake of ['sends again what is unknown', 'takes silence for absence', 'retries what was lost'] as const) {
  test(`a protocol that ${mistake} makes two orders of one`, async (t) => {
    stopTime(t);
    const found = await fc.check(bookedOnce(false, mistake), { ...RUNS, endOnFailure: true });
    assert.match(String(found.errorInstance), /It is \d orders/, `not within ${found.numRuns} runs`);
    t.diagnostic(`A protocol that ${mistake} was found out in run ${found.numRuns}.`);
  });
}
