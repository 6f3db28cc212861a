import { readBracket } from './alert-bracket.ts';
import { judgeField, type SupportedField } from './alert-fields.ts';
import { describe, isPlaceholder, placeholder, quote, readNumber, readPositive } from './alert-number.ts';
import { compare, type DecimalString } from './decimal.ts';
import { NAME } from './ids.ts';
import { parseIsoTime } from './iso-time.ts';
import type { Target } from './leg.ts';
import { isJsonObject, type ExactJson } from './json-number.ts';
import type { StopLoss } from './stop-loss.ts';

export type Side = 'buy' | 'sell';
export type OrderType = 'market' | 'limit' | 'stop' | 'stop_limit';

/** How long an order that is not filled at once stays: until canceled, not at all, or (whole or nothing) not at all. */
export type TimeInForce = 'gtc' | 'ioc' | 'fok';

const TIMES_IN_FORCE: readonly TimeInForce[] = ['gtc', 'ioc', 'fok'];
const ORDER_TYPES: readonly OrderType[] = ['market', 'limit', 'stop', 'stop_limit'];
const EXIT_ACTIONS: readonly ExitAction[] = ['close', 'flatten', 'reverse'];
const CONFIDENCE_DEFAULT = '0.7';

/** What takes a position out: `flatten` cancels what waits beside it, `reverse` opens one on the other side. */
export type ExitAction = 'close' | 'flatten' | 'reverse';

/** What a sender said, understood: decimals exact, defaults filled in, the secret gone. */
export type Alert = EntryAlert | ExitAlert;

interface AnyAlert {
  readonly id?: string;
  readonly account?: string;
  readonly symbol: string;
  /** The price the sender saw; what a market order is valued at, never a price to trade at. */
  readonly referencePrice?: DecimalString;
  readonly stopLoss?: StopLoss;
  /** The parts in which a profit is taken; their shares come to one. */
  readonly takeProfit?: readonly Target[];
  readonly confidence: DecimalString;
  /** When the alert fired, in milliseconds since 1970. */
  readonly time?: number;
  /** What was concluded that the alert did not say, in sentences. */
  readonly inferred: readonly string[];
  /** Keys that mean nothing to this build and are nowhere near one that does. */
  readonly ignored: readonly string[];
}

/** An order that buys or sells, whatever is held. */
export interface EntryAlert extends AnyAlert {
  readonly side: Side;
  readonly orderType: OrderType;
  readonly quantity: DecimalString;
  readonly limitPrice?: DecimalString;
  readonly stopPrice?: DecimalString;
  /** Only of orders with a limit price; without it they are good until canceled. */
  readonly timeInForce?: TimeInForce;
}

/** Which side takes it out, the position tells. */
export interface ExitAlert extends AnyAlert {
  readonly exit: ExitAction;
  /** How much is taken out, all of it where it is not there; of `reverse`, how much is then opened on the other side. */
  readonly quantity?: DecimalString;
}

export type RefusalCode =
  'INVALID_ACTION' | 'MISSING_FIELD' | 'INVALID_FIELD' | 'MISSPELT_FIELD' | 'UNSUPPORTED_FIELD' | 'MALFORMED';

/** A fault of the alert itself, found before anything was started. */
export interface Refusal {
  readonly code: RefusalCode;
  /** The key at fault; null where it is the whole body. */
  readonly field: string | null;
  /** One sentence that says what was found and what is expected. */
  readonly message: string;
}

export type ParsedAlert =
  | {
      readonly ok: true;
      readonly alert: Alert;
      readonly secret: string | undefined;
      /** The members under the keys that are ignored: they tell two alerts apart, and change no order. */
      readonly others: { readonly [key: string]: ExactJson };
    }
  | { readonly ok: false; readonly refusals: readonly [Refusal, ...Refusal[]] };

