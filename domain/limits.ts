import type { DecimalString } from './decimal.ts';

/**
 * What an account may do, or a strategy's alerts; null where there is no such limit. Of an account's and a strategy's
 * each must hold. Values are in the market's quote currency, quantities in units of the base asset or in contracts.
 */
export interface Limits {
  /** The most that one order may ask for. */
  readonly maxQuantity: DecimalString | null;
  /** The most that one order may be worth. */
  readonly maxNotional: DecimalString | null;
  /** How far from flat a symbol's position may come, on either side. */
  readonly maxPosition: DecimalString | null;
  /** The most that a symbol's position may be worth. */
  readonly maxPositionValue: DecimalString | null;
  /** What may be lost in closed positions in a day (UTC) before entries are denied. */
  readonly dailyLoss: DecimalString | null;
  /** The symbols that may be traded. */
  readonly symbols: readonly string[] | null;
  /** When may be traded. */
  readonly tradingHours: readonly TradingHours[] | null;
  readonly ordersPerMinute: number | null;
  readonly maxOpenOrders: number | null;
  /** How far a limit or stop price may be from the market's, as a fraction of it ("0.1" is 10 %). */
  readonly priceCollar: DecimalString | null;
  /** Whether only what brings a position closer to flat may be traded. */
  readonly reduceOnly: boolean;
}

/** A part of some days of the week, in a time zone. */
export interface TradingHours {
  /** 1 is Monday, 7 is Sunday. */
  readonly days: readonly number[];
  /** Minutes since midnight; an end at or before the beginning lies on the next day. */
  readonly from: number;
  readonly to: number;
  /** Of the IANA database, such as America/New_York. */
  readonly zone: string;
}

/** No limit at all: what a strategy has that writes none, the account's standing beside it. */
export const NO_LIMITS: Limits = {
  maxQuantity: null,
  maxNotional: null,
  maxPosition: null,
  maxPositionValue: null,
  dailyLoss: null,
  symbols: null,
  tradingHours: null,
  ordersPerMinute: null,
  maxOpenOrders: null,
  priceCollar: null,
  reduceOnly: false,
};

/** What an account has that writes none. */
export const ACCOUNT_LIMITS: Limits = { ...NO_LIMITS, ordersPerMinute: 60, maxOpenOrders: 50, priceCollar: '0.1' };
