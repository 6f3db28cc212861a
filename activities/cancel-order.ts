import { activityInfo } from '@temporalio/activity';

import type { VenueOrder } from '../domain/venue-order.ts';
import { beating } from './beating.ts';
import type { CancelRequest } from './contract.ts';
import { accountOf, ticketOf, type Desk } from './desk.ts';
import { askAgain } from './not-sent.ts';

/** Cancels the order at its venue, and tells how it ended: also filled, where the fill was faster. */
export async function cancelOrder(desk: Desk, { signed, command, venueOrderId }: CancelRequest): Promise<VenueOrder> {
  desk.keys.requireCommand(command, activityInfo().workflowExecution!.workflowId);
  const { adapter } = accountOf(desk, signed.intent);
  const ticket = ticketOf(signed.intent);
  const cancellation = await beating(() => adapter.cancel(ticket, venueOrderId));
  if (cancellation.kind === 'unknown') throw askAgain(cancellation.evidence);
  return cancellation.order;
}
