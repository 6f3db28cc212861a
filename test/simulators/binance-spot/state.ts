import type { Ledger } from './ledger.ts';
import { dec, fixed, ZERO, type Decimal } from './money.ts';
import { DEFAULT_BALANCES, DEFAULT_SYMBOLS, type SymbolRules } from './symbols.ts';

export type Side = 'BUY' | 'SELL';
export type TimeInForce = 'GTC' | 'IOC' | 'FOK';
export type OrderType =
  'LIMIT' | 'MARKET' | 'STOP_LOSS' | 'STOP_LOSS_LIMIT' | 'TAKE_PROFIT' | 'TAKE_PROFIT_LIMIT' | 'LIMIT_MAKER';
/** enums.md, Order status. PENDING_CANCEL is "currently unused" and EXPIRED_IN_MATCH needs self-trading. */
export type OrderStatus = 'NEW' | 'PENDING_NEW' | 'PARTIALLY_FILLED' | 'FILLED' | 'CANCELED' | 'REJECTED' | 'EXPIRED';

export interface Order {
  readonly orderId: number;
  readonly symbol: string;
  readonly clientOrderId: string;
  readonly side: Side;
  readonly type: OrderType;
  readonly timeInForce: TimeInForce;
  readonly price: string;
  readonly stopPrice: string;
  readonly origQuoteOrderQty: string;
  readonly time: number;
  readonly strategyId: number | null;
  readonly strategyType: number | null;
  orderListId: number;
  origQty: string;
  executedQty: string;
  cummulativeQuoteQty: string;
  status: OrderStatus;
  updateTime: number;
  /** When it went on the book; -1 while a stop waits for its price or a pending leg for its working order. */
  workingTime: number;
  /** What one unit of its open quantity holds locked, in the quote asset for a buy and the base asset for a sell. */
  lockUnit: string | null;
  /** user-data-stream.md, Order Reject Reason; only for a pending leg that could not go live. */
  rejectReason: string | null;
  /** This machine's clock at the first booking: the read lag counts from it. */
  readonly bookedAt: number;
}

export interface OrderList {
  readonly orderListId: number;
  readonly listClientOrderId: string;
  readonly contingencyType: 'OCO' | 'OTO';
  readonly symbol: string;
  readonly transactionTime: number;
  readonly orderIds: readonly number[];
  readonly workingOrderId: number | null;
  listStatusType: 'EXEC_STARTED' | 'ALL_DONE';
  listOrderStatus: 'EXECUTING' | 'ALL_DONE';
}

export interface Fill {
  readonly tradeId: number;
  readonly orderId: number;
  readonly orderListId: number;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly price: string;
  readonly qty: string;
  readonly quoteQty: string;
  readonly commission: string;
  readonly commissionAsset: string;
  readonly time: number;
  readonly isBuyer: boolean;
  readonly isMaker: boolean;
  readonly bookedAt: number;
}

export interface Balance {
  readonly asset: string;
  free: string;
  locked: string;
}

/** The whole rest of the market: one price level on each side with so much on it (null: endless). */
export interface Market {
  readonly symbol: string;
  rules: SymbolRules;
  status: 'TRADING' | 'HALT' | 'BREAK';
  price: string;
  bid: string;
  ask: string;
  /** The weighted average that NOTIONAL and PERCENT_PRICE_BY_SIDE look at; null follows the last price. */
  average: string | null;
  liquidity: string | null;
}

export function isOpen(order: Order): boolean {
  return order.status === 'NEW' || order.status === 'PARTIALLY_FILLED' || order.status === 'PENDING_NEW';
}

export function remaining(order: Order): Decimal {
  return dec(order.origQty).minus(order.executedQty);
}

