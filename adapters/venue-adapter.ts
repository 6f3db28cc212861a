import type { OrderType, Side, TimeInForce } from '../domain/alert.ts';
import type { Circuit } from '../domain/account-report.ts';
import type { DecimalString } from '../domain/decimal.ts';
import type { Holding } from '../domain/exit-plan.ts';
import type { Cancellation, Placement } from '../domain/outcome.ts';
import type { Reason } from '../domain/reason.ts';
import type { ListedOrder } from '../domain/reconciliation.ts';
import type { VenueOrder } from '../domain/venue-order.ts';

/** One order as an adapter gets it: all that it may send, chosen before the first byte. */
export interface OrderTicket {
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: Side;
  /** `bracket`: a stop and a target, of which one ends the other; only where the capabilities say so. */
  readonly type: OrderType | 'bracket';
  /** In units of the base asset, or in contracts. */
  readonly quantity: DecimalString;
  readonly limitPrice?: DecimalString;
  readonly stopPrice?: DecimalString;
  /** Of orders with a limit price; good until canceled where it is not there. */
  readonly timeInForce?: TimeInForce;
  /** What the sender saw. For valuing; never sent to a venue. */
  readonly referencePrice?: DecimalString;
  /** From this moment on (milliseconds since 1970) the order must not leave. */
  readonly notAfter: number;
}

/** The moment that a request carries, where the venue checks one. Never this host's own clock. */
export interface SendWindow {
  /** Venue time at which the engine scheduled this attempt, in milliseconds since 1970. */
  readonly timestamp: number;
}

/** Which order is meant, and what is known of when it could have been sent. */
export interface LookupHint {
  readonly clientOrderId: string;
  readonly symbol: string;
  /** What kind of order it is, where that tells how it is asked for. */
  readonly type?: OrderTicket['type'];
  /** When it was lost, by the engine's clock: nothing was sent later. */
  readonly lostAt: number;
  /** The engine's time of this look-up. */
  readonly now: number;
  /** Venue time minus engine time under which it was sent; not there where unknown. */
  readonly clockOffsetMs?: number;
}

/** An order's numbers in a market's own steps. */
export interface FittedOrder {
  readonly quantity: DecimalString;
  readonly limitPrice?: DecimalString;
  readonly stopPrice?: DecimalString;
}

export type Plan =
  | {
      readonly kind: 'ready';
      /** What would be sent, in the market's own steps; not there where nothing is changed. */
      readonly order?: FittedOrder;
      /** The market's step of quantities; not there where it has none. */
      readonly quantityStep?: DecimalString;
      /** What was changed to fit the market, in sentences. */
      readonly notes: readonly string[];
      /**
       * Of a stop, or a bracket, that the market does not take as it is: what of it can rest there. The rest has to be
       * watched, and a market order takes the position out. Not there where it is taken whole.
       */
      readonly rests?: 'stop' | 'nothing';
    }
  | { readonly kind: 'refused'; readonly reason: Reason };

export type AdapterLookup =
  | { readonly kind: 'found'; readonly order: VenueOrder }
  /** No order is there, and none can come any more from a request sent before. The sentence says what that rests on. */
  | { readonly kind: 'absent'; readonly proof: string }
  | { readonly kind: 'cannot_tell'; readonly why: string; readonly retryAfterMs?: number };

/** How far a list of orders reaches: the open ones, or those that were over lately too, as far as the venue tells. */
export type Reach = 'open' | 'recent';

export interface Capabilities {
  readonly orderTypes: readonly OrderType[];
  /** Whether there are markets that take a stop and a target of which one ends the other. */
  readonly brackets: boolean;
  /** Whether the venue refuses requests outside a time window, so that each carries a pinned timestamp. */
  readonly enforcesWindow: boolean;
  /** Whether it can be proven that the venue has no order under an id, and cannot get one any more. */
  readonly provesAbsence: boolean;
  /** Whether anything is sent at all. */
  readonly dryRun: boolean;
  /** Whether the price that an alert brings along is the one at which the venue trades; elsewhere it is the sender's word. */
  readonly tradesAtAlertPrice?: boolean;
}

/**
 * All that a venue is to the rest of the system. Everything is asked under the client order id. Reading methods throw
 * when the venue cannot be asked: an empty answer means empty.
 */
export interface VenueAdapter {
  readonly capabilities: Capabilities;
  /** Not there where calls need no circuit breaker. */
  readonly circuit?: Circuit;
  /** Everything that a first order would otherwise wait for. Rejects when the venue cannot be used. */
  open(): Promise<void>;
  /** Fits an order to the market's rules, or says in numbers why it cannot be placed here. Sends nothing. */
  plan(ticket: OrderTicket): Promise<Plan>;
  /** Sends the order once. Throws `NotSent` and nothing else; whatever is not a clear answer is `unknown`. */
  place(ticket: OrderTicket, window: SendWindow | null): Promise<Placement>;
  find(hint: LookupHint): Promise<AdapterLookup>;
  /** The order as it is now, with its executions where more is filled than is known; null while it is not shown. */
  fetch(ticket: OrderTicket, known: VenueOrder): Promise<VenueOrder | null>;
  cancel(ticket: OrderTicket, venueOrderId: string): Promise<Cancellation>;
  /**
   * The market's price now; null when the venue has none for it. Throws when it cannot be asked. Not there where the
   * venue has no prices of its own.
   */
  quote?(symbol: string): Promise<DecimalString | null>;
  /**
   * What the market was last traded at, for whoever waits for a price; null when the venue has seen none. Throws when it
   * cannot be asked. Not there where a market has no price.
   * @param since older prices do not count (`performance.now()`): they are of a time in which nobody waited
   */
  lastPrice?(symbol: string, since: number): Promise<DecimalString | null>;
  /** The one name that the venue has for a symbol. Not there where a symbol is what is written. */
  nameOf?(symbol: string): string;
  /** What the account holds in all, by asset. Not there where it holds nothing. */
  balances?(): Promise<Readonly<Record<string, DecimalString>>>;
  /** What the account holds of a market. Not there where it holds nothing. */
  holding?(symbol: string): Promise<Holding>;
  /** The account's orders, whoever placed them. Not there where the venue cannot be relied on to tell. */
  list?(reach: Reach): Promise<ListedOrder[]>;
  /** The venue's clock, in milliseconds since 1970. Only where it enforces a window. */
  now?(): Promise<number>;
  close(): Promise<void>;
}

/**
 * Proof that nothing left this host: the one failure on which placing may be tried again. Only adapters make it, and
 * only on positive evidence.
 */
export class NotSent extends Error {
  override readonly name = 'NotSent';
  /** When another attempt makes sense, in milliseconds from now; above zero. */
  readonly retryAfterMs: number;
  /** Whether the venue itself turned the request away, so that the evidence is its word. */
  readonly turnedAway: boolean;

  constructor(message: string, retryAfterMs: number, turnedAway = false) {
    super(message);
    this.retryAfterMs = Math.max(1, Math.ceil(retryAfterMs));
    this.turnedAway = turnedAway;
  }
}
