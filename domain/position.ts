import type { Side } from './alert.ts';
import { add, compare, divide, isZero, multiply, subtract, type DecimalString } from './decimal.ts';

/** What is held of a symbol, and what a unit of it has cost on average. */
export interface Position {
  /** Below zero where more was sold than bought. */
  readonly quantity: DecimalString;
  /** In the quote currency. */
  readonly averagePrice: DecimalString;
}

export const FLAT: Position = { quantity: '0', averagePrice: '0' };

const PRICE_PLACES = 18;

/**
 * The position after a fill, and what the part of it that closed something has brought: below zero is a loss.
 * @param quantity above zero
 * @param value what the whole fill came to, in the quote currency
 */
export function afterFill(
  before: Position,
  side: Side,
  quantity: DecimalString,
  value: DecimalString,
): { position: Position; realized: DecimalString } {
  const isLong = compare(before.quantity, '0') > 0;
  const held = isLong ? before.quantity : subtract('0', before.quantity);
  const change = side === 'buy' ? quantity : subtract('0', quantity);
  const after = add(before.quantity, change);
  const price = divide(value, quantity, PRICE_PLACES);
  if (isZero(held) || isLong === (side === 'buy')) {
    const size = add(held, quantity);
    const averagePrice = divide(add(multiply(held, before.averagePrice), value), size, PRICE_PLACES);
    return { position: { quantity: after, averagePrice }, realized: '0' };
  }
  const closed = compare(quantity, held) < 0 ? quantity : held;
  const gain = multiply(closed, isLong ? subtract(price, before.averagePrice) : subtract(before.averagePrice, price));
  const isFlipped = compare(quantity, held) > 0;
  const averagePrice = isZero(after) ? '0' : isFlipped ? price : before.averagePrice;
  return { position: { quantity: after, averagePrice }, realized: gain };
}
