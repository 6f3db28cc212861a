import { activityInfo, heartbeat } from '@temporalio/activity';

const BEAT_MS = 1_000;

/**
 * Does the work, and tells the engine each second that this process lives: the death of a worker shows soon. Where
 * nobody waits for that (no heartbeat time-out), nothing is told.
 */
export async function beating<T>(work: () => Promise<T>): Promise<T> {
  if (!activityInfo().heartbeatTimeoutMs) return work();
  const timer = setInterval(() => heartbeat(), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
