import { z } from 'zod';

import { compare, isPositive, multiply, parseDecimal, type DecimalString } from '../domain/decimal.ts';
import type { Limits, TradingHours } from '../domain/limits.ts';
import { parseTradingHours } from '../domain/trading-hours.ts';

const OFF = 'off';
const COUNT_MAX = 1_000_000;
const WINDOW_MIN_MS = 1_000;
const WINDOW_MAX_MS = 3_600_000;

/** A limit: its value, null for `off`, undefined where nothing is written. A fault shows how it is written. */
function limit<T>(read: (value: unknown) => T | undefined, expected: string, example: string) {
  return z
    .unknown()
    .transform((value, context): T | null => {
      if (value === OFF) return null;
      const understood = read(value);
      if (understood !== undefined) return understood;
      const fix = `Write it like ${example}, or off.`;
      context.addIssue({ code: 'custom', message: `Expected ${expected}.`, params: { fix } });
      return null;
    })
    .optional();
}

const amount = (example: string) => limit(readAmount, 'a decimal number above zero', example);
const count = (example: string) => limit(readCount, `a whole number from 1 to ${COUNT_MAX}`, example);

/** Limits as the file has them, under an account or a strategy. */
export const limitsSection = z.strictObject({
  max_quantity: amount('"2"'),
  max_notional: amount('"5000"'),
  max_position: amount('"3"'),
  max_position_value: amount('"20000"'),
  daily_loss: amount('"500"'),
  symbols: limit(readSymbols, 'a list of symbols, one at least', '["BTC/USDT"]'),
  trading_hours: limit(
    readHours,
    'hours with their days and their zone, or a list of them',
    '"Mon-Fri 09:30-16:00 America/New_York"',
  ),
  orders_per_minute: count('60'),
  max_open_orders: count('50'),
  price_collar: limit(readCollar, 'a percentage above 0% and below 100%', '"10%"'),
  duplicate_window: limit(readWindow, 'a duration from 1s to 1h', '30s'),
  reduce_only: z
    .unknown()
    .transform((value, context): boolean => {
      const fix = 'Write it like reduce_only: true.';
      if (typeof value !== 'boolean')
        context.addIssue({ code: 'custom', message: 'Expected true or false.', params: { fix } });
      return value === true;
    })
    .optional(),
});

export type LimitsSection = z.output<typeof limitsSection>;

/** The limits that hold where some are written, and the others are the defaults. */
export function readLimits(written: LimitsSection | undefined, defaults: Limits): Limits {
  if (written === undefined) return defaults;
  const or = <T>(value: T | undefined, fallback: T): T => (value === undefined ? fallback : value);
  return {
    maxQuantity: or(written.max_quantity, defaults.maxQuantity),
    maxNotional: or(written.max_notional, defaults.maxNotional),
    maxPosition: or(written.max_position, defaults.maxPosition),
    maxPositionValue: or(written.max_position_value, defaults.maxPositionValue),
    dailyLoss: or(written.daily_loss, defaults.dailyLoss),
    symbols: or(written.symbols, defaults.symbols),
    tradingHours: or(written.trading_hours, defaults.tradingHours),
    ordersPerMinute: or(written.orders_per_minute, defaults.ordersPerMinute),
    maxOpenOrders: or(written.max_open_orders, defaults.maxOpenOrders),
    priceCollar: or(written.price_collar, defaults.priceCollar),
    reduceOnly: or(written.reduce_only, defaults.reduceOnly),
  };
}

/** `60s`, `10m`, `500ms`, in milliseconds; undefined for anything else. */
export function parseDuration(text: string): number | undefined {
  const match = /^(\d{1,9})(ms|s|m|h)$/.exec(text);
  const unit = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }[match?.[2] as 'ms' | 's' | 'm' | 'h'];
  return match === null ? undefined : Number(match[1]) * unit;
}

function readAmount(value: unknown): DecimalString | undefined {
  const exact = typeof value === 'string' || typeof value === 'number' ? parseDecimal(String(value)) : undefined;
  return exact !== undefined && isPositive(exact) ? exact : undefined;
}

function readCount(value: unknown): number | undefined {
  const isCount = typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= COUNT_MAX;
  return isCount ? value : typeof value === 'string' && /^\d{1,7}$/.test(value) ? readCount(Number(value)) : undefined;
}

function readSymbols(value: unknown): readonly string[] | undefined {
  const isList = Array.isArray(value) && value.length > 0;
  return isList && value.every((entry) => typeof entry === 'string' && /^[\x21-\x7e]{1,64}$/.test(entry))
    ? (value as string[])
    : undefined;
}

function readHours(value: unknown): readonly TradingHours[] | undefined {
  const texts: unknown[] = Array.isArray(value) ? value : [value];
  const hours = texts.map((text) => (typeof text === 'string' ? parseTradingHours(text) : undefined));
  return hours.length > 0 && hours.every((one) => one !== undefined) ? hours : undefined;
}

function readCollar(value: unknown): DecimalString | undefined {
  const percent = typeof value === 'string' && value.endsWith('%') ? readAmount(value.slice(0, -1)) : undefined;
  return percent !== undefined && compare(percent, '100') < 0 ? multiply(percent, '0.01') : undefined;
}

function readWindow(value: unknown): number | undefined {
  const ms = typeof value === 'string' ? parseDuration(value) : undefined;
  return ms !== undefined && ms >= WINDOW_MIN_MS && ms <= WINDOW_MAX_MS ? ms : undefined;
}
