// `npm run chaos`: kills the product's processes at every step of an order's life, while the venue answers, rejects, and
// loses requests and answers, and compares afterwards what the venue has booked with what was told. Prints one table.
import { execFileSync } from 'node:child_process';
import { parseArgs } from 'node:util';

import { BEHAVIORS, KILL_POINTS } from './plan.ts';
import { Rig, type Bound } from './rig.ts';
import { playRound, type Round } from './round.ts';
import { inTable } from './table.ts';

const { values } = parseArgs({
  options: {
    trials: { type: 'string', default: '0' },
    'per-kill': { type: 'string', default: '48' },
    seed: { type: 'string', default: String(Date.now() % 1_000_000) },
    bounds: { type: 'string', default: 'full' },
    only: { type: 'string', default: '' },
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
const perKill = Number(values['per-kill']);
const wanted = Number(values.trials);
if (bound === undefined || !Number.isInteger(wanted) || !(perKill >= 4 && perKill <= 50)) {
  console.error(
    'Usage: npm run chaos -- [--trials N] [--per-kill 4..50] [--seed N] [--bounds full|short] [--only TEXT] [--json]',
  );
  process.exit(2);
}
const points = KILL_POINTS.filter(({ name }) => name.includes(values.only));
const random = seeded(Number(values.seed));
const rounds: Round[] = [];
/** What is wrong once stays wrong, and is told once. */
const known = new Set<string>();
const begun = Date.now();
const rig = await Rig.start(bound);
if (!rig.hasSlowWorker)
  console.error('There is no libfaketime here (apt-get install faketime): both workers have the right time.');
try {
  const trials = (): number => rounds.reduce((sum, round) => sum + total(round), 0);
  const isUnhit = (name: string): boolean => {
    const mine = rounds.filter(({ point }) => point.name === name);
    return BEHAVIORS.some((behavior) => mine.every((round) => round.trials[behavior] === 0));
  };
  for (let turn = 0; turn < points.length * BEHAVIORS.length * 50; turn += 1) {
    const pass = Math.floor(turn / points.length);
    const unhit = points.filter(({ name }) => isUnhit(name));
    if (unhit.length === 0 && trials() >= wanted) break;
    if (pass > 0 && trials() >= wanted && pass > MISSES_MAX) break;
    const point = points[turn % points.length]!;
    if (pass > 0 && trials() >= wanted && !isUnhit(point.name)) continue;
    const trigger = BEHAVIORS[pass % BEHAVIORS.length]!;
    const round = await playRound({
      rig,
      bound,
      point,
      trigger,
      orders: perKill,
      name: `${values.seed}-${turn}`,
      random,
    });
    const fresh = round.violations.filter(({ kind, id }) => !known.has(`${kind} ${id}`));
    for (const { kind, id } of fresh) known.add(`${kind} ${id}`);
    rounds.push({ ...round, violations: fresh });
    progress(rounds.at(-1)!, trials());
  }
} finally {
  await rig.dispose();
}
const report = {
  seed: Number(values.seed),
  commit: commit(),
  bounds: `${values.bounds}: window ${bound.windowMs} ms, engine ${bound.engineMs} ms, margin ${bound.marginMs} ms`,
  slowWorker: rig.hasSlowWorker,
  minutes: Math.round((Date.now() - begun) / 6_000) / 10,
};
const table = inTable(rounds, points, report);
console.log(values.json ? JSON.stringify(table.figures) : table.text);
process.exitCode = table.figures.violations.length > 0 || table.figures.unhit.length > 0 ? 1 : 0;

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
