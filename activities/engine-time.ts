import { activityInfo } from '@temporalio/activity';

/**
 * The engine's time now, in milliseconds since 1970: when the engine scheduled this attempt, plus what has passed here
 * since. This host's clock may be wrong; its passing of seconds is not, also while the process was frozen.
 */
export function startEngineClock(): () => number {
  const scheduled = activityInfo().currentAttemptScheduledTimestampMs;
  const begun = performance.now();
  return () => scheduled + (performance.now() - begun);
}
