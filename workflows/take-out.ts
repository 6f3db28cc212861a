import { CancellationScope, proxyActivities, setHandler, sleep, workflowInfo } from '@temporalio/workflow';

import type { Activities, Taken } from '../activities/contract.ts';
import { answerOf, type Answer } from '../domain/answer.ts';
import type { SignedCommand } from '../domain/command.ts';
import { isPositive, subtract, type DecimalString } from '../domain/decimal.ts';
import type { ExitPlan, ToClose } from '../domain/exit-plan.ts';
import { exitOver, notCarriedOut, type ExitDecision } from '../domain/exit-outcome.ts';
import type { ExitIntent, SignedIntent } from '../domain/intent.ts';
import { OPENING, type Leg } from '../domain/leg.ts';
import { isFinal, NEW_ORDER, type OrderState } from '../domain/order-state.ts';
import { reason } from '../domain/reason.ts';
import { NOTHING_TRADED, together, tradedBy, type Traded, type WayOut } from '../domain/way-out.ts';
import { MAKE_WAY_OPTIONS, planOptions } from './activity-options.ts';
import { whatFailureTells } from './activity-failure.ts';
import { holdLeg } from './hold-leg.ts';
import { cancelUpdate, orderQuery, resolveUpdate } from './messages.ts';
import { publish } from './publish.ts';

const { makeWay } = proxyActivities<Activities>(MAKE_WAY_OPTIONS);

/** The market may have nothing to trade with for a moment. */
const PAUSE_MS = 1_000;
const TURNS_MOST = 3;

/**
 * An exit's whole life: it is decided what comes out, the orders that protect some of it take that out themselves, and
 * an order of its own takes out the rest. What refuses it has canceled nothing.
 */
