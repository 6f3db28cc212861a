import { randomBytes } from 'node:crypto';
import {
  BAD_RELATIONSHIP,
  cancelRejected,
  DUPLICATE_ORDER,
  INSUFFICIENT_BALANCE,
  invalidMessage,
  mandatory,
  NO_OCO,
  orderRejected,
  UNKNOWN_LIST,
  UNKNOWN_ORDER,
  WOULD_MATCH,
  WOULD_TRIGGER,
  VenueError,
} from './errors.ts';
import { checkFilters } from './filters.ts';
import { crosses, isStop, reached, takerPrice } from './market.ts';
import { enterBook, fillByHand, moveOn } from './matching.ts';
import { dec, downTo, fixed, ZERO, type Decimal } from './money.ts';
import { end, lockPair, unitToLock } from './order-lists.ts';
import type { ListRequest, OrderRequest } from './order-request.ts';
import { lock, payingBalance } from './settlement.ts';
import { isOpen, type Market, type Order, type OrderList, type OrderStatus } from './state.ts';
import type { Venue } from './venue.ts';

export interface OrderReference {
  readonly symbol: string;
  readonly orderId: number | null;
  readonly clientOrderId: string | null;
}

export interface PlacedList {
  readonly list: OrderList;
  readonly reports: readonly Order[];
}

/** The commands of the matching engine. Each refuses before it changes anything, and is on disk before it returns. */
export class Exchange {
  readonly venue: Venue;

  constructor(venue: Venue) {
    this.venue = venue;
  }

  /** `cap` is the most that may fill at once, for the fault that forces a partial fill. */
  place(request: OrderRequest, cap: string | null = null): Order {
    const { venue } = this;
    const market = this.#admitByApi([request]);
    this.#admitId(request.clientOrderId);
    this.#admitPrice(market, request);
    const quantity = request.quantity ?? quantityFor(market, request, request.quoteOrderQty ?? ZERO);
    const unit = request.type === 'MARKET' ? marketUnit(market, request) : unitOf(request);
    this.#admitBalance(request, unit.times(quantity));
    const order = this.#create(request, quantity, -1, 0);
    lock(venue, order, unit);
    if (!isStop(order.type)) enterBook(venue, order, cap === null ? null : dec(cap));
    venue.state.commit();
    return { ...order };
  }

  /** rest-api.md, Test new order: validated, "but does not send it into the matching engine". */
  test(request: OrderRequest): void {
    this.#admitByApi([request]);
  }

