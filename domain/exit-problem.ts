import type { Reason } from './reason.ts';

/** Problems of a position, the gravest first: the first two leave some of it where it is. */
const PROBLEMS = ['UNPROTECTED', 'PROTECTION_CANCELED', 'PROTECTION_FAILED', 'TOO_SMALL_TO_PROTECT'];

/** Whether a problem has kept some of the position from being taken out. */
export const leavesSome = (problem: Reason | null): boolean =>
  problem !== null && PROBLEMS.slice(0, 2).includes(problem.code);

/** Of what is below a market's minimum the venue takes no order. */
export const isTooSmall = (why: Reason | null | undefined): boolean =>
  ['QUANTITY_BELOW_MINIMUM', 'NOTIONAL_BELOW_MINIMUM'].includes(why?.code ?? '');

/** Which of two problems is told: what is worse in one part must not be hidden by what comes later in another. */
export function graver(before: Reason | null, now: Reason): Reason {
  if (before === null) return now;
  return PROBLEMS.indexOf(before.code) < PROBLEMS.indexOf(now.code) ? before : now;
}
