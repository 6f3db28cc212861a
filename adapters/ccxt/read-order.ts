import type { Order, Trade } from 'ccxt';

import { compare, isPositive, isZero, parseDecimal, type DecimalString } from '../../domain/decimal.ts';
import { sumFills, type Fill, type VenueOrder, type VenueStatus } from '../../domain/venue-order.ts';
import type { OrderTicket } from '../venue-adapter.ts';

/**
 * An order as the library understood the exchange, checked before it is believed. Throws when it contradicts itself:
 * then nothing is known, and the exchange is asked again.
 * @param repeatsId whether the exchange repeats our id in everything that it says of an order
 */
export function readOrder(order: Order, id: string, repeatsId: boolean): VenueOrder {
  // Not every exchange repeats the id; one that repeats another one is talking of another order.
  if ((repeatsId || order.clientOrderId) && order.clientOrderId !== id) {
    throw new Error(`The exchange described the order ${order.clientOrderId || '(no id)'} when asked for ${id}.`);
  }
  if (!order.id) throw new Error('The exchange described an order without an id.');
  const fills = (order.trades ?? []).map(readFill).filter((fill) => fill !== undefined);
  const summed = sumFills(fills);
  const filledQuantity = exact(order.filled) ?? (fills.length > 0 ? summed.filledQuantity : '0');
  const asked = exact(order.amount);
  if (asked !== undefined && compare(filledQuantity, asked) > 0) {
    throw new Error(`The exchange describes an order of ${asked} as filled with ${filledQuantity}.`);
  }
  const status = readStatus(order.status, asked, filledQuantity);
  const averagePrice = isZero(filledQuantity) ? null : (positive(order.average) ?? summed.averagePrice);
  return {
    venueOrderId: order.id,
    status,
    filledQuantity,
    averagePrice,
    ...(fills.length === 0 ? {} : { fills }),
  };
}

/** When a market order was booked, by the venue's clock. Of an order that waits, venues give other times, or none (-1). */
export function bookedAt(type: OrderTicket['type'], { timestamp }: Order): { bookedAt?: number } {
  return type === 'market' && typeof timestamp === 'number' && timestamp > 0 ? { bookedAt: timestamp } : {};
}

export function readFill(trade: Trade): Fill | undefined {
  const quantity = positive(trade.amount);
  const price = positive(trade.price);
  if (!trade.id || quantity === undefined || price === undefined) return undefined;
  const fee = exact(trade.fee?.cost);
  const asset = trade.fee?.currency;
  return {
    tradeId: trade.id,
    quantity,
    price,
    ...(fee && asset ? { fee: { asset: String(asset), amount: fee } } : {}),
  };
}

function readStatus(status: string | undefined, amount: DecimalString | undefined, filled: DecimalString): VenueStatus {
  const isWhole = amount !== undefined && isPositive(amount) && compare(filled, amount) >= 0;
  switch (status ?? '') {
    case 'open':
      return isZero(filled) ? 'working' : 'partially_filled';
    case 'closed':
      // Some exchanges call an order closed whose rest has expired.
      return amount === undefined || isWhole ? 'filled' : 'canceled';
    case 'canceled':
    case 'canceling':
    case 'expired':
    case 'expired_in_match':
      return isWhole ? 'filled' : 'canceled';
    case 'rejected':
      return 'rejected';
    default:
      throw new Error(`The exchange described the order with the status ${String(status).slice(0, 40)}.`);
  }
}

function exact(value: unknown): DecimalString | undefined {
  return typeof value === 'string' || typeof value === 'number' ? parseDecimal(String(value)) : undefined;
}

function positive(value: unknown): DecimalString | undefined {
  const decimal = exact(value);
  return decimal !== undefined && isPositive(decimal) ? decimal : undefined;
}
