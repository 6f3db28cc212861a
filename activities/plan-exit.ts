import { activityInfo } from '@temporalio/activity';

import { NotSent } from '../adapters/venue-adapter.ts';
import { compare } from '../domain/decimal.ts';
import type { ExitDecision } from '../domain/exit-outcome.ts';
import type { ExitRequest, Holding } from '../domain/exit-plan.ts';
import type { EntryIntent, ExitIntent } from '../domain/intent.ts';
import { hasBracket, OPENING, type Leg } from '../domain/leg.ts';
import type { Placement } from '../domain/outcome.ts';
import { checkAlert } from '../domain/pre-trade.ts';
import { reason, type Reason } from '../domain/reason.ts';
import { whyExitHalted, whyHalted } from '../domain/standing.ts';
import { askAccount, countedLimits, isCounted, isValued } from './ask-admission.ts';
import { notAllowed, unknownStrategy } from './check-before-trade.ts';
import type { PlanExitRequest, PlaceRequest } from './contract.ts';
import { accountOf, ticketOf, type Account, type Desk, type StrategyRules } from './desk.ts';
import { startEngineClock } from './engine-time.ts';
import { checkLimitsOf, checkValueOf, marketPrice } from './hold-to-limits.ts';
import { isAfterReset, isBegunAgain, lookFirst } from './look-first.ts';
import { askAgain, notSent } from './not-sent.ts';

const RETRY_MS = 500;

/**
 * Decides what an exit takes out. Everything that could refuse it is asked before anything is touched: what is refused
 * has canceled nothing. Throws *not sent* while that cannot be told.
 */
export async function planExit(desk: Desk, request: PlanExitRequest): Promise<ExitDecision> {
  const { intent } = request.signed;
  const account = accountOf(desk, intent, isAfterReset(request));
  const engineNow = startEngineClock();
  if (isAfterReset(request) || isBegunAgain(intent.receivedAt, request.startedAt)) {
    const look = await lookFirst(account, ticketOf({ signed: request.signed, leg: firstLeg(intent) }));
    if (look.kind === 'found') return look;
    if (look.kind === 'cannot_tell') throw askAgain(look.why);
  }
  if (engineNow() >= intent.notAfter) {
    const message = `The exit was to leave within ${(intent.notAfter - intent.receivedAt) / 1000} s of its alert.`;
    return { kind: 'expired', reason: reason('TOO_LATE_TO_SEND', message, 'Send it again, if it is still wanted.') };
  }
  const rules = desk.rules.get(intent.strategy);
  if (rules === undefined) return denied(unknownStrategy(intent.strategy));
  const refusal =
    notAllowed(account, intent, rules) ??
    bracketOn(intent) ??
    (intent.exit === 'reverse' ? await whatForbidsToOpen(account, intent, rules) : null);
  if (refusal !== null) return denied(refusal);
  if (account.adapter.capabilities.dryRun) return { kind: 'dry_run' };
  const halt = await whyKept(account, intent);
  if (halt !== null) return denied(halt);
  if (!isCounted(countedLimits(desk, account, intent.strategy))) return denied(notCounted(account, intent));
  const { hasCanceled = false } = request;
  const holding = await holdingOf(account, intent.symbol);
  const decided = await askAccount(account, { ...(await requestOf(desk, account, intent)), holding, hasCanceled });
  if (decided.kind === 'admitted') throw new Error('The account answered an exit as an entry.');
  return decided;
}

