import assert from 'node:assert/strict';

import { ActivityFailure } from '@temporalio/common';

import { cancelOrder } from '../../activities/cancel-order.ts';
import { checkBeforeTrade } from '../../activities/check-before-trade.ts';
import { findOrder } from '../../activities/find-order.ts';
import { followOrder } from '../../activities/follow-order.ts';
import { placeOrder } from '../../activities/place-order.ts';
import { sampleClock } from '../../activities/sample-clock.ts';
import type { SignedIntent } from '../../domain/intent.ts';
import { isResting, NEW_ORDER, observed, placed, resolved, type OrderState } from '../../domain/order-state.ts';
import type { Absence } from '../../domain/outcome.ts';
import type { VenueOrder } from '../../domain/venue-order.ts';
import { whatFailureTells } from '../../workflows/activity-failure.ts';
import {
  CANCEL_OPTIONS,
  checkOptions,
  clockOptions,
  FIND_OPTIONS,
  FOLLOW_OPTIONS,
  placeOptions,
} from '../../workflows/activity-options.ts';
import { CANCEL, StillTrying, type LyingEngine, type Policy } from './lying-engine.ts';
import type { Booking } from './lying-venue.ts';
import type { World } from './lying-world.ts';

/** Ways to get the protocol wrong, each of which sends an order twice. */
export type Mistake = 'sends again what is unknown' | 'takes silence for absence' | 'retries what was lost';

const PERSON_WAITS_MS = 120_000;
const MISTAKEN_ROUNDS = 4;
/** An order whose check never comes to anything is lost and proven absent again and again. */
const ROUNDS_MAX = 40;

/**
 * The life of an order as `ExecuteOrder` leads it, line by line but without its list, its memo and its queries: the
 * workflow's own file runs only inside the engine. Everything that it calls is the real thing.
 */
export async function liveOrder(
  { engine, world, book }: { engine: LyingEngine; world: World; book: readonly Booking[] },
  signed: SignedIntent,
  mistake?: Mistake,
): Promise<OrderState> {
  const { originalRunId } = engine;
  const { notAfter } = signed.intent;
  let state: OrderState = NEW_ORDER;
  try {
    await placeOnce();
    await followToTheEnd();
  } catch (error) {
    if (!(error instanceof StillTrying)) throw error;
  }
  return state;

  async function placeOnce(): Promise<void> {
    let basis: { absence?: Absence } = {};
    for (let round = 0; state.status === 'pending' || state.status === 'unknown'; round++) {
      const sent = await attempt(basis);
      if (state.status !== 'unknown') return;
      if (mistake === 'sends again what is unknown' && round < MISTAKEN_ROUNDS) continue;
      if (round === ROUNDS_MAX) throw new StillTrying();
      basis = await findOut(sent);
    }
  }

  async function attempt(basis: { absence?: Absence }): Promise<{ clockOffsetMs?: number }> {
    const { now } = engine;
    const admitted = now < notAfter ? await admit(now, basis) : {};
    if (admitted === null) return {};
    const options: Policy = placeOptions(notAfter, now);
    const placing = {
      name: 'placeOrder',
      policy: mistake === 'retries what was lost' ? { ...options, retry: { initialInterval: 500 } } : options,
      request: { signed, originalRunId, ...basis, ...admitted },
    };
    state = placed(state, await engine.call({ ...placing, run: placeOrder }).catch(failed));
    return admitted;
  }

  async function admit(now: number, basis: { absence?: Absence }): Promise<{ clockOffsetMs?: number } | null> {
    const policy = checkOptions(notAfter, now);
    const checking = { name: 'checkBeforeTrade', policy, request: { signed, originalRunId, ...basis } };
    const check = await engine.call({ ...checking, run: checkBeforeTrade }).catch(failed);
    if (check.kind !== 'admitted') {
      assert.ok(check.kind !== 'held', 'an entry is placed whole');
      state = check.kind === 'found' ? observed(state, check.order) : placed(state, check);
      return null;
    }
    const sampling = { name: 'sampleClock', policy: clockOptions(notAfter, now), request: { signed, originalRunId } };
    const known = check.clock;
    const clock = known === 'stale' ? await engine.call({ ...sampling, run: sampleClock }).catch(failed) : known;
    if (clock !== undefined && 'kind' in clock) {
      state = placed(state, clock);
      return null;
    }
    return clock === undefined ? {} : { clockOffsetMs: clock.offsetMs };
  }

  async function findOut(sent: { clockOffsetMs?: number }): Promise<{ absence?: Absence }> {
    if (await engine.hear(() => world.pick(false, ...Array<boolean>(12).fill(false), true))) await askPerson();
    if (state.status !== 'unknown') return {};
    const lostAt = engine.now;
    const finding = {
      name: 'findOrder',
      policy: FIND_OPTIONS as Policy,
      request: { signed, lostAt, askedBy: engine.runId, ...sent },
    };
    const run: typeof findOrder = mistake === 'takes silence for absence' ? inventAbsence : findOrder;
    const answer = await engine.call({ ...finding, run });
    if (answer.kind === 'found') state = observed(state, answer.order);
    return answer.kind === 'absent' ? { absence: answer.absence } : {};
  }

  function inventAbsence(...asked: Parameters<typeof findOrder>): ReturnType<typeof findOrder> {
    const absence = { runId: engine.runId, proof: 'Nothing was heard.' };
    return findOrder(...asked).catch(() => ({ kind: 'absent', absence }));
  }

  /** Somebody looks at the venue's own screen, later than anything can still arrive there; an open order has no word. */
  async function askPerson(): Promise<void> {
    const seen = await engine.hear(() => {
      world.pass(PERSON_WAITS_MS);
      return book[0]?.past.at(-1) ?? null;
    });
    if (seen === null) state = resolved(state, { outcome: 'absent' }, 'Not on the screen.');
    else if (seen.status === 'rejected') state = resolved(state, { outcome: 'rejected' }, 'So says the screen.');
    else if (seen.status === 'filled' || seen.status === 'canceled') {
      state = resolved(state, { ...seen, outcome: seen.status }, 'So says the screen.');
    }
  }

  async function followToTheEnd(): Promise<void> {
    let report = reportOf(state);
    while (isResting(state)) {
      const command = await engine.hear(() =>
        world.pick('none', 'none', 'none', 'none', 'cancel', 'cancel that crosses'),
      );
      const seen = command === 'cancel' ? null : await follow(report);
      if (command !== 'none') state = observed(state, await cancel());
      if (seen !== null) state = observed(state, seen);
      report = seen ?? reportOf(state);
    }
  }

  function follow(known: VenueOrder): Promise<VenueOrder> {
    return engine.call({ name: 'followOrder', policy: FOLLOW_OPTIONS, request: { signed, known }, run: followOrder });
  }

  function cancel(): Promise<VenueOrder> {
    const request = { signed, command: CANCEL, venueOrderId: state.venueOrderId ?? '' };
    return engine.call({ name: 'cancelOrder', policy: CANCEL_OPTIONS, request, run: cancelOrder });
  }
}

function failed(failure: unknown): ReturnType<typeof whatFailureTells> {
  // No failure of an activity, but the end of this test's patience, or a reset.
  if (!(failure instanceof ActivityFailure)) throw failure;
  return whatFailureTells(failure);
}

function reportOf(state: OrderState): VenueOrder {
  return {
    venueOrderId: state.venueOrderId ?? '',
    status: state.status === 'partially_filled' ? 'partially_filled' : 'working',
    filledQuantity: state.filledQuantity,
    averagePrice: state.averagePrice,
  };
}
