import type { OrderType, Side } from '../../domain/alert.ts';
import { compare, type DecimalString } from '../../domain/decimal.ts';

/** The part of an order that decides whether it trades. */
export interface Resting {
  readonly side: Side;
  readonly type: OrderType;
  readonly limitPrice: DecimalString | null;
  readonly stopPrice: DecimalString | null;
  /** Whether a stop's price has been seen. */
  readonly triggered: boolean;
}

export type Match = { readonly kind: 'fill' } | { readonly kind: 'rest'; readonly triggered: boolean };

/**
 * What an order does at a price: fills whole, or rests. There is no spread, no slippage and no fee: the
 * paper venue shows how orders behave, not what they would have earned.
 */
export function match(order: Resting, price: DecimalString): Match {
  const triggered = order.triggered || !isStop(order.type) || reaches(order, price);
  if (!triggered) return { kind: 'rest', triggered: false };
  const limit = order.type === 'limit' || order.type === 'stop_limit' ? order.limitPrice : null;
  const fills = limit === null || (order.side === 'buy' ? compare(price, limit) <= 0 : compare(price, limit) >= 0);
  return fills ? { kind: 'fill' } : { kind: 'rest', triggered: true };
}

/** Whether a stop would trigger at the price at which it is placed: exchanges reject that, and so does paper. */
export function triggersAtOnce(order: Resting, price: DecimalString): boolean {
  return isStop(order.type) && reaches(order, price);
}

const isStop = (type: OrderType): boolean => type === 'stop' || type === 'stop_limit';

function reaches({ side, stopPrice }: Resting, price: DecimalString): boolean {
  if (stopPrice === null) return false;
  return side === 'buy' ? compare(price, stopPrice) >= 0 : compare(price, stopPrice) <= 0;
}
