import { STATES, type BracketPoint } from './bracket-plan.ts';
import { BEHAVIORS } from './plan.ts';
import type { Round } from './round.ts';
import { figuresOf, inWords, line, seconds, type Figures, type Report } from './table.ts';
import { longestOf, overLimit, unprotectedInWords } from './unprotected.ts';

export interface BracketFigures extends Figures {
  /** Times without a stop that were longer than they may be. */
  readonly over: readonly string[];
}

/** The run in figures, and as two tables in Markdown: by the position's state, and by the point of the kill. */
export function inBracketTable(
  rounds: readonly Round[],
  points: readonly BracketPoint[],
  report: Report,
): { figures: BracketFigures; text: string } {
  const figures = figuresOf(rounds, points, report);
  const over = overLimit(rounds).map(({ id, ms, limitMs }) => `${id} ${seconds(ms)} s of ${seconds(limitMs)} s`);
  const columns = [
    'kills',
    'trials',
    'violations',
    'longest without a stop, s',
    'same, found or proven absent, s',
    'over',
  ];
  const head = (title: string): string[] => [
    line([title, ...columns]),
    line(['---', ...Array<string>(columns.length).fill('--:')]),
  ];
  const of = (mine: readonly BracketPoint[]): Round[] =>
    rounds.filter(({ point, hit }) => hit && mine.some(({ name }) => name === point.name));
  const states = STATES.map((state) => ({ state, mine: points.filter((point) => point.state === state) }));
  const text = [
    ...head('Killed while it is'),
    ...states.filter(({ mine }) => mine.length > 0).map(({ state, mine }) => row(state, of(mine))),
    '',
    ...head('Killed (or frozen)'),
    ...points.map((point) => row(point.name, of([point]))),
    '',
    ...inWords(figures, unprotectedInWords(rounds)),
  ];
  return { figures: { ...figures, over }, text: text.join('\n') };
}

function row(title: string, mine: readonly Round[]): string {
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
