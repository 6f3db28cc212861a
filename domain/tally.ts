import type { Side } from './alert.ts';
import { isSettled, type Answer } from './answer.ts';
import { add, compare, isPositive, isZero, multiply, subtract, type DecimalString } from './decimal.ts';
import { opposite } from './leg.ts';
import type { ExitPlan } from './exit-plan.ts';
import { isFinal } from './order-state.ts';
import { afterFill, FLAT, type Position } from './position.ts';

/** What became of an order, as far as it is known. */
export interface OrderNews {
  readonly clientOrderId: string;
  /** Whether its outcome is known, though it may rest. */
  readonly isKnown: boolean;
  /** Whether nothing of it, nor of what takes it out again, can be filled any more. */
  readonly isOver: boolean;
  /** Whether nothing more can be bought or sold by the order itself, though what it has opened may be taken out yet. */
  readonly isDone?: boolean;
  readonly filledQuantity: DecimalString;
  /** What the venue has kept of it as a fee in the asset that was bought. */
  readonly feeQuantity?: DecimalString;
  /** Null while nothing is filled. */
  readonly averagePrice: DecimalString | null;
  /** How much of it a stop or target has taken out again; not there in what was recorded before there were any. */
  readonly exitedQuantity?: DecimalString;
  readonly exitAveragePrice?: DecimalString | null;
}

/** What an order's answer tells its account. */
export function newsOf(answer: Answer): OrderNews {
  return {
    ...tradedOf(answer),
    clientOrderId: answer.client_order_id,
    isKnown: isSettled(answer.status),
    isOver: isFinal(answer) && !hasPosition(answer),
    isDone: isFinal(answer),
    exitedQuantity: answer.protection?.exited_quantity ?? '0',
    exitAveragePrice: answer.protection?.exit_average_price ?? null,
  };
}

/** What was traded by the order itself: what others take out on an exit's behalf they tell themselves. */
function tradedOf(answer: Answer) {
  const { exit, filled_quantity: filled, average_price: price } = answer;
  if (exit === undefined)
    return { filledQuantity: filled, feeQuantity: answer.fee_quantity ?? '0', averagePrice: price };
  return { filledQuantity: exit.own_quantity, averagePrice: exit.own_average_price };
}

/** Whether it has opened something that is to be closed again. */
const hasPosition = ({ protection, status, filled_quantity: filled }: Answer): boolean =>
  protection !== undefined && status !== 'closed' && isPositive(filled);

/** An order that was admitted, and may still be filled. */
export interface OpenOrder {
  readonly workflowId: string;
  readonly strategy: string;
  readonly symbol: string;
  readonly side: Side;
  readonly quantity: DecimalString;
  readonly isKnown: boolean;
  readonly filledQuantity: DecimalString;
  readonly feeQuantity?: DecimalString;
  readonly averagePrice: DecimalString | null;
  readonly exitedQuantity?: DecimalString;
  readonly exitAveragePrice?: DecimalString | null;
  /** Whether a stop or target is to wait for what it brings in. */
  readonly isProtected?: boolean;
  /** Whether it takes out what others have brought in. */
  readonly isExit?: boolean;
}

/** An order that waits for its turn. */
export interface Waiting {
  readonly clientOrderId: string;
  readonly turn: string;
  readonly receivedAt: number;
  /** When it asked last. One that asks no more has no place in the line. */
  readonly askedAt: number;
}

/** What one of those that have limits has traded: the account as a whole, or one strategy on it. */
interface Traded {
  /** By symbol; flat ones are left out. */
  readonly positions: Readonly<Record<string, Position>>;
  /** What closing positions has brought today, by quote currency; below zero where it has cost. */
  readonly realized: Readonly<Record<string, DecimalString>>;
}

/** What an account has counted of its orders. Bounded: by what is open, by what a minute admits, by the symbols held. */
export interface Tally {
  readonly open: Readonly<Record<string, OpenOrder>>;
  readonly recent: readonly { readonly clientOrderId: string; readonly strategy: string; readonly at: number }[];
  readonly waiting: readonly Waiting[];
  /** By strategy; the account as a whole under the empty name. */
  readonly traded: Readonly<Record<string, Traded>>;
  /** What was decided of the exits of the last hour: whoever asks again gets the same. */
  readonly exits?: readonly { readonly clientOrderId: string; readonly plan: ExitPlan; readonly at: number }[];
  /** The day (UTC) to which `realized` belongs, in days since 1970. */
  readonly day: number;
}

export const NEW_TALLY: Tally = { open: {}, recent: [], waiting: [], traded: {}, day: 0 };

const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;
/** An exit is sent within ten minutes, or not at all. */
const EXITS_KEPT_MS = 3_600_000;
/** One that waits asks several times a second. */
const WAITS_MS = 5_000;
/** Under this name stands the account as a whole; no strategy has it. */
export const WHOLE = '';
const NOTHING: Traded = { positions: {}, realized: {} };

/** A member that is a record's own: a symbol or a name may read like something that every object has. */
export function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

