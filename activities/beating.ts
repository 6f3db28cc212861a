import { heartbeat } from '@temporalio/activity';

const BEAT_MS = 1_000;

/** Does the work, and tells the engine each second that this process lives: the death of a worker shows soon. */
export async function beating<T>(work: () => Promise<T>): Promise<T> {
  const timer = setInterval(() => heartbeat(), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(timer);
  }
}
