import { STATES, type BracketPoint } from './bracket-plan.ts';
import { BEHAVIORS } from './plan.ts';
import type { Round } from './round.ts';
import { figuresOf, inWords, line, seconds, type Figures, type Report } from './table.ts';
import { longestOf, overLimit, unprotectedInWords } from './unprotected.ts';

export interface BracketFigures extends Figures {
  /** Times without a stop that were longer than they may be. */
  readonly over: readonly string[];
}

/** The run in figures, and as a table in Markdown, state by state. */
export function inBracketTable(
  rounds: readonly Round[],
  points: readonly BracketPoint[],
  report: Report,
): { figures: BracketFigures; text: string } {
  const figures = figuresOf(rounds, points, report);
  const over = overLimit(rounds).map(({ id, ms, limitMs }) => `${id} ${seconds(ms)} s of ${seconds(limitMs)} s`);
  const head = ['Killed (or frozen)', 'kills', 'trials', 'violations'];
  const longest = ['longest without a stop, s: nothing lost', 'found or proven absent', 'over the bound'];
  const text = [
    line([...head, ...longest]),
    line(['---', ...Array<string>(head.length + longest.length - 1).fill('--:')]),
    ...STATES.flatMap((state) => {
      const mine = points.filter((point) => point.state === state);
      if (mine.length === 0) return [];
      const ofState = rounds.filter(({ point }) => mine.some(({ name }) => name === point.name));
      return [
        row(`**${state}**`, ofState),
        ...mine.map(({ name }) => row(name.replace(`${state} · `, ''), rounds, name)),
      ];
    }),
    '',
    ...inWords(figures, unprotectedInWords(rounds)),
  ];
  return { figures: { ...figures, over }, text: text.join('\n') };
}

function row(title: string, rounds: readonly Round[], name?: string): string {
  const mine = rounds.filter(({ hit, point }) => hit && (name === undefined || point.name === name));
  const trials = mine.flatMap((round) => BEHAVIORS.map((behavior) => round.trials[behavior]));
  const longest = (because: 'none' | 'lost'): string => {
    const ms = longestOf(mine, because);
    return ms === undefined ? '' : seconds(ms);
  };
  return line([
    title,
    mine.length,
    trials.reduce((all, count) => all + count, 0),
    mine.flatMap(({ violations }) => violations).length,
    longest('none'),
    longest('lost'),
    overLimit(mine).length,
  ]);
}
