import { activityInfo } from '@temporalio/activity';

import type { Admission, AdmissionRequest, CountedLimits } from '../domain/admission.ts';
import type { SignedIntent } from '../domain/intent.ts';
import { NO_LIMITS } from '../domain/limits.ts';
import type { Account, Desk } from './desk.ts';
import { marketPrice } from './hold-to-limits.ts';
import { notSent } from './not-sent.ts';

const AGAIN_MS = 500;
/** An order that waits for its turn asks so often: it keeps its place in the line by asking. */
const TURN_MS = 250;

/**
 * Asks the account, where it is counted, whether the order may leave. Throws *not sent* while that cannot be told, or
 * while others come first. An account and a strategy that limit nothing are not asked.
 */
export async function askAdmission(desk: Desk, account: Account, signed: SignedIntent): Promise<Decided> {
  const { intent } = signed;
  const rules = desk.rules.get(intent.strategy);
  const accountLimits = countedOf(account.limits);
  const strategyLimits = countedOf(rules?.limits ?? NO_LIMITS);
  const inTurn = rules?.inTurn ?? false;
  if (!inTurn && !isCounting(accountLimits) && !isCounting(strategyLimits)) return { kind: 'admitted', notes: [] };
  const { clientOrderId, strategy, side, quantity, receivedAt } = intent;
  const isValued = accountLimits.maxPositionValue !== null || strategyLimits.maxPositionValue !== null;
  const request: AdmissionRequest = {
    clientOrderId,
    workflowId: activityInfo().workflowExecution!.workflowId,
    strategy,
    symbol: account.adapter.nameOf?.(intent.symbol) ?? intent.symbol,
    side,
    quantity,
    price: isValued ? await marketPrice(account, intent) : null,
    receivedAt,
    inTurn,
    accountLimits,
    strategyLimits,
    hasAsked: false,
  };
  const admission = await account.admit(request);
  if (admission?.kind === 'wait') throw notSent(admission.why, TURN_MS);
  if (admission === undefined || admission.kind === 'ask_first') {
    throw notSent(`What the account ${account.name} has counted cannot be asked.`, AGAIN_MS);
  }
  return admission;
}

type Decided = Extract<Admission, { kind: 'admitted' | 'denied' }>;

function countedOf(limits: CountedLimits): CountedLimits {
  const { maxPosition, maxPositionValue, dailyLoss, ordersPerMinute, maxOpenOrders, reduceOnly } = limits;
  return { maxPosition, maxPositionValue, dailyLoss, ordersPerMinute, maxOpenOrders, reduceOnly };
}

const isCounting = (limits: CountedLimits): boolean =>
  Object.values(limits).some((limit) => limit !== null && limit !== false);
