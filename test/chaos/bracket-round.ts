import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

import { eventually } from '../support/eventually.ts';
import { bookedOf, judgePosition, type Booked } from './bracket-oracle.ts';
import { legFaultsFor, type Act, type BracketPoint } from './bracket-plan.ts';
import { Positions, trialOf, type BracketTrial } from './bracket-trial.ts';
import { doubles, type Violation } from './oracle.ts';
import { BEHAVIORS, type Behavior } from './plan.ts';
import { readHits, uptimeMs, type Rig } from './rig.ts';
import * as round from './round.ts';
import { unprotectedOf } from './unprotected.ts';

/** A kill at a random instant comes so much before (less than zero) or after the act. */
const ABOUT_MS: Record<Act, readonly [number, number]> = {
  alert: [20, 300],
  'resting-alert': [20, 300],
  // What is filled or traded is noticed within a second of it, and acted on in the next one.
  fill: [-200, 1_500],
  'part-fill': [-200, 1_500],
  'rest-fill': [0, 2_000],
  nothing: [0, 500],
  target: [-200, 600],
  'part-of-target': [-200, 1_500],
  // By then the rest is sold as well.
  'part-of-stop': [-200, 900],
};
const HIT_WITHIN_MS = 15_000;
const WATCH_MS = 1_000;

export type BracketOptions = round.RoundOptions & { readonly point: BracketPoint };

/** A kill that is over, and what is found out about its positions later, while other kills follow. */
export interface Struck {
  readonly judged: Promise<round.Round>;
}

/** Brings positions into a state, kills there, and waits until each has its stop again; the rest goes on beside. */
export async function strikeBrackets(options: BracketOptions): Promise<Struck> {
  const { rig, bound, point, name, random, orders } = options;
  const trials = Array.from({ length: orders }, (_, index) =>
    trialOf(`${name}-${index}`, BEHAVIORS[index % BEHAVIORS.length]!, point.act),
  );
  const positions = new Positions(rig, trials, random);
  const over = new AbortController();
  const watching = round.watch(rig, trials, over.signal, WATCH_MS);
  await positions.prepare(point.act);
  const turn = Math.floor(random() * 1_000);
  for (const [index, { behavior, ids }] of trials.entries()) {
    const faults = legFaultsFor(point.request, behavior, ids, turn + Math.floor(index / BEHAVIORS.length));
    for (const rule of faults) await rig.venue.control.fault(rule);
  }
  const file = join(rig.folder, `${name}.hits`);
  const killedAt = await actAndKill(options, positions, trials, file);
  // The alert alone buys nothing: what rests is filled while the victim is dead.
  if (killedAt !== undefined && point.act === 'resting-alert') await positions.fillWhatRests();
  const from = wallTime(killedAt ?? uptimeMs());
  await round.revive(rig, point, bound, killedAt, file);
  if (killedAt !== undefined) rig.outages.push({ from, to: Date.now(), isFreeze: point.signal === 'SIGSTOP' });
  if (point.act === 'resting-alert') await positions.fillAll();
  await positions.untilSafe();
  const safeAt = uptimeMs();
  const judged = positions.takeOut().then(async () => {
    over.abort();
    await watching;
    return judge(options, trials, { killedAt, safeAt });
  });
  return { judged };
}

/** Returns when the victim was hit, in milliseconds of uptime; undefined when it never came to the point. */
async function actAndKill(
  { rig, point, random, trigger }: BracketOptions,
  positions: Positions,
  trials: readonly BracketTrial[],
  file: string,
): Promise<number | undefined> {
  if (point.step === null) {
    const [least, most] = ABOUT_MS[point.act];
    const byMs = least + random() * (most - least);
    const acting = sleep(Math.max(0, -byMs)).then(() => positions.act(point.act));
    await sleep(Math.max(0, byMs));
    const killedAt = rig.strike(point.victim, point.signal);
    await acting;
    return killedAt;
  }
  const ids = trials.filter(({ behavior }) => behavior === trigger).map((trial) => trial.ids[point.whose]);
  rig.arm(point.victim, { point: point.step, signal: point.signal, orders: ids, nth: 1, file });
  await positions.act(point.act);
  const hit = await eventually(
    () => readHits(file)[0],
    (found) => found !== undefined,
    { withinMs: HIT_WITHIN_MS, everyMs: 20 },
  ).catch(() => undefined);
  rig.arm(point.victim, null);
  return hit?.uptimeMs;
}

async function judge(
  { rig, bound, point }: BracketOptions,
  trials: readonly BracketTrial[],
  { killedAt, safeAt }: { killedAt: number | undefined; safeAt: number },
): Promise<round.Round> {
  const ledger = await rig.venue.control.ledger(Number.MAX_SAFE_INTEGER);
  const violations: Violation[] = doubles(ledger.orders);
  const unprotected: round.Unprotected[] = [];
  for (const trial of trials) {
    const booked = bookedOf(ledger, trial.ids.entry);
    const found = judgePosition(trial.sent, trial.story, booked);
    const bare = unprotectedOf(trial, booked, rig.outages, bound);
    if (found.length > 0 || bare.some(({ ms, limitMs }) => ms > limitMs))
      await keep(rig, trial, booked, { found, bare });
    violations.push(...found);
    unprotected.push(...bare);
  }
  const killed = wallTime(killedAt ?? uptimeMs());
  const inFlight = trials.filter(({ sent, story }) => {
    const end = story?.events.findLast(({ kind }) => kind === 'finished')?.at;
    return killedAt !== undefined && sent.sentAt < killedAt && (end === undefined || Date.parse(end) > killed);
  });
  const count = (behavior: Behavior): number => inFlight.filter((trial) => trial.behavior === behavior).length;
  return {
    point,
    // One that met no position that was under way has shown nothing.
    hit: inFlight.length > 0,
    trials: Object.fromEntries(BEHAVIORS.map((behavior) => [behavior, count(behavior)])) as Record<Behavior, number>,
    violations,
    recoveredMs: killedAt === undefined ? 0 : safeAt - killedAt,
    readyMs: undefined,
    slowestAnswerMs: Math.max(0, ...trials.map(({ sent }) => sent.slowestMs)),
    unprotected,
  };
}

/** A moment of this machine's uptime by its clock. */
const wallTime = (uptime: number): number => Date.now() - (uptimeMs() - uptime);

/** What is wrong, or took too long, is kept with the order's whole story, where it outlives the run. */
async function keep(rig: Rig, trial: BracketTrial, booked: Booked, why: object): Promise<void> {
  const { requests } = await rig.venue.control.ledger();
  const mine = requests.filter(({ parameters }) =>
    Object.values(parameters).some((value) => value.startsWith(trial.sent.clientOrderId)),
  );
  const story = await round.tell(rig, trial.sent).catch(() => trial.story);
  const file = join(tmpdir(), `holdfast-chaos-${trial.sent.id}.json`);
  const all = { ...why, trial, story, booked, outages: rig.outages, requests: mine, output: rig.output };
  writeFileSync(file, JSON.stringify(all, null, 1));
  console.error(`      kept: ${file}`);
}
