import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  makeContinueAsNewFunc,
  proxyActivities,
  proxyLocalActivities,
  proxySinks,
  setCurrentDetails,
  setHandler,
  upsertMemo,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';

import type { Activities } from '../activities/contract.ts';
import { answerOf, type Answer } from '../domain/answer.ts';
import type { SignedCommand } from '../domain/command.ts';
import type { SignedIntent } from '../domain/intent.ts';
import { inWords } from '../domain/in-words.ts';
import { isFinal, isResting, NEW_ORDER, observed, placed, resolved, type OrderState } from '../domain/order-state.ts';
import type { Absence } from '../domain/outcome.ts';
import type { VenueOrder } from '../domain/venue-order.ts';
import {
  CANCEL_OPTIONS,
  checkOptions,
  clockOptions,
  FIND_OPTIONS,
  FOLLOW_OPTIONS,
  placeOptions,
  VERIFY_OPTIONS,
} from './activity-options.ts';
import { whatFailureTells } from './activity-failure.ts';
import {
  ANSWER_MEMO,
  ASK_AGAIN,
  cancelUpdate,
  orderQuery,
  resolveUpdate,
  SEARCH_ATTRIBUTES,
  UPDATED_MEMO,
  type Carried,
  type OrderSinks,
} from './messages.ts';

const { findOrder } = proxyActivities<Activities>(FIND_OPTIONS);
const { followOrder } = proxyActivities<Activities>(FOLLOW_OPTIONS);
const { cancelOrder } = proxyActivities<Activities>(CANCEL_OPTIONS);
const { verifyCommand } = proxyActivities<Activities>(VERIFY_OPTIONS);
const { orders } = proxySinks<OrderSinks>();

/**
 * One order's whole life: checked, placed at most once as far as the venue lets it be checked, found again when its
 * answer was lost, followed while it rests. Its result is the answer.
 */
