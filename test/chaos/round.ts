import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { clientOrderId } from '../../domain/ids.ts';
import type { OrderStory } from '../../ingress/order-book.ts';
import { eventually } from '../support/eventually.ts';
import { doubles, judge, type Violation } from './oracle.ts';
import { BEHAVIORS, faultsFor, type Behavior, type KillPoint } from './plan.ts';
import { readHits, uptimeMs, type Bound, type Rig } from './rig.ts';
import { alertFor, RESTING, send, type Sent } from './sender.ts';

/** One kill, and the orders that were in flight when it came. */
export interface Round {
  readonly point: KillPoint;
  /** Orders in flight at the kill, by what the venue did with them; all zero where the kill did not come about. */
  readonly trials: Readonly<Record<Behavior, number>>;
  readonly hit: boolean;
  readonly violations: readonly Violation[];
  /** From the kill to the last of these orders having its outcome, in milliseconds. */
  readonly recoveredMs: number;
  /** From the kill to alerts being taken again, where that had stopped; in milliseconds. */
  readonly readyMs: number | undefined;
  readonly slowestAnswerMs: number;
  /** How long each position had nothing at the venue that takes it out; of rounds with brackets only. */
  readonly unprotected?: readonly Unprotected[];
}

/** A time in which something of a position had no stop at the venue, and everything was running. */
export interface Unprotected {
  readonly id: string;
  readonly ms: number;
  /** So long it may take. */
  readonly limitMs: number;
  /**
   * What kept it: nothing; the loss of an order that must be found or proven absent; a target that had begun to trade,
   * which is waited for; or a worker that stood still.
   */
  readonly because: 'none' | 'lost' | 'target' | 'frozen';
  /** Whether the next kill ended it. */
  readonly isCut: boolean;
}

export interface RoundOptions {
  readonly rig: Rig;
  readonly bound: Bound;
  readonly point: KillPoint;
  /** Whose order triggers the kill. */
  readonly trigger: Behavior;
  readonly orders: number;
  /** Tells this round's orders from all others. */
  readonly name: string;
  readonly random: () => number;
}

/** Alerts come in within this time of each other. */
export const SPREAD_MS = 150;
/** A batch of alerts is worked off in about so long for each of them: the random instants spread over that. */
const PER_ORDER_MS = 15;
const HIT_WITHIN_MS = 30_000;
const THAWED_MS = 3_000;
export const SETTLED_WITHIN_MS = 150_000;
const ASK_MS = 250;
const PROBE_AGAIN_MS = 100;

export interface Trial {
  readonly sent: Sent;
  readonly behavior: Behavior;
  story: OrderStory | undefined;
  overAt: number | undefined;
}

/** Sends a batch of alerts, kills or stops a process at the point, brings it back, and judges what became of each order. */
export async function playRound(options: RoundOptions): Promise<Round> {
  const { rig, bound, point, name, random } = options;
  const trials = await prepare(options);
  const file = join(rig.folder, `${name}.hits`);
  const triggers = trials.filter(({ behavior }) => behavior === options.trigger).map(({ sent }) => sent.clientOrderId);
  const nth = 1 + Math.floor((random() * triggers.length) / 4);
  if (point.step !== null)
    rig.arm(point.victim, { point: point.step, signal: point.signal, orders: triggers, nth, file });

  const over = new AbortController();
  const sending = trials.map(async ({ sent }) => {
    await sleep(random() * SPREAD_MS);
    await send(rig, sent);
    if (point.operation === 'cancel') await cancelUntil(rig, sent, over.signal);
  });
  const watching = watch(rig, trials, over.signal);
  const killedAt = await kill(options, file);
  await revive(rig, point, bound, killedAt, file);
  const readyMs =
    killedAt === undefined || point.victim === 'worker' ? undefined : await takesAlertsAfter(options, trials);
  if (point.operation !== 'cancel') await Promise.allSettled(sending);
  // What rests is filled in the end, so that everything has one.
  if (point.operation === 'follow') await fillAll(rig, trials);
  await settle(trials, point);
  over.abort();
  await Promise.all([watching, Promise.allSettled(sending)]);

  const violations = doubles(await rig.venue.control.orders());
  for (const { sent, story } of trials) {
    violations.push(...judge(sent, story, await rig.venue.control.orders(sent.clientOrderId), bound));
  }
  await rig.venue.control.clearFaults();
  const inFlight = trials.filter((trial) => isInFlight(trial, point, killedAt));
  const ends = inFlight.map(({ overAt }) => (overAt ?? uptimeMs()) - (killedAt ?? 0));
  const count = (behavior: Behavior): number => inFlight.filter((trial) => trial.behavior === behavior).length;
  return {
    point,
    hit: killedAt !== undefined,
    trials: Object.fromEntries(BEHAVIORS.map((behavior) => [behavior, count(behavior)])) as Record<Behavior, number>,
    violations,
    recoveredMs: Math.max(0, ...ends),
    readyMs: readyMs === undefined ? undefined : readyMs - killedAt!,
    slowestAnswerMs: Math.max(0, ...trials.map(({ sent }) => sent.slowestMs)),
  };
}

/** The alerts of a round, each with what the venue will do with it. */
async function prepare({ rig, point, orders, name, random }: RoundOptions): Promise<Trial[]> {
  const turn = Math.floor(random() * 1_000);
  const rests = point.operation === 'follow' || point.operation === 'cancel';
  const trials: Trial[] = [];
  for (let index = 0; index < orders; index += 1) {
    const id = `${name}-${index}`;
    const behavior = BEHAVIORS[index % BEHAVIORS.length]!;
    const sent = alertFor(id, clientIdOf(id), rests ? RESTING : {});
    for (const rule of faultsFor(
      point.operation,
      behavior,
      sent.clientOrderId,
      turn + Math.floor(index / BEHAVIORS.length),
    )) {
      await rig.venue.control.fault(rule);
    }
    trials.push({ sent, behavior, story: undefined, overAt: undefined });
  }
  return trials;
}

