import type { MarketInterface } from 'ccxt';

import { compare, multiply, type DecimalString } from '../../domain/decimal.ts';
import { entryIdOf } from '../../domain/ids.ts';
import { reason, type Reason } from '../../domain/reason.ts';
import type { FittedOrder, OrderTicket } from '../venue-adapter.ts';
import { limitOf } from './market-rules.ts';

/**
 * How far a leg's limit price may be from the market's: Binance's filter PERCENT_PRICE_BY_SIDE (spot "Filters"), by which
 * it takes a sell between `askMultiplierDown` and `askMultiplierUp` times the average price of the last minutes, and a
 * buy by the multipliers of the bid. A stop without a limit has no price of its own there. The average is known to the
 * exchange alone: the price at which the entry is expected stands in for it. Null also where no such filter is told, or
 * no price is known.
 */
export function checkDistance(
  { clientOrderId, side, referencePrice }: OrderTicket,
  { limitPrice }: FittedOrder,
  market: MarketInterface,
): Reason | null {
  // An entry is the sender's: its price is held to the market's own by the collar.
  const isLeg = entryIdOf(clientOrderId) !== clientOrderId;
  if (!isLeg || referencePrice === undefined || limitPrice === undefined) return null;
  const multipliers = multipliersOf(market, side === 'sell' ? 'ask' : 'bid');
  const [low, high] = multipliers.map((one) => one && multiply(one, referencePrice));
  const isTooHigh = high !== undefined && compare(limitPrice, high) > 0;
  if (!isTooHigh && (low === undefined || compare(limitPrice, low) >= 0)) return null;
  const [where, bound, multiplier] = isTooHigh ? ['above', high, multipliers[1]] : ['below', low, multipliers[0]];
  const message = `The limit price ${limitPrice} of ${market.symbol} is ${where} ${bound}, which is ${multiplier} times the price ${referencePrice}: the exchange takes no ${side} from there on.`;
  return reason('BRACKET_TOO_FAR', message, "Bring the price nearer to the market's.");
}

type Multiplier = DecimalString | undefined;

function multipliersOf({ info }: MarketInterface, book: 'ask' | 'bid'): [down: Multiplier, up: Multiplier] {
  const filters: unknown = (info as { filters?: unknown } | undefined)?.filters;
  const all: readonly Record<string, unknown>[] = Array.isArray(filters) ? filters : [];
  const filter = all.find(({ filterType }) => filterType === 'PERCENT_PRICE_BY_SIDE');
  return [limitOf(filter?.[`${book}MultiplierDown`]), limitOf(filter?.[`${book}MultiplierUp`])];
}
