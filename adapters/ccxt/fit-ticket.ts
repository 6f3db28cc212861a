import type { MarketInterface } from 'ccxt';

import { reason } from '../../domain/reason.ts';
import type { OrderTicket, Plan } from '../venue-adapter.ts';
import { fitToMarket, type Fit } from './market-rules.ts';
import { checkDistance } from './percent-price.ts';
import type { Profile } from './profile.ts';
import type { Resolved } from './symbols.ts';

export type FittedTicket =
  (Extract<Fit, { kind: 'fits' }> & { readonly symbol: string }) | Extract<Plan, { kind: 'refused' }>;

/** What of a stop or a bracket can rest in a market; undefined where it is taken whole, as every other order is. */
export function restsOf({ type }: OrderTicket, resolved: Resolved, profile: Profile): 'stop' | 'nothing' | undefined {
  if ((type !== 'stop' && type !== 'bracket') || resolved.kind !== 'market') return undefined;
  if (!takesStops(profile, resolved.market)) return 'nothing';
  return type === 'stop' || takesBrackets(profile, resolved.market) ? undefined : 'stop';
}

/** The order that rests, or is sent in the end, where a stop or a bracket is not taken whole. */
export function restOf(ticket: OrderTicket, rests: 'stop' | 'nothing'): OrderTicket {
  const { limitPrice: _target, stopPrice, ...terms } = ticket;
  return rests === 'nothing' || stopPrice === undefined
    ? { ...terms, type: 'market' }
    : { ...terms, type: 'stop', stopPrice };
}

const takesStops = (profile: Profile, market: MarketInterface): boolean =>
  profile.orderTypes.includes('stop') && (profile.takesStopsIn?.(market) ?? true);

/** One of the two orders is a stop. */
const takesBrackets = (profile: Profile, market: MarketInterface): boolean =>
  takesStops(profile, market) && profile.brackets?.areTakenIn(market) === true;

/** An order under an id that the venue cuts, or changes, could not be found again. */
function refusesId({ clientOrderId }: OrderTicket, profile: Profile): string | undefined {
  const id = profile.encodeId(clientOrderId);
  return profile.idRule.test(id) ? undefined : `The exchange takes no order under the id ${id}.`;
}

/** An order as one exchange can take it: in its own market, of a kind that it knows, and in the market's steps. */
export function fitTicket(ticket: OrderTicket, resolved: Resolved, profile: Profile): FittedTicket {
  if (resolved.kind === 'refused') return resolved;
  const hasNoBrackets = ticket.type === 'bracket' && !takesBrackets(profile, resolved.market);
  const because = hasNoBrackets
    ? 'A stop and a target cannot be placed together there.'
    : ticket.type === 'stop' && !takesStops(profile, resolved.market)
      ? 'The market takes no stop orders.'
      : (profile.refuses?.(ticket) ?? refusesId(ticket, profile));
  if (because !== undefined) {
    return {
      kind: 'refused',
      reason: reason('VENUE_CANNOT_TAKE_IT', because, 'Change the order to what it can take.'),
    };
  }
  const fit = fitToMarket(ticket, resolved.market);
  if (fit.kind === 'refused') return fit;
  const tooFar = checkDistance(ticket, fit.order, resolved.market);
  if (tooFar !== null) return { kind: 'refused', reason: tooFar };
  const notes = resolved.note === null ? fit.notes : [resolved.note, ...fit.notes];
  return { ...fit, symbol: resolved.market.symbol, notes };
}
