import type { Side } from './alert.ts';
import { add, compare, divide, isPositive, multiply, subtract, type DecimalString } from './decimal.ts';
import type { Level } from './leg.ts';

/** A stop that follows its market at a distance: in percent of the market's price, or in money for a unit. */
export type Trail = { readonly trailPercent: DecimalString } | { readonly trailAmount: DecimalString };

/**
 * Where a position is taken out that goes wrong: at a level, which may move to the entry's average price once the market
 * has come so far in the position's favour; or at a distance from the best price since.
 */
export type StopLoss = (Level & { readonly breakevenAfter?: Level }) | Trail;

/** A position, as far as its stop depends on it. */
export interface Entry {
  readonly side: Side;
  /** Of its fills. */
  readonly averagePrice: DecimalString;
}

/** How far a stop has come with its market. */
export interface Followed {
  /** The best price for the position that it has followed. */
  readonly best: DecimalString;
  /** Whether it has moved to the entry's price, from where it does not go back. */
  readonly isEven: boolean;
}

const PRICE_PLACES = 12;
/** A step may be far smaller than any price. */
const STEP_PLACES = 24;
/**
 * A stop that follows is replaced only when it gains a fifth of its distance: each replacement costs a moment without a
 * stop and some thirty events of the history, and a trend would bring one with every poll.
 */
const STEPS_OF_DISTANCE = '5';

/** Whether a stop ever moves, so that its market has to be watched. */
export const movesStop = (stopLoss: StopLoss | undefined): boolean =>
  stopLoss !== undefined && (isTrail(stopLoss) || stopLoss.breakevenAfter !== undefined);

const isTrail = (stopLoss: StopLoss): stopLoss is Trail => 'trailPercent' in stopLoss || 'trailAmount' in stopLoss;

/** The price of a level. A stop lies on the losing side of the entry, a target on the winning one. */
export function priceOf(level: Level, kind: 'stop' | 'target', { side, averagePrice }: Entry): DecimalString {
  if ('price' in level) return level.price;
  const distance = divide(multiply(averagePrice, level.percent), '100', PRICE_PLACES);
  const isAbove = (side === 'buy') === (kind === 'target');
  return isAbove ? add(averagePrice, distance) : subtract(averagePrice, distance);
}

/**
 * How far a stop has come, now that its market was seen at a price. It never goes back, also where the entry's average
 * price does.
 */
export function follow(
  stopLoss: StopLoss,
  entry: Entry,
  before: Followed | null,
  price: DecimalString = entry.averagePrice,
): Followed {
  const best = better(entry.side, before?.best ?? entry.averagePrice, price);
  const even = evenAt(stopLoss, entry);
  const hasCome = even !== undefined && better(entry.side, price, even) === price;
  return { best, isEven: before?.isEven === true || hasCome };
}

/** Where the stop is. */
export function stopPriceOf(stopLoss: StopLoss, entry: Entry, { best, isEven }: Followed): DecimalString {
  if (isTrail(stopLoss)) return toWorse(entry.side, best, distanceOf(stopLoss, best));
  const own = priceOf(stopLoss, 'stop', entry);
  return isEven ? better(entry.side, own, entry.averagePrice) : own;
}

/** At which price of its market the stop moves next; undefined where it does not move any more. */
export function movesAt(stopLoss: StopLoss, entry: Entry, { best, isEven }: Followed): DecimalString | undefined {
  if (!isTrail(stopLoss)) return isEven ? undefined : evenAt(stopLoss, entry);
  const gain = divide(distanceOf(stopLoss, best), STEPS_OF_DISTANCE, STEP_PLACES);
  const step = 'trailAmount' in stopLoss ? gain : forGain(gain, stopLoss.trailPercent, entry.side);
  return isPositive(step) ? toBetter(entry.side, best, step) : undefined;
}

/** A stop as a person reads it. */
export function stopInWords(stopLoss: StopLoss, inWords: (level: Level) => string): string {
  if ('trailPercent' in stopLoss) return `${stopLoss.trailPercent} % behind the market`;
  if ('trailAmount' in stopLoss) return `${stopLoss.trailAmount} behind the market`;
  const { breakevenAfter } = stopLoss;
  const then = breakevenAfter === undefined ? '' : `, moved to the entry's price after ${inWords(breakevenAfter)}`;
  return `${inWords(stopLoss)}${then}`;
}

/**
 * At which price the stop moves to the entry's. An entry that was filled beyond it keeps the stop that it has: moved, it
 * would stand in the market.
 */
function evenAt(stopLoss: StopLoss, entry: Entry): DecimalString | undefined {
  if (isTrail(stopLoss) || stopLoss.breakevenAfter === undefined) return undefined;
  const price = priceOf(stopLoss.breakevenAfter, 'target', entry);
  return better(entry.side, entry.averagePrice, price) === entry.averagePrice ? undefined : price;
}

function distanceOf(trail: Trail, best: DecimalString): DecimalString {
  if ('trailAmount' in trail) return trail.trailAmount;
  return divide(multiply(best, trail.trailPercent), '100', PRICE_PLACES);
}

/** How far the price must go for its stop to gain so much: the distance in percent grows, or shrinks, with the price. */
function forGain(gain: DecimalString, percent: DecimalString, side: Side): DecimalString {
  const share = side === 'buy' ? subtract('100', percent) : add('100', percent);
  return divide(multiply(gain, '100'), share, STEP_PLACES);
}

const toBetter = (side: Side, price: DecimalString, by: DecimalString): DecimalString =>
  side === 'buy' ? add(price, by) : subtract(price, by);
const toWorse = (side: Side, price: DecimalString, by: DecimalString): DecimalString =>
  side === 'buy' ? subtract(price, by) : add(price, by);

/** Of two prices the one that is better for a position; the first where they are equal. */
const better = (side: Side, a: DecimalString, b: DecimalString): DecimalString =>
  compare(b, a) === (side === 'buy' ? 1 : -1) ? b : a;
