import { ActivityFailure, ApplicationFailure } from '@temporalio/common';

import { reason, type Reason } from '../domain/reason.ts';
import type { Placement } from '../domain/outcome.ts';
import { NOT_PROVEN, NOT_SENT } from './activity-options.ts';

type Ended = Extract<Placement, { kind: 'denied' | 'expired' | 'unknown' }>;

/**
 * What a failed placement, or the failed check before it, tells. Only a failure whose direct cause is *not sent* says that nothing left; a time-out
 * carries the last attempt's failure inside it, and tells nothing of the attempt that ran out of time.
 */
export function whatFailureTells(failure: unknown): Ended {
  // A local activity's failure arrives without its wrapping when no attempt of it was recorded.
  const cause =
    failure instanceof ActivityFailure ? failure.cause : failure instanceof ApplicationFailure ? failure : undefined;
  if (cause instanceof ApplicationFailure && cause.type === NOT_SENT) {
    return { kind: 'expired', reason: neverSent(cause.message) };
  }
  if (cause instanceof ApplicationFailure && cause.type === NOT_PROVEN) return denied(cause.message);
  return { kind: 'unknown', evidence: `The attempt was lost (${cause?.message ?? String(failure)}).` };
}

function neverSent(why: string): Reason {
  const fix = 'Nothing was sent. Remove the cause, then send the alert again under a new id.';
  return reason('NEVER_SENT', `The order could not be sent in time: ${why}`, fix);
}

function denied(why: string): Ended & { kind: 'denied' } {
  return {
    kind: 'denied',
    reason: reason('INTENT_NOT_PROVEN', why, 'Orders are started by ingress, which signs them.'),
  };
}