export async function ExecuteOrder(signed: SignedIntent, carried?: Carried): Promise<Answer> {
  const { intent } = signed;
  let state: OrderState = carried?.state ?? NEW_ORDER;
  let lostAt: number | null = null;
  /** Whether the check before a trade is under way. A local activity leaves no mark in the history until it is over. */
  let checking = state.status === 'pending';
  /** How many signatures are being looked at: what they sign comes first. */
  let verifying = 0;
  let canceling = false;
  // Activities are told, so that they know when they come after a reset; no code here branches on it: a reset run
  // repeats the commands of the run before it, and only the outside may answer differently.
  const { workflowId, runId, originalExecutionRunId: originalRunId } = workflowInfo();

  setHandler(orderQuery, () => ({ answer: answerOf(workflowId, intent, state), lostAt }));
  setHandler(cancelUpdate, cancel, { validator: refuseWhenFinal });
  setHandler(resolveUpdate, resolve, { validator: refuseUnlessLost });

  // Canceling the workflow is no signed command, and must not stop the watch over an order that is out there.
  return CancellationScope.nonCancellable(async () => {
    await placeOnce();
    await followToTheEnd();
    await condition(allHandlersFinished);
    return answerOf(workflowId, intent, state);
  });

  /** Places the order; while its fate is unknown, nothing is placed but on a recorded proof of absence. */
  async function placeOnce(): Promise<void> {
    let basis: { absence?: Absence } = {};
    while (state.status === 'pending' || state.status === 'unknown') {
      const sent = await attempt(basis);
      if (state.status !== 'unknown') return;
      basis = await findOut(sent);
    }
  }

  /** One check and, where it admits the order, one placement. Returns the clock offset under which it was sent. */
  async function attempt(basis: { absence?: Absence }): Promise<{ clockOffsetMs?: number }> {
    const now = Date.now();
    // What is too late is admitted by no rule any more; placing it says so, once it has looked where it must.
    checking = true;
    const admitted = now < intent.notAfter ? await admit(now, basis) : {};
    checking = false;
    if (admitted === null) return {};
    const { placeOrder } = proxyActivities<Activities>(placeOptions(intent.notAfter, now));
    const request = { signed, originalRunId, ...basis, ...admitted };
    become(placed(state, await placeOrder(request).catch(whatFailureTells)));
    return admitted;
  }

  /** The rules, and the clock offset under which the order may be sent; null where it ends, or is lost, here. */
  async function admit(now: number, basis: { absence?: Absence }): Promise<{ clockOffsetMs?: number } | null> {
    const local = proxyLocalActivities<Activities>(checkOptions(intent.notAfter, now));
    const check = await local.checkBeforeTrade({ signed, originalRunId, ...basis }).catch(whatFailureTells);
    if (check.kind !== 'admitted') {
      become(check.kind === 'found' ? observed(state, check.order) : placed(state, check));
      return null;
    }
    state = { ...state, notes: check.notes ?? [] };
    const { sampleClock } = proxyActivities<Activities>(clockOptions(intent.notAfter, now));
    const clock =
      check.clock === 'stale' ? await sampleClock({ signed, originalRunId }).catch(whatFailureTells) : check.clock;
    if (clock !== undefined && 'kind' in clock) {
      become(placed(state, clock));
      return null;
    }
    return clock === undefined ? {} : { clockOffsetMs: clock.offsetMs };
  }

  /** Asks the venue, and lets a person answer, until one of them knows. What is proven absent may be placed again. */
  async function findOut(sent: { clockOffsetMs?: number }): Promise<{ absence?: Absence }> {
    const asking = new CancellationScope();
    const at = Date.now();
    lostAt = at;
    const settled = condition(() => state.status !== 'unknown').then(() => null);
    const answer = await Promise.race([
      asking.run(() => findOrder({ signed, lostAt: at, askedBy: runId, ...sent })),
      settled,
    ]);
    asking.cancel();
    if (answer?.kind === 'found') become(observed(state, answer.order));
    // What a person has found out outranks a proof of absence, and must not be overtaken by it.
    await condition(() => verifying === 0);
    lostAt = null;
    return answer?.kind === 'absent' ? { absence: answer.absence } : {};
  }

  /** A resting order costs one activity until something changes; its retries are the polls. */
  async function followToTheEnd(): Promise<void> {
    let report = reportOf(state);
    while (isResting(state)) {
      if (workflowInfo().continueAsNewSuggested) {
        await condition(allHandlersFinished);
        if (isResting(state)) await cutHistory({ state });
      }
      const before = state;
      const watching = new CancellationScope();
      const changed = condition(() => state !== before).then(() => null);
      const seen = await Promise.race([watching.run(() => followOrder({ signed, known: report })), changed]);
      watching.cancel();
      if (seen !== null) become(observed(state, seen));
      // What the venue said last, also where the state did not follow it: the next change is a change from that.
      report = seen ?? reportOf(state);
    }
  }

  /** A history that has grown long is closed and goes on in another one, with all that a list shows of the order. */
  async function cutHistory(carried: Carried): Promise<never> {
    const { memo = {}, typedSearchAttributes } = workflowInfo();
    const continueAsNew = makeContinueAsNewFunc<typeof ExecuteOrder>({ memo, typedSearchAttributes });
    return continueAsNew(signed, carried);
  }

  async function cancel(command: SignedCommand): Promise<Answer> {
    canceling = true;
    try {
      await verify(command);
      return await cancelWhenKnown(command);
    } finally {
      canceling = false;
    }
  }

  async function cancelWhenKnown(command: SignedCommand): Promise<Answer> {
    await condition(() => state.status !== 'pending' && state.status !== 'unknown');
    const venueOrderId = state.venueOrderId ?? '';
    if (isResting(state)) {
      const asking = new CancellationScope();
      const over = condition(() => isFinal(state)).then(() => null);
      const seen = await Promise.race([asking.run(() => cancelOrder({ signed, command, venueOrderId })), over]);
      asking.cancel();
      if (seen !== null) become(observed(state, seen));
    }
    return answerOf(workflowId, intent, state);
  }

  async function resolve(command: SignedCommand): Promise<Answer> {
    await verify(command);
    if (command.command.kind === 'resolve' && state.status === 'unknown' && command.command.lostAt === lostAt) {
      become(resolved(state, command.command.verdict, command.command.note));
    }
    return answerOf(workflowId, intent, state);
  }

  async function verify(command: SignedCommand): Promise<void> {
    verifying += 1;
    try {
      await verifyCommand({ signed, command });
    } finally {
      verifying -= 1;
    }
  }

  /**
   * A command that were taken on while the check is under way could stand before or after it when the history is
   * replayed. One that is refused here leaves no trace; whoever sent it sends it again.
   */
  function refuseWhileChecking(): void {
    if (checking)
      throw ApplicationFailure.create({ type: ASK_AGAIN, message: 'The order is being checked; ask again.' });
  }

  function refuseWhenFinal(_command: SignedCommand): void {
    refuseWhileChecking();
    if (isFinal(state)) throw new Error(`The order is ${state.status}; there is nothing to cancel.`);
    // The engine takes ten at once: one that waits for an unknown order must leave room for whoever resolves it.
    if (canceling) throw ApplicationFailure.create({ type: ASK_AGAIN, message: 'A cancel is under way already.' });
  }

  function refuseUnlessLost(command: SignedCommand): void {
    refuseWhileChecking();
    const named = command.command.kind === 'resolve' ? command.command.lostAt : null;
    if (state.status !== 'unknown' || lostAt === null) throw new Error(`The order is ${state.status}, not unknown.`);
    if (named !== lostAt) throw new Error(`The order was lost at ${lostAt}; the command settles a loss at ${named}.`);
  }

  /** Every change of the order goes through here, and is seen in the list of orders within the same step. */
  function become(next: OrderState): void {
    const { status, reason } = next;
    const changed = status !== state.status || next.filledQuantity !== state.filledQuantity;
    state = next;
    if (!changed) return;
    const answer = answerOf(workflowId, intent, next);
    orders.changed(answer);
    upsertSearchAttributes([
      { key: SEARCH_ATTRIBUTES.status, value: status },
      ...(reason === null ? [] : [{ key: SEARCH_ATTRIBUTES.reason, value: reason.code }]),
    ]);
    setCurrentDetails(inWords(intent, next));
    // A final order's answer is the workflow's result; until then the memo holds it, which a list returns at once.
    if (isFinal(next)) return;
    upsertMemo({ [ANSWER_MEMO]: answer, [UPDATED_MEMO]: Date.now() });
  }
}

/** What the venue must have said last, for an order in this state. */
function reportOf(state: OrderState): VenueOrder {
  return {
    venueOrderId: state.venueOrderId ?? '',
    status: state.status === 'partially_filled' ? 'partially_filled' : 'working',
    filledQuantity: state.filledQuantity,
    averagePrice: state.averagePrice,
  };
}
