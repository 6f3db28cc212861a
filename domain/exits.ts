import {
  add,
  compare,
  divide,
  isPositive,
  isZero,
  multiply,
  roundDownToStep,
  subtract,
  type DecimalString,
} from './decimal.ts';
import type { EntryIntent } from './intent.ts';
import { partsOf, type Leg } from './leg.ts';
import { isResting, type OrderState } from './order-state.ts';
import type { Reason } from './reason.ts';

/** How the position that an entry has opened stands: what is protected of it, and what is out again. */
export interface Exits {
  /** For how much of it a stop or a target waits at the venue. */
  readonly guardedQuantity: DecimalString;
  readonly exitedQuantity: DecimalString;
  /** Null while nothing is out. */
  readonly exitAveragePrice: DecimalString | null;
  /** Why a part of it has no protection, or was taken out without it; null where all is as it was asked for. */
  readonly problem: Reason | null;
}

export const NO_EXITS: Exits = { guardedQuantity: '0', exitedQuantity: '0', exitAveragePrice: null, problem: null };

/**
 * Whether it was the stop that a leg has traded by: at a worse price than its target. What a stop leaves over nobody has
 * taken away: there was nothing to trade with.
 */
export function wasStopped({ side, stopPrice, limitPrice }: Leg, { averagePrice }: OrderState): boolean {
  if (stopPrice === undefined || averagePrice === null) return false;
  return limitPrice === undefined || compare(averagePrice, limitPrice) === (side === 'sell' ? -1 : 1);
}

const PRICE_PLACES = 12;

/** The legs of a position, as they stand now, as one. */
export function exitsOf(legs: Iterable<{ leg: Leg; state: OrderState }>, problem: Reason | null): Exits {
  let [guarded, exited, value] = ['0', '0', '0'];
  for (const { leg, state } of legs) {
    exited = add(exited, state.filledQuantity);
    value = add(value, multiply(state.filledQuantity, state.averagePrice ?? '0'));
    if (leg.name === 'protection' && isResting(state)) {
      guarded = add(guarded, subtract(inSteps(leg.quantity, state), state.filledQuantity));
    }
  }
  const average = isZero(exited) ? null : divide(value, exited, PRICE_PLACES);
  return { guardedQuantity: guarded, exitedQuantity: exited, exitAveragePrice: average, problem };
}

/**
 * How much of a part has to be taken out again: its share of what was filled, less what the venue kept of it as a fee.
 * Shares are exact and come to one, so that the parts come to the whole. What the market's steps leave of the others is
 * the last one's, once it is certain that no more comes in: until then it could become less for it.
 */
export function dueOf(intent: EntryIntent, entry: OrderState, part: number): DecimalString {
  const held = heldOf(intent, entry);
  const shares = partsOf(intent).map(({ share }) => multiply(held, share));
  if (entry.status !== 'filled') return shares[part]!;
  const others = shares.slice(0, -1).map((share) => inSteps(share, entry));
  return others[part] ?? others.reduce(subtract, held);
}

/** What of a quantity the venue takes. */
const inSteps = (quantity: DecimalString, { quantityStep }: OrderState): DecimalString =>
  quantityStep === undefined ? quantity : roundDownToStep(quantity, quantityStep);

/** What an entry has brought in: a fee in the asset that was bought comes out of it. */
function heldOf(intent: EntryIntent, state: OrderState): DecimalString {
  const held = subtract(state.filledQuantity, keptOf(intent, state));
  return compare(held, '0') > 0 ? held : '0';
}

/** What the venue has kept of what was bought, as far as it has told. A rebate adds nothing to it. */
export function keptOf({ side, symbol }: Pick<EntryIntent, 'side' | 'symbol'>, { fills }: OrderState): DecimalString {
  if (side === 'sell') return '0';
  const fees = fills.flatMap(({ fee }) =>
    fee !== undefined && isPositive(fee.amount) && isBase(fee.asset, symbol) ? [fee.amount] : [],
  );
  return fees.reduce(add, '0');
}

/** Whether a symbol trades an asset. One without a slash does not tell where its base ends. */
function isBase(asset: string, symbol: string): boolean {
  const [base, quote] = symbol.toUpperCase().split('/');
  if (quote !== undefined) return asset === base!.split(':').at(-1);
  return asset !== '' && base!.split(':').at(-1)!.startsWith(asset);
}