/** What a symbol's prices are in: `USDT` of `BTC/USDT`; of a symbol without a quote, the symbol itself. */
export const quoteOf = (symbol: string): string => symbol.split('/')[1]?.split(':')[0] ?? symbol;

/** The tally as of a moment: what is past no longer counts. Times are the engine's, in milliseconds since 1970. */
export function asOf(tally: Tally, now: number): Tally {
  const day = Math.floor(now / DAY_MS);
  const recent = tally.recent.filter(({ at }) => now - at < MINUTE_MS);
  const waiting = tally.waiting.filter(({ askedAt }) => now - askedAt < WAITS_MS);
  const exits = tally.exits?.filter(({ at }) => now - at < EXITS_KEPT_MS);
  const kept = { ...tally, recent, waiting, ...(exits === undefined || exits.length === 0 ? {} : { exits }) };
  if (day === tally.day) return kept;
  const held = Object.entries(tally.traded).filter(([, { positions }]) => Object.keys(positions).length > 0);
  const traded = Object.fromEntries(held.map(([whose, { positions }]) => [whose, { positions, realized: {} }]));
  return { ...kept, traded, day };
}

/** The tally after something became known of an order; of one that is not open there is nothing to learn. */
export function learned(tally: Tally, news: OrderNews): Tally {
  const order = own(tally.open, news.clientOrderId);
  if (order === undefined) return tally;
  const { [news.clientOrderId]: _learned, ...others } = tally.open;
  const traded = [entryIn(order, news), exitIn(order, news)].reduce(
    (before, trade) => (trade === null ? before : withTrade(before, order, trade)),
    tally.traded,
  );
  if (news.isOver) return { ...tally, traded, open: others };
  const told = { ...order, ...latest(order, news), isKnown: order.isKnown || news.isKnown };
  return { ...tally, traded, open: { ...others, [news.clientOrderId]: told } };
}

interface Trade {
  readonly side: Side;
  readonly quantity: DecimalString;
  /** What it came to, in the quote currency. */
  readonly value: DecimalString;
}

const worth = (quantity: DecimalString, price: DecimalString | null): DecimalString => multiply(quantity, price ?? '0');

/** What was filled, less what was kept of it. */
export const broughtIn = ({ filledQuantity, feeQuantity = '0' }: Pick<OrderNews, 'filledQuantity' | 'feeQuantity'>) =>
  subtract(filledQuantity, feeQuantity);

/** What has come in since the last news; news that come late tell nothing. */
function entryIn(order: OpenOrder, news: OrderNews): Trade | null {
  if (compare(news.filledQuantity, order.filledQuantity) < 0) return null;
  const quantity = subtract(broughtIn(news), broughtIn(order));
  const before = worth(order.filledQuantity, order.averagePrice);
  const value = subtract(worth(news.filledQuantity, news.averagePrice), before);
  if (compare(quantity, '0') > 0) return { side: order.side, quantity, value };
  // Told after the fill: it is no longer there, and has brought nothing.
  const fee = subtract('0', quantity);
  return isZero(fee) ? null : { side: opposite(order.side), quantity: fee, value: worth(fee, news.averagePrice) };
}

function exitIn(order: OpenOrder, news: OrderNews): Trade | null {
  const [before, now] = [exitedOf(order), exitedOf(news)];
  if (compare(now.quantity, before.quantity) <= 0) return null;
  const value = subtract(worth(now.quantity, now.price), worth(before.quantity, before.price));
  return { side: opposite(order.side), quantity: subtract(now.quantity, before.quantity), value };
}

const exitedOf = ({ exitedQuantity, exitAveragePrice }: Pick<OrderNews, 'exitedQuantity' | 'exitAveragePrice'>) => ({
  quantity: exitedQuantity ?? '0',
  price: exitAveragePrice ?? null,
});

function latest(order: OpenOrder, news: OrderNews) {
  const { filledQuantity, feeQuantity = '0', averagePrice } = entryIn(order, news) === null ? order : news;
  const exited = exitedOf(exitIn(order, news) === null ? order : news);
  // What is not filled of an order that is done will not be: it is no position to come.
  const quantity = news.isDone === true ? filledQuantity : order.quantity;
  const fee = isZero(feeQuantity) ? {} : { feeQuantity };
  return {
    quantity,
    filledQuantity,
    ...fee,
    averagePrice,
    exitedQuantity: exited.quantity,
    exitAveragePrice: exited.price,
  };
}

function withTrade(traded: Tally['traded'], order: OpenOrder, { side, quantity, value }: Trade): Tally['traded'] {
  const next = { ...traded };
  for (const whose of [WHOLE, order.strategy]) {
    const { positions, realized } = own(next, whose) ?? NOTHING;
    const { [order.symbol]: _before, ...others } = positions;
    const after = afterFill(own(positions, order.symbol) ?? FLAT, side, quantity, value);
    const quote = quoteOf(order.symbol);
    next[whose] = {
      positions: isZero(after.position.quantity) ? others : { ...others, [order.symbol]: after.position },
      realized: isZero(after.realized)
        ? realized
        : { ...realized, [quote]: add(own(realized, quote) ?? '0', after.realized) },
    };
  }
  return next;
}
