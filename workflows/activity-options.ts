import type { ActivityOptions, LocalActivityOptions } from '@temporalio/workflow';

/** The type of the only failure that placing an order may be retried on: an adapter proved that nothing left. */
export const NOT_SENT = 'NotSent';
/** The type of a failure that no retry mends: the intent was not signed by a key that we know. */
export const NOT_PROVEN = 'IntentNotProven';

/**
 * Failures after which an attempt may have sent its order: they must reach the workflow as an unknown outcome. Without
 * this list the server retries a lost, paused, reset or stopped attempt in silence, and the order goes out twice.
 */
const MAYBE_SENT = [
  'TemporalTimeout:StartToClose',
  'TemporalTimeout:Heartbeat',
  'WorkerShutdown',
  'ActivityPause',
  'ActivityReset',
  'PayloadsTooLarge',
  'CancelledFailure',
  'Error',
  'TypeError',
];

/** A worker's death shows within this time, where an activity tells that it lives. */
const HEARTBEAT_MS = 5_000;

/**
 * The same where a position has no stop until it shows, and nothing is sent twice by a mistake: what follows it, a
 * second for a dead worker's own queue, and the sending, are to end within five seconds.
 */
const SOON_MS = 2_000;
/** The longest that such work waits for its next attempt, however many there were. */
const SOON_AGAIN_MS = 1_000;

/** Time for a last attempt that began just before `notAfter` to come to its end. */
const LAST_ATTEMPT_MS = 30_000;

/** One check costs no server round trip, and may run twice without harm. */
export function checkOptions(notAfter: number, now: number): LocalActivityOptions {
  return {
    startToCloseTimeout: 5_000,
    scheduleToCloseTimeout: Math.max(notAfter - now, 0) + LAST_ATTEMPT_MS,
    retry: { initialInterval: 200, backoffCoefficient: 2, maximumInterval: 5_000 },
    // A wait of seconds is the engine's to keep: inside a worker it would hold up the worker's stopping.
    localRetryThreshold: 1_000,
  };
}

/**
 * The adapter aborts its call at 16 s, so an attempt that runs for 25 s is lost.
 * The backoff is the adapter's: each *not sent* says when the next attempt makes sense, which this must not cut short.
 */
export function placeOptions(notAfter: number, now: number): ActivityOptions {
  return {
    startToCloseTimeout: 25_000,
    heartbeatTimeout: HEARTBEAT_MS,
    scheduleToCloseTimeout: Math.max(notAfter - now, 0) + LAST_ATTEMPT_MS,
    retry: {
      initialInterval: 500,
      backoffCoefficient: 2,
      maximumInterval: 3_600_000,
      nonRetryableErrorTypes: MAYBE_SENT,
    },
  };
}

/** Deciding on an exit sends nothing, and is tried until it would be too late to send it. */
export function planOptions(notAfter: number, now: number): ActivityOptions {
  return {
    startToCloseTimeout: 10_000,
    scheduleToCloseTimeout: Math.max(notAfter - now, 0) + LAST_ATTEMPT_MS,
    retry: { initialInterval: 200, backoffCoefficient: 2, maximumInterval: 2_000 },
  };
}

/** An order that is asked to make way may have to find a lost order first, or to wait for its venue to come back. */
export const MAKE_WAY_OPTIONS: ActivityOptions = {
  startToCloseTimeout: 60_000,
  heartbeatTimeout: HEARTBEAT_MS,
  scheduleToCloseTimeout: 900_000,
  retry: { initialInterval: 250, backoffCoefficient: 1.5, maximumInterval: 2_000 },
};

/** Asking is harmless and goes on for as long as it takes; a person can end it. */
export const FIND_OPTIONS: ActivityOptions = {
  startToCloseTimeout: 20_000,
  heartbeatTimeout: HEARTBEAT_MS,
  retry: { initialInterval: 250, backoffCoefficient: 1.6, maximumInterval: 30_000 },
};

/** While a leg is lost its position has no stop: a question that died with its worker is soon asked again. */
export const FIND_LEG_OPTIONS: ActivityOptions = {
  ...FIND_OPTIONS,
  heartbeatTimeout: SOON_MS,
  retry: { initialInterval: 250, backoffCoefficient: 1.6, maximumInterval: SOON_AGAIN_MS },
};

/** Reading the venue's clock sends nothing, and is given up when the order that waits for it is too old. */
export function clockOptions(notAfter: number, now: number): ActivityOptions {
  return {
    startToCloseTimeout: 20_000,
    heartbeatTimeout: SOON_MS,
    scheduleToCloseTimeout: Math.max(notAfter - now, 0) + LAST_ATTEMPT_MS,
    retry: { initialInterval: 250, backoffCoefficient: 2, maximumInterval: 5_000 },
  };
}

/**
 * A resting order is followed by one activity whose retries are the polls: they add no history. An attempt is short
 * and has no heartbeat; one that is lost with its worker is missed for ten seconds at most.
 */
export const FOLLOW_OPTIONS: ActivityOptions = {
  startToCloseTimeout: 10_000,
  cancellationType: 'TRY_CANCEL',
  retry: { initialInterval: 250, backoffCoefficient: 1.5, maximumInterval: 5_000 },
};

/** Where a fill has to be protected, or a stop may leave something over, the loss of a follower shows sooner. */
export const FOLLOW_POSITION_OPTIONS: ActivityOptions = {
  ...FOLLOW_OPTIONS,
  heartbeatTimeout: SOON_MS,
  retry: { initialInterval: 250, backoffCoefficient: 1.5, maximumInterval: SOON_AGAIN_MS },
};

/** A cancel under the client order id can be repeated without harm. */
export const CANCEL_OPTIONS: ActivityOptions = {
  startToCloseTimeout: 20_000,
  heartbeatTimeout: HEARTBEAT_MS,
  retry: { initialInterval: 500, backoffCoefficient: 2, maximumInterval: 15_000 },
};

/** Where other things go on beside it, a check is no local activity: its place in a replayed history must be certain. */
export const CHECK_LEG_OPTIONS: ActivityOptions = {
  startToCloseTimeout: 5_000,
  heartbeatTimeout: SOON_MS,
  scheduleToCloseTimeout: 60_000,
  retry: { initialInterval: 200, backoffCoefficient: 2, maximumInterval: 5_000 },
};

/** Taking a leg back is tried until it is known how it ended. */
export const WITHDRAW_OPTIONS: ActivityOptions = {
  startToCloseTimeout: 20_000,
  heartbeatTimeout: SOON_MS,
  retry: { initialInterval: 250, backoffCoefficient: 1.5, maximumInterval: 2_000 },
};

/** One attempt lasts an hour; its heartbeats say what it sees, and the library sends one in eight seconds of them. */
export const WATCH_OPTIONS: ActivityOptions = {
  startToCloseTimeout: 7_200_000,
  heartbeatTimeout: 10_000,
  retry: { initialInterval: 1_000, backoffCoefficient: 1.5, maximumInterval: 10_000 },
};

/**
 * Checking a signature takes no time. It is no local activity: one that runs beside something else may come before or
 * after it when the history is replayed.
 */
export const VERIFY_OPTIONS: ActivityOptions = {
  startToCloseTimeout: 5_000,
  retry: { initialInterval: 200, maximumAttempts: 5 },
};
