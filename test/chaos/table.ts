import { VIOLATIONS, type Violation } from './oracle.ts';
import { BEHAVIORS, type Behavior, type KillPoint } from './plan.ts';
import type { Bound } from './rig.ts';
import type { Round } from './round.ts';

export interface Report {
  readonly seed: number;
  readonly commit: string;
  readonly bounds: string;
  /** How many seconds the clock of one of the workers was behind. */
  readonly slowS: number;
  readonly bound: Bound;
  readonly minutes: number;
}

export interface Figures extends Report {
  readonly kills: number;
  readonly trials: number;
  readonly violations: readonly Violation[];
  /** Cells of the table in which no order was in flight at a kill. */
  readonly unhit: readonly string[];
  readonly slowestAnswerMs: number;
}

/** The run in figures, and as a table in Markdown. */
export function inTable(
  rounds: readonly Round[],
  points: readonly KillPoint[],
  report: Report,
): { figures: Figures; text: string } {
  const rows = points.map(({ name }) => {
    const mine = rounds.filter(({ point, hit }) => point.name === name && hit);
    const cells = BEHAVIORS.map((behavior) => sum(mine, behavior));
    const recovered = mine.map(({ recoveredMs }) => recoveredMs);
    const ready = mine.flatMap(({ readyMs }) => readyMs ?? []);
    return {
      name,
      kills: mine.length,
      cells,
      recovered,
      ready,
      violations: mine.flatMap(({ violations }) => violations),
    };
  });
  const figures = figuresOf(rounds, points, report);
  const text = [
    line([
      'Killed (or frozen)',
      'kills',
      ...BEHAVIORS,
      'violations',
      'all known after, s (median, most)',
      'taking alerts after, s (most)',
    ]),
    line(['---', ...Array<string>(BEHAVIORS.length + 4).fill('--:')]),
    ...rows.map(({ name, kills, cells, violations: mine, recovered, ready }) =>
      line([
        name,
        kills,
        ...cells,
        mine.length,
        `${seconds(median(recovered))}, ${seconds(Math.max(0, ...recovered))}`,
        ready.length === 0 ? '' : seconds(Math.max(...ready)),
      ]),
    ),
    '',
    ...inWords(figures),
  ];
  return { figures, text: text.join('\n') };
}

export function figuresOf(rounds: readonly Round[], points: readonly KillPoint[], report: Report): Figures {
  const violations = rounds.flatMap((round) => round.violations);
  const hit = rounds.filter((round) => round.hit);
  const unhit = points.flatMap(({ name }) => {
    const mine = hit.filter(({ point }) => point.name === name);
    const missing = BEHAVIORS.filter((behavior) => sum(mine, behavior) === 0);
    return mine.length === 0 ? [name] : missing.map((behavior) => `${name} × ${behavior}`);
  });
  return {
    ...report,
    kills: hit.length,
    trials: BEHAVIORS.reduce((all, behavior) => all + sum(hit, behavior), 0),
    violations,
    unhit,
    slowestAnswerMs: Math.round(Math.max(0, ...rounds.map(({ slowestAnswerMs }) => slowestAnswerMs))),
  };
}

/** What stands below a table. */
export function inWords(figures: Figures, more: readonly string[] = []): string[] {
  const { trials, kills, minutes, violations, unhit, seed, commit, bounds, slowS, slowestAnswerMs } = figures;
  return [
    `${trials} trials over ${kills} kills in ${minutes} min; violations: ${byKind(violations)}.`,
    `Seed ${seed}, commit ${commit}; bounds ${bounds}; two workers, ${slowS > 0 ? `one ${slowS} s slow` : 'neither slow'}.`,
    `The slowest answer of a process that was alive took ${(slowestAnswerMs / 1000).toFixed(2)} s.`,
    ...more,
    ...unhit.map((cell) => `Never hit: ${cell}`),
    ...violations.map(({ kind, id, words }) => `${kind.toUpperCase()} ${id}: ${words}`),
  ];
}

export const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;

const sum = (rounds: readonly Round[], behavior: Behavior): number =>
  rounds.reduce((all, { trials }) => all + trials[behavior], 0);

const byKind = (violations: readonly Violation[]): string =>
  VIOLATIONS.map((kind) => `${violations.filter((one) => one.kind === kind).length} ${kind}`).join(', ');

export const seconds = (ms: number): string => (ms / 1000).toFixed(1);

function median(values: readonly number[]): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
}
