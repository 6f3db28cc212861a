import { mandatory, VenueError } from './errors.ts';
import { dec, type Decimal } from './money.ts';

/** What the venue has been seen to name as the legal range when it answers -1100. */
const DECIMAL_RANGE = '^([0-9]{1,20})(\\.[0-9]{1,20})?$';
const INTEGER_RANGE = '^[0-9]{1,20}$';
const CLIENT_ID_RANGE = '^[\\.A-Z\\:/a-z0-9_-]{1,36}$';

/** exchangeInfo: baseAssetPrecision and quotePrecision are 8 on every symbol here. */
const ASSET_PRECISION = 8;

/**
 * The parameters of one request. Each look at one is remembered, because what no rule looked at is an error of its own:
 * -1104, "Not all sent parameters were read" (errors.md).
 */
export class Parameters {
  readonly #values: ReadonlyMap<string, string>;
  readonly #read = new Set<string>();

  constructor(query: string, body: string) {
    const values = new Map<string, string>();
    // "If a parameter sent in both the query string and request body, the query string parameter will be used."
    for (const text of [body, query]) {
      const names = new Set<string>();
      for (const [name, value] of new URLSearchParams(text)) {
        if (names.has(name)) throw new VenueError(-1101, 'Duplicate values for a parameter detected.');
        names.add(name);
        values.set(name, value);
      }
    }
    this.#values = values;
  }

  /** Whether it was sent; this alone does not count as reading it. */
  has(name: string): boolean {
    return this.#values.has(name);
  }

  optional(name: string): string | null {
    this.#read.add(name);
    const value = this.#values.get(name);
    if (value === undefined) return null;
    if (value === '') throw new VenueError(-1105, `Parameter '${name}' was empty.`);
    return value;
  }

  required(name: string): string {
    this.#read.add(name);
    const value = this.#values.get(name);
    if (value === undefined || value === '') throw mandatory(name);
    return value;
  }

  integer(name: string): number | null {
    const value = this.optional(name);
    if (value === null) return null;
    if (!/^[0-9]{1,20}$/.test(value)) throw illegal(name, INTEGER_RANGE);
    return Number(value);
  }

  decimal(name: string): Decimal | null {
    const value = this.optional(name);
    return value === null ? null : readDecimal(name, value);
  }

  requiredDecimal(name: string): Decimal {
    return readDecimal(name, this.required(name));
  }

  clientId(name: string): string | null {
    const value = this.optional(name);
    if (value !== null && !/^[.A-Z:/a-z0-9_-]{1,36}$/.test(value)) throw illegal(name, CLIENT_ID_RANGE);
    return value;
  }

  assertAllRead(): void {
    const sent = [...this.#values.keys()];
    const read = sent.filter((name) => this.#read.has(name));
    if (read.length === sent.length) return;
    throw new VenueError(
      -1104,
      `Not all sent parameters were read; read '${read.length}' parameter(s) but was sent '${sent.length}'.`,
    );
  }
}

function readDecimal(name: string, value: string): Decimal {
  if (!/^[0-9]{1,20}(\.[0-9]{1,20})?$/.test(value)) throw illegal(name, DECIMAL_RANGE);
  const decimal = dec(value);
  if (decimal.decimalPlaces() > ASSET_PRECISION)
    throw new VenueError(-1111, `Parameter '${name}' has too much precision.`);
  return decimal;
}

function illegal(name: string, range: string): VenueError {
  return new VenueError(-1100, `Illegal characters found in parameter '${name}'; legal range is '${range}'.`);
}
