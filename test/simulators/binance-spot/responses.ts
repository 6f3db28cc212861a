import { dec, fixed } from './money.ts';
import { isStop } from './market.ts';
import type { ResponseType } from './order-request.ts';
import type { Fill, Market, Order, OrderList } from './state.ts';
import type { Venue } from './venue.ts';

type Json = Record<string, unknown>;

/** rest-api.md, New order: Response - ACK, RESULT, FULL. */
export function placement(order: Order, fills: readonly Fill[], type: ResponseType): Json {
  const ack = {
    symbol: order.symbol,
    orderId: order.orderId,
    orderListId: order.orderListId,
    clientOrderId: order.clientOrderId,
    transactTime: order.updateTime,
  };
  if (type === 'ACK') return ack;
  const result = { ...ack, ...terms(order), workingTime: order.workingTime, selfTradePreventionMode: 'NONE' };
  if (type === 'RESULT') return result;
  return {
    ...result,
    fills: fills.map(({ price, qty, commission, commissionAsset, tradeId }) => ({
      price,
      qty,
      commission,
      commissionAsset,
      tradeId,
    })),
  };
}

/** rest-api.md, Query order. Where isWorking is documented it is true; a stop that waits is not on the book. */
export function queried(order: Order): Json {
  return {
    symbol: order.symbol,
    orderId: order.orderId,
    orderListId: order.orderListId,
    clientOrderId: order.clientOrderId,
    price: order.price,
    origQty: order.origQty,
    executedQty: order.executedQty,
    cummulativeQuoteQty: order.cummulativeQuoteQty,
    status: order.status,
    timeInForce: order.timeInForce,
    type: order.type,
    side: order.side,
    stopPrice: order.stopPrice,
    icebergQty: fixed('0'),
    time: order.time,
    updateTime: order.updateTime,
    isWorking: order.workingTime !== -1,
    workingTime: order.workingTime,
    origQuoteOrderQty: order.origQuoteOrderQty,
    ...strategy(order),
    selfTradePreventionMode: 'NONE',
  };
}

/** rest-api.md, Cancel order: the order keeps its id as origClientOrderId, clientOrderId is that of the cancel. */
export function canceled(order: Order, cancelId: string): Json {
  return {
    symbol: order.symbol,
    origClientOrderId: order.clientOrderId,
    orderId: order.orderId,
    orderListId: order.orderListId,
    clientOrderId: cancelId,
    transactTime: order.updateTime,
    ...terms(order),
    selfTradePreventionMode: 'NONE',
  };
}

/** rest-api.md, Query Order list. */
export function listed(venue: Venue, list: OrderList): Json {
  return {
    orderListId: list.orderListId,
    contingencyType: list.contingencyType,
    listStatusType: list.listStatusType,
    listOrderStatus: list.listOrderStatus,
    listClientOrderId: list.listClientOrderId,
    transactionTime: list.transactionTime,
    symbol: list.symbol,
    orders: ordersOf(venue, list).map(({ symbol, orderId, clientOrderId }) => ({ symbol, orderId, clientOrderId })),
  };
}

/** rest-api.md, Cancel Order list. */
export function listCanceled(venue: Venue, list: OrderList, cancelId: string): Json {
  return {
    ...listed(venue, list),
    orderReports: ordersOf(venue, list)
      .filter((order) => order.status === 'CANCELED')
      .map((order) => canceled(order, cancelId)),
  };
}

/** rest-api.md, Account trade list. */
export function trade(fill: Fill): Json {
  return {
    symbol: fill.symbol,
    id: fill.tradeId,
    orderId: fill.orderId,
    orderListId: fill.orderListId,
    price: fill.price,
    qty: fill.qty,
    quoteQty: fill.quoteQty,
    commission: fill.commission,
    commissionAsset: fill.commissionAsset,
    time: fill.time,
    isBuyer: fill.isBuyer,
    isMaker: fill.isMaker,
    isBestMatch: true,
  };
}

