import type { Reason } from './reason.ts';

/** Problems of a position, the gravest first: the first two leave some of it where it is. */
const PROBLEMS = ['UNPROTECTED', 'PROTECTION_CANCELED', 'PROTECTION_FAILED', 'TARGET_MISSED', 'TOO_SMALL_TO_PROTECT'];

/** Whether a problem has kept some of the position from being taken out. */
export const leavesSome = (problem: Reason | null): boolean =>
  problem !== null && PROBLEMS.slice(0, 2).includes(problem.code);

/** Why a leg is not placed after a reset: an earlier run has placed another in its stead, of its part. */
export const SUPERSEDED = 'SUPERSEDED';
/** What it was to protect somebody had taken out. */
export const TAKEN_OUT = 'TAKEN_OUT';
/** What it was to take out was protected. */
export const PROTECTED_AGAIN = 'PROTECTED_AGAIN';

/** Of what is below a market's minimum the venue takes no order. */
export const isTooSmall = (why: Reason | null | undefined): boolean =>
  ['QUANTITY_BELOW_MINIMUM', 'NOTIONAL_BELOW_MINIMUM'].includes(why?.code ?? '');

/** Of what is worth too little at one of its prices only, it may take an order at the market's. */
export const isTooSmallAtALevel = (why: Reason | null): boolean => why?.code === 'NOTIONAL_BELOW_MINIMUM_AT_LEVEL';

/** Which of two problems is told: what is worse in one part must not be hidden by what comes later in another. */
export function graver(before: Reason | null, now: Reason): Reason {
  if (before === null) return now;
  return PROBLEMS.indexOf(before.code) < PROBLEMS.indexOf(now.code) ? before : now;
}