export async function takeOut(signed: SignedIntent<ExitIntent>): Promise<Answer> {
  const { intent } = signed;
  const { workflowId, originalExecutionRunId: originalRunId, startTime } = workflowInfo();
  let state: OrderState = NEW_ORDER;
  let lostAt: number | null = null;
  const answer = (): Answer => answerOf(workflowId, intent, state);
  setHandler(orderQuery, () => ({ answer: answer(), lostAt }));
  setHandler(cancelUpdate, async (_command: SignedCommand) => answer(), { validator: refuse });
  setHandler(resolveUpdate, async (_command: SignedCommand) => answer(), { validator: refuse });

  return CancellationScope.nonCancellable(async () => {
    const decision = await decide();
    if (decision.kind !== 'planned') {
      become(notCarriedOut(decision));
      return answer();
    }
    await carryOut(decision);
    return answer();
  });

  /** A `flatten` first cancels what waits beside the position; what fills meanwhile is part of it. */
  async function decide(): Promise<Exclude<ExitDecision, { kind: 'cancel_first' }>> {
    const { planExit } = proxyActivities<Activities>(planOptions(intent.notAfter, Date.now()));
    const request = { signed, originalRunId, startedAt: startTime.getTime() };
    const first = await planExit(request).catch(notDecided);
    if (first.kind !== 'cancel_first') return first;
    const cancel = { signed, what: 'cancel', quantity: null } as const;
    await Promise.all(first.orders.map((order) => makeWay({ ...cancel, order }).catch(() => undefined)));
    const second = await planExit({ ...request, hasCanceled: true }).catch(notDecided);
    if (second.kind === 'cancel_first') throw new Error('The account would have the same orders canceled again.');
    return second;
  }

  async function carryOut(plan: ExitPlan): Promise<void> {
    const { side, quantity, notes } = plan;
    become({
      ...state,
      notes,
      wayOut: { side, quantity, own: NOTHING_TRADED, opened: '0', entries: [] },
    });
    const lasts = await Promise.all([takeFree(plan), ...plan.entries.map(takeProtected)]);
    const why = lasts.find((last) => last !== null && last.reason !== null) ?? lasts.find((last) => last !== null);
    const over = exitOver(state, why ?? null);
    // What is not all out, but for dust, is not turned round.
    if (over.status !== 'filled' || !isPositive(plan.opens)) return become(over);
    become({ ...state, notes: over.notes });
    await open(plan);
  }

  /** What nothing protects comes out by an order of the exit's own. */
  async function takeFree({ own, side }: ExitPlan): Promise<Taken['last']> {
    return trade(0, side, own, (traded) => become(withWayOut({ own: traded })));
  }

  async function takeProtected(order: ToClose): Promise<Taken['last']> {
    const { workflowId: its, clientOrderId, quantity } = order;
    const asked = { signed, order: { workflowId: its, clientOrderId }, what: 'take_out', quantity } as const;
    const { last, ...traded } = await makeWay(asked).catch(notAsked);
    become(withWayOut({ entries: [...state.wayOut!.entries, { ...traded, workflowId: its }] }));
    return last;
  }

  async function open({ opens, side }: ExitPlan): Promise<void> {
    const out = state.wayOut!.own;
    const last = await trade(OPENING, side, opens, (traded) =>
      become(withWayOut({ own: together([out, traded]), opened: traded.quantity })),
    );
    const missing = subtract(opens, state.wayOut!.opened);
    if (!isPositive(missing)) return become({ ...state, status: 'filled', reason: null });
    const message = `The position is closed; of the ${opens} on the other side ${missing} was not opened: ${last?.reason?.message ?? 'no reason'}`;
    const code = last?.reason?.code ?? 'NOT_ALL_OPENED';
    become({ ...state, status: 'canceled', reason: reason(code, message, last?.reason?.fix ?? null) });
  }

  /** Market orders, one after the other, until so much is traded or the venue has nothing more to trade with. */
  async function trade(
    part: number,
    side: Leg['side'],
    quantity: DecimalString,
    tell: (traded: Traded) => void,
  ): Promise<Taken['last']> {
    let traded: Traded = NOTHING_TRADED;
    let last: Taken['last'] = null;
    for (let generation = 0; generation < TURNS_MOST; generation += 1) {
      const rest = subtract(quantity, traded.quantity);
      if (!isPositive(rest)) break;
      if (generation > 0) await sleep(PAUSE_MS);
      const leg: Leg = {
        name: 'exit',
        part,
        generation,
        side,
        type: 'market',
        quantity: rest,
        referencePrice: intent.referencePrice,
        notAfter: intent.notAfter,
      };
      const before = traded;
      const stands = (_: Leg, now: OrderState): void => {
        lostAt = now.status === 'unknown' ? (lostAt ?? Date.now()) : null;
        traded = together([before, { quantity: now.filledQuantity, averagePrice: now.averagePrice }]);
        tell(traded);
        become({ ...state, venueOrderId: now.venueOrderId ?? state.venueOrderId, ...whileUnknown(now) });
      };
      const { state: ended } = await holdLeg({ signed, stands }, leg, () => false);
      last = { status: ended.status, reason: ended.reason };
      if (ended.status !== 'canceled' && ended.status !== 'filled') break;
    }
    return last;
  }

  function withWayOut(change: Partial<WayOut>): OrderState {
    const wayOut = { ...state.wayOut!, ...change };
    const { quantity, averagePrice } = tradedBy(wayOut);
    return { ...state, wayOut, filledQuantity: quantity, averagePrice };
  }

  function become(next: OrderState): void {
    const before = state;
    state = next;
    publish({ intent, before, now: next, answer: answer(), isLast: isFinal(next) });
  }
}

function refuse(_command: SignedCommand): void {
  throw new Error(
    'An exit is not canceled or resolved: to keep it from sending, halt the account with the scope "all".',
  );
}

/** The exit goes on, and its outcome is as unknown as that of its order. */
const whileUnknown = ({ status, reason: why }: OrderState): Pick<OrderState, 'status' | 'reason'> =>
  status === 'unknown' ? { status, reason: why } : { status: 'pending', reason: null };

/** Deciding sends nothing: whatever keeps it from being decided in time, nothing has left. */
function notDecided(failure: unknown): ExitDecision {
  const tells = whatFailureTells(failure);
  if (tells.kind !== 'unknown') return tells;
  return { kind: 'expired', reason: reason('NEVER_SENT', `What to take out was not known in time: ${tells.evidence}`) };
}

/** The order that was asked has not answered in time; what it has taken out it tells itself. */
function notAsked(failure: unknown): Taken {
  const tells = whatFailureTells(failure);
  const why = tells.kind === 'unknown' ? reason('NOT_ASKED', tells.evidence) : tells.reason;
  return { ...NOTHING_TRADED, last: { status: 'canceled', reason: why } };
}
