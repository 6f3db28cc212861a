import type { Plan } from '../adapters/venue-adapter.ts';
import type { EntryIntent, Intent } from '../domain/intent.ts';
import type { OrderType } from '../domain/alert.ts';
import { checkAlert, checkBracket } from '../domain/pre-trade.ts';
import { reason, type Reason } from '../domain/reason.ts';
import { beating } from './beating.ts';
import { cannotProtect, knowsKindOf } from './can-protect.ts';
import { checkLimitsOf, checkValueOf } from './hold-to-limits.ts';
import type { Check, CheckRequest } from './contract.ts';
import { accountOf, entryOf, ticketOf, type Account, type Desk, type StrategyRules } from './desk.ts';
import { isAfterReset, lookWhereInDoubt } from './look-first.ts';
import { planProtection } from './plan-protection.ts';
import { supersededBy } from './superseded.ts';

/**
 * Every rule that an order must satisfy before it may leave. What the venue already has outranks all of them, so after
 * a reset the venue is asked first.
 */
export function checkBeforeTrade(desk: Desk, request: CheckRequest): Promise<Check> {
  return beating(() => check(desk, request));
}

async function check(desk: Desk, request: CheckRequest): Promise<Check> {
  const { intent } = request.signed;
  const account = accountOf(desk, intent, isAfterReset(request));
  const look = await lookFor(desk, account, request);
  if (look?.kind === 'found') return look;
  if (look?.kind === 'cannot_tell') return { kind: 'unknown', evidence: look.why };
  try {
    return await judge(desk, account, request);
  } catch (error) {
    if (!(error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError)) throw error;
    const fix = 'Nothing was sent. It is a fault of ours: report it with the history of this order.';
    return { kind: 'failed', reason: reason('CHECK_BROKEN', `The check of this order broke: ${error.message}`, fix) };
  }
}

async function lookFor(desk: Desk, account: Account, request: CheckRequest): ReturnType<typeof lookWhereInDoubt> {
  // A leg of a kind that the venue does not have is nowhere; under its id another one may be, which is held in its stead.
  if (request.leg !== undefined && !knowsKindOf(account.adapter, request.leg)) return null;
  return lookWhereInDoubt(desk, account, request, await account.standing());
}

async function judge(desk: Desk, account: Account, request: CheckRequest): Promise<Check> {
  // What takes a position out is held to none of the rules by which it was let in.
  if (request.leg !== undefined) return checkLeg(account, request);
  const intent = entryOf(request);
  const rules = desk.rules.get(intent.strategy);
  if (rules === undefined) return denied(unknownStrategy(intent.strategy));
  const verdict = checkAlert(intent, rules);
  if (verdict.kind !== 'admitted') return verdict;
  const refusal =
    notAllowed(account, intent, rules) ??
    checkLimitsOf(account, intent, rules.limits) ??
    cannotCarry(account, intent) ??
    checkBracket(intent);
  if (refusal !== null) return denied(refusal);
  const plan = await account.adapter.plan(ticketOf(request));
  if (plan.kind === 'refused') return denied(plan.reason);
  if (plan.rests !== undefined) return denied(typeUnsupported(`The market of ${intent.symbol}`, intent.orderType));
  const unprotected = await cannotProtect(account, request);
  if (unprotected !== null) return denied(unprotected);
  const order = { ...intent, ...plan.order };
  const value = await checkValueOf(account, order, rules.limits);
  if (value.reason !== null) return denied(value.reason);
  const protection = await planProtection(account, request, order);
  if (protection.reason !== null) return denied(protection.reason);
  return admitted(account, plan, [...plan.notes, ...value.notes, ...protection.notes]);
}

async function checkLeg(account: Account, request: CheckRequest): Promise<Check> {
  const plan = await account.adapter.plan(ticketOf(request));
  if (plan.kind === 'refused') return denied(plan.reason);
  // Under its id another leg may be, which is checked next.
  if (plan.rests === 'stop') return { kind: 'held', rests: plan.rests };
  // Where nothing of it will be placed, or it is known to be absent, the venue is asked here what an earlier run has done.
  const asks = plan.rests === 'nothing' || request.absence !== undefined;
  const instead = asks ? await supersededBy(account, request) : null;
  if (instead !== null) return instead;
  if (plan.rests !== undefined) return { kind: 'held', rests: plan.rests };
  return admitted(account, plan, plan.notes);
}

function admitted(
  account: Account,
  { quantityStep }: Extract<Plan, { kind: 'ready' }>,
  notes: readonly string[],
): Check {
  return {
    kind: 'admitted',
    ...clockOf(account),
    ...(notes.length === 0 ? {} : { notes }),
    ...(quantityStep === undefined ? {} : { quantityStep }),
  };
}

/** Ingress has looked at this already; a worker may know better, and believes a configuration of its own. */
export function notAllowed(account: Account, intent: Intent, { accounts }: StrategyRules): Reason | null {
  if (accounts.includes(account.name)) return null;
  const message = `The strategy ${intent.strategy} may not use the account ${account.name}, only ${accounts.join(', ')}.`;
  return reason('ACCOUNT_NOT_ALLOWED', message, 'Set "account" to one of these, or add it to the strategy.');
}

function cannotCarry(account: Account, intent: EntryIntent): Reason | null {
  const { orderTypes } = account.adapter.capabilities;
  if (!orderTypes.includes(intent.orderType)) {
    return typeUnsupported(`The account ${account.name}`, intent.orderType, orderTypes);
  }
  return null;
}

function typeUnsupported(who: string, type: OrderType, instead: readonly OrderType[] = ['market', 'limit']): Reason {
  const message = `${who} takes no ${type} orders, only ${instead.join(', ')}.`;
  return reason('ORDER_TYPE_UNSUPPORTED', message, `Set "order_type" to one of ${instead.join(', ')}.`);
}

function clockOf(account: Account): { clock?: { offsetMs: number } | 'stale' } {
  if (!account.adapter.capabilities.enforcesWindow) return {};
  const offsetMs = account.clock.best();
  return { clock: offsetMs === undefined ? 'stale' : { offsetMs } };
}

export function unknownStrategy(strategy: string): Reason {
  const message = `This worker knows no strategy named ${strategy}.`;
  return reason('STRATEGY_UNKNOWN', message, 'Give every worker the same configuration as ingress.');
}

const denied = (because: Reason): Check => ({ kind: 'denied', reason: because });
