import type { Dict, Exchange, MarketInterface, Order } from 'ccxt';

import { compare, isZero, parseDecimal } from '../../domain/decimal.ts';
import { sumFills } from '../../domain/venue-order.ts';
import type { FittedOrder, OrderTicket } from '../venue-adapter.ts';
import { readFill } from './read-order.ts';

/** Which bracket is meant: its own id, in the venue's form, and its market. */
interface Named {
  readonly id: string;
  readonly symbol: string;
}

/** A stop and a target of which one ends the other, as one exchange takes them. */
export interface Brackets {
  /** Whether a market takes them, by what the exchange tells of it. */
  areTakenIn(market: MarketInterface): boolean;
  place(
    exchange: Exchange,
    bracket: Named & Pick<OrderTicket, 'side'> & { readonly order: FittedOrder },
    moment: Readonly<Record<string, unknown>>,
  ): Promise<Order>;
  /** The bracket as one order, under the bracket's id. The library's `OrderNotFound` when the venue does not show it. */
  find(exchange: Exchange, bracket: Named): Promise<Order | undefined>;
  cancel(exchange: Exchange, bracket: Named): Promise<unknown>;
  /** The bracket, where its orders are in a list; as far as the list tells of it. */
  among(orders: readonly Order[], id: string): Order | undefined;
}

/** The library signs and sends these routes, and has no words of its own for them. */
interface OrderLists {
  privatePostOrderListOco(params: object): Promise<Dict>;
  privateDeleteOrderList(params: object): Promise<Dict>;
}

/** The ids of the two orders: whoever knows the bracket's knows theirs, and one is never taken for the other. */
const targetIdOf = (id: string): string => `${id}T`;
const stopIdOf = (id: string): string => `${id}S`;

/** Statuses, in the library's words, after which nothing of an order is filled any more. */
const OVER = ['closed', 'canceled', 'canceling', 'expired', 'expired_in_match', 'rejected'];

/**
 * Binance's order lists of the kind OCO (rest-api, "New Order list - OCO"). It is not the list that is asked for: its
 * answer says only whether it goes on, while "there is no such list" is under a code that no document names (-2018).
 * The target tells more at the same price: it is there from the list's first moment, and ends when the stop is reached.
 */
export const ORDER_LISTS: Brackets = {
  // "Exchange information": each symbol says whether it takes them.
  areTakenIn: ({ info }) => (info as { ocoAllowed?: unknown } | undefined)?.ocoAllowed !== false,

  place: async (exchange, { id, symbol, side, order }, moment) => {
    const target = { Type: 'LIMIT_MAKER', Price: order.limitPrice, ClientOrderId: targetIdOf(id) };
    const stop = { Type: 'STOP_LOSS', StopPrice: order.stopPrice, ClientOrderId: stopIdOf(id) };
    const [above, below] = side === 'sell' ? [target, stop] : [stop, target];
    const { quantity } = order;
    const reply = await (exchange as unknown as OrderLists).privatePostOrderListOco({
      symbol: exchange.market(symbol).id,
      side: side.toUpperCase(),
      quantity,
      listClientOrderId: id,
      ...named('above', above),
      ...named('below', below),
      ...moment,
    });
    const { orderListId, listClientOrderId, listOrderStatus } = reply;
    // A list that is over in the moment in which it is placed is one to look at, not to believe.
    if (listOrderStatus !== 'EXECUTING')
      throw new Error(`The exchange took the bracket as ${String(listOrderStatus)}.`);
    const placed = { id: listOf(orderListId), clientOrderId: listClientOrderId, status: 'open', filled: '0' };
    return { ...placed, amount: quantity } as unknown as Order;
  },

  find: async (exchange, { id, symbol }) => {
    const target = await orderUnder(exchange, targetIdOf(id), symbol);
    if (!isOver(target)) return asOne([target], id);
    const bracket = asOne([target, await orderUnder(exchange, stopIdOf(id), symbol)], id);
    return isOver(bracket) ? withTrades(exchange, bracket, symbol) : bracket;
  },

  cancel: (exchange, { id, symbol }) =>
    (exchange as unknown as OrderLists).privateDeleteOrderList({
      symbol: exchange.market(symbol).id,
      listClientOrderId: id,
    }),

  among: (orders, id) => {
    const ids = [targetIdOf(id), stopIdOf(id)];
    const legs = orders.filter(({ clientOrderId }) => ids.includes(String(clientOrderId)));
    return legs.length === 0 ? undefined : asOne(legs, id);
  },
};

const named = (prefix: string, terms: object): object =>
  Object.fromEntries(Object.entries(terms).map(([name, value]) => [`${prefix}${name}`, value]));

const isOver = ({ status }: Order): boolean => OVER.includes(String(status));

async function orderUnder(exchange: Exchange, id: string, symbol: string): Promise<Order> {
  const order = await exchange.fetchOrder('', symbol, { clientOrderId: id });
  if (order.clientOrderId === id) return order;
  throw new Error(`The exchange described the order ${order.clientOrderId || '(no id)'} when asked for ${id}.`);
}

/** At most one of the two trades: its numbers are the bracket's. It goes on for as long as one of them does. */
function asOne(legs: readonly Order[], id: string): Order {
  const hasTraded = ({ filled }: Order): boolean => !isZero(parseDecimal(String(filled)) ?? '0');
  const order = legs.find(hasTraded) ?? legs[0]!;
  const waiting = legs.find((leg) => !isOver(leg));
  const status = waiting?.status ?? (legs.some((leg) => leg.status === 'closed') ? 'closed' : 'canceled');
  return { ...order, id: listOf(order.info.orderListId), clientOrderId: id, status, info: { tradedAs: order.id } };
}

function listOf(orderListId: unknown): string {
  const list = typeof orderListId === 'number' || typeof orderListId === 'string' ? String(orderListId) : '';
  if (!/^\d+$/.test(list)) throw new Error('The exchange described a bracket without its list.');
  return list;
}

/** Adds the executions of the order that traded. Without them the report still stands: the average is the venue's. */
async function withTrades(exchange: Exchange, bracket: Order, symbol: string): Promise<Order> {
  const { tradedAs } = bracket.info as { tradedAs: string };
  const filled = parseDecimal(String(bracket.filled)) ?? '0';
  if (isZero(filled)) return bracket;
  try {
    const all = await exchange.fetchMyTrades(symbol, undefined, undefined, { orderId: tradedAs });
    const trades = all.filter(({ order }) => order === tradedAs);
    const { filledQuantity } = sumFills(trades.map(readFill).filter((fill) => fill !== undefined));
    return compare(filledQuantity, filled) === 0 ? { ...bracket, trades } : bracket;
  } catch {
    return bracket;
  }
}
