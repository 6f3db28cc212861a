import * as history from './history-routes.ts';
import * as market from './market-routes.ts';
import { readOco, readOtoco } from './order-request.ts';
import type { Parameters } from './parameters.ts';
import * as responses from './responses.ts';
import { EMPTY, type Route } from './route.ts';
import * as trading from './trading-routes.ts';

export const ROUTES: ReadonlyMap<string, Route> = new Map<string, Route>([
  ['GET /api/v3/ping', { signed: false, weight: 1, prepare: () => () => EMPTY }],
  [
    'GET /api/v3/time',
    {
      signed: false,
      weight: 1,
      prepare:
        ({ exchange }) =>
        () => ({ serverTime: exchange.venue.now() }),
    },
  ],
  ['GET /api/v3/exchangeInfo', { signed: false, weight: 20, prepare: market.exchangeInfo }],
  ['GET /api/v3/depth', { signed: false, weight: depthWeight, prepare: market.depth }],
  ['GET /api/v3/avgPrice', { signed: false, weight: 2, prepare: market.average }],
  ['GET /api/v3/ticker/price', { signed: false, weight: bySymbol(2, 4), prepare: market.tickers(market.priceTicker) }],
  [
    'GET /api/v3/ticker/bookTicker',
    { signed: false, weight: bySymbol(2, 4), prepare: market.tickers(responses.bookTicker) },
  ],
  ['GET /api/v3/ticker/24hr', { signed: false, weight: bySymbol(2, 80), prepare: market.tickers(responses.dayTicker) }],
  ['POST /api/v3/order', { signed: true, weight: 1, newOrders: 1, prepare: trading.newOrder }],
  ['POST /api/v3/order/test', { signed: true, weight: 1, prepare: trading.testOrder }],
  ['GET /api/v3/order', { signed: true, weight: 4, prepare: history.queryOrder }],
  ['DELETE /api/v3/order', { signed: true, weight: 1, prepare: trading.cancelOrder }],
  ['GET /api/v3/openOrders', { signed: true, weight: bySymbol(6, 80), prepare: history.openOrders }],
  ['DELETE /api/v3/openOrders', { signed: true, weight: 1, prepare: trading.cancelOpenOrders }],
  ['GET /api/v3/allOrders', { signed: true, weight: 20, prepare: history.allOrders }],
  ['GET /api/v3/myTrades', { signed: true, weight: tradesWeight, prepare: history.myTrades }],
  ['GET /api/v3/account', { signed: true, weight: 20, prepare: history.account }],
  ['POST /api/v3/orderList/oco', { signed: true, weight: 1, newOrders: 2, prepare: trading.newList(readOco) }],
  ['POST /api/v3/orderList/otoco', { signed: true, weight: 1, newOrders: 3, prepare: trading.newList(readOtoco) }],
  ['GET /api/v3/orderList', { signed: true, weight: 4, prepare: history.queryList }],
  ['DELETE /api/v3/orderList', { signed: true, weight: 1, prepare: trading.cancelList }],
  ['GET /api/v3/allOrderList', { signed: true, weight: 20, prepare: history.allLists }],
  ['GET /api/v3/openOrderList', { signed: true, weight: 6, prepare: history.openLists }],
  [
    'GET /sapi/v1/account/apiRestrictions',
    {
      signed: true,
      weight: 1,
      prepare:
        ({ exchange }) =>
        () =>
          responses.keyRights(exchange.venue),
    },
  ],
]);

export function isKnownPath(path: string): boolean {
  return [...ROUTES.keys()].some((key) => key.endsWith(` ${path}`));
}

function bySymbol(one: number, all: number): (parameters: Parameters) => number {
  return (parameters) => (parameters.has('symbol') || parameters.has('symbols') ? one : all);
}

function depthWeight(parameters: Parameters): number {
  const limit = parameters.integer('limit') ?? 100;
  if (limit <= 100) return 5;
  if (limit <= 500) return 25;
  return limit <= 1000 ? 50 : 250;
}

function tradesWeight(parameters: Parameters): number {
  return parameters.has('orderId') ? 5 : 20;
}
