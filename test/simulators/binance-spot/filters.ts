import { filterFailure, invalidMessage } from './errors.ts';
import { averagePrice, isAtMarket, isStop } from './market.ts';
import { dec, ZERO, type Decimal } from './money.ts';
import type { OrderRequest } from './order-request.ts';
import type { Market } from './state.ts';
import type { SymbolRules } from './symbols.ts';

export interface OpenCounts {
  readonly orders: number;
  readonly algo: number;
}

/** filters.md, in the order in which it lists them. Whoever fails one never reached the engine: -1013. */
export function checkFilters(market: Market, open: OpenCounts, request: OrderRequest): void {
  const { rules } = market;
  checkPrices(rules, request);
  if (request.price !== null) checkPercentPrice(market, request.price);
  if (request.quantity !== null) checkQuantity(rules, request, request.quantity);
  checkNotional(market, request);
  checkCounts(rules, open, request);
}

function checkPrices(rules: SymbolRules, request: OrderRequest): void {
  if (request.price?.isZero() === true) throw invalidMessage('Invalid price.');
  for (const price of [request.price, request.stopPrice]) {
    if (price === null) continue;
    const tooLow = price.lt(rules.minPrice) && !dec(rules.minPrice).isZero();
    const tooHigh = price.gt(rules.maxPrice) && !dec(rules.maxPrice).isZero();
    if (tooLow || tooHigh || !isMultiple(price, rules.tickSize)) throw filterFailure('PRICE_FILTER');
  }
}

function checkPercentPrice(market: Market, price: Decimal): void {
  const average = averagePrice(market);
  const tooHigh = price.gt(average.times(market.rules.multiplierUp));
  const tooLow = price.lt(average.times(market.rules.multiplierDown));
  if (tooHigh || tooLow) throw filterFailure('PERCENT_PRICE_BY_SIDE');
}

function checkQuantity(rules: SymbolRules, request: OrderRequest, quantity: Decimal): void {
  if (quantity.isZero()) throw invalidMessage('Invalid quantity.');
  if (quantity.lt(rules.minQty) || quantity.gt(rules.maxQty) || !isMultiple(quantity, rules.stepSize)) {
    throw filterFailure('LOT_SIZE');
  }
  if (request.type === 'MARKET' && quantity.gt(rules.marketMaxQty)) throw filterFailure('MARKET_LOT_SIZE');
}

/** A market order has no price, so the average of the last minutes stands in (filters.md, NOTIONAL). */
function checkNotional(market: Market, request: OrderRequest): void {
  const atMarket = request.type === 'MARKET';
  const price = request.price ?? (isStop(request.type) ? request.stopPrice : null) ?? averagePrice(market);
  const notional = request.quoteOrderQty ?? (request.quantity ?? ZERO).times(price);
  if (notional.lt(market.rules.minNotional)) throw filterFailure('NOTIONAL');
  if (!atMarket && notional.gt(market.rules.maxNotional)) throw filterFailure('NOTIONAL');
}

function checkCounts(rules: SymbolRules, open: OpenCounts, request: OrderRequest): void {
  // An order at market never rests, so it cannot be one order too many.
  if (isAtMarket(request.type) && !isStop(request.type)) return;
  if (open.orders >= rules.maxNumOrders) throw filterFailure('MAX_NUM_ORDERS');
  if (isStop(request.type) && open.algo >= rules.maxNumAlgoOrders) throw filterFailure('MAX_NUM_ALGO_ORDERS');
}

function isMultiple(value: Decimal, step: string): boolean {
  return dec(step).isZero() || value.mod(step).isZero();
}
