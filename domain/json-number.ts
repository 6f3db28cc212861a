import type { Json } from './canonical-json.ts';

/**
 * A number of a JSON text, kept as it was written: `0.1` stays one tenth, and a 20-digit id keeps its last digit.
 * A class of its own, so that the number 5 and the string "5" stay apart.
 */
export class JsonNumber {
  readonly source: string;

  constructor(source: string) {
    this.source = source;
  }
}

/** A JSON value whose numbers are exact. */
export type ExactJson =
  string | boolean | null | JsonNumber | readonly ExactJson[] | { readonly [key: string]: ExactJson };

export function isJsonObject(value: ExactJson | undefined): value is { readonly [key: string]: ExactJson } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof JsonNumber);
}

/** The same value with ordinary numbers, where they can hold it; a number that would lose a digit becomes text. */
export function toPlainJson(value: ExactJson): Json {
  if (value instanceof JsonNumber) {
    const number = Number(value.source);
    return String(number) === value.source ? number : value.source;
  }
  if (isList(value)) return value.map(toPlainJson);
  if (!isJsonObject(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, toPlainJson(member)]));
}

// Array.isArray does not narrow a readonly array out of a union.
const isList = (value: ExactJson): value is readonly ExactJson[] => Array.isArray(value);
