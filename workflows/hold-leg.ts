import { CancellationScope, condition, proxyActivities, sleep } from '@temporalio/workflow';

import type { Activities, Rests } from '../activities/contract.ts';
import type { DecimalString } from '../domain/decimal.ts';
import type { SignedIntent } from '../domain/intent.ts';
import { stopAlone, type Leg } from '../domain/leg.ts';
import { isResting, NEW_ORDER, observed, reportOf, type OrderState } from '../domain/order-state.ts';
import { reachedBy, watchOf, type Reached, type Watched } from '../domain/watch.ts';
import { CHECK_LEG_OPTIONS, FOLLOW_POSITION_OPTIONS, WITHDRAW_OPTIONS } from './activity-options.ts';
import { placeOnce } from './placing.ts';

const { checkBeforeTrade } = proxyActivities<Activities>(CHECK_LEG_OPTIONS);
const { followOrder, watchPrice } = proxyActivities<Activities>(FOLLOW_POSITION_OPTIONS);
const { withdrawLeg } = proxyActivities<Activities>(WITHDRAW_OPTIONS);

/** A target that begins to trade ends its stop. Most are filled by then; what is not has both again. */
const TARGET_ALONE_MS = 5_000;

/** The order that a leg belongs to, and who wants to know how it stands. */
interface Holder {
  readonly signed: SignedIntent;
  readonly stands: (leg: Leg, state: OrderState) => void;
}

/** What holding a leg takes beside the leg. */
interface Terms {
  /** What the venue has said before of what can rest there. */
  readonly rests?: Rests;
  /** At which price the leg's stop is to be moved. */
  readonly move?: DecimalString | undefined;
  /** Whether its target is given up, where it would have to be watched. */
  readonly hasNoTarget?: boolean;
}

/** How holding a leg has ended. */
export interface Held {
  readonly state: OrderState;
  /** Whether it was seen to wait. */
  readonly hasWaited: boolean;
  readonly isWithdrawn: boolean;
  /** What the market's price has come to, so that it was withdrawn; null where it was not for that. */
  readonly reached: { readonly by: Reached; readonly price: DecimalString } | null;
  readonly rests: Rests;
}

/**
 * Places a leg and waits until it is over; one that has become too small, or has lost its stop, is withdrawn. What the
 * venue does not take of it is watched, and so is where its stop is to move: at that price it is withdrawn too.
 */
export async function holdLeg(
  holder: Holder,
  leg: Leg,
  hasGrown: () => boolean,
  { rests = 'all', move, hasNoTarget = false }: Terms = {},
): Promise<Held> {
  const target = hasNoTarget ? undefined : leg.limitPrice;
  for (let resting = rests; ;) {
    if (resting === 'nothing')
      return watchLeg(holder, leg, hasGrown, { ...levels(target, move), stop: leg.stopPrice! });
    const placed = resting === 'stop' ? stopAlone(leg) : leg;
    const { state, told } = await placeLeg(holder, placed);
    const watched = levels(resting === 'stop' ? target : undefined, move);
    if (told === null) return { ...(await followLeg(holder, placed, state, { hasGrown, watched })), rests: resting };
    resting = told;
  }
}

const levels = (target: DecimalString | undefined, move: DecimalString | undefined): Watched => ({
  ...(target === undefined ? {} : { target }),
  ...(move === undefined ? {} : { move }),
});

/** Places it, or is told what of it can rest at the venue. */
async function placeLeg(
  { signed, stands }: Holder,
  leg: Leg,
): Promise<{ readonly state: OrderState; readonly told: Rests | null }> {
  let state: OrderState = NEW_ORDER;
  let told: Rests | null = null;
  await placeOnce({
    signed,
    leg,
    notAfter: leg.notAfter,
    state: () => state,
    become: (next) => {
      state = next;
      stands(leg, next);
    },
    check: (request) => checkBeforeTrade(request),
    cannotRest: (rests) => {
      told = rests;
      // It may have been looked for under its id: whatever that left open is answered by that it is none.
      state = NEW_ORDER;
    },
    lost: () => undefined,
    isBeingResolved: () => false,
  });
  return { state, told };
}

async function followLeg(
  { signed, stands }: Holder,
  leg: Leg,
  placed: OrderState,
  { hasGrown, watched }: { readonly hasGrown: () => boolean; readonly watched: Watched },
): Promise<Omit<Held, 'rests'>> {
  let state = placed;
  const become = (next: OrderState): void => {
    state = next;
    stands(leg, next);
  };
  const withdraw = async (): Promise<void> =>
    become(observed(state, await withdrawLeg({ signed, leg, venueOrderId: state.venueOrderId ?? '' })));
  const watch = watchOf(leg.side, watched);
  const hasWaited = isResting(state);
  let known = reportOf(state);
  while (isResting(state)) {
    const watching = new CancellationScope();
    const grown = condition(hasGrown).then(() => null);
    const hasNoStop = leg.type === 'bracket' && state.status === 'partially_filled';
    const alone = hasNoStop ? [watching.run(() => sleep(TARGET_ALONE_MS)).then(() => null)] : [];
    const asked = { signed, leg, known, ...(watch === undefined ? {} : { watch }) };
    const seen = await Promise.race([watching.run(() => followOrder(asked)), grown, ...alone]);
    watching.cancel();
    if (seen === null) {
      await withdraw();
      return { state, hasWaited, isWithdrawn: state.status === 'canceled', reached: null };
    }
    const { reached: price, ...report } = seen;
    become(observed(state, report));
    known = report;
    const by = price === undefined ? null : reachedBy(leg.side, watched, price);
    if (price === undefined || by === null || !isResting(state)) continue;
    // It may have been filled on the way: then there is nothing left that this price could be for.
    await withdraw();
    const isWithdrawn = state.status === 'canceled';
    return { state, hasWaited, isWithdrawn, reached: isWithdrawn ? { by, price } : null };
  }
  return { state, hasWaited, isWithdrawn: false, reached: null };
}

/** Holds a leg of which nothing can rest at the venue: it is as good as our watching. */
async function watchLeg({ signed }: Holder, leg: Leg, hasGrown: () => boolean, watched: Watched): Promise<Held> {
  const watching = new CancellationScope();
  const watch = watchOf(leg.side, watched)!;
  const grown = condition(hasGrown).then(() => null);
  const seen = await Promise.race([watching.run(() => watchPrice({ signed, leg, watch })), grown]);
  watching.cancel();
  const by = seen === null ? null : reachedBy(leg.side, watched, seen.price);
  const reached = seen === null || by === null ? null : { by, price: seen.price };
  return { state: NEW_ORDER, hasWaited: true, isWithdrawn: true, reached, rests: 'nothing' };
}
