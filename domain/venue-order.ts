import { add, compare, divide, isZero, multiply, type DecimalString } from './decimal.ts';

/** One execution of an order, as the venue reports it. */
export interface Fill {
  readonly tradeId: string;
  readonly quantity: DecimalString;
  readonly price: DecimalString;
  readonly fee?: { readonly asset: string; readonly amount: DecimalString };
}

/** What a venue may say of an order that it knows. */
export type VenueStatus = 'working' | 'partially_filled' | 'filled' | 'canceled' | 'rejected';

/** An order as its venue describes it at one moment. */
export interface VenueOrder {
  readonly venueOrderId: string;
  readonly status: VenueStatus;
  readonly filledQuantity: DecimalString;
  /** Null while nothing is filled. */
  readonly averagePrice: DecimalString | null;
  /** The executions that this report knows of; reports may repeat them. */
  readonly fills?: readonly Fill[];
  /** In the answer to placing it: when it was booked, by the venue's clock (milliseconds since 1970). */
  readonly bookedAt?: number;
  /** The venue's own words where it gave a reason, cut to what is safe to keep. */
  readonly words?: string;
}

const PRICE_PLACES = 12;

/** Filled quantity and average price of executions, each counted once by its trade id. */
export function sumFills(fills: readonly Fill[]): {
  filledQuantity: DecimalString;
  averagePrice: DecimalString | null;
} {
  const once = new Map(fills.map((fill) => [fill.tradeId, fill]));
  let quantity = '0';
  let value = '0';
  for (const fill of once.values()) {
    quantity = add(quantity, fill.quantity);
    value = add(value, multiply(fill.quantity, fill.price));
  }
  return { filledQuantity: quantity, averagePrice: isZero(quantity) ? null : divide(value, quantity, PRICE_PLACES) };
}

/** Whether two reports say the same of an order. */
export function saysTheSame(a: VenueOrder, b: VenueOrder): boolean {
  return a.status === b.status && compare(a.filledQuantity, b.filledQuantity) === 0;
}
