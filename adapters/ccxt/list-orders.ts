import type { Exchange, Order } from 'ccxt';

import type { ListedOrder } from '../../domain/reconciliation.ts';
import type { Reach } from '../venue-adapter.ts';
import type { VenueLine } from './venue-line.ts';

/** What an asset is usually bought with, the most likely first. */
const QUOTES = ['USDT', 'USDC', 'FDUSD', 'EUR', 'USD', 'BTC'];
/** Binance tells of closed orders by market only, and charges for each. */
const MARKETS_MAX = 10;
const RECENT_MS = 24 * 3_600_000;
/** From a moment on Binance lists forwards: with the first page alone, the newest orders would be those that lack. */
const PAGE = 1_000;
const PAGES_MAX = 4;

/**
 * Open orders of every market, whoever placed them; where `recent` ones are asked for, also a day's orders of the markets in
 * which the account holds something or has open orders. What was bought and sold again in a market of which nothing is left
 * is not among them.
 */
export async function listOrders(line: VenueLine, reach: Reach): Promise<ListedOrder[]> {
  const open = await line.aside('list', (exchange) => {
    exchange.options['warnOnFetchOpenOrdersWithoutSymbol'] = false;
    return exchange.fetchOpenOrders();
  });
  const all = new Map(open.map((order) => [nameOf(order), listed(order, true)]));
  if (reach === 'open') return [...all.values()];
  for (const order of await recentOrders(line, open)) {
    if (!all.has(nameOf(order))) all.set(nameOf(order), listed(order, false));
  }
  return [...all.values()];
}

async function recentOrders(line: VenueLine, open: readonly Order[]): Promise<Order[]> {
  const { since, markets } = await line.aside('list', async (exchange) => {
    const balance = await exchange.fetchBalance();
    const held = Object.entries(balance['total'] as unknown as Record<string, string>).filter(
      ([, has]) => Number(has) > 0,
    );
    const known = held.flatMap(([asset]) => marketsOf(exchange, asset));
    return {
      since: Math.floor((exchange.nonce() as number) - RECENT_MS),
      markets: [...new Set([...open.map(({ symbol }) => String(symbol)), ...known])].slice(0, MARKETS_MAX),
    };
  });
  const recent: Order[] = [];
  for (const market of markets) recent.push(...(await ordersSince(line, market, since)));
  return recent;
}

async function ordersSince(line: VenueLine, market: string, since: number): Promise<Order[]> {
  const orders: Order[] = [];
  let from = since;
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const page = await line.aside('list', (exchange) => exchange.fetchOrders(market, from, PAGE));
    orders.push(...page);
    const last = Number(page.at(-1)?.timestamp);
    if (page.length < PAGE) return orders;
    // Those of the same millisecond come once more, and are the same orders.
    from = last > from ? last : from + 1;
  }
  // Of too many, those in between are left out.
  return [...orders, ...(await line.aside('list', (exchange) => exchange.fetchOrders(market, undefined, PAGE)))];
}

/** Ids are the venue's by market. */
const nameOf = ({ symbol, id }: Order): string => `${symbol} ${id}`;

function listed({ clientOrderId, id, symbol, status, filled }: Order, isOpen: boolean): ListedOrder {
  return {
    clientOrderId: clientOrderId ?? '',
    venueOrderId: String(id),
    symbol: String(symbol),
    status: String(status),
    isOpen,
    isFilled: Number(filled) > 0,
  };
}

function marketsOf(exchange: Exchange, asset: string): string[] {
  const candidates = QUOTES.map((quote) => `${asset}/${quote}`);
  return candidates.filter((symbol) => exchange.markets?.[symbol] !== undefined).slice(0, 2);
}