/** Understands an alert, or says everything that is wrong with it. Guesses nothing that could move money. */
export function parseAlert(body: ExactJson): ParsedAlert {
  if (!isJsonObject(body)) {
    const message = 'The alert must be one JSON object, such as {"symbol":"BTC/USDT","action":"buy","quantity":0.01}.';
    return { ok: false, refusals: [{ code: 'MALFORMED', field: null, message }] };
  }
  const refusals: Refusal[] = [];
  const others = new Map<string, ExactJson>();
  for (const key of Object.keys(body)) {
    const verdict = judgeField(key);
    const shown = JSON.stringify(key.slice(0, 40));
    if (verdict.kind === 'unknown') others.set(key, body[key]!);
    if (verdict.kind === 'misspelt') {
      const message = `The key ${shown} is not known; did you mean "${verdict.meant}"?`;
      refusals.push({ code: 'MISSPELT_FIELD', field: key, message });
    }
    if (verdict.kind === 'unsupported') {
      const fix = verdict.instead === null ? 'leave it out' : `write "${verdict.instead}"`;
      const message = `The key ${shown} is not supported by this version, and ignoring it could change the order; ${fix}.`;
      refusals.push({ code: 'UNSUPPORTED_FIELD', field: key, message });
    }
  }

  const read = new FieldReader(body, refusals);
  const symbol = read.text('symbol', /^[\x21-\x7e]{1,64}$/, 'a market such as "BTC/USDT"');
  const actionText = read.text('action', /^[^]*$/, '"buy", "sell", "close", "flatten" or "reverse"');
  const action = actionText?.trim().toLowerCase();
  const exit = EXIT_ACTIONS.find((one) => one === action);
  const quantity = read.positive('quantity');
  const id = read.text('id', /^[^]{1,1024}$/, 'a text that is unique to this alert');
  const account = read.text('account', NAME, 'the name of an account (a-z, 0-9, _ and -)');
  const secret = read.text('secret', /^[^]{1,1024}$/, 'a text');
  const orderType = read.oneOf('order_type', ORDER_TYPES) ?? 'market';
  const price = read.positive('price');
  const limit = read.positive('limit_price');
  const stop = read.positive('stop_price');
  const bracket = readBracket(body, refusals);
  const confidence = read.confidence() ?? CONFIDENCE_DEFAULT;
  const time = read.time();
  const timeInForce = read.oneOf('time_in_force', TIMES_IN_FORCE);

  read.required('symbol', symbol, '"BTC/USDT"');
  read.required('action', actionText, '"buy"');
  if (exit === undefined) read.required('quantity', quantity, '0.01');
  if (exit === 'reverse' && quantity === undefined && !Object.hasOwn(body, 'quantity')) {
    refusals.push(missing('quantity', 'a reverse, for the position that it opens,', '0.01'));
  }
  if (exit === 'flatten' && quantity !== undefined) {
    const message = 'The field `quantity` cannot go with flatten, which leaves nothing; leave it out, or send close.';
    refusals.push({ code: 'INVALID_FIELD', field: 'quantity', message });
  }
  if (exit !== undefined && orderType !== 'market') {
    const message = `The field \`order_type\` is ${orderType}; a ${exit} takes what the market gives: leave it out.`;
    refusals.push({ code: 'INVALID_FIELD', field: 'order_type', message });
  }

  if (timeInForce !== undefined && (orderType === 'market' || orderType === 'stop')) {
    refusals.push(surplus('time_in_force', orderType, ['limit', 'stop_limit']));
  }
  const priced = readPrices(orderType, { price, limit, stop }, refusals);
  if (actionText !== undefined && exit === undefined && action !== 'buy' && action !== 'sell') {
    refusals.push({ code: 'INVALID_ACTION', field: 'action', message: `Invalid action: ${actionText.slice(0, 64)}` });
  }
  const [first, ...rest] = refusals;
  if (first !== undefined) return { ok: false, refusals: [first, ...rest] };

  const common = {
    ...(id === undefined ? {} : { id }),
    ...(account === undefined ? {} : { account }),
    symbol: symbol!,
    ...priced.prices,
    ...bracket,
    confidence,
    ...(time === undefined ? {} : { time }),
    inferred: priced.inferred,
    ignored: [...others.keys()].map((key) => key.slice(0, 64)),
  };
  const alert: Alert =
    exit === undefined
      ? {
          ...common,
          side: action as Side,
          orderType,
          quantity: quantity!,
          ...(timeInForce === undefined ? {} : { timeInForce }),
        }
      : { ...common, exit, ...(quantity === undefined ? {} : { quantity }) };
  return { ok: true, alert, secret, others: Object.fromEntries(others) };
}

interface Prices {
  limitPrice?: DecimalString;
  stopPrice?: DecimalString;
  referencePrice?: DecimalString;
}

/**
 * `price` is what the sender saw. Only in the original's own shape (a limit or stop order with `price` and neither
 * limit_price nor stop_price) is it the order's price, and the answer says so.
 */