  placeList(request: ListRequest): PlacedList {
    const { venue } = this;
    const { above, below } = request.pair;
    // The stop leg comes first, as in the documented answers.
    const pair = above.type.startsWith('STOP_LOSS') ? [above, below] : [below, above];
    const all = request.working === null ? pair : [request.working, ...pair];
    const market = this.#admitByApi(all);
    if (request.working === null && !market.rules.ocoAllowed) throw orderRejected(NO_OCO);
    this.#admitListIds(request, all);
    this.#admitPairPrices(market, request);
    if (request.working !== null) {
      this.#admitPrice(market, request.working);
      this.#admitBalance(request.working, unitOf(request.working).times(request.working.quantity ?? ZERO));
    }

    const listId = venue.state.nextListId();
    const orders = all.map((each, index) => this.#create(each, each.quantity ?? ZERO, listId, index));
    const list = this.#createList(request, listId, orders);
    const pending = orders.slice(-2);
    if (request.working === null) {
      // Checked against the balance beforehand; see #admitPairPrices.
      lockPair(venue, pending);
      for (const order of pending) if (!isStop(order.type)) enterBook(venue, order, null);
      venue.state.commit();
      return { list: { ...list }, reports: orders.map((order) => ({ ...order })) };
    }
    for (const order of pending) order.status = 'PENDING_NEW';
    // "The placement response will show the working order as FILLED but the pending order as PENDING_NEW."
    const pendingReports = pending.map((order) => ({ ...order }));
    const listReport = { ...list };
    const [working] = orders;
    if (working === undefined) throw new Error('a list without its working order');
    lock(venue, working, unitToLock(working));
    enterBook(venue, working, null);
    venue.state.commit();
    return { list: listReport, reports: [{ ...working }, ...pendingReports] };
  }

  /** Returns what was canceled: one order, or all the orders of its list. */
  cancel(reference: OrderReference, restriction: string | null): { order: Order; list: OrderList | null } {
    const order = this.find(reference);
    if (order === null || !isOpen(order)) throw cancelRejected();
    if (restriction !== null && restriction !== `ONLY_${order.status}`)
      throw cancelRejected('Order was not canceled due to cancel restrictions.');
    end(this.venue, order, 'CANCELED');
    this.venue.state.commit();
    return { order: { ...order }, list: this.venue.state.lists.get(order.orderListId) ?? null };
  }

  cancelAll(symbol: string): { orders: Order[]; lists: OrderList[] } {
    const { state } = this.venue;
    this.venue.marketOf(symbol);
    const open = [...state.open.values()].filter((order) => order.symbol === symbol);
    if (open.length === 0) throw cancelRejected();
    for (const order of open) if (isOpen(order)) end(this.venue, order, 'CANCELED');
    state.commit();
    const listIds = new Set(open.map((order) => order.orderListId).filter((id) => id !== -1));
    return {
      orders: open.filter((order) => order.orderListId === -1).map((order) => ({ ...order })),
      lists: [...listIds].map((id) => state.lists.get(id)).filter((list) => list !== undefined),
    };
  }

  cancelList(list: OrderList): OrderList {
    const { state } = this.venue;
    const open = list.orderIds
      .map((id) => state.orders.get(id))
      .filter((order) => order !== undefined && isOpen(order));
    const [first] = open;
    if (first === undefined) throw cancelRejected(UNKNOWN_LIST);
    end(this.venue, first, 'CANCELED');
    state.commit();
    return list;
  }

  /**
   * "orderId is searched first, then the origClientOrderId from that result is checked against that order." Under a
   * client order id it is the latest order that counts, for an id may be used again (rest-api.md, Query order).
   */
  find(reference: OrderReference): Order | null {
    const { state } = this.venue;
    this.venue.marketOf(reference.symbol);
    if (reference.orderId === null) return state.latest(reference.symbol, reference.clientOrderId ?? '') ?? null;
    const order = state.orders.get(reference.orderId);
    if (order === undefined || order.symbol !== reference.symbol) return null;
    return reference.clientOrderId === null || reference.clientOrderId === order.clientOrderId ? order : null;
  }

  findList(listId: number | null, listClientOrderId: string | null): OrderList | null {
    const { lists } = this.venue.state;
    if (listId !== null) {
      const list = lists.get(listId);
      const agrees = listClientOrderId === null || list?.listClientOrderId === listClientOrderId;
      return list !== undefined && agrees ? list : null;
    }
    return [...lists.values()].findLast((list) => list.listClientOrderId === listClientOrderId) ?? null;
  }

  /** The rest of the world trades: resting orders cross and stops trigger. */
  moveMarket(symbol: string, change: Partial<Market>): Market {
    const market = this.venue.marketOf(symbol);
    Object.assign(market, change);
    this.venue.state.touchMarket(market);
    moveOn(this.venue, symbol);
    this.venue.state.commit();
    return market;
  }

  fill(orderId: number, qty: string, price: string | null): Order {
    const order = this.#openOrder(orderId);
    const own = dec(order.price);
    const market = takerPrice(this.venue.marketOf(order.symbol), order.side);
    fillByHand(this.venue, order, dec(qty), price === null ? (own.isZero() ? market : own) : dec(price));
    this.venue.state.commit();
    return { ...order };
  }

  /** The venue itself ends an order ("by the exchange, e.g. orders canceled during maintenance", enums.md, EXPIRED). */
  endByVenue(orderId: number, status: OrderStatus): Order {
    const order = this.#openOrder(orderId);
    end(this.venue, order, status);
    this.venue.state.commit();
    return { ...order };
  }

  #openOrder(orderId: number): Order {
    const order = this.venue.state.orders.get(orderId);
    if (order === undefined || !isOpen(order) || order.status === 'PENDING_NEW') throw cancelRejected(UNKNOWN_ORDER);
    return order;
  }

