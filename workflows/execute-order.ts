import {
  allHandlersFinished,
  ApplicationFailure,
  CancellationScope,
  condition,
  makeContinueAsNewFunc,
  proxyActivities,
  proxyLocalActivities,
  setHandler,
  workflowInfo,
} from '@temporalio/workflow';

import type { Activities, MakeWay } from '../activities/contract.ts';
import { answerOf, type Answer } from '../domain/answer.ts';
import type { SignedCommand } from '../domain/command.ts';
import { isExit, type EntryIntent, type ExitIntent, type SignedIntent } from '../domain/intent.ts';
import { NO_EXITS } from '../domain/exits.ts';
import { hasBracket } from '../domain/leg.ts';
import {
  isFinal,
  isResting,
  leaving,
  left,
  NEW_ORDER,
  observed,
  reportOf,
  resolved,
  type OrderState,
} from '../domain/order-state.ts';
import {
  CANCEL_OPTIONS,
  checkOptions,
  FOLLOW_OPTIONS,
  FOLLOW_POSITION_OPTIONS,
  VERIFY_OPTIONS,
} from './activity-options.ts';
import { ASK_AGAIN, cancelUpdate, makeWayUpdate, orderQuery, resolveUpdate, type Carried } from './messages.ts';
import { makeWayFor } from './make-way.ts';
import { placeOnce } from './placing.ts';
import { protectPosition } from './protect-position.ts';
import { publish } from './publish.ts';
import { takeOut } from './take-out.ts';
import { Wanted } from './wanted.ts';

const { cancelOrder } = proxyActivities<Activities>(CANCEL_OPTIONS);
const { verifyCommand } = proxyActivities<Activities>(VERIFY_OPTIONS);

/**
 * One order's whole life: checked, placed at most once as far as the venue lets it be checked, found again when its
 * answer was lost, followed while it rests. Its result is the answer.
 */
export async function ExecuteOrder(signed: SignedIntent, carried?: Carried): Promise<Answer> {
  return isExit(signed.intent)
    ? takeOut(signed as SignedIntent<ExitIntent>)
    : enter(signed as SignedIntent<EntryIntent>, carried);
}

async function enter(signed: SignedIntent<EntryIntent>, carried?: Carried): Promise<Answer> {
  const { intent } = signed;
  const wanted = new Wanted();
  let state: OrderState = carried?.state ?? (hasBracket(intent) ? { ...NEW_ORDER, exits: NO_EXITS } : NEW_ORDER);
  let lostAt: number | null = null;
  /** Whether the check before a trade is under way. A local activity leaves no mark in the history until it is over. */
  let checking = state.status === 'pending';
  /** How many signatures are being looked at: what they sign comes first. */
  let verifying = 0;
  let canceling = false;
  const { workflowId } = workflowInfo();

  setHandler(orderQuery, () => ({ answer: answerOf(workflowId, intent, state), lostAt }));
  setHandler(cancelUpdate, cancel, { validator: refuseWhenFinal });
  setHandler(resolveUpdate, resolve, { validator: refuseUnlessLost });
  setHandler(makeWayUpdate, (exit) => makeWayFor({ signed, wanted, state: () => state, become }, exit), {
    validator: refuseLateExit,
  });

  // Canceling the workflow is no signed command, and must not stop the watch over an order that is out there.
  return CancellationScope.nonCancellable(async () => {
    await placeOnce({
      signed,
      notAfter: intent.notAfter,
      state: () => state,
      become,
      check: (request, now) =>
        proxyLocalActivities<Activities>(checkOptions(intent.notAfter, now)).checkBeforeTrade(request),
      checking: (isUnderWay) => (checking = isUnderWay),
      lost: (at) => (lostAt = at),
      isBeingResolved: () => verifying > 0,
    });
    await Promise.all([followToTheEnd(), protect()]);
    await condition(allHandlersFinished);
    return answerOf(workflowId, intent, state);
  });

  /** What is filled is protected from its first fill on, while the rest of the order may still be waiting. */
  async function protect(): Promise<void> {
    if (!hasBracket(intent)) return;
    await protectPosition({ signed, wanted, entry: () => state, changed: (exits) => become(leaving(state, exits)) });
    become(left(state));
  }

  /** A resting order costs one activity until something changes; its retries are the polls. */
  async function followToTheEnd(): Promise<void> {
    let report = reportOf(state);
    const { followOrder } = proxyActivities<Activities>(hasBracket(intent) ? FOLLOW_POSITION_OPTIONS : FOLLOW_OPTIONS);
    while (isResting(state)) {
      // A position whose legs are out there is not handed on: few orders have so many fills.
      if (workflowInfo().continueAsNewSuggested && !hasBracket(intent)) {
        await condition(allHandlersFinished);
        if (isResting(state)) await cutHistory({ state });
      }
      const before = state;
      const watching = new CancellationScope();
      const hasChanged = (): boolean =>
        state.status !== before.status || state.filledQuantity !== before.filledQuantity;
      const changed = condition(hasChanged).then(() => null);
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

  function refuseLateExit({ exit }: MakeWay): void {
    refuseWhileChecking();
    if (Date.now() >= exit.intent.notAfter) throw new Error('The exit comes too late.');
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

  /** Every change of the order goes through here. */
  function become(next: OrderState): void {
    const before = state;
    state = next;
    const answer = answerOf(workflowId, intent, next);
    publish({ intent, before, now: next, answer, isLast: isFinal(next) && !hasBracket(intent) });
  }
}
