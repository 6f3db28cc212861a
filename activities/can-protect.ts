import type { VenueAdapter } from '../adapters/venue-adapter.ts';
import { exitOf, hasBracket, type Leg } from '../domain/leg.ts';
import { movesStop } from '../domain/stop-loss.ts';
import { reason, type Reason } from '../domain/reason.ts';
import type { CheckRequest } from './contract.ts';
import { entryOf, ticketOf, type Account } from './desk.ts';

/** Whether a venue has orders of a leg's kind at all, in any of its markets. */
export function knowsKindOf({ capabilities }: VenueAdapter, { type }: Leg): boolean {
  return type === 'bracket' ? capabilities.brackets : capabilities.orderTypes.includes(type);
}

/**
 * Why an entry's stop and targets can neither rest at its venue nor be watched; null where they can. What is watched is
 * taken out by a market order.
 */
export async function cannotProtect(
  { name, adapter }: Account,
  request: Pick<CheckRequest, 'signed'>,
): Promise<Reason | null> {
  const { signed } = request;
  const intent = entryOf(request);
  const { brackets, dryRun } = adapter.capabilities;
  const isWatched = !brackets || movesStop(intent.stopLoss);
  if (!hasBracket(intent) || !isWatched || dryRun) return null;
  if (adapter.lastPrice === undefined) return unsupported(name, 'Its venue has neither orders nor prices for that.');
  if (brackets) return null;
  const { quantity, notAfter } = intent;
  const plan = await adapter.plan(
    ticketOf({ signed, leg: exitOf(intent, { part: 0, generation: 0, quantity, notAfter }) }),
  );
  // What is too small or too large for a market is no matter of what the venue can do.
  const isImpossible = plan.kind === 'refused' && plan.reason.code === 'VENUE_CANNOT_TAKE_IT';
  return isImpossible ? unsupported(name, plan.reason.message) : null;
}

function unsupported(account: string, why: string): Reason {
  const message = `The account ${account} cannot protect an entry with stop_loss and take_profit. ${why}`;
  return reason('BRACKET_UNSUPPORTED', message, 'Leave out "stop_loss" and "take_profit".');
}
