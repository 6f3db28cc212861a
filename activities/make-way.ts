import { activityInfo } from '@temporalio/activity';

import { NOTHING_TRADED } from '../domain/way-out.ts';
import { isExit } from '../domain/intent.ts';
import type { VenueOrder } from '../domain/venue-order.ts';
import { beating } from './beating.ts';
import { cancelAt } from './cancel-order.ts';
import type { CancelForExitRequest, MakeWayRequest, OfExit, Taken } from './contract.ts';
import { accountOf, ticketOf, type Desk } from './desk.ts';
import { notProven } from './verify-keys.ts';

/** Asks an order to make way for an exit. It is asked under the exit's name: however often, it does so once. */
export async function makeWay(desk: Desk, { signed, order, what, quantity }: MakeWayRequest): Promise<Taken> {
  const account = accountOf(desk, signed.intent);
  const { workflowId: exitId } = activityInfo().workflowExecution!;
  const taken = await beating(() => account.makeWay(order.workflowId, { exit: signed, exitId, what, quantity }));
  return taken ?? { ...NOTHING_TRADED, last: null };
}

/**
 * Throws unless the exit was signed for its own workflow, and is its strategy's way out of what this order trades: the
 * engine may ask an order to make way only with an alert in its hand.
 */
export async function verifyExit(desk: Desk, { signed, exit, exitId }: OfExit): Promise<void> {
  desk.keys.requireIntent(exit, exitId);
  const { adapter } = accountOf(desk, signed.intent);
  const nameOf = (symbol: string): string => adapter.nameOf?.(symbol) ?? symbol;
  const [mine, its] = [signed.intent, exit.intent];
  const isOfMine = mine.account === its.account && mine.strategy === its.strategy;
  if (isExit(its) && isOfMine && nameOf(mine.symbol) === nameOf(its.symbol)) return;
  throw notProven('The exit is not about what this order has traded.');
}

export async function cancelForExit(desk: Desk, request: CancelForExitRequest): Promise<VenueOrder> {
  await verifyExit(desk, request);
  const { adapter } = accountOf(desk, request.signed.intent);
  return cancelAt(adapter, ticketOf({ signed: request.signed }), request.venueOrderId);
}
