import { add, compare, multiply, subtract, type DecimalString } from './decimal.ts';
import type { EntryIntent } from './intent.ts';
import type { Limits } from './limits.ts';
import { reason, type Reason } from './reason.ts';
import { isWithin, showLocalTime, showTradingHours } from './trading-hours.ts';

/** What decides an order's worth, and how far its prices are from the market's. */
export type PricedOrder = Pick<EntryIntent, 'symbol' | 'side' | 'quantity' | 'limitPrice' | 'stopPrice'>;

/**
 * The limits that need nothing but the intent: what may be traded, when, and how much of it.
 * @param whose such as `the account paper`; a denial says whose limit it was
 * @param nameOf a symbol under the one name that its venue has for it
 */
export function checkLimits(
  intent: EntryIntent,
  limits: Limits,
  whose: string,
  nameOf: (symbol: string) => string,
): Reason | null {
  const { symbol, quantity, receivedAt } = intent;
  const { symbols, tradingHours, maxQuantity } = limits;
  if (symbols !== null && !symbols.some((allowed) => nameOf(allowed) === nameOf(symbol))) {
    const message = `The symbol ${symbol} is not among ${symbols.join(', ')}, the symbols of ${whose}.`;
    return reason('SYMBOL_NOT_ALLOWED', message, `Trade one of these, or add it to limits.symbols of ${whose}.`);
  }
  if (tradingHours !== null && !tradingHours.some((hours) => isWithin(hours, receivedAt))) {
    const now = showLocalTime(receivedAt, tradingHours[0]!.zone);
    const hours = tradingHours.map(showTradingHours).join('; ');
    const message = `The alert came at ${now} (${tradingHours[0]!.zone}), outside the trading hours ${hours} of ${whose}.`;
    const fix = `Send alerts within these hours, or change limits.trading_hours of ${whose}.`;
    return reason('OUTSIDE_TRADING_HOURS', message, fix);
  }
  if (maxQuantity !== null && compare(quantity, maxQuantity) > 0) {
    const message = `The quantity ${quantity} is above the limit ${maxQuantity} of ${whose}.`;
    return reason('QUANTITY_OVER_LIMIT', message, `Lower "quantity", or raise limits.max_quantity of ${whose}.`);
  }
  return null;
}

/** Whether a limit cannot be judged without the market's price: then an order without one is denied. */
export function needsMarketPrice(order: PricedOrder, { maxNotional, priceCollar }: Limits): boolean {
  if (priceCollar !== null && (order.limitPrice !== undefined || order.stopPrice !== undefined)) return true;
  return maxNotional !== null && !boundsItself(order);
}

/**
 * The limits on what an order is worth and on its prices.
 * @param market the market's price; where it is null, only what the order's own prices tell is judged
 */
export function checkValue(
  order: PricedOrder,
  limits: Limits,
  whose: string,
  market: DecimalString | null,
): Reason | null {
  const { maxNotional, priceCollar } = limits;
  const price = priceOf(order, market);
  if (maxNotional !== null && price !== null) {
    const value = multiply(order.quantity, price);
    if (compare(value, maxNotional) > 0) {
      const worth = `The order is worth ${value} (${order.quantity} at ${price})`;
      const message = `${worth}, above the limit ${maxNotional} of ${whose}.`;
      return reason('NOTIONAL_OVER_LIMIT', message, `Lower "quantity", or raise limits.max_notional of ${whose}.`);
    }
  }
  return priceCollar === null || market === null ? null : checkCollar(order, priceCollar, whose, market);
}

/** The denial of an order that needs the market's price, of a market that has none. */
export function noReferencePrice({ symbol }: PricedOrder, account: string): Reason {
  const message = `The account ${account} has no price for ${symbol}, and a limit cannot be judged without one.`;
  const fix = 'Trade a market that has a price, or set limits.max_notional and limits.price_collar to off.';
  return reason('NO_REFERENCE_PRICE', message, fix);
}

function checkCollar(
  { limitPrice, stopPrice }: PricedOrder,
  collar: DecimalString,
  whose: string,
  market: DecimalString,
): Reason | null {
  const [low, high] = [multiply(market, subtract('1', collar)), multiply(market, add('1', collar))];
  const prices = [
    ['limit', limitPrice],
    ['stop', stopPrice],
  ] as const;
  for (const [name, price] of prices) {
    if (price === undefined || (compare(price, low) >= 0 && compare(price, high) <= 0)) continue;
    const percent = `${multiply(collar, '100')}%`;
    const allowed = `${low} to ${high}, which ${whose} allows (${percent} around the market price ${market})`;
    const message = `The ${name} price ${price} is outside ${allowed}.`;
    const fix = `Correct "${name}_price", or widen limits.price_collar of ${whose}.`;
    return reason('PRICE_OUTSIDE_COLLAR', message, fix);
  }
  return null;
}

/** A buy pays no more than its limit, whatever the market does; every other order may trade at the market's price. */
const boundsItself = ({ side, limitPrice }: PricedOrder): boolean => side === 'buy' && limitPrice !== undefined;

/** The highest price at which the order can be thought to trade; null where nothing tells one. */
function priceOf(order: PricedOrder, market: DecimalString | null): DecimalString | null {
  if (boundsItself(order)) return order.limitPrice!;
  const known = [order.limitPrice, order.stopPrice, market ?? undefined].filter((price) => price !== undefined);
  return known.length === 0 ? null : known.reduce((most, price) => (compare(price, most) > 0 ? price : most));
}
