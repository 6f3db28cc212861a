import type { Leg } from '../domain/leg.ts';
import type { Placement } from '../domain/outcome.ts';
import { reason } from '../domain/reason.ts';
import type { PlaceRequest } from './contract.ts';
import { ticketOf, type Account } from './desk.ts';
import { isAfterReset, lookFirst } from './look-first.ts';

/** How many generations later than one that was never booked the next one may be that was. */
const GENERATIONS_AHEAD = 4;

/**
 * Whether another leg has come after this one, which is not at the venue: then this one was refused, or too late, in an
 * earlier run, and would now take out what is out or waits already. Null where it is the last of its part.
 */
export async function supersededBy(account: Account, request: PlaceRequest): Promise<Placement | null> {
  const { leg } = request;
  if (leg === undefined || !isAfterReset(request)) return null;
  for (let ahead = 0; ahead <= GENERATIONS_AHEAD; ahead += 1) {
    for (const later of laterThan(leg, ahead)) {
      const ticket = ticketOf({ signed: request.signed, leg: later });
      const look = await lookFirst(account, ticket);
      if (look.kind === 'cannot_tell' && !look.answered) return { kind: 'unknown', evidence: look.why };
      if (look.kind !== 'found') continue;
      const why = reason('SUPERSEDED', `An earlier run has placed ${ticket.clientOrderId} in its stead.`);
      // As the run that placed the later one saw it: too late, where protection followed; refused, where an exit did.
      return { kind: later.name === 'protection' ? 'expired' : 'denied', reason: why };
    }
  }
  return null;
}

function laterThan(leg: Leg, ahead: number): Leg[] {
  const generation = leg.generation + ahead;
  // Somebody had it taken out where this run would protect it.
  if (ahead === 0) return leg.name === 'protection' ? [{ ...leg, name: 'exit', type: 'market', generation }] : [];
  const exit: Leg = { ...leg, name: 'exit', type: 'market', generation };
  return leg.name === 'protection' ? [{ ...leg, generation }, exit] : [exit];
}
