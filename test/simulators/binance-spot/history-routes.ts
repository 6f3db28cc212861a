import { badCombination, noSuchList, noSuchOrder, oneOf, VenueError } from './errors.ts';
import type { Exchange } from './exchange.ts';
import type { Parameters } from './parameters.ts';
import * as responses from './responses.ts';
import { readReference, type Call } from './route.ts';
import { isOpen, type Order } from './state.ts';

export function queryOrder({ exchange, parameters }: Call): () => unknown {
  const reference = readReference(parameters);
  return () => {
    const order = exchange.find(reference);
    const seen = order === null ? undefined : exchange.venue.state.seen(order, exchange.venue.settings.readLagMs);
    if (seen === undefined) throw noSuchOrder();
    return responses.queried(seen);
  };
}

export function openOrders({ exchange, parameters }: Call): () => unknown {
  const symbol = parameters.optional('symbol');
  return () => {
    if (symbol !== null) exchange.venue.marketOf(symbol);
    const { state, settings } = exchange.venue;
    const orders = settings.readLagMs > 0 ? state.orders : state.open;
    return seenOrders(exchange, orders.values())
      .filter(isOpen)
      .filter((order) => symbol === null || order.symbol === symbol)
      .map(responses.queried);
  };
}

export function allOrders({ exchange, parameters }: Call): () => unknown {
  const symbol = parameters.required('symbol');
  const orderId = parameters.integer('orderId');
  const range = readRange(parameters);
  return () => {
    exchange.venue.marketOf(symbol);
    const found = seenOrders(exchange, exchange.venue.state.orders.values())
      .filter((order) => order.symbol === symbol && (orderId === null || order.orderId >= orderId))
      .filter((order) => within(range, order.time));
    return page(found, range, orderId !== null || range.from !== null).map(responses.queried);
  };
}

export function myTrades({ exchange, parameters }: Call): () => unknown {
  const symbol = parameters.required('symbol');
  const orderId = parameters.integer('orderId');
  const fromId = parameters.integer('fromId');
  const range = readRange(parameters);
  if (fromId !== null && (range.from !== null || range.to !== null)) throw badCombination();
  return () => {
    exchange.venue.marketOf(symbol);
    const horizon = Date.now() - exchange.venue.settings.readLagMs;
    const { state } = exchange.venue;
    const found = (orderId === null ? state.fills : state.fillsOf(orderId))
      .filter((fill) => fill.symbol === symbol && fill.bookedAt <= horizon)
      .filter((fill) => (fromId === null || fill.tradeId >= fromId) && within(range, fill.time));
    return page(found, range, fromId !== null || range.from !== null).map(responses.trade);
  };
}

export function account({ exchange, parameters }: Call): () => unknown {
  const omitZero = parameters.optional('omitZeroBalances') === 'true';
  return () => responses.account(exchange.venue, omitZero);
}

export function queryList({ exchange, parameters }: Call): () => unknown {
  const listId = parameters.integer('orderListId');
  const clientId = parameters.optional('origClientOrderId');
  if (listId === null && clientId === null) throw oneOf('origClientOrderId', 'orderListId');
  return () => {
    const list = exchange.findList(listId, clientId);
    const isSeen = list !== null && isOld(exchange, list.transactionTime);
    if (!isSeen) throw noSuchList();
    return responses.listed(exchange.venue, list);
  };
}

export function allLists({ exchange, parameters }: Call): () => unknown {
  const fromId = parameters.integer('fromId');
  const range = readRange(parameters);
  if (fromId !== null && (range.from !== null || range.to !== null)) throw badCombination();
  return () => {
    const found = [...exchange.venue.state.lists.values()]
      .filter((list) => isOld(exchange, list.transactionTime) && within(range, list.transactionTime))
      .filter((list) => fromId === null || list.orderListId >= fromId);
    return page(found, range, fromId !== null || range.from !== null).map((list) =>
      responses.listed(exchange.venue, list),
    );
  };
}

export function openLists({ exchange }: Call): () => unknown {
  return () =>
    [...exchange.venue.state.lists.values()]
      .filter((list) => list.listOrderStatus === 'EXECUTING' && isOld(exchange, list.transactionTime))
      .map((list) => responses.listed(exchange.venue, list));
}

interface Range {
  readonly from: number | null;
  readonly to: number | null;
  readonly limit: number;
}

function readRange(parameters: Parameters): Range {
  const from = parameters.integer('startTime');
  const to = parameters.integer('endTime');
  const limit = Math.min(parameters.integer('limit') ?? 500, 1000);
  // "The time between startTime and endTime can't be longer than 24 hours."
  if (from !== null && to !== null && to - from > 86_400_000)
    throw new VenueError(-1127, 'More than 24 hours between startTime and endTime.');
  return { from, to, limit };
}

function within(range: Range, time: number): boolean {
  return (range.from === null || time >= range.from) && (range.to === null || time <= range.to);
}

/** From a starting point it goes forwards; otherwise "most recent orders are returned". Oldest first either way. */
function page<T>(items: readonly T[], range: Range, forwards: boolean): T[] {
  return forwards ? items.slice(0, range.limit) : items.slice(-range.limit);
}

function seenOrders(exchange: Exchange, orders: Iterable<Order>): Order[] {
  const { state, settings } = exchange.venue;
  return [...orders].map((order) => state.seen(order, settings.readLagMs)).filter((order) => order !== undefined);
}

function isOld(exchange: Exchange, time: number): boolean {
  return time <= exchange.venue.now() - exchange.venue.settings.readLagMs;
}
