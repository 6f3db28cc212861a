import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { legId } from '../../domain/ids.ts';
import { eventually } from '../support/eventually.ts';
import { bookedOf, judgePosition, type Booked } from './bracket-oracle.ts';
import { legFaultsFor } from './bracket-plan.ts';
import { doubles, type Violation } from './oracle.ts';
import { BEHAVIORS, type Behavior } from './plan.ts';
import { uptimeMs, type Rig } from './rig.ts';
import * as round from './round.ts';
import { alertFor, send } from './sender.ts';

/** Nothing of it comes about by itself at the price at which it is bought. */
const BRACKET = { stop_loss: '60000', take_profit: '75000' };
const PRICE = '67500';
const TARGET = '75000';
/** The kill at an exit comes so much before or after the price does. */
const AROUND_EXIT_MS = 400;

type Trial = round.Trial & {
  readonly leg: string;
};

/** Buys with a stop and a target, kills at a step of what protects it, and takes everything out at the target. */
export async function playBracketRound(options: round.RoundOptions): Promise<round.Round> {
  const { rig, bound, point, name, random, orders } = options;
  const trials: Trial[] = [];
  const turn = Math.floor(random() * 1_000);
  for (let index = 0; index < orders; index += 1) {
    const trial = trialOf(`${name}-${index}`, BEHAVIORS[index % BEHAVIORS.length]!);
    const { behavior, leg } = trial;
    const faults = legFaultsFor(point.operation, behavior, leg, turn + Math.floor(index / BEHAVIORS.length));
    for (const rule of faults) await rig.venue.control.fault(rule);
    trials.push(trial);
  }
  const file = join(rig.folder, `${name}.hits`);
  const triggers = trials.filter(({ behavior }) => behavior === options.trigger).map(({ leg }) => leg);
  const nth = 1 + Math.floor((random() * triggers.length) / 4);
  if (point.step !== null)
    rig.arm(point.victim, { point: point.step, signal: point.signal, orders: triggers, nth, file });

  const over = new AbortController();
  const sending = trials.map(async ({ sent }) => {
    await sleep(random() * round.SPREAD_MS);
    await send(rig, sent);
  });
  const watching = round.watch(rig, trials, over.signal);
  const killedAt = point.operation === 'exit' ? await killAtExit(options, trials) : await round.kill(options, file);
  await round.revive(rig, point, bound, killedAt, file);
  const revivedAt = killedAt === undefined ? 0 : Date.now();
  if (point.operation === 'exit') await rig.venue.control.price('BTCUSDT', PRICE);
  let readyMs: number | undefined;
  if (killedAt !== undefined && point.victim !== 'worker') {
    const after = trialOf(`${name}-after`, 'ok');
    trials.push(after);
    await send(rig, after.sent, round.PROBE_AGAIN_MS);
    readyMs = uptimeMs() - killedAt;
  }
  await Promise.allSettled(sending);
  await untilAll(trials, isGuardedOrOver);
  const guardedAt = uptimeMs();
  await rig.venue.control.price('BTCUSDT', TARGET);
  await untilAll(trials, ({ overAt }) => overAt !== undefined);
  await rig.venue.control.price('BTCUSDT', PRICE);
  over.abort();
  await watching;
  await rig.venue.control.clearFaults();

  const ledger = await rig.venue.control.ledger(Number.MAX_SAFE_INTEGER);
  const violations: Violation[] = doubles(ledger.orders);
  const unprotected: round.Unprotected[] = [];
  // A worker that stands still is not revived: what it has in hand is from then on another's.
  const from = { killed: wallTime(killedAt), again: point.signal === 'SIGSTOP' ? wallTime(killedAt) : revivedAt };
  for (const trial of trials) {
    const booked = bookedOf(ledger, trial.sent.clientOrderId);
    const found = judgePosition(trial.sent, trial.story, booked);
    if (found.length > 0) await keep(rig, trial, booked, found);
    violations.push(...found);
    unprotected.push(...unprotectedOf(trial, booked, from, point.signal === 'SIGSTOP'));
  }
  const inFlight = trials.filter(
    ({ sent, overAt }) =>
      killedAt !== undefined && sent.sentAt < killedAt && (overAt === undefined || overAt > killedAt),
  );
  const count = (behavior: Behavior): number => inFlight.filter((trial) => trial.behavior === behavior).length;
  return {
    point,
    hit: killedAt !== undefined,
    trials: Object.fromEntries(BEHAVIORS.map((behavior) => [behavior, count(behavior)])) as Record<Behavior, number>,
    violations,
    recoveredMs: killedAt === undefined ? 0 : guardedAt - killedAt,
    readyMs,
    slowestAnswerMs: Math.max(0, ...trials.map(({ sent }) => sent.slowestMs)),
    unprotected,
  };
}

