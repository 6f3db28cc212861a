import { isPositive, parseDecimal, type DecimalString } from './decimal.ts';
import { JsonNumber, type ExactJson } from './json-number.ts';

/** A number of an alert, or what is wrong with it: the rest of a sentence that begins with the field's name. */
export type NumberRead =
  { readonly ok: true; readonly number: DecimalString } | { readonly ok: false; readonly wrong: string };

/** Reads a number, or a text that is one, to its last digit. What senders write instead of one is told by its name. */
export function readNumber(value: ExactJson | undefined): NumberRead {
  if (typeof value !== 'string' && !(value instanceof JsonNumber)) {
    return wrong(`is ${describe(value)}; expected a number such as 0.01`);
  }
  const text = typeof value === 'string' ? value.trim() : value.source;
  if (isPlaceholder(text)) return wrong(`is ${placeholder(text)}`);
  if (/^[+-]?\d{1,3}([,_' ]\d{3})+(\.\d+)?$/.test(text)) {
    return wrong(`is ${quote(text)}, with grouped digits; write ${text.replace(/[,_' ]/g, '')}`);
  }
  const number = parseDecimal(text);
  if (number === undefined) return wrong(`is ${quote(text)}; expected a number of at most 30 digits, such as 0.01`);
  return { ok: true, number };
}

export function readPositive(value: ExactJson | undefined): NumberRead {
  const read = readNumber(value);
  return read.ok && !isPositive(read.number) ? wrong(`is ${read.number}; it must be greater than zero`) : read;
}

const wrong = (what: string): NumberRead => ({ ok: false, wrong: what });

export const isPlaceholder = (text: string): boolean => /\{\{|\}\}/.test(text);

export const placeholder = (text: string): string => `the placeholder ${quote(text)}, which the sender left unresolved`;

export const quote = (text: string): string => JSON.stringify(text.length > 64 ? `${text.slice(0, 64)}…` : text);

/** A value as a person reads it. */
export function describe(value: ExactJson | undefined): string {
  if (value === null || value === undefined) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return quote(value);
  if (value instanceof JsonNumber) return `the number ${value.source.slice(0, 40)}`;
  return Array.isArray(value) ? 'a list' : 'an object';
}