function readPrices(
  orderType: OrderType,
  given: Record<'price' | 'limit' | 'stop', DecimalString | undefined>,
  refusals: Refusal[],
): { prices: Prices; inferred: string[] } {
  const { price, limit, stop } = given;
  const prices: Prices = {};
  const inferred: string[] = [];
  const needsLimit = orderType === 'limit' || orderType === 'stop_limit';
  const needsStop = orderType === 'stop' || orderType === 'stop_limit';
  const seedShape = limit === undefined && stop === undefined && price !== undefined;

  if (seedShape && (orderType === 'limit' || orderType === 'stop')) {
    const name = orderType === 'limit' ? 'limit_price' : 'stop_price';
    prices[orderType === 'limit' ? 'limitPrice' : 'stopPrice'] = price;
    inferred.push(`The price ${price} is taken as the ${orderType} price, because the alert has no ${name}.`);
    return { prices, inferred };
  }
  if (price !== undefined) prices.referencePrice = price;
  if (needsLimit && limit === undefined) refusals.push(missing('limit_price', `a ${orderType} order`, '67000'));
  if (needsStop && stop === undefined) refusals.push(missing('stop_price', `a ${orderType} order`, '68000'));
  if (limit !== undefined && !needsLimit) refusals.push(surplus('limit_price', orderType, ['limit', 'stop_limit']));
  if (stop !== undefined && !needsStop) refusals.push(surplus('stop_price', orderType, ['stop', 'stop_limit']));
  if (limit !== undefined) prices.limitPrice = limit;
  if (stop !== undefined) prices.stopPrice = stop;
  return { prices, inferred };
}

function missing(field: SupportedField, of: string, example: string): Refusal {
  return {
    code: 'MISSING_FIELD',
    field,
    message: `The alert has a missing field \`${field}\`: ${of} needs it, such as ${example}.`,
  };
}

function surplus(field: SupportedField, orderType: OrderType, types: readonly string[]): Refusal {
  const message = `A ${orderType} order has no ${field}; leave it out, or set order_type to ${types.join(' or ')}.`;
  return { code: 'INVALID_FIELD', field, message };
}

/** Reads one key at a time; what cannot be read is noted as a refusal that names the key. */
class FieldReader {
  readonly #body: { readonly [key: string]: ExactJson };
  readonly #refusals: Refusal[];

  constructor(body: { readonly [key: string]: ExactJson }, refusals: Refusal[]) {
    this.#body = body;
    this.#refusals = refusals;
  }

  required(field: SupportedField, value: unknown, example: string): void {
    if (value === undefined && !this.#has(field)) this.#refusals.push(missing(field, 'every alert', example));
  }

  text(field: SupportedField, shape: RegExp, expected: string): string | undefined {
    if (!this.#has(field)) return undefined;
    const value = this.#body[field];
    if (typeof value === 'string' && shape.test(value) && !isPlaceholder(value)) return value;
    // A sender's secret is never repeated, not even where it is wrong.
    if (field === 'secret') return this.#invalid(field, `cannot be used; expected ${expected}, in quotes`);
    if (typeof value !== 'string') {
      return this.#invalid(field, `is ${describe(value)}; expected ${expected}, in quotes`);
    }
    if (isPlaceholder(value)) return this.#invalid(field, `is ${placeholder(value)}`);
    return this.#invalid(field, `is ${quote(value)}; expected ${expected}`);
  }

  positive(field: SupportedField): DecimalString | undefined {
    return this.#number(field, readPositive);
  }

  confidence(): DecimalString | undefined {
    const value = this.#number('confidence', readNumber);
    if (value === undefined || (compare(value, '0') >= 0 && compare(value, '1') <= 0)) return value;
    return this.#invalid('confidence', `is ${value}; expected a number from 0 to 1, such as 0.7`);
  }

  oneOf<T extends string>(field: SupportedField, values: readonly T[]): T | undefined {
    const expected = values.join(', ');
    const text = this.text(field, /^[^]*$/, `one of ${expected}`);
    if (text === undefined) return undefined;
    const found = values.find((value) => value === text.trim().toLowerCase());
    return found ?? this.#invalid(field, `is ${quote(text)}; expected one of ${expected}`);
  }

  /** ISO 8601 with a time zone: seconds and milliseconds since 1970 have been mistaken for each other too often. */
  time(): number | undefined {
    const expected = 'a time with its zone, such as "2026-11-24T09:30:00Z" (in TradingView: "{{timenow}}")';
    const text = this.text('time', /^[^]*$/, expected);
    if (text === undefined) return undefined;
    return parseIsoTime(text.trim()) ?? this.#invalid('time', `is ${quote(text)}; expected ${expected}`);
  }

  #number(field: SupportedField, read: typeof readNumber): DecimalString | undefined {
    if (!this.#has(field)) return undefined;
    const found = read(this.#body[field]);
    return found.ok ? found.number : this.#invalid(field, found.wrong);
  }

  #has(field: SupportedField): boolean {
    return Object.hasOwn(this.#body, field);
  }

  #invalid(field: SupportedField, found: string): undefined {
    this.#refusals.push({ code: 'INVALID_FIELD', field, message: `The field \`${field}\` ${found}.` });
    return undefined;
  }
}
