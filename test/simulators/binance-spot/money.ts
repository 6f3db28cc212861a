import { Decimal as DecimalClass } from 'decimal.js';

/** Quantities and prices live as decimals; what is stored or sent is a string with eight places, as the venue writes it. */
export const Decimal = DecimalClass.clone({ precision: 60, rounding: DecimalClass.ROUND_DOWN });
export type Decimal = DecimalClass;

export const ZERO: Decimal = new Decimal(0);

export function dec(value: string | number | Decimal): Decimal {
  return new Decimal(value);
}

export function fixed(value: string | Decimal): string {
  return new Decimal(value).toFixed(8, DecimalClass.ROUND_DOWN);
}

/** Down to a whole number of steps; a step of zero means that the rule is disabled (filters.md, LOT_SIZE). */
export function downTo(step: string, value: Decimal): Decimal {
  const size = dec(step);
  return size.isZero() ? value : value.div(size).floor().times(size);
}

export function min(...values: Decimal[]): Decimal {
  return Decimal.min(...values);
}
