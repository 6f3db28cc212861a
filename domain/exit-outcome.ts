import type { Admission } from './admission.ts';
import { isPositive, isZero, subtract } from './decimal.ts';
import { isTooSmall } from './exit-problem.ts';
import { NEW_ORDER, observed, placed, type OrderState } from './order-state.ts';
import type { Placement } from './outcome.ts';
import { reason } from './reason.ts';
import type { VenueOrder } from './venue-order.ts';
import { isOut, tradedBy, type LastTry } from './way-out.ts';

/** What an exit does, or why it does not. */
export type ExitDecision =
  | Extract<Admission, { kind: 'planned' | 'cancel_first' | 'flat' | 'denied' }>
  | Extract<Placement, { kind: 'expired' | 'dry_run' }>
  /** After a reset: its own order is at the venue. */
  | { readonly kind: 'found'; readonly order: VenueOrder };

/** The state of an exit that is over before anything of it was sent. */
export function notCarriedOut(decision: Exclude<ExitDecision, { kind: 'planned' | 'cancel_first' }>): OrderState {
  if (decision.kind === 'flat') return { ...NEW_ORDER, status: 'noop', reason: decision.reason, notes: decision.notes };
  if (decision.kind === 'found') return observed(NEW_ORDER, decision.order);
  return placed(NEW_ORDER, decision);
}

/**
 * The state of an exit of which nothing more can come.
 * @param last how the last of its orders ended that took out less than it was to
 */
export function exitOver(state: OrderState, last: LastTry | null): OrderState {
  const wayOut = state.wayOut!;
  if (isOut(wayOut)) return { ...state, status: 'filled', reason: null };
  const { quantity } = tradedBy(wayOut);
  const left = subtract(wayOut.quantity, quantity);
  if (isTooSmall(last?.reason)) {
    const dust = `${left} stays: it is less than the venue takes an order for.`;
    if (isPositive(quantity)) return { ...state, status: 'filled', notes: [...state.notes, dust], reason: null };
    return { ...state, status: 'noop', reason: reason('FLAT', dust, 'Sell it with a later order.') };
  }
  const because = last?.reason?.message ?? 'the market had nothing to trade with, or it was out already.';
  const message = `Of ${wayOut.quantity} ${left} did not come out: ${because}`;
  const fix = last?.reason?.fix ?? 'What had a stop has one again. Send the exit again.';
  const status = isZero(quantity) && last !== null && last.status !== 'filled' ? last.status : 'canceled';
  return { ...state, status, reason: reason(last?.reason?.code ?? 'NOT_ALL_OUT', message, fix) };
}
