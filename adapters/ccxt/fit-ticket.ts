import { reason } from '../../domain/reason.ts';
import type { OrderTicket, Plan } from '../venue-adapter.ts';
import { fitToMarket, type Fit } from './market-rules.ts';
import { checkDistance } from './percent-price.ts';
import type { Profile } from './profile.ts';
import type { Resolved } from './symbols.ts';

export type FittedTicket =
  (Extract<Fit, { kind: 'fits' }> & { readonly symbol: string }) | Extract<Plan, { kind: 'refused' }>;

/** An order as one exchange can take it: in its own market, of a kind that it knows, and in the market's steps. */
export function fitTicket(ticket: OrderTicket, resolved: Resolved, profile: Profile): FittedTicket {
  if (resolved.kind === 'refused') return resolved;
  const hasNoBrackets = ticket.type === 'bracket' && profile.brackets === undefined;
  const because = hasNoBrackets ? 'A stop and a target cannot be placed together there.' : profile.refuses?.(ticket);
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
