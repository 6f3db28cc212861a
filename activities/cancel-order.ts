import { activityInfo } from '@temporalio/activity';

import type { OrderTicket, VenueAdapter } from '../adapters/venue-adapter.ts';
import type { VenueOrder } from '../domain/venue-order.ts';
import { beating } from './beating.ts';
import type { CancelRequest, WithdrawRequest } from './contract.ts';
import { accountOf, ticketOf, type Desk } from './desk.ts';
import { askAgain } from './not-sent.ts';

/** Cancels the order at its venue, and tells how it ended: also filled, where the fill was faster. */
export async function cancelOrder(desk: Desk, { signed, command, venueOrderId }: CancelRequest): Promise<VenueOrder> {
  desk.keys.requireCommand(command, activityInfo().workflowExecution!.workflowId);
  const { adapter } = accountOf(desk, signed.intent);
  return cancelAt(adapter, ticketOf({ signed }), venueOrderId);
}

/** Takes a leg back, which no person has to sign for: it is replaced, or what it protects is taken out. */
export async function withdrawLeg(desk: Desk, request: WithdrawRequest): Promise<VenueOrder> {
  const { adapter } = accountOf(desk, request.signed.intent);
  return cancelAt(adapter, ticketOf(request), request.venueOrderId);
}

export async function cancelAt(adapter: VenueAdapter, ticket: OrderTicket, venueOrderId: string): Promise<VenueOrder> {
  const cancellation = await beating(() => adapter.cancel(ticket, venueOrderId));
  if (cancellation.kind === 'unknown') throw askAgain(cancellation.evidence);
  return cancellation.order;
}
