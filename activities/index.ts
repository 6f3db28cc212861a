import type { Reason } from '../domain/reason.ts';
import { metrics } from '../telemetry/metrics.ts';
import { takeStep } from '../telemetry/steps.ts';
import { cancelOrder, withdrawLeg } from './cancel-order.ts';
import { checkBeforeTrade } from './check-before-trade.ts';
import type { Activities, OfOrder } from './contract.ts';
import { ticketOf, type Desk } from './desk.ts';
import { cancelForExit, makeWay, verifyExit } from './make-way.ts';
import { findOrder } from './find-order.ts';
import { followOrder } from './follow-order.ts';
import { watchPrice } from './watch-price.ts';
import { placeOrder } from './place-order.ts';
import { planExit } from './plan-exit.ts';
import { sampleClock } from './sample-clock.ts';
import { verifyCommand } from './verify-command.ts';
import { verifyResume } from './verify-resume.ts';
import { watchAccount } from './watch-account.ts';

/** The activities of one worker, over the accounts on its desk. */
export function createActivities(desk: Desk): Activities {
  const asStep =
    <R extends OfOrder, T>(run: (on: Desk, request: R) => Promise<T>) =>
    (request: R): Promise<T> =>
      takeStep(run.name, ticketOf(request).clientOrderId, () => run(desk, request));
  return {
    checkBeforeTrade: counted(asStep(checkBeforeTrade)),
    placeOrder: counted(asStep(placeOrder)),
    sampleClock: asStep(sampleClock),
    findOrder: asStep(findOrder),
    followOrder: asStep(followOrder),
    watchPrice: asStep(watchPrice),
    cancelOrder: asStep(cancelOrder),
    withdrawLeg: asStep(withdrawLeg),
    planExit: counted((request) => planExit(desk, request)),
    makeWay: (request) => makeWay(desk, request),
    verifyExit: (request) => verifyExit(desk, request),
    cancelForExit: asStep(cancelForExit),
    verifyCommand: asStep(verifyCommand),
    watchAccount: (request) => watchAccount(desk, request),
    verifyResume: (request) => verifyResume(desk, request),
  };
}

/** Counts what is denied, once for each time that a rule says no. */
function counted<R extends OfOrder, T extends { readonly kind: string; readonly reason?: Reason }>(
  decide: (request: R) => Promise<T>,
): (request: R) => Promise<T> {
  return async (request) => {
    const decision = await decide(request);
    const { kind, reason } = decision;
    if (kind === 'denied') metrics.denied.inc({ account: request.signed.intent.account, code: reason!.code });
    return decision;
  };
}
