import { setTimeout as sleep } from 'node:timers/promises';

import { cancellationSignal } from '@temporalio/activity';

import type { Account, Desk } from './desk.ts';
import { askAgain } from './not-sent.ts';

/** An attempt is short, so that one lost with its worker is soon replaced. */
const ATTEMPT_MS = 5_000;

/**
 * Asks again and again until there is news, within what the account may ask for; the engine's next attempt goes on.
 * @param questions how many requests one look may take
 * @param look null while nothing is new
 */
export async function poll<T>(
  { stopping }: Desk,
  account: Account,
  questions: number,
  look: () => Promise<T | null>,
): Promise<T> {
  const until = performance.now() + ATTEMPT_MS;
  const over = AbortSignal.any([cancellationSignal(), stopping.signal]);
  account.following += questions;
  try {
    while (performance.now() < until && !over.aborted) {
      const seen = await look();
      if (seen !== null) return seen;
      const pause = Math.max(account.pollMs, (account.following * 1_000) / account.pollsPerSecond);
      await sleep(pause, undefined, { signal: over }).catch(() => undefined);
    }
  } finally {
    account.following -= questions;
  }
  throw askAgain('Nothing has changed.', 1);
}