/** The books in memory; whoever changes an object says so with `touch`, and `commit` writes all of it at once. */
export class VenueState {
  readonly orders = new Map<number, Order>();
  readonly lists = new Map<number, OrderList>();
  readonly fills: Fill[] = [];
  readonly balances = new Map<string, Balance>();
  readonly markets = new Map<string, Market>();
  readonly open = new Map<number, Order>();
  readonly #latest = new Map<string, Order>();
  readonly #fillsOf = new Map<number, Fill[]>();
  readonly #seen = new Map<number, { at: number; order: Order }[]>();
  readonly #ledger: Ledger;
  #changed = { orders: new Set<Order>(), lists: new Set<OrderList>(), fills: new Set<Fill>() };
  #changedBalances = new Set<Balance>();
  #changedMarkets = new Set<Market>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
    const kept = ledger.load();
    for (const market of kept.markets) this.markets.set(market.symbol, market);
    for (const balance of kept.balances) this.balances.set(balance.asset, balance);
    for (const list of kept.lists) this.lists.set(list.orderListId, list);
    for (const order of kept.orders) this.#index(order);
    for (const fill of kept.fills) this.#indexFill(fill);
    if (this.markets.size === 0) this.#open();
  }

  nextOrderId(): number {
    return this.orders.size + 1;
  }

  nextListId(): number {
    return this.lists.size;
  }

  market(symbol: string): Market | undefined {
    return this.markets.get(symbol);
  }

  balance(asset: string): Balance {
    let balance = this.balances.get(asset);
    if (balance === undefined) {
      balance = { asset, free: fixed(ZERO), locked: fixed(ZERO) };
      this.balances.set(asset, balance);
    }
    return balance;
  }

  /** The latest order under this id: an id may be used again once its order is no longer open. */
  latest(symbol: string, clientOrderId: string): Order | undefined {
    return this.#latest.get(`${symbol} ${clientOrderId}`);
  }

  openUnder(clientOrderId: string): Order | undefined {
    for (const order of this.open.values()) if (order.clientOrderId === clientOrderId) return order;
    return undefined;
  }

  fillsOf(orderId: number): readonly Fill[] {
    return this.#fillsOf.get(orderId) ?? [];
  }

  /** The order as a read sees it that lags `lagMs` behind; undefined when it was not there yet. */
  seen(order: Order, lagMs: number): Order | undefined {
    if (lagMs <= 0) return order;
    const horizon = Date.now() - lagMs;
    const versions = this.#seen.get(order.orderId);
    if (versions === undefined) return order.bookedAt <= horizon ? order : undefined;
    return versions.findLast((version) => version.at <= horizon)?.order;
  }

  touchOrder(order: Order): void {
    this.#changed.orders.add(order);
    this.#index(order);
  }

  touchList(list: OrderList): void {
    this.#changed.lists.add(list);
    this.lists.set(list.orderListId, list);
  }

  touchMarket(market: Market): void {
    this.#changedMarkets.add(market);
  }

  touchBalance(balance: Balance): void {
    this.#changedBalances.add(balance);
  }

  addFill(fill: Fill): void {
    this.#changed.fills.add(fill);
    this.#indexFill(fill);
  }

  commit(): void {
    const { orders, lists, fills } = this.#changed;
    const balances = this.#changedBalances;
    const markets = this.#changedMarkets;
    this.#changed = { orders: new Set(), lists: new Set(), fills: new Set() };
    this.#changedBalances = new Set();
    this.#changedMarkets = new Set();
    if (orders.size + lists.size + fills.size + balances.size + markets.size === 0) return;
    this.#ledger.write({ orders, lists, fills, balances, markets });
    for (const order of orders) this.#remember(order);
  }

  #remember(order: Order): void {
    const versions = this.#seen.get(order.orderId) ?? [];
    versions.push({ at: Date.now(), order: { ...order } });
    if (versions.length > 16) versions.shift();
    this.#seen.set(order.orderId, versions);
  }

  #index(order: Order): void {
    this.orders.set(order.orderId, order);
    const key = `${order.symbol} ${order.clientOrderId}`;
    if ((this.#latest.get(key)?.orderId ?? 0) <= order.orderId) this.#latest.set(key, order);
    if (isOpen(order)) this.open.set(order.orderId, order);
    else this.open.delete(order.orderId);
  }

  #indexFill(fill: Fill): void {
    this.fills.push(fill);
    const fills = this.#fillsOf.get(fill.orderId);
    if (fills === undefined) this.#fillsOf.set(fill.orderId, [fill]);
    else fills.push(fill);
  }

  #open(): void {
    for (const rules of DEFAULT_SYMBOLS) {
      const price = fixed(rules.startPrice);
      const market: Market = {
        symbol: rules.symbol,
        rules,
        status: 'TRADING',
        price,
        bid: price,
        ask: price,
        average: null,
        liquidity: null,
      };
      this.markets.set(market.symbol, market);
      this.touchMarket(market);
    }
    for (const [asset, amount] of Object.entries(DEFAULT_BALANCES)) {
      const balance = this.balance(asset);
      balance.free = fixed(amount);
      this.touchBalance(balance);
    }
    this.commit();
  }
}