/** Whether an exit's own order is what the account has decided, right before it is sent; null where it is. */
export async function notAsPlanned(
  desk: Desk,
  account: Account,
  { signed, leg }: PlaceRequest,
): Promise<Placement | null> {
  const intent = signed.intent as ExitIntent;
  // What a reverse opens is kept by more than what it takes out.
  const halt = await whyKept(account, { exit: leg!.part === OPENING ? 'reverse' : 'close' });
  if (halt !== null) return { kind: 'denied', reason: halt };
  const plan = await askAccount(account, { ...(await requestOf(desk, account, intent)), confirms: true });
  if (plan.kind === 'denied') return plan;
  const most = plan.kind !== 'planned' ? '0' : leg!.part === OPENING ? plan.opens : plan.own;
  if (plan.kind === 'planned' && leg!.side === plan.side && compare(leg!.quantity, most) <= 0) return null;
  const message = `An exit of ${leg!.quantity} was asked for, and the account has decided on ${most}.`;
  return { kind: 'denied', reason: reason('EXIT_NOT_PLANNED', message) };
}

/** The first order of its own that an exit may have sent. */
function firstLeg({ notAfter, quantity = '0' }: ExitIntent): Leg {
  return { name: 'exit', part: 0, generation: 0, side: 'sell', type: 'market', quantity, notAfter };
}

async function requestOf(desk: Desk, account: Account, intent: ExitIntent): Promise<ExitRequest> {
  const limits = countedLimits(desk, account, intent.strategy);
  const { exit, clientOrderId, strategy, quantity = null, receivedAt } = intent;
  const needsPrice = exit === 'reverse' && isValued(limits);
  return {
    ...limits,
    exit,
    clientOrderId,
    workflowId: activityInfo().workflowExecution!.workflowId,
    strategy,
    symbol: account.adapter.nameOf?.(intent.symbol) ?? intent.symbol,
    quantity,
    price: needsPrice ? await marketPrice(account, intent) : null,
    receivedAt,
    holding: null,
    hasAsked: false,
    hasCanceled: false,
  };
}

/** What is held. Where the venue cannot be asked nothing is concluded: a failed question is not "flat". */
async function holdingOf({ name, adapter }: Account, symbol: string): Promise<Holding | null> {
  try {
    return (await adapter.holding?.(symbol)) ?? null;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const retryAfterMs = error instanceof NotSent ? error.retryAfterMs : RETRY_MS;
    throw notSent(`What ${name} holds of ${symbol} cannot be found out: ${why}`, retryAfterMs);
  }
}

/** A halt of entries lets exits pass, also where nobody can tell whether there is one; what opens waits until it is told. */
async function whyKept(account: Account, { exit }: Pick<ExitIntent, 'exit'>): Promise<Reason | null> {
  const standing = await account.standing();
  if (standing !== undefined) return (exit === 'reverse' ? whyHalted : whyExitHalted)(account.name, standing);
  if (exit !== 'reverse') return null;
  throw notSent(`Whether the account ${account.name} is halted is not known.`, RETRY_MS);
}

/** What a reverse opens is an entry. Before it is known which side that is, what it needs to know is the same for both. */
async function whatForbidsToOpen(account: Account, intent: ExitIntent, rules: StrategyRules): Promise<Reason | null> {
  const { exit: _exit, quantity, ...rest } = intent;
  const entry: EntryIntent = { ...rest, side: 'buy', orderType: 'market', quantity: quantity! };
  const verdict = checkAlert(entry, rules);
  if (verdict.kind !== 'admitted') return verdict.reason;
  return checkLimitsOf(account, entry, rules.limits) ?? (await checkValueOf(account, entry, rules.limits)).reason;
}

function bracketOn(intent: ExitIntent): Reason | null {
  if (!hasBracket(intent)) return null;
  const message = `A ${intent.exit} has no stop_loss and no take_profit: they protect what an entry opens.`;
  return reason('BRACKET_ON_EXIT', message, 'Leave them out. Nothing was sent, and nothing was canceled.');
}

function notCounted({ name }: Account, { strategy, exit }: ExitIntent): Reason {
  const message = `With every counting limit of ${name} and of ${strategy} switched off nobody counts what they hold, and ${exit} needs to know.`;
  return reason(
    'POSITION_NOT_COUNTED',
    message,
    'Set one of them (orders_per_minute, max_open_orders, ...), or sell with a quantity.',
  );
}

const denied = (because: Reason): ExitDecision => ({ kind: 'denied', reason: because });
