import type { Side } from './alert.ts';
import { compare, type DecimalString } from './decimal.ts';

/** The prices of a market that are waited for: one or above, the other or below. */
export interface Watch {
  readonly above?: DecimalString;
  readonly below?: DecimalString;
}

/** What of a position's way out does not wait for its price at the venue, and so is watched from here. */
export interface Watched {
  readonly target?: DecimalString;
  readonly stop?: DecimalString;
  /** Where its stop is to be moved. */
  readonly move?: DecimalString;
}

/** What a price has come to, the best for the position first. */
export type Reached = keyof Watched;

/**
 * The prices at which a look is due; undefined where nothing is watched.
 * @param side of the order that takes the position out
 */
export function watchOf(side: Side, { target, stop, move }: Watched): Watch | undefined {
  const isNearer = (a: DecimalString, b: DecimalString): boolean => compare(a, b) === (side === 'sell' ? -1 : 1);
  const wins = target === undefined || (move !== undefined && isNearer(move, target)) ? move : target;
  if (wins === undefined && stop === undefined) return undefined;
  const [above, below] = side === 'sell' ? [wins, stop] : [stop, wins];
  return { ...(above === undefined ? {} : { above }), ...(below === undefined ? {} : { below }) };
}

export function isPassed({ above, below }: Watch, price: DecimalString): boolean {
  const isAbove = above !== undefined && compare(price, above) >= 0;
  return isAbove || (below !== undefined && compare(price, below) <= 0);
}

/**
 * Which of what is watched a price has come to; null where it is none.
 * @param side of the order that takes the position out
 */
export function reachedBy(side: Side, watched: Watched, price: DecimalString): Reached | null {
  const has = (level: DecimalString | undefined, isWin: boolean): boolean =>
    level !== undefined && compare(price, level) !== ((side === 'sell') === isWin ? -1 : 1);
  if (has(watched.target, true)) return 'target';
  if (has(watched.stop, false)) return 'stop';
  return has(watched.move, true) ? 'move' : null;
}
