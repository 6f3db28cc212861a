import type { OrderType, Side } from './alert.ts';
import { compare, type DecimalString } from './decimal.ts';
import { isExit, type EntryIntent, type ExitIntent, type Intent } from './intent.ts';
import { follow, priceOf, stopPriceOf, type Followed } from './stop-loss.ts';

/** What takes a position out again: `protection` waits at the venue for its price, `exit` takes what the market gives. */
export type LegName = 'protection' | 'exit';

/** `bracket` is a stop and a target of which one ends the other. */
export type LegType = Extract<OrderType, 'market' | 'limit' | 'stop'> | 'bracket';

/**
 * An order that only takes out what an entry has brought in. What tells it from all others of its entry (`name`, `part`,
 * `generation`) is part of its client order id.
 */
export interface Leg {
  readonly name: LegName;
  /** Which target it belongs to, from 0. */
  readonly part: number;
  /** Rises when it is deliberately replaced, never on a re-send. */
  readonly generation: number;
  readonly side: Side;
  readonly type: LegType;
  readonly quantity: DecimalString;
  /** The target. */
  readonly limitPrice?: DecimalString;
  /** The stop. */
  readonly stopPrice?: DecimalString;
  /** What the sender of an exit saw. For valuing; never sent to a venue. */
  readonly referencePrice?: DecimalString | undefined;
  /** From this moment on (milliseconds since 1970) it is not sent any more. */
  readonly notAfter: number;
}

/** A level of a bracket: a price, or a distance from the average price of the entry's fills. */
export type Level = { readonly price: DecimalString } | { readonly percent: DecimalString };

/** A level as a person reads it. */
export const levelInWords = (level: Level): string => ('price' in level ? level.price : `${level.percent} %`);

/** A part of the position, and where it is taken out. */
export type Target = {
  /** The fraction of the position: all of them come to one. */
  readonly share: DecimalString;
  readonly level?: Level;
};

export const hasBracket = ({ stopLoss, takeProfit }: Pick<Intent, 'stopLoss' | 'takeProfit'>): boolean =>
  stopLoss !== undefined || takeProfit !== undefined;

/** The parts that a position is protected in: one for each target, or the whole where there is only a stop. */
export const partsOf = ({ takeProfit }: Pick<Intent, 'takeProfit'>): readonly Target[] =>
  takeProfit ?? [{ share: '1' }];

/** The protection of a part of the position, as it is to be sent. */
export function protectionOf(
  intent: EntryIntent,
  {
    part,
    generation,
    quantity,
    averagePrice,
    notAfter,
    followed = null,
  }: Pick<Leg, 'part' | 'generation' | 'quantity' | 'notAfter'> & {
    readonly averagePrice: DecimalString;
    /** How far its stop has come; not at all where it is not there. */
    readonly followed?: Followed | null;
  },
): Leg {
  const { level } = partsOf(intent)[part]!;
  const { side, stopLoss } = intent;
  const entry = { side, averagePrice };
  const stopPrice = stopLoss && stopPriceOf(stopLoss, entry, followed ?? follow(stopLoss, entry, null));
  const limitPrice = level && priceOf(level, 'target', entry);
  return {
    name: 'protection',
    part,
    generation,
    side: opposite(side),
    type: stopPrice === undefined ? 'limit' : limitPrice === undefined ? 'stop' : 'bracket',
    quantity,
    ...(limitPrice === undefined ? {} : { limitPrice }),
    ...(stopPrice === undefined ? {} : { stopPrice }),
    notAfter,
  };
}

/** What of a bracket rests at a venue that does not take its target beside it. */
export function stopAlone({ limitPrice: _target, ...leg }: Leg): Leg {
  return { ...leg, type: 'stop' };
}

/** What takes a part of the position out at the market's price. */
export function exitOf(
  intent: EntryIntent,
  leg: Pick<Leg, 'part' | 'generation' | 'quantity' | 'referencePrice' | 'notAfter'>,
): Leg {
  return { name: 'exit', side: opposite(intent.side), type: 'market', ...leg };
}

export const opposite = (side: Side): Side => (side === 'buy' ? 'sell' : 'buy');

/** Whether a leg belongs to an entry that is to be protected, and can only take out what that may have brought in. */
export function isWithin(intent: Intent, leg: Leg): boolean {
  if (isExit(intent)) return isWayOut(intent, leg);
  const isPart = hasBracket(intent) && [...partsOf(intent).keys()].includes(leg.part);
  return isPart && leg.side === opposite(intent.side) && compare(leg.quantity, intent.quantity) <= 0;
}

/** The part of a `reverse` that opens a position on the other side; part 0 takes out what was held. */
export const OPENING = 1;

/** Which side, and how much of it, the account decides when it is asked right before the sending. */
function isWayOut({ exit, quantity, notAfter }: ExitIntent, leg: Leg): boolean {
  const isAllowed = exit === 'reverse' || quantity === undefined || compare(leg.quantity, quantity) <= 0;
  return leg.name === 'exit' && leg.type === 'market' && leg.part <= OPENING && leg.notAfter <= notAfter && isAllowed;
}
