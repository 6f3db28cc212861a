import { ApplicationFailure, ApplicationFailureCategory } from '@temporalio/common';

/**
 * *Not sent* as the engine retries it: each attempt is seen in the Web UI with its reason, and the next one comes when
 * it makes sense. Expected, so it counts as no failure of ours.
 */
export function notSent(why: string, retryAfterMs: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'NotSent',
    message: why,
    // Zero would mean the policy's longest interval.
    nextRetryDelay: Math.max(1, retryAfterMs),
    category: ApplicationFailureCategory.BENIGN,
  });
}

/** The venue cannot tell yet, or nothing has changed: the next attempt asks again. */
export function askAgain(why: string, retryAfterMs?: number): ApplicationFailure {
  return ApplicationFailure.create({
    type: 'AskAgain',
    message: why,
    ...(retryAfterMs === undefined ? {} : { nextRetryDelay: Math.max(1, retryAfterMs) }),
    category: ApplicationFailureCategory.BENIGN,
  });
}
