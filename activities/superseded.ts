import type { Leg } from '../domain/leg.ts';
import { PROTECTED_AGAIN, SUPERSEDED, TAKEN_OUT } from '../domain/exit-problem.ts';
import type { Placement } from '../domain/outcome.ts';
import { reason } from '../domain/reason.ts';
import type { CheckRequest } from './contract.ts';
import { ticketOf, type Account } from './desk.ts';
import { lookFirst, mayComeAfterAnother } from './look-first.ts';

/**
 * How many generations later than one that was never booked the next one may be that was: so many exits the venue may
 * refuse before it takes one.
 */
const GENERATIONS_AHEAD = 12;

/**
 * Whether another leg has come after this one, which is not at the venue: then this one was refused, too late, or never
 * meant, in an earlier run, and would now take out what is out or waits already. Null where it is the last of its part.
 */
export async function supersededBy(
  account: Account,
  request: CheckRequest,
): Promise<Extract<Placement, { kind: 'unknown' | 'expired' | 'denied' }> | null> {
  const { leg } = request;
  if (leg === undefined || !mayComeAfterAnother(request)) return null;
  // All at once: what is sent in the end bears the time at which this attempt was scheduled, and grows old meanwhile.
  const others = inSteadOf(leg, isBracket(request));
  const looks = await Promise.all(
    others.map((other) => lookFirst(account, ticketOf({ signed: request.signed, leg: other }))),
  );
  for (const [index, look] of looks.entries()) {
    if (look.kind === 'cannot_tell' && !look.answered) return { kind: 'unknown', evidence: look.why };
    if (look.kind !== 'found') continue;
    const other = others[index]!;
    const { clientOrderId } = ticketOf({ signed: request.signed, leg: other });
    const why = reason(codeOf(leg, other), `An earlier run has placed ${clientOrderId} in its stead.`);
    // As the run that placed the later one saw it: too late, where protection followed; refused, where an exit did.
    const isLate = other.name === 'protection' && other.generation > leg.generation;
    return { kind: isLate ? 'expired' : 'denied', reason: why };
  }
  return null;
}

const isBracket = ({ signed: { intent } }: CheckRequest): boolean =>
  intent.stopLoss !== undefined && intent.takeProfit !== undefined;

/** Those that may have come instead, the nearest first. */
function inSteadOf(leg: Leg, isBracketed: boolean): Leg[] {
  const legs: Leg[] = [];
  for (let ahead = 0; ahead <= GENERATIONS_AHEAD; ahead += 1) {
    const generation = leg.generation + ahead;
    const exit: Leg = { ...leg, name: 'exit', type: 'market', generation };
    // However it was protected again: a bracket is asked for in another way.
    const kinds = isBracketed ? (['bracket', 'stop'] as const) : (['stop'] as const);
    const types = leg.name === 'exit' ? kinds : [leg.type];
    const protections = types.map((type): Leg => ({ ...leg, name: 'protection', type, generation }));
    if (ahead > 0) legs.push(...protections, exit);
    else legs.push(...(leg.name === 'protection' ? [exit] : protections));
  }
  return legs;
}

/** A number belongs to one leg: under its own, an earlier run did something else at this point. */
function codeOf(leg: Leg, other: Leg): string {
  if (leg.generation !== other.generation) return SUPERSEDED;
  return leg.name === 'protection' ? TAKEN_OUT : PROTECTED_AGAIN;
}
