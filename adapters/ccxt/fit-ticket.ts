import { reason } from '../../domain/reason.ts';
import type { FittedOrder, OrderTicket, Plan } from '../venue-adapter.ts';
import { fitToMarket } from './market-rules.ts';
import type { Profile } from './profile.ts';
import type { Resolved } from './symbols.ts';

export type FittedTicket =
  | { readonly kind: 'fits'; readonly symbol: string; readonly order: FittedOrder; readonly notes: readonly string[] }
  | Extract<Plan, { kind: 'refused' }>;

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
  const notes = resolved.note === null ? fit.notes : [resolved.note, ...fit.notes];
  return { kind: 'fits', symbol: resolved.market.symbol, order: fit.order, notes };
}
