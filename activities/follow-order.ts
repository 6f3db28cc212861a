import { saysTheSame } from '../domain/venue-order.ts';
import { isPassed } from '../domain/watch.ts';
import { beating } from './beating.ts';
import type { FollowRequest, Seen } from './contract.ts';
import { accountOf, ticketOf, type Desk } from './desk.ts';
import { poll } from './polling.ts';
import { lastPrice } from './watch-price.ts';

/** Watches a resting order, and comes back with the venue's report when it says something new, or a price has come. */
export function followOrder(desk: Desk, request: FollowRequest): Promise<Seen> {
  return beating(() => follow(desk, request));
}

async function follow(desk: Desk, request: FollowRequest): Promise<Seen> {
  const { known, watch } = request;
  const account = accountOf(desk, request.signed.intent);
  const ticket = ticketOf(request);
  const since = performance.now();
  return poll(desk, account, watch === undefined ? 1 : 2, async () => {
    // What has become of the order comes first: it may be what the price has done.
    const seen = await account.adapter.fetch(ticket, known);
    if (seen !== null && !saysTheSame(seen, known)) return seen;
    if (watch === undefined) return null;
    // A price that cannot be asked for keeps nobody from seeing what becomes of the order.
    const price = await lastPrice(account, ticket.symbol, since).catch(() => null);
    return price !== null && isPassed(watch, price) ? { ...(seen ?? known), reached: price } : null;
  });
}
