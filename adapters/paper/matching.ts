import type { Side } from '../../domain/alert.ts';
import type { OrderTicket } from '../venue-adapter.ts';
import { compare, type DecimalString } from '../../domain/decimal.ts';

/** The part of an order that decides whether it trades. */
export interface Resting {
  readonly side: Side;
  readonly type: OrderTicket['type'];
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
  if (order.type === 'bracket')
    return reaches(order, price) || takes(order, price) ? FILL : { kind: 'rest', triggered: false };
  const triggered = order.triggered || !isStop(order.type) || reaches(order, price);
  if (!triggered) return { kind: 'rest', triggered: false };
  const hasLimit = order.type === 'limit' || order.type === 'stop_limit';
  return !hasLimit || takes(order, price) ? FILL : { kind: 'rest', triggered: true };
}

const FILL: Match = { kind: 'fill' };

/** Whether a price is as good as the limit. */
function takes({ side, limitPrice }: Resting, price: DecimalString): boolean {
  if (limitPrice === null) return true;
  return side === 'buy' ? compare(price, limitPrice) <= 0 : compare(price, limitPrice) >= 0;
}

/** Whether a stop would trigger at the price at which it is placed: exchanges reject that, and so does paper. */
export function triggersAtOnce(order: Resting, price: DecimalString): boolean {
  return (isStop(order.type) || order.type === 'bracket') && reaches(order, price);
}

const isStop = (type: Resting['type']): boolean => type === 'stop' || type === 'stop_limit';

export function reaches({ side, stopPrice }: Resting, price: DecimalString): boolean {
  if (stopPrice === null) return false;
  return side === 'buy' ? compare(price, stopPrice) >= 0 : compare(price, stopPrice) <= 0;
}