  #admitByApi(requests: readonly OrderRequest[]): Market {
    const [first] = requests;
    if (first === undefined) throw mandatory('symbol');
    const market = this.venue.marketOf(first.symbol);
    if (market.status !== 'TRADING') throw invalidMessage('Market is closed.');
    if (!this.venue.settings.canTrade) throw orderRejected('This account may not place or cancel orders.');
    const open = [...this.venue.state.open.values()].filter((order) => order.symbol === market.symbol);
    const counts = { orders: open.length, algo: open.filter((order) => isStop(order.type)).length };
    for (const request of requests) {
      const isUnknown = request.type === 'STOP_LOSS' && !market.rules.stopLossAllowed;
      if (isUnknown) throw new VenueError(-1116, 'Invalid orderType.');
      checkFilters(market, counts, request);
      counts.orders += 1;
      if (isStop(request.type)) counts.algo += 1;
    }
    return market;
  }

  /** "A unique id among open orders": what is no longer open does not stand in the way (rest-api.md, New order). */
  #admitId(clientOrderId: string | null): void {
    if (clientOrderId !== null && this.venue.state.openUnder(clientOrderId) !== undefined)
      throw orderRejected(DUPLICATE_ORDER);
  }

  #admitListIds(request: ListRequest, orders: readonly OrderRequest[]): void {
    const ids = orders.map((order) => order.clientOrderId).filter((id) => id !== null);
    if (new Set(ids).size !== ids.length) throw orderRejected(DUPLICATE_ORDER);
    for (const id of ids) this.#admitId(id);
    const listId = request.listClientOrderId;
    for (const list of this.venue.state.lists.values()) {
      const isActive = list.listOrderStatus === 'EXECUTING';
      if (isActive && list.listClientOrderId === listId) throw orderRejected(DUPLICATE_ORDER);
    }
  }

  #admitPrice(market: Market, request: OrderRequest): void {
    const { side, type, price, stopPrice } = request;
    if (stopPrice !== null && reached(market, side, type, stopPrice)) throw orderRejected(WOULD_TRIGGER);
    if (type === 'LIMIT_MAKER' && price !== null && crosses(market, side, price)) throw orderRejected(WOULD_MATCH);
  }

  /** rest-api.md, New Order list - OCO, Price restrictions: above > last traded price > below. */
  #admitPairPrices(market: Market, request: ListRequest): void {
    const above = triggerOf(request.pair.above);
    const below = triggerOf(request.pair.below);
    const isPending = request.working !== null;
    // A pending pair meets the market only when its working order has filled; until then only their order counts.
    const isRight = isPending ? above.gt(below) : above.gt(market.price) && below.lt(market.price);
    if (!isRight) throw orderRejected(BAD_RELATIONSHIP);
    if (isPending) return;
    const { pair } = request;
    const unit = [pair.above, pair.below].map(unitOf).reduce((a, b) => (a.gt(b) ? a : b));
    this.#admitBalance(pair.above, unit.times(pair.above.quantity ?? ZERO));
  }

  #admitBalance(request: OrderRequest, needed: Decimal): void {
    const { free } = payingBalance(this.venue, request.symbol, request.side);
    if (needed.gt(free)) throw orderRejected(INSUFFICIENT_BALANCE);
  }

  #create(request: OrderRequest, quantity: Decimal, listId: number, offset: number): Order {
    const { state } = this.venue;
    const now = this.venue.now();
    const order: Order = {
      orderId: state.nextOrderId(),
      symbol: request.symbol,
      clientOrderId: request.clientOrderId ?? generatedId(offset),
      side: request.side,
      type: request.type,
      timeInForce: request.timeInForce,
      price: fixed(request.price ?? ZERO),
      stopPrice: fixed(request.stopPrice ?? ZERO),
      origQuoteOrderQty: fixed(request.quoteOrderQty ?? ZERO),
      time: now,
      strategyId: request.strategyId,
      strategyType: request.strategyType,
      orderListId: listId,
      origQty: fixed(quantity),
      executedQty: fixed(ZERO),
      cummulativeQuoteQty: fixed(ZERO),
      status: 'NEW',
      updateTime: now,
      workingTime: -1,
      lockUnit: null,
      rejectReason: null,
      bookedAt: Date.now(),
    };
    state.touchOrder(order);
    return order;
  }

  #createList(request: ListRequest, orderListId: number, orders: readonly Order[]): OrderList {
    const list: OrderList = {
      orderListId,
      listClientOrderId: request.listClientOrderId ?? generatedId(9),
      contingencyType: request.working === null ? 'OCO' : 'OTO',
      symbol: request.symbol,
      transactionTime: this.venue.now(),
      orderIds: orders.map((order) => order.orderId),
      workingOrderId: request.working === null ? null : (orders[0]?.orderId ?? null),
      listStatusType: 'EXEC_STARTED',
      listOrderStatus: 'EXECUTING',
    };
    this.venue.state.touchList(list);
    return list;
  }
}

/** "The order will execute a quantity that will have the notional value as close as possible to quoteOrderQty." */
function quantityFor(market: Market, request: OrderRequest, quoteOrderQty: Decimal): Decimal {
  const { rules, liquidity } = market;
  if (liquidity !== null && dec(liquidity).isZero())
    throw orderRejected('Order book liquidity is less than symbol minimum quantity.');
  if (liquidity !== null && dec(liquidity).lt(rules.minQty))
    throw orderRejected('Order book liquidity is less than `LOT_SIZE` filter minimum quantity.');
  const quantity = downTo(rules.stepSize, quoteOrderQty.div(takerPrice(market, request.side)));
  if (quantity.lt(rules.minQty)) throw new VenueError(-1013, 'Filter failure: LOT_SIZE');
  return quantity;
}

function marketUnit(market: Market, request: OrderRequest): Decimal {
  return request.side === 'SELL' ? dec(1) : takerPrice(market, request.side);
}

function unitOf(request: OrderRequest): Decimal {
  return unitToLock({
    side: request.side,
    price: fixed(request.price ?? ZERO),
    stopPrice: fixed(request.stopPrice ?? ZERO),
  });
}

/** The price at which a leg acts: its stop when it has one, else its limit. */
function triggerOf(request: OrderRequest): Decimal {
  return request.stopPrice ?? request.price ?? ZERO;
}

/** "Automatically generated if not sent": 22 characters, as in the documented answers. */
function generatedId(offset: number): string {
  return `${randomBytes(16).toString('base64url').slice(0, 21)}${offset}`.replaceAll('-', 'A').replaceAll('_', 'B');
}
