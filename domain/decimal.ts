import { Decimal } from 'decimal.js';

/** A decimal number as text, without exponent, sign of plus, or trailing zeros. Money never becomes a float. */
export type DecimalString = string;

// Eighty digits hold any price times any quantity exactly; the default twenty do not.
const Exact = Decimal.clone({ precision: 80, toExpNeg: -80, toExpPos: 80, rounding: Decimal.ROUND_DOWN });

const NUMBER = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?$/;
const DIGITS_MAX = 30;

/**
 * Reads a number exactly as it was written, in plain or exponent form.
 * Undefined when the text is no number, or has more digits than any venue could mean.
 */
export function parseDecimal(text: string): DecimalString | undefined {
  if (text.length > 64 || !NUMBER.test(text)) return undefined;
  const value = new Exact(text);
  const plain = value.toFixed();
  return plain.replace(/[-.]/g, '').length > DIGITS_MAX ? undefined : value.isZero() ? '0' : plain;
}

export function compare(a: DecimalString, b: DecimalString): -1 | 0 | 1 {
  return new Exact(a).comparedTo(b) as -1 | 0 | 1;
}

export const isPositive = (a: DecimalString): boolean => new Exact(a).greaterThan(0);
export const isZero = (a: DecimalString): boolean => new Exact(a).isZero();
export const add = (a: DecimalString, b: DecimalString): DecimalString => new Exact(a).plus(b).toFixed();
export const subtract = (a: DecimalString, b: DecimalString): DecimalString => new Exact(a).minus(b).toFixed();
export const multiply = (a: DecimalString, b: DecimalString): DecimalString => new Exact(a).times(b).toFixed();

/** a / b, cut (not rounded) to `places` decimals. */
export function divide(a: DecimalString, b: DecimalString, places: number): DecimalString {
  return new Exact(a).dividedBy(b).toDecimalPlaces(places, Decimal.ROUND_DOWN).toFixed();
}

/** The largest multiple of `step` that is not above `a`. */
export function roundDownToStep(a: DecimalString, step: DecimalString): DecimalString {
  return new Exact(a).dividedBy(step).floor().times(step).toFixed();
}

/** The smallest multiple of `step` that is not below `a`. */
export function roundUpToStep(a: DecimalString, step: DecimalString): DecimalString {
  return new Exact(a).dividedBy(step).ceil().times(step).toFixed();
}
