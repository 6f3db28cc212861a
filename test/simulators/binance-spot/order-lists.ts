import { crosses, isStop, reached } from './market.ts';
import { dec, type Decimal } from './money.ts';
import { lock, payingBalance, release } from './settlement.ts';
import { isOpen, remaining, type Order, type OrderList, type OrderStatus } from './state.ts';
import type { Venue } from './venue.ts';

/**
 * "Activation of one order immediately cancels the other" (rest-api.md, New Order list - OCO): the leg that fills, even
 * in part, or whose stop is reached takes over what the pair holds locked, and its sibling expires.
 */
export function claim(venue: Venue, order: Order): void {
  const list = venue.state.lists.get(order.orderListId);
  if (list === undefined || order.orderId === list.workingOrderId) return;
  for (const sibling of openLegs(venue, list)) {
    if (sibling === order) continue;
    if (order.lockUnit === null) {
      order.lockUnit = sibling.lockUnit;
      sibling.lockUnit = null;
    }
    close(venue, sibling, 'EXPIRED');
  }
}

/** Ends an order, frees what it holds, and lets its list react. */
export function end(venue: Venue, order: Order, status: OrderStatus): void {
  close(venue, order, status);
  const list = venue.state.lists.get(order.orderListId);
  if (list === undefined) return;
  if (order.orderId === list.workingOrderId && status === 'FILLED') goLive(venue, list);
  // Canceling one order of a list cancels the list (rest-api.md, Cancel Order list, Notes).
  else for (const other of openLegs(venue, list)) close(venue, other, status === 'CANCELED' ? 'CANCELED' : 'EXPIRED');
  settleList(venue, list);
}

/** A pair locks once, since only one leg can trade: the dearer of the two when it buys. */
export function lockPair(venue: Venue, legs: readonly Order[]): boolean {
  const [carrier] = legs;
  if (carrier === undefined) return false;
  const unit = legs.map(unitToLock).reduce((dearest, each) => (each.gt(dearest) ? each : dearest));
  if (unit.times(remaining(carrier)).gt(payingBalance(venue, carrier.symbol, carrier.side).free)) return false;
  lock(venue, carrier, unit);
  return true;
}

export function unitToLock(order: Pick<Order, 'side' | 'price' | 'stopPrice'>): Decimal {
  if (order.side === 'SELL') return dec(1);
  return dec(order.price).isZero() ? dec(order.stopPrice) : dec(order.price);
}

/**
 * The pending pair goes on the book once the working order is fully filled. What the engine would refuse at that
 * moment ends REJECTED with a reason of user-data-stream.md; a pair stands or falls together.
 */
function goLive(venue: Venue, list: OrderList): void {
  const legs = openLegs(venue, list);
  const reason = legs.map((leg) => objection(venue, leg)).find((each) => each !== null) ?? null;
  const refused = reason ?? (lockPair(venue, legs) ? null : 'INSUFFICIENT_BALANCES');
  for (const leg of legs) {
    if (refused !== null) {
      leg.rejectReason = refused;
      close(venue, leg, 'REJECTED');
      continue;
    }
    leg.status = 'NEW';
    leg.updateTime = venue.now();
    leg.workingTime = isStop(leg.type) ? -1 : leg.updateTime;
    venue.state.touchOrder(leg);
  }
}

function objection(venue: Venue, leg: Order): string | null {
  const market = venue.marketOf(leg.symbol);
  if (isStop(leg.type)) {
    return reached(market, leg.side, leg.type, dec(leg.stopPrice)) ? 'STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY' : null;
  }
  return crosses(market, leg.side, dec(leg.price)) ? 'WOULD_MATCH_IMMEDIATELY' : null;
}

function close(venue: Venue, order: Order, status: OrderStatus): void {
  release(venue, order);
  order.status = status;
  order.updateTime = venue.now();
  venue.state.touchOrder(order);
}

function settleList(venue: Venue, list: OrderList): void {
  if (openLegs(venue, list).length === 0) {
    list.listStatusType = 'ALL_DONE';
    list.listOrderStatus = 'ALL_DONE';
  }
  venue.state.touchList(list);
}

function openLegs(venue: Venue, list: OrderList): Order[] {
  return list.orderIds
    .map((id) => venue.state.orders.get(id))
    .filter((order) => order !== undefined)
    .filter(isOpen);
}
