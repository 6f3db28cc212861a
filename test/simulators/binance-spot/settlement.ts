import { dec, fixed, min, ZERO, type Decimal } from './money.ts';
import { remaining, type Balance, type Fill, type Order, type Side } from './state.ts';
import type { Venue } from './venue.ts';

/** What an order pays with: the quote asset when it buys, the base asset when it sells. */
export function payingBalance(venue: Venue, symbol: string, side: Side): Balance {
  const { rules } = venue.marketOf(symbol);
  return venue.state.balance(side === 'BUY' ? rules.quoteAsset : rules.baseAsset);
}

export function lock(venue: Venue, order: Order, unit: Decimal): void {
  move(venue, payingBalance(venue, order.symbol, order.side), unit.times(remaining(order)));
  order.lockUnit = fixed(unit);
}

export function release(venue: Venue, order: Order): void {
  if (order.lockUnit === null) return;
  move(venue, payingBalance(venue, order.symbol, order.side), dec(order.lockUnit).times(remaining(order)).negated());
  order.lockUnit = null;
}

/**
 * Books one trade. The commission comes out of the asset that is received (commission_faq.md), so that a bought
 * position is a little smaller than the order that bought it.
 */
export function settle(venue: Venue, order: Order, qty: Decimal, price: Decimal, isMaker: boolean): Fill {
  const { state } = venue;
  const { rules } = venue.marketOf(order.symbol);
  const isBuyer = order.side === 'BUY';
  const quoteQty = qty.times(price);
  const paid = isBuyer ? quoteQty : qty;
  const received = isBuyer ? qty : quoteQty;
  const commission = dec(fixed(received.times(venue.settings.commissionRate)));

  const paying = payingBalance(venue, order.symbol, order.side);
  const unlocked = min(dec(order.lockUnit ?? ZERO).times(qty), dec(paying.locked));
  paying.locked = fixed(dec(paying.locked).minus(unlocked));
  paying.free = fixed(dec(paying.free).plus(unlocked).minus(paid));
  state.touchBalance(paying);
  const receiving = state.balance(isBuyer ? rules.baseAsset : rules.quoteAsset);
  receiving.free = fixed(dec(receiving.free).plus(received).minus(commission));
  state.touchBalance(receiving);

  const fill: Fill = {
    tradeId: state.fills.length + 1,
    orderId: order.orderId,
    orderListId: order.orderListId,
    clientOrderId: order.clientOrderId,
    symbol: order.symbol,
    price: fixed(price),
    qty: fixed(qty),
    quoteQty: fixed(quoteQty),
    commission: fixed(commission),
    commissionAsset: receiving.asset,
    time: venue.now(),
    isBuyer,
    isMaker,
    bookedAt: Date.now(),
  };
  state.addFill(fill);
  order.executedQty = fixed(dec(order.executedQty).plus(qty));
  order.cummulativeQuoteQty = fixed(dec(order.cummulativeQuoteQty).plus(quoteQty));
  order.status = 'PARTIALLY_FILLED';
  order.updateTime = fill.time;
  state.touchOrder(order);
  return fill;
}

/** From free to locked, or back with a negative amount. */
function move(venue: Venue, balance: Balance, amount: Decimal): void {
  balance.free = fixed(dec(balance.free).minus(amount));
  balance.locked = fixed(dec(balance.locked).plus(amount));
  venue.state.touchBalance(balance);
}
