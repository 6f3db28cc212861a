import { setTimeout as sleep } from 'node:timers/promises';

import { cancellationSignal } from '@temporalio/activity';

import { saysTheSame, type VenueOrder } from '../domain/venue-order.ts';
import { beating } from './beating.ts';
import type { FollowRequest } from './contract.ts';
import { accountOf, ticketOf, type Desk } from './desk.ts';
import { askAgain } from './not-sent.ts';

/** An attempt is short, so that one lost with its worker is soon replaced. */
const ATTEMPT_MS = 5_000;

/** Watches a resting order, and comes back with the venue's report when it says something new. */
export function followOrder(desk: Desk, request: FollowRequest): Promise<VenueOrder> {
  return beating(() => follow(desk, request));
}

async function follow(desk: Desk, request: FollowRequest): Promise<VenueOrder> {
  const { known } = request;
  const account = accountOf(desk, request.signed.intent);
  const ticket = ticketOf(request);
  const until = performance.now() + ATTEMPT_MS;
  const over = AbortSignal.any([cancellationSignal(), desk.stopping.signal]);
  account.following += 1;
  try {
    while (performance.now() < until && !over.aborted) {
      const seen = await account.adapter.fetch(ticket, known);
      if (seen !== null && !saysTheSame(seen, known)) return seen;
      const pause = Math.max(account.pollMs, (account.following * 1_000) / account.pollsPerSecond);
      await sleep(pause, undefined, { signal: over }).catch(() => undefined);
    }
  } finally {
    account.following -= 1;
  }
  throw askAgain('Nothing has changed.', 1);
}
