import { activityInfo } from '@temporalio/activity';

import type { Admission, AdmissionRequest, CountedLimits } from '../domain/admission.ts';
import type { ExitRequest } from '../domain/exit-plan.ts';
import type { EntryIntent } from '../domain/intent.ts';
import { hasBracket } from '../domain/leg.ts';
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
export async function askAdmission(desk: Desk, account: Account, intent: EntryIntent): Promise<Decided> {
  const limits = countedLimits(desk, account, intent.strategy);
  const inTurn = desk.rules.get(intent.strategy)?.inTurn ?? false;
  if (!inTurn && !isCounted(limits)) return { kind: 'admitted', notes: [] };
  const { clientOrderId, strategy, side, quantity, receivedAt } = intent;
  const admission = await askAccount(account, {
    ...limits,
    clientOrderId,
    workflowId: activityInfo().workflowExecution!.workflowId,
    strategy,
    symbol: account.adapter.nameOf?.(intent.symbol) ?? intent.symbol,
    side,
    quantity,
    ...(hasBracket(intent) ? { isProtected: true } : {}),
    price: isValued(limits) ? await marketPrice(account, intent) : null,
    receivedAt,
    inTurn,
    hasAsked: false,
  });
  if (admission.kind === 'admitted' || admission.kind === 'denied') return admission;
  throw new Error(`The account answered an entry with ${admission.kind}.`);
}

type Decided = Extract<Admission, { kind: 'admitted' | 'denied' }>;
type Answered = Exclude<Admission, { kind: 'wait' | 'ask_first' }>;

/** Asks the account. Throws *not sent* while it cannot be asked, or something else comes first. */
export async function askAccount(account: Account, request: AdmissionRequest | ExitRequest): Promise<Answered> {
  const admission = await account.admit(request);
  if (admission?.kind === 'wait') throw notSent(admission.why, TURN_MS);
  if (admission === undefined || admission.kind === 'ask_first') {
    throw notSent(`What the account ${account.name} has counted cannot be asked.`, AGAIN_MS);
  }
  return admission;
}

/** The limits that need a memory: the account's, and the strategy's. */
export function countedLimits(
  desk: Desk,
  account: Account,
  strategy: string,
): Pick<AdmissionRequest, 'accountLimits' | 'strategyLimits'> {
  const strategyLimits = desk.rules.get(strategy)?.limits ?? NO_LIMITS;
  return { accountLimits: countedOf(account.limits), strategyLimits: countedOf(strategyLimits) };
}

type Both = ReturnType<typeof countedLimits>;

/** Whether any of them is there, so that orders are counted at all. */
export const isCounted = ({ accountLimits, strategyLimits }: Both): boolean =>
  [...Object.values(accountLimits), ...Object.values(strategyLimits)].some(
    (limit) => limit !== null && limit !== false,
  );

/** Whether one of them needs to know what a unit is worth. */
export const isValued = ({ accountLimits, strategyLimits }: Both): boolean =>
  accountLimits.maxPositionValue !== null || strategyLimits.maxPositionValue !== null;

function countedOf(limits: CountedLimits): CountedLimits {
  const { maxPosition, maxPositionValue, dailyLoss, ordersPerMinute, maxOpenOrders, reduceOnly } = limits;
  return { maxPosition, maxPositionValue, dailyLoss, ordersPerMinute, maxOpenOrders, reduceOnly };
}
