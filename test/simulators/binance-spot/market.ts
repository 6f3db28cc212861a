import { dec, type Decimal } from './money.ts';
import type { Market, Order, OrderType, Side } from './state.ts';

export function isStop(type: OrderType): boolean {
  return type === 'STOP_LOSS' || type === 'STOP_LOSS_LIMIT' || type === 'TAKE_PROFIT' || type === 'TAKE_PROFIT_LIMIT';
}

/** An order without a limit of its own once it executes (rest-api.md, New order: STOP_LOSS and TAKE_PROFIT). */
export function isAtMarket(type: OrderType): boolean {
  return type === 'MARKET' || type === 'STOP_LOSS' || type === 'TAKE_PROFIT';
}

export function takerPrice(market: Market, side: Side): Decimal {
  return dec(side === 'BUY' ? market.ask : market.bid);
}

export function crosses(market: Market, side: Side, price: Decimal): boolean {
  return side === 'BUY' ? price.gte(market.ask) : price.lte(market.bid);
}

/**
 * The last traded price has reached the stop (rest-api.md, New order: "Price above market price: STOP_LOSS BUY,
 * TAKE_PROFIT SELL; price below market price: STOP_LOSS SELL, TAKE_PROFIT BUY").
 */
export function reached(market: Market, side: Side, type: OrderType, stopPrice: Decimal): boolean {
  const waitsAbove = type.startsWith('STOP_LOSS') === (side === 'BUY');
  return waitsAbove ? stopPrice.lte(market.price) : stopPrice.gte(market.price);
}

export function waitsForPrice(order: Order): boolean {
  return isStop(order.type) && order.workingTime === -1 && order.status === 'NEW';
}

export function averagePrice(market: Market): Decimal {
  return dec(market.average ?? market.price);
}