/** Returns when the victim was hit, in milliseconds of uptime; undefined when it never came to the point. */
async function kill(options: RoundOptions, file: string): Promise<number | undefined> {
  const { rig, point, random } = options;
  if (point.step === null) {
    await sleep(20 + random() * (SPREAD_MS + options.orders * PER_ORDER_MS));
    return rig.strike(point.victim, point.signal);
  }
  const hit = await eventually(
    () => readHits(file)[0],
    (found) => found !== undefined,
    { withinMs: HIT_WITHIN_MS, everyMs: 20 },
  ).catch(() => undefined);
  rig.arm(point.victim, null);
  return hit?.uptimeMs;
}

/** Brings back what died, as a supervisor would; what stands still goes on when its requests are too old to matter. */
export async function revive(
  rig: Rig,
  { signal, victim, cutOff }: KillPoint,
  bound: Bound,
  killedAt: number | undefined,
  file: string,
): Promise<void> {
  if (killedAt === undefined) return;
  if (signal === 'SIGSTOP') {
    const hits = readHits(file);
    if (cutOff) for (const hit of hits) rig.cutOff(hit);
    // One that is cut off goes on when another worker has surely sent its orders again.
    await sleep(bound.windowMs + bound.engineMs + bound.marginMs + (cutOff ? 26_000 : 8_000));
    for (const hit of hits) rig.thaw(hit);
    // What it still has in hand leaves now, and is judged with the rest.
    await sleep(THAWED_MS);
    return;
  }
  await rig.untilGone(victim, readHits(file)[0]);
  await rig.revive();
}

/** Sends one more alert until it is taken, and returns when it was. */
async function takesAlertsAfter({ rig, name }: RoundOptions, trials: Trial[]): Promise<number> {
  const id = `${name}-after`;
  const sent = alertFor(id, clientIdOf(id), {});
  trials.push({ sent, behavior: 'ok', story: undefined, overAt: undefined });
  await send(rig, sent, PROBE_AGAIN_MS);
  return uptimeMs();
}

/** Keeps each order's story up to date until the round is over. */
export async function watch(rig: Rig, trials: readonly Trial[], over: AbortSignal, everyMs = ASK_MS): Promise<void> {
  while (!over.aborted) {
    for (const trial of trials) {
      if (trial.overAt !== undefined) continue;
      const story = await tell(rig, trial.sent).catch(() => undefined);
      trial.story = story ?? trial.story;
      if (trial.story?.workflow.status === 'completed') trial.overAt = uptimeMs();
    }
    await sleep(everyMs, undefined, { signal: over }).catch(() => undefined);
  }
}

async function settle(trials: readonly Trial[], { operation }: KillPoint): Promise<void> {
  const all = (): boolean => trials.every(({ overAt }) => overAt !== undefined);
  // Whatever has no outcome by then is what the oracle calls lost.
  await eventually(all, Boolean, { withinMs: SETTLED_WITHIN_MS, what: operation }).catch(() => undefined);
}

export async function tell(rig: Rig, { id }: Sent): Promise<OrderStory | undefined> {
  const response = await fetch(`${rig.operatorUrl}/orders/${encodeURIComponent(`order:chaos:${id}`)}`, {
    signal: AbortSignal.timeout(5_000),
  });
  return response.ok ? ((await response.json()) as OrderStory) : undefined;
}

async function fillAll(rig: Rig, trials: readonly Trial[]): Promise<void> {
  const isThere = (): boolean =>
    trials.every(({ story }) => story !== undefined && !['pending', 'unknown'].includes(story.order.status));
  await eventually(isThere, Boolean, { withinMs: SETTLED_WITHIN_MS, what: 'orders that rest' }).catch(() => undefined);
  await rig.venue.control.price('BTCUSDT', '59000');
  await rig.venue.control.price('BTCUSDT', '67500');
}

/** Asks for the cancel of an order until it is over: a person whose request got lost tries again. */
async function cancelUntil(rig: Rig, { id }: Sent, over: AbortSignal): Promise<void> {
  const path = `/orders/${encodeURIComponent(`order:chaos:${id}`)}/cancel`;
  while (!over.aborted) {
    const reply = await fetch(`${rig.operatorUrl}${path}`, {
      method: 'POST',
      signal: AbortSignal.timeout(12_000),
    }).catch(() => undefined);
    const answer = reply?.ok
      ? ((await reply.json().catch(() => undefined)) as OrderStory['order'] | undefined)
      : undefined;
    if (answer !== undefined && !['working', 'partially_filled', 'pending', 'unknown'].includes(answer.status)) return;
    await sleep(ASK_MS);
  }
}

function isInFlight({ sent, overAt }: Trial, { operation }: KillPoint, killedAt: number | undefined): boolean {
  if (killedAt === undefined || sent.sentAt >= killedAt) return false;
  const isDone = operation === 'place' ? (sent.settledAt ?? overAt) : overAt;
  return isDone === undefined || isDone > killedAt;
}

export function clientIdOf(alertKey: string): string {
  const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
  const whose = { deployment: 'local', account: 'binance', strategy: 'chaos', alertKey };
  return clientOrderId({ ...whose, leg: 'entry', generation: 0 }, sha256);
}
