import { crosses, isAtMarket, isStop, reached, takerPrice, waitsForPrice } from './market.ts';
import { dec, downTo, fixed, min, ZERO, type Decimal } from './money.ts';
import { claim, end } from './order-lists.ts';
import { settle } from './settlement.ts';
import { isOpen, remaining, type Market, type Order } from './state.ts';
import type { Venue } from './venue.ts';

/**
 * An order meets the book: it takes what is there at once, then rests or expires by its type and time in force
 * (enums.md, Time in force; enums.md, EXPIRED: "LIMIT IOC or MARKET orders that partially fill").
 */
export function enterBook(venue: Venue, order: Order, cap: Decimal | null): void {
  const market = venue.marketOf(order.symbol);
  order.workingTime = venue.now();
  venue.state.touchOrder(order);
  if (isAtMarket(order.type) || crosses(market, order.side, dec(order.price))) {
    const price = takerPrice(market, order.side);
    const qty = immediately(venue, market, order, price, cap);
    const killed = order.timeInForce === 'FOK' && qty.lt(remaining(order));
    if (qty.gt(0) && !killed) trade(venue, order, qty, price, false);
  }
  const rests = !isAtMarket(order.type) && order.timeInForce === 'GTC';
  if (isOpen(order) && !rests) end(venue, order, 'EXPIRED');
}

/** The market moved, or grew: everything that now triggers or crosses does so, oldest first. */
export function moveOn(venue: Venue, symbol: string): void {
  const market = venue.marketOf(symbol);
  const waiting = [...venue.state.open.values()].filter((order) => order.symbol === symbol);
  for (const order of waiting.sort((a, b) => a.orderId - b.orderId)) {
    if (!isOpen(order) || order.status === 'PENDING_NEW') continue;
    if (waitsForPrice(order)) {
      if (reached(market, order.side, order.type, dec(order.stopPrice))) trigger(venue, order);
    } else if (crosses(market, order.side, dec(order.price))) {
      // Whoever rests is met at its own price: the market has come to it.
      const qty = min(remaining(order), available(market, order));
      if (qty.gt(0)) trade(venue, order, qty, dec(order.price), true);
    }
  }
}

/** A trade of an open order that the tests ask for, whatever the market says. */
export function fillByHand(venue: Venue, order: Order, qty: Decimal, price: Decimal): void {
  if (order.workingTime === -1) order.workingTime = venue.now();
  trade(venue, order, min(qty, remaining(order)), price, true);
}

function trigger(venue: Venue, order: Order): void {
  claim(venue, order);
  enterBook(venue, order, null);
}

function trade(venue: Venue, order: Order, qty: Decimal, price: Decimal, isMaker: boolean): void {
  const market = venue.marketOf(order.symbol);
  claim(venue, order);
  settle(venue, order, qty, price, isMaker);
  if (market.liquidity !== null) {
    const left = dec(market.liquidity).minus(qty);
    market.liquidity = fixed(left.isNegative() ? ZERO : left);
    venue.state.touchMarket(market);
  }
  if (remaining(order).isZero()) end(venue, order, 'FILLED');
}

function available(market: Market, order: Order): Decimal {
  return market.liquidity === null ? remaining(order) : downTo(market.rules.stepSize, dec(market.liquidity));
}

function immediately(venue: Venue, market: Market, order: Order, price: Decimal, cap: Decimal | null): Decimal {
  const wanted = min(remaining(order), available(market, order), cap ?? remaining(order));
  // A stop that turned into a market buy may find the price above what it had locked.
  if (order.side === 'BUY' && isStop(order.type)) {
    const { free } = venue.state.balance(market.rules.quoteAsset);
    const money = dec(free).plus(dec(order.lockUnit ?? ZERO).times(remaining(order)));
    return min(wanted, downTo(market.rules.stepSize, money.div(price)));
  }
  return wanted;
}
