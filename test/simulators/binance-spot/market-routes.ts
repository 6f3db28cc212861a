import { badCombination, invalidSymbol, mandatory } from './errors.ts';
import { averagePrice } from './market.ts';
import { fixed } from './money.ts';
import type { Parameters } from './parameters.ts';
import { depthOf } from './responses.ts';
import type { Call, Route } from './route.ts';
import type { Market } from './state.ts';
import { describeSymbol } from './symbols.ts';

export function exchangeInfo({ exchange, parameters }: Call): () => unknown {
  const wanted = readSymbols(parameters);
  const permissions = parameters.optional('permissions');
  parameters.optional('showPermissionSets');
  const status = parameters.optional('symbolStatus');
  if (wanted !== null && (permissions !== null || status !== null)) throw badCombination();
  return () => {
    const { venue } = exchange;
    const markets = wanted === null ? [...venue.state.markets.values()] : wanted.map((each) => venue.marketOf(each));
    const { weightLimit, orderLimit } = venue.settings;
    return {
      timezone: 'UTC',
      serverTime: venue.now(),
      rateLimits: [
        { rateLimitType: 'REQUEST_WEIGHT', interval: 'MINUTE', intervalNum: 1, limit: weightLimit },
        { rateLimitType: 'ORDERS', interval: 'SECOND', intervalNum: 10, limit: orderLimit },
      ],
      exchangeFilters: [],
      symbols: markets
        .filter((market) => status === null || market.status === status)
        .map((market) => describeSymbol(market.rules, market.status)),
    };
  };
}

export function depth({ exchange, parameters }: Call): () => unknown {
  const symbol = parameters.required('symbol');
  parameters.integer('limit');
  return () => ({ lastUpdateId: exchange.venue.now(), ...depthOf(exchange.venue.marketOf(symbol)) });
}

export function average({ exchange, parameters }: Call): () => unknown {
  const symbol = parameters.required('symbol');
  return () => {
    const price = fixed(averagePrice(exchange.venue.marketOf(symbol)));
    return { mins: 5, price, closeTime: exchange.venue.now() };
  };
}

export function tickers(describe: (market: Market, now: number) => unknown): Route['prepare'] {
  return ({ exchange, parameters }) => {
    const isOne = parameters.has('symbol');
    const wanted = readSymbols(parameters);
    parameters.optional('type');
    return () => {
      const { venue } = exchange;
      const markets = wanted === null ? [...venue.state.markets.values()] : wanted.map((each) => venue.marketOf(each));
      const described = markets.map((market) => describe(market, venue.now()));
      return isOne ? described[0] : described;
    };
  };
}

export function priceTicker(market: Market): unknown {
  return { symbol: market.symbol, price: market.price };
}

function readSymbols(parameters: Parameters): string[] | null {
  const symbol = parameters.optional('symbol');
  const symbols = parameters.optional('symbols');
  if (symbol !== null && symbols !== null) throw badCombination();
  if (symbol !== null) return [symbol];
  if (symbols === null) return null;
  try {
    const list: unknown = JSON.parse(symbols);
    if (Array.isArray(list)) return list.map(String);
  } catch {
    // Falls through to the same answer as any other text that is no list.
  }
  if (symbols === '[]') throw mandatory('symbols');
  throw invalidSymbol();
}
