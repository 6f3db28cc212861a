import type { Exchange, Order } from 'ccxt';

import type { OurOrder } from '../venue-adapter.ts';
import type { VenueLine } from './venue-line.ts';

/** What an asset is usually bought with, the most likely first. */
const QUOTES = ['USDT', 'USDC', 'FDUSD', 'EUR', 'USD', 'BTC'];
/** Binance tells of closed orders by market only, and charges for each. */
const MARKETS_MAX = 10;
const RECENT_MS = 24 * 3_600_000;

/**
 * Open orders of every market, and a day's orders of the markets in which the account holds something, as far as they
 * carry a tag. What was bought and sold again in a market of which nothing is left is not among them.
 */
export async function listOurs(line: VenueLine, tag: string): Promise<OurOrder[]> {
  const { open, venueNow, markets } = await line.aside('list', async (exchange) => {
    exchange.options['warnOnFetchOpenOrdersWithoutSymbol'] = false;
    const [resting, balance] = [await exchange.fetchOpenOrders(), await exchange.fetchBalance()];
    const held = Object.entries(balance['total'] as unknown as Record<string, string>).filter(
      ([, has]) => Number(has) > 0,
    );
    const known = held.flatMap(([asset]) => marketsOf(exchange, asset));
    return {
      open: resting,
      venueNow: exchange.nonce() as number,
      markets: [...new Set([...resting.map(({ symbol }) => symbol), ...known])].slice(0, MARKETS_MAX),
    };
  });
  const recent: Order[] = [];
  for (const market of markets) {
    recent.push(
      ...(await line.aside('list', (exchange) => exchange.fetchOrders(market, Math.floor(venueNow - RECENT_MS)))),
    );
  }
  const all = new Map([...recent, ...open].map((order) => [order.id, order]));
  return [...all.values()]
    .filter(({ clientOrderId }) => clientOrderId?.startsWith(tag))
    .map(({ clientOrderId, id, symbol, status }) => ({
      clientOrderId: String(clientOrderId),
      venueOrderId: String(id),
      symbol: String(symbol),
      status: String(status),
    }));
}

function marketsOf(exchange: Exchange, asset: string): string[] {
  const candidates = QUOTES.map((quote) => `${asset}/${quote}`);
  return candidates.filter((symbol) => exchange.markets?.[symbol] !== undefined).slice(0, 2);
}