/** rest-api.md, Account information. */
export function account(venue: Venue, omitZero: boolean): Json {
  const { settings, state } = venue;
  const rate = fixed(settings.commissionRate);
  const points = dec(settings.commissionRate).times(10_000).toNumber();
  const balances = [...state.balances.values()].map(({ asset, free, locked }) => ({ asset, free, locked }));
  return {
    makerCommission: points,
    takerCommission: points,
    buyerCommission: 0,
    sellerCommission: 0,
    commissionRates: { maker: rate, taker: rate, buyer: fixed('0'), seller: fixed('0') },
    canTrade: settings.canTrade,
    canWithdraw: settings.enableWithdrawals,
    canDeposit: true,
    brokered: false,
    requireSelfTradePrevention: false,
    preventSor: false,
    updateTime: venue.now(),
    accountType: 'SPOT',
    balances: omitZero ? balances.filter(({ free, locked }) => !dec(free).plus(locked).isZero()) : balances,
    permissions: ['SPOT'],
    uid: 354_937_868,
  };
}

/** The wallet API's answer on the rights of the key (Wallet Endpoints, Get API Key Permission). */
export function keyRights(venue: Venue): Json {
  return {
    ipRestrict: false,
    createTime: 1_700_000_000_000,
    enableReading: true,
    enableWithdrawals: venue.settings.enableWithdrawals,
    enableInternalTransfer: false,
    enableMargin: false,
    enableFutures: false,
    permitsUniversalTransfer: false,
    enableVanillaOptions: false,
    enableFixApiTrade: false,
    enableFixReadOnly: false,
    enableSpotAndMarginTrading: venue.settings.canTrade,
    enablePortfolioMarginTrading: false,
  };
}

export function depthOf(market: Market): { bids: string[][]; asks: string[][] } {
  const quantity = market.liquidity ?? fixed('1000');
  if (dec(quantity).isZero()) return { bids: [], asks: [] };
  return { bids: [[market.bid, quantity]], asks: [[market.ask, quantity]] };
}

export function bookTicker(market: Market): Json {
  const quantity = market.liquidity ?? fixed('1000');
  return { symbol: market.symbol, bidPrice: market.bid, bidQty: quantity, askPrice: market.ask, askQty: quantity };
}

/** rest-api.md, 24hr ticker. The simulator keeps no history: a day in which nothing moved. */
export function dayTicker(market: Market, now: number): Json {
  const { symbol, price, bid, ask } = market;
  const quantity = market.liquidity ?? fixed('1000');
  return {
    symbol,
    priceChange: fixed('0'),
    priceChangePercent: '0.000',
    weightedAvgPrice: market.average ?? price,
    prevClosePrice: price,
    lastPrice: price,
    lastQty: fixed('1'),
    bidPrice: bid,
    bidQty: quantity,
    askPrice: ask,
    askQty: quantity,
    openPrice: price,
    highPrice: price,
    lowPrice: price,
    volume: fixed('1000'),
    quoteVolume: fixed(dec(price).times(1000)),
    openTime: now - 86_400_000,
    closeTime: now,
    firstId: 1,
    lastId: 1000,
    count: 1000,
  };
}

function ordersOf(venue: Venue, list: OrderList): Order[] {
  return list.orderIds.map((id) => venue.state.orders.get(id)).filter((order) => order !== undefined);
}

function terms(order: Order): Json {
  return {
    price: order.price,
    origQty: order.origQty,
    executedQty: order.executedQty,
    origQuoteOrderQty: order.origQuoteOrderQty,
    cummulativeQuoteQty: order.cummulativeQuoteQty,
    status: order.status,
    timeInForce: order.timeInForce,
    type: order.type,
    side: order.side,
    // rest-api.md, Conditional fields in Order Responses.
    ...(isStop(order.type) ? { stopPrice: order.stopPrice } : {}),
    ...strategy(order),
  };
}

function strategy(order: Order): Json {
  return {
    ...(order.strategyId === null ? {} : { strategyId: order.strategyId }),
    ...(order.strategyType === null ? {} : { strategyType: order.strategyType }),
  };
}
