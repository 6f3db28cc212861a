import { CancellationScope, condition, proxyActivities, sleep } from '@temporalio/workflow';

import type { Activities } from '../activities/contract.ts';
import type { SignedIntent } from '../domain/intent.ts';
import type { Leg } from '../domain/leg.ts';
import { isResting, NEW_ORDER, observed, reportOf, type OrderState } from '../domain/order-state.ts';
import { CHECK_LEG_OPTIONS, FOLLOW_POSITION_OPTIONS, WITHDRAW_OPTIONS } from './activity-options.ts';
import { placeOnce } from './placing.ts';

const { checkBeforeTrade } = proxyActivities<Activities>(CHECK_LEG_OPTIONS);
const { followOrder } = proxyActivities<Activities>(FOLLOW_POSITION_OPTIONS);
const { withdrawLeg } = proxyActivities<Activities>(WITHDRAW_OPTIONS);

/** A target that begins to trade ends its stop. Most are filled by then; what is not has both again. */
const TARGET_ALONE_MS = 5_000;

/** The order that a leg belongs to, and who wants to know how it stands. */
interface Holder {
  readonly signed: SignedIntent;
  readonly stands: (leg: Leg, state: OrderState) => void;
}

/** Places a leg and waits until it is over; one that has become too small, or has lost its stop, is withdrawn. */
export async function holdLeg(
  { signed, stands }: Holder,
  leg: Leg,
  hasGrown: () => boolean,
): Promise<{ state: OrderState; hasWaited: boolean; isWithdrawn: boolean }> {
  let state: OrderState = NEW_ORDER;
  const become = (next: OrderState): void => {
    state = next;
    stands(leg, next);
  };
  await placeOnce({
    signed,
    leg,
    notAfter: leg.notAfter,
    state: () => state,
    become,
    check: (request) => checkBeforeTrade(request),
    lost: () => undefined,
    isBeingResolved: () => false,
  });
  const hasWaited = isResting(state);
  let known = reportOf(state);
  while (isResting(state)) {
    const watching = new CancellationScope();
    const grown = condition(hasGrown).then(() => null);
    const hasNoStop = leg.type === 'bracket' && state.status === 'partially_filled';
    const alone = hasNoStop ? [watching.run(() => sleep(TARGET_ALONE_MS)).then(() => null)] : [];
    const seen = await Promise.race([watching.run(() => followOrder({ signed, leg, known })), grown, ...alone]);
    watching.cancel();
    if (seen === null) {
      become(observed(state, await withdrawLeg({ signed, leg, venueOrderId: state.venueOrderId ?? '' })));
      return { state, hasWaited, isWithdrawn: state.status === 'canceled' };
    }
    become(observed(state, seen));
    known = seen;
  }
  return { state, hasWaited, isWithdrawn: false };
}
