import type { Side } from './alert.ts';
import { add, compare, divide, isZero, multiply, type DecimalString } from './decimal.ts';
import type { OrderStatus } from './order-state.ts';
import type { Reason } from './reason.ts';

/** How an order ended that was to take something out, and why it took no more. */
export interface LastTry {
  readonly status: OrderStatus;
  readonly reason: Reason | null;
}

/** So much was traded, at this price on average; null while it is nothing. */
export interface Traded {
  readonly quantity: DecimalString;
  readonly averagePrice: DecimalString | null;
}

export const NOTHING_TRADED: Traded = { quantity: '0', averagePrice: null };

/** What an order that protects its position has taken out on an exit's behalf. */
export interface ByEntry extends Traded {
  readonly workflowId: string;
}

/** How far an exit has come. */
export interface WayOut {
  readonly side: Side;
  /** What is to come out. */
  readonly quantity: DecimalString;
  /** What its own orders have traded: what they have taken out, and what they have opened on the other side. */
  readonly own: Traded;
  /** Of that, what was opened. */
  readonly opened: DecimalString;
  readonly entries: readonly ByEntry[];
}

const PRICE_PLACES = 12;

/** Several trades as one. */
export function together(trades: readonly Traded[]): Traded {
  let [quantity, value] = ['0', '0'];
  for (const trade of trades) {
    quantity = add(quantity, trade.quantity);
    value = add(value, multiply(trade.quantity, trade.averagePrice ?? '0'));
  }
  return { quantity, averagePrice: isZero(quantity) ? null : divide(value, quantity, PRICE_PLACES) };
}

/** All that an exit has traded, by whichever orders. */
export const tradedBy = ({ own, entries }: WayOut): Traded => together([own, ...entries]);

/** Whether all that was to come out is out. */
export function isOut(wayOut: WayOut): boolean {
  const { quantity } = tradedBy(wayOut);
  return compare(quantity, add(wayOut.quantity, wayOut.opened)) >= 0;
}
