// `npm run chaos`: kills the product's processes at every step of an order's life, while the venue answers, rejects, and
// loses requests and answers, and compares afterwards what the venue has booked with what was told. Prints one table.
// With `--brackets` the same for positions with a stop and a target: it kills at the steps of what protects them.
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';

import { BRACKET_POINTS, type BracketPoint } from './bracket-plan.ts';
import { strikeBrackets, type Struck } from './bracket-round.ts';
import { inBracketTable } from './bracket-table.ts';
import { BEHAVIORS, KILL_POINTS, type KillPoint } from './plan.ts';
import { Rig, type Bound } from './rig.ts';
import { playRound, type Round, type RoundOptions } from './round.ts';
import { inTable } from './table.ts';

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '0' },
    kills: { type: 'string', default: '0' },
    'per-kill': { type: 'string' },
    minutes: { type: 'string', default: 'Infinity' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    bounds: { type: 'string', default: 'full' },
    rigs: { type: 'string', default: '1' },
    only: { type: 'string', default: '' },
    brackets: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

/** Binance's own limits with the margin that we add; and the shortest that the simulator can enforce. */
const BOUNDS: Readonly<Record<string, Bound>> = {
  full: { windowMs: 5_000, engineMs: 10_000, marginMs: 5_000 },
  short: { windowMs: 1_500, engineMs: 1_000, marginMs: 500 },
};
/** A kill that does not come about is tried again; a point that cannot be hit fails the run. */
const MISSES_MAX = 3;

const bound = BOUNDS[values.bounds];
// Of positions a kill has few: what is asked for is how long one of them has no stop, not how many can wait at once.
const perKill = Number(values['per-kill'] ?? (values.brackets ? 4 : 48));
const wanted = { trials: Number(values.trials), kills: Number(values.kills) };
const rigs = Number(values.rigs);
/** No kill is begun after that long. */
const longestMs = Number(values.minutes) * 60_000;
const isCount = Number.isInteger(wanted.trials) && Number.isInteger(wanted.kills);
if (bound === undefined || !isCount || !(perKill >= 4 && perKill <= 50) || !(rigs >= 1 && rigs <= 8)) {
  console.error(
    'Usage: npm run chaos -- [--trials N] [--kills N] [--minutes N] [--per-kill 4..50] [--seed N] [--bounds full|short] [--rigs 1..8] [--only TEXT] [--brackets] [--json]',
  );
  process.exit(2);
}
/** Positions of so many kills of one system are still on their way out while the next one comes. */
const BESIDE = 2;

const chosen = <P extends KillPoint>(all: readonly P[]): P[] => all.filter(({ name }) => name.includes(values.only));
const bracketPoints = chosen(BRACKET_POINTS);
const points: readonly KillPoint[] = values.brackets ? bracketPoints : chosen(KILL_POINTS);
const rounds: Round[] = [];
/** What is wrong once stays wrong, and is told once. */
const known = new Set<string>();
const begun = Date.now();
let turn = 0;
let slowS = 0;
await Promise.all(Array.from({ length: rigs }, (_, index) => playOn(index + 1)));
const report = {
  seed: Number(values.seed),
  commit: commit(),
  bounds: `${values.bounds}: window ${bound.windowMs} ms, engine ${bound.engineMs} ms, margin ${bound.marginMs} ms`,
  slowS,
  bound,
  minutes: Math.round((Date.now() - begun) / 6_000) / 10,
};
const inBrackets = values.brackets ? inBracketTable(rounds, bracketPoints, report) : undefined;
const table = inBrackets ?? inTable(rounds, points, report);
console.log(values.json ? JSON.stringify(table.figures) : table.text);
const { violations, unhit } = table.figures;
const isWrong = violations.length + unhit.length + (inBrackets?.figures.over.length ?? 0) > 0;
process.exitCode = isWrong ? 1 : 0;

/** Plays rounds on a system of its own, until there are enough of them all together. */
async function playOn(index: number): Promise<void> {
  const random = seeded(Number(values.seed) + index);
  const rig = await Rig.start(bound!);
  slowS = rig.slowS;
  if (slowS === 0)
    console.error('There is no libfaketime here (apt-get install faketime): both workers have the right time.');
  const beside: Promise<void>[] = [];
  try {
    for (;;) {
      if (beside.length > BESIDE) await beside.shift();
      const next = nextTurn();
      // What is still being judged may have been enough, or not.
      if (next === undefined && beside.length === 0) break;
      if (next === undefined) {
        await beside.shift();
        continue;
      }
      const { point, pass, name } = next;
      const trigger = BEHAVIORS[pass % BEHAVIORS.length]!;
      const { judged } = await strike({ rig, bound: bound!, point, trigger, orders: perKill, name, random });
      const taken = judged.then(take);
      // It is waited for in its turn; until then it fails silently.
      taken.catch(() => undefined);
      beside.push(taken);
    }
  } finally {
    await rig.dispose();
  }
}

async function strike(options: RoundOptions): Promise<Struck> {
  if (values.brackets) return strikeBrackets({ ...options, point: options.point as BracketPoint });
  return { judged: Promise.resolve(await playRound(options)) };
}

function take(round: Round): void {
  const fresh = round.violations.filter(({ kind, id }) => !known.has(`${kind} ${id}`));
  for (const { kind, id } of fresh) known.add(`${kind} ${id}`);
  rounds.push({ ...round, violations: fresh });
  progress(rounds.at(-1)!, trialsSoFar());
}

/** The next kill: every point in turn, then those that some behavior has not been seen at; undefined when it is enough. */
function nextTurn(): { point: KillPoint; pass: number; name: string } | undefined {
  while (!(Date.now() - begun > longestMs)) {
    const pass = Math.floor(turn / points.length);
    const isEnough = trialsSoFar() >= wanted.trials && rounds.filter(({ hit }) => hit).length >= wanted.kills;
    if (pass > 0 && isEnough && (pass > MISSES_MAX || points.every(({ name }) => !isUnhit(name)))) return undefined;
    const point = points[turn % points.length]!;
    const name = `${values.seed}-${turn}`;
    turn += 1;
    if (pass === 0 || !isEnough || isUnhit(point.name)) return { point, pass, name };
  }
  return undefined;
}

function trialsSoFar(): number {
  return rounds.reduce((sum, round) => sum + total(round), 0);
}

function isUnhit(name: string): boolean {
  const mine = rounds.filter(({ point }) => point.name === name);
  return BEHAVIORS.some((behavior) => mine.every((round) => round.trials[behavior] === 0));
}

function progress(round: Round, trials: number): void {
  const { point, hit, violations, recoveredMs } = round;
  const what = hit ? `${total(round)} in flight, all known after ${(recoveredMs / 1000).toFixed(1)} s` : 'not hit';
  console.error(`${String(trials).padStart(5)} trials · ${point.name}: ${what}`);
  for (const { kind, id, words } of violations) console.error(`      ${kind.toUpperCase()} ${id}: ${words}`);
}

function total({ trials }: Round): number {
  return Object.values(trials).reduce((sum, count) => sum + count, 0);
}

/** A small generator of numbers from 0 to 1 that a seed repeats (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], {
      cwd: import.meta.dirname,
      encoding: 'utf8',
    }).trim();
  } catch {
    return 'unknown';
  }
}