function trialOf(id: string, behavior: Behavior): Trial {
  const sent = alertFor(id, round.clientIdOf(id), BRACKET);
  const leg = legId(sent.clientOrderId, 'protection', 0, 0);
  return { sent, behavior, leg, story: undefined, overAt: undefined };
}

/** Everything is protected, and the price comes to the target while the victim is struck: a little before, or after. */
async function killAtExit({ rig, point, random }: round.RoundOptions, trials: readonly Trial[]): Promise<number> {
  await untilAll(trials, isGuardedOrOver);
  const move = async (): Promise<void> => void (await rig.venue.control.price('BTCUSDT', TARGET));
  const byMs = (random() - 0.5) * AROUND_EXIT_MS;
  if (byMs < 0) await move();
  await sleep(Math.abs(byMs));
  const killedAt = rig.strike(point.victim, point.signal);
  if (byMs >= 0) await move();
  return killedAt;
}

const isGuardedOrOver = ({ story, overAt }: Trial): boolean =>
  overAt !== undefined || Number(story?.order.protection?.guarded_quantity ?? 0) > 0;

/** Whatever does not come to it in time is what the oracle calls lost. */
async function untilAll(trials: readonly Trial[], is: (trial: Trial) => boolean): Promise<void> {
  await eventually(() => trials.every(is), Boolean, { withinMs: round.SETTLED_WITHIN_MS }).catch(() => undefined);
}

/** From its fill, or from the end of the outage, to the first order at the venue that takes the position out. */
function unprotectedOf(
  { sent, story }: Trial,
  { entries: [entry], exits }: Booked,
  { killed, again }: { killed: number; again: number },
  isFrozen: boolean,
): round.Unprotected[] {
  if (entry === undefined) return [];
  const at = Math.min(Date.now(), ...exits.map(({ bookedAt }) => bookedAt));
  const isBefore = at < killed;
  const ms = Math.max(0, at - (isBefore ? entry.bookedAt : Math.max(entry.bookedAt, again)));
  const wasLost = story?.events.some(({ kind }) => kind.startsWith('findOrder')) === true;
  const because = isFrozen && !isBefore ? 'frozen' : wasLost ? 'lost' : 'none';
  return [{ id: sent.id, ms, because }];
}

/** A moment of this machine's uptime by its clock. */
const wallTime = (uptime: number | undefined): number =>
  uptime === undefined ? Infinity : Date.now() - (uptimeMs() - uptime);

/** What is wrong is kept, with the order's whole story, where it outlives the run. */
async function keep(rig: Rig, trial: Trial, booked: Booked, found: readonly Violation[]): Promise<void> {
  const { requests } = await rig.venue.control.ledger();
  const mine = requests.filter(({ parameters }) =>
    Object.values(parameters).some((value) => value.startsWith(trial.sent.clientOrderId)),
  );
  const story = await round.tell(rig, trial.sent).catch(() => trial.story);
  const file = join(tmpdir(), `holdfast-chaos-${trial.sent.id}.json`);
  writeFileSync(file, JSON.stringify({ found, trial, story, booked, requests: mine, output: rig.output }, null, 1));
  console.error(`      kept: ${file}`);
}
