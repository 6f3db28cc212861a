import type { MarketInterface } from 'ccxt';

import {
  compare,
  isPositive,
  isZero,
  multiply,
  parseDecimal,
  roundDownToStep,
  roundUpToStep,
  type DecimalString,
} from '../../domain/decimal.ts';
import { reason, type Reason } from '../../domain/reason.ts';
import type { FittedOrder, OrderTicket } from '../venue-adapter.ts';

export type Fit =
  | {
      readonly kind: 'fits';
      readonly order: FittedOrder;
      /** The market's step of quantities; not there where the exchange says none. */
      readonly quantityStep?: DecimalString;
      readonly notes: readonly string[];
    }
  | { readonly kind: 'refused'; readonly reason: Reason };

/**
 * Rounds an order to its market's steps, always to the safe side: never more than was asked for, never at a worse
 * price. What is then below a minimum is refused with both numbers.
 */
export function fitToMarket(ticket: OrderTicket, market: MarketInterface): Fit {
  const notes: string[] = [];
  const step = limitOf(market.precision.amount);
  const tick = limitOf(market.precision.price);
  const quantity = rounded('quantity', ticket.quantity, step, 'down', notes);
  // A buy pays no more, and a sell takes no less, than its limit; a stop waits for no less than its price.
  const limitPrice = rounded('limit price', ticket.limitPrice, tick, ticket.side === 'buy' ? 'down' : 'up', notes);
  const stopPrice = rounded('stop price', ticket.stopPrice, tick, ticket.side === 'buy' ? 'up' : 'down', notes);

  const least = limitOf(market.limits.amount?.min) ?? step;
  if (isZero(quantity) || (least !== undefined && compare(quantity, least) < 0)) {
    return tooSmall('QUANTITY_BELOW_MINIMUM', `The quantity ${ticket.quantity}`, market, least ?? step ?? '0');
  }
  const most = limitOf(market.limits.amount?.max);
  if (most !== undefined && compare(quantity, most) > 0) {
    const message = `The quantity ${quantity} of ${market.symbol} is above the market's maximum ${most}.`;
    return { kind: 'refused', reason: reason('QUANTITY_ABOVE_MAXIMUM', message, 'Lower "quantity".') };
  }
  for (const [name, price] of [
    ['limit price', limitPrice],
    ['stop price', stopPrice],
  ] as const) {
    if (price !== undefined && !isPositive(price)) {
      return tooSmall('PRICE_BELOW_TICK', `The ${name}`, market, tick ?? '0');
    }
  }
  const leastValue = limitOf(market.limits.cost?.min);
  const isTooCheap = (price: DecimalString): boolean =>
    leastValue !== undefined && compare(multiply(quantity, price), leastValue) < 0;
  // The exchange values both orders of a bracket, each at its own price.
  const valuedAt =
    ticket.type === 'bracket' ? [limitPrice, stopPrice] : [limitPrice ?? stopPrice ?? ticket.referencePrice];
  const [lowest, highest = lowest] = valuedAt.filter((price) => price !== undefined).toSorted(compare);
  // A market order without a reference price is valued by the exchange, which rejects what is too small.
  if (lowest !== undefined && isTooCheap(lowest)) {
    const value = `The value ${multiply(quantity, lowest)} (${quantity} at ${lowest})`;
    // What is worth enough at one of its prices may be worth enough at the market's: it is not too small to be sold.
    const code = isTooCheap(highest!) ? 'NOTIONAL_BELOW_MINIMUM' : 'NOTIONAL_BELOW_MINIMUM_AT_LEVEL';
    return tooSmall(code, value, market, leastValue!);
  }
  const order = {
    quantity,
    ...(limitPrice === undefined ? {} : { limitPrice }),
    ...(stopPrice === undefined ? {} : { stopPrice }),
  };
  return { kind: 'fits', order, ...(step === undefined ? {} : { quantityStep: step }), notes };
}

function rounded<T extends DecimalString | undefined>(
  name: string,
  value: T,
  step: DecimalString | undefined,
  direction: 'up' | 'down',
  notes: string[],
): T {
  if (value === undefined || step === undefined) return value;
  const fitted = direction === 'up' ? roundUpToStep(value, step) : roundDownToStep(value, step);
  if (compare(fitted, value) !== 0)
    notes.push(`The ${name} ${value} is rounded ${direction} to ${fitted}, the market's step being ${step}.`);
  return fitted as T;
}

function tooSmall(code: string, what: string, market: MarketInterface, least: DecimalString): Fit {
  const message = `${what} of ${market.symbol} is below the market's minimum ${least}.`;
  return { kind: 'refused', reason: reason(code, message, 'Raise "quantity", or trade another market.') };
}

/** A limit or step of the market, given as number or text; undefined where the exchange says none. */
export function limitOf(value: unknown): DecimalString | undefined {
  if (typeof value !== 'string' && typeof value !== 'number') return undefined;
  const limit = parseDecimal(String(value));
  return limit !== undefined && isPositive(limit) ? limit : undefined;
}
