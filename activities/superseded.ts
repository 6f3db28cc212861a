import type { Leg } from '../domain/leg.ts';
import type { Placement } from '../domain/outcome.ts';
import { PROTECTED_AGAIN, SUPERSEDED, TAKEN_OUT } from '../domain/exit-problem.ts';
import { reason } from '../domain/reason.ts';
import type { PlaceRequest } from './contract.ts';
import { ticketOf, type Account } from './desk.ts';
import { isAfterReset, lookFirst } from './look-first.ts';

/** How many generations later than one that was never booked the next one may be that was. */
const GENERATIONS_AHEAD = 4;

/**
 * Whether an earlier run has placed another leg in the stead of this one, which is not at the venue: now it would take
 * out what is out, or waits already. Null where it is the last of its part.
 */
export async function supersededBy(account: Account, request: PlaceRequest): Promise<Placement | null> {
  const { leg } = request;
  if (leg === undefined || !isAfterReset(request)) return null;
  for (let ahead = 0; ahead <= GENERATIONS_AHEAD; ahead += 1) {
    for (const other of inSteadOf(leg, ahead)) {
      const ticket = ticketOf({ signed: request.signed, leg: other });
      const look = await lookFirst(account, ticket);
      if (look.kind === 'cannot_tell' && !look.answered) return { kind: 'unknown', evidence: look.why };
      if (look.kind !== 'found') continue;
      const why = reason(codeOf(leg, other), `An earlier run has placed ${ticket.clientOrderId} in its stead.`);
      // As the run that placed the later one saw it: too late, where protection followed; refused, where an exit did.
      const isLate = ahead > 0 && other.name === 'protection';
      return { kind: isLate ? 'expired' : 'denied', reason: why };
    }
  }
  return null;
}

function inSteadOf(leg: Leg, ahead: number): Leg[] {
  const generation = leg.generation + ahead;
  const exit: Leg = { ...leg, name: 'exit', type: 'market', generation };
  if (leg.name === 'protection') return ahead === 0 ? [exit] : [{ ...leg, generation }, exit];
  if (ahead > 0) return [exit];
  // However it was protected: a bracket is asked for in another way.
  return (['bracket', 'stop'] as const).map((type) => ({ ...leg, name: 'protection', type }));
}

/** Of the same generation, an earlier run did something else at this point: somebody had wanted it, or not yet. */
function codeOf(leg: Leg, other: Leg): string {
  if (leg.generation !== other.generation) return SUPERSEDED;
  return leg.name === 'protection' ? TAKEN_OUT : PROTECTED_AGAIN;
}
