import { cancelOrder } from './cancel-order.ts';
import { checkBeforeTrade } from './check-before-trade.ts';
import type { Activities } from './contract.ts';
import type { Desk } from './desk.ts';
import { findOrder } from './find-order.ts';
import { followOrder } from './follow-order.ts';
import { placeOrder } from './place-order.ts';
import { sampleClock } from './sample-clock.ts';
import { verifyCommand } from './verify-command.ts';

/** The activities of one worker, over the accounts on its desk. */
export function createActivities(desk: Desk): Activities {
  return {
    checkBeforeTrade: (request) => checkBeforeTrade(desk, request),
    placeOrder: (request) => placeOrder(desk, request),
    sampleClock: (request) => sampleClock(desk, request),
    findOrder: (request) => findOrder(desk, request),
    followOrder: (request) => followOrder(desk, request),
    cancelOrder: (request) => cancelOrder(desk, request),
    verifyCommand: (request) => verifyCommand(desk, request),
  };
}
