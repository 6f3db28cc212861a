import { CancellationScope, condition, proxyActivities, workflowInfo } from '@temporalio/workflow';

import type { Activities, Check, CheckRequest, Rests } from '../activities/contract.ts';
import type { SignedIntent } from '../domain/intent.ts';
import type { Leg } from '../domain/leg.ts';
import { observed, placed, type OrderState } from '../domain/order-state.ts';
import type { Absence } from '../domain/outcome.ts';
import { clockOptions, FIND_LEG_OPTIONS, FIND_OPTIONS, placeOptions } from './activity-options.ts';
import { whatFailureTells } from './activity-failure.ts';

/** One order on its way to its venue: an entry, or a leg that takes out what the entry has brought in. */
export interface Placing {
  readonly signed: SignedIntent;
  readonly leg?: Leg;
  /** From this moment on (milliseconds since 1970) it is not sent any more. */
  readonly notAfter: number;
  state(): OrderState;
  become(next: OrderState): void;
  /** The rules, held against it right before it is sent. */
  check(request: CheckRequest, now: number): Promise<Check>;
  /** Told what of a leg can rest at its venue, where that is not all of it: as it is, it is not placed. */
  cannotRest?(rests: Rests): void;
  /** Told when that begins, and when it is over. */
  checking?(isUnderWay: boolean): void;
  /** Told when it was lost (milliseconds since 1970), and when it is so no longer. */
  lost(at: number | null): void;
  /** Whether a person's word on what became of it is being looked at: that comes first. */
  isBeingResolved(): boolean;
}

type Basis = { readonly absence?: Absence };
type Sent = { readonly clockOffsetMs?: number };

/** Places the order; while its fate is unknown, nothing is placed but on a recorded proof of absence. */
export async function placeOnce(order: Placing): Promise<void> {
  let basis: Basis = {};
  while (order.state().status === 'pending' || order.state().status === 'unknown') {
    const sent = await attempt(order, basis);
    if (order.state().status !== 'unknown') return;
    basis = await findOut(order, sent);
  }
}

/** What every request about the order says of it. */
function about({ signed, leg }: Placing): Pick<CheckRequest, 'signed' | 'leg'> {
  return leg === undefined ? { signed } : { signed, leg };
}

/** One check and, where it admits the order, one placement. Returns the clock offset under which it was sent. */
async function attempt(order: Placing, basis: Basis): Promise<Sent> {
  const now = Date.now();
  // Activities are told, so that they know when they come after a reset; no code here branches on it: a reset run
  // repeats the commands of the run before it, and only the outside may answer differently.
  const { originalExecutionRunId: originalRunId, startTime } = workflowInfo();
  const request = { ...about(order), ...(order.leg && { startedAt: startTime.getTime() }), originalRunId, ...basis };
  order.checking?.(true);
  // What is too late is admitted by no rule any more; placing it says so, once it has looked where it must.
  const admitted = now < order.notAfter ? await admit(order, request, now) : {};
  order.checking?.(false);
  if (admitted === null) return {};
  const { placeOrder } = proxyActivities<Activities>(placeOptions(order.notAfter, now));
  order.become(placed(order.state(), await placeOrder({ ...request, ...admitted }).catch(whatFailureTells)));
  return admitted;
}

/** The rules, and the clock offset under which the order may be sent; null where it ends, or is lost, here. */
async function admit(order: Placing, request: CheckRequest, now: number): Promise<Sent | null> {
  const { signed, originalRunId } = request;
  const check = await order.check(request, now).catch(whatFailureTells);
  if (check.kind === 'held') {
    order.cannotRest?.(check.rests);
    return null;
  }
  if (check.kind !== 'admitted') {
    order.become(check.kind === 'found' ? observed(order.state(), check.order) : placed(order.state(), check));
    return null;
  }
  const { notes = [], quantityStep } = check;
  order.become({ ...order.state(), notes, ...(quantityStep === undefined ? {} : { quantityStep }) });
  const { sampleClock } = proxyActivities<Activities>(clockOptions(order.notAfter, now));
  const clock =
    check.clock === 'stale' ? await sampleClock({ signed, originalRunId }).catch(whatFailureTells) : check.clock;
  if (clock !== undefined && 'kind' in clock) {
    order.become(placed(order.state(), clock));
    return null;
  }
  return clock === undefined ? {} : { clockOffsetMs: clock.offsetMs };
}

/** Asks the venue, and lets a person answer, until one of them knows. What is proven absent may be placed again. */
async function findOut(order: Placing, sent: Sent): Promise<Basis> {
  const asking = new CancellationScope();
  const at = Date.now();
  const { findOrder } = proxyActivities<Activities>(order.leg === undefined ? FIND_OPTIONS : FIND_LEG_OPTIONS);
  order.lost(at);
  const settled = condition(() => order.state().status !== 'unknown').then(() => null);
  const request = { ...about(order), lostAt: at, askedBy: workflowInfo().runId, ...sent };
  const answer = await Promise.race([asking.run(() => findOrder(request)), settled]);
  asking.cancel();
  if (answer?.kind === 'found') order.become(observed(order.state(), answer.order));
  // What a person has found out outranks a proof of absence, and must not be overtaken by it.
  await condition(() => !order.isBeingResolved());
  order.lost(null);
  return answer?.kind === 'absent' ? { absence: answer.absence } : {};
}
