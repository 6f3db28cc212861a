import type { Plan } from '../adapters/venue-adapter.ts';
import type { SignedCommand } from '../domain/command.ts';
import type { OrderName } from '../domain/admission.ts';
import type { DecimalString } from '../domain/decimal.ts';
import type { ExitDecision } from '../domain/exit-outcome.ts';
import type { ExitIntent, SignedIntent } from '../domain/intent.ts';
import type { Leg } from '../domain/leg.ts';
import type { Absence, Lookup, Placement } from '../domain/outcome.ts';
import type { Reason } from '../domain/reason.ts';
import type { VenueOrder } from '../domain/venue-order.ts';
import type { Watch } from '../domain/watch.ts';
import type { LastTry } from '../domain/way-out.ts';

/** Every activity's argument holds the signed intent: what was not signed does not get as far as an adapter. */
export interface OfOrder {
  readonly signed: SignedIntent;
  /** The order that takes out what the entry has brought in; the entry itself where it is not there. */
  readonly leg?: Leg;
}

/** What may come after a reset. */
export interface ClockRequest extends OfOrder {
  /**
   * The first run of this history. An activity that finds itself in another one comes after a reset, and an earlier run
   * may have sent its order; so also where the engine hands it a request that an earlier run recorded.
   */
  readonly originalRunId: string;
}

export interface CheckRequest extends ClockRequest {
  /** With a leg: when this execution began, by the engine's clock (milliseconds since 1970). */
  readonly startedAt?: number;
  /** The proof on which a lost order may be placed again. */
  readonly absence?: Absence;
}

/** What of a leg waits for its price at the venue: its stop and its target, its stop, or neither. */
export type Rests = 'all' | NonNullable<Extract<Plan, { kind: 'ready' }>['rests']>;

export type Check =
  | {
      readonly kind: 'admitted';
      /** Venue time minus engine time, `stale` where it is to be read first; not there where no window is enforced. */
      readonly clock?: { readonly offsetMs: number } | 'stale';
      /** What was changed to fit the market's rules, in sentences. */
      readonly notes?: readonly string[];
      /** The market's step of quantities; not there where it has none, or nobody knows. */
      readonly quantityStep?: DecimalString;
    }
  /** Of a leg that its venue does not take as it is: what of it can rest there. The rest has to be watched. */
  | { readonly kind: 'held'; readonly rests: Rests }
  | { readonly kind: 'denied' | 'expired' | 'failed'; readonly reason: Reason }
  | { readonly kind: 'found'; readonly order: VenueOrder }
  | { readonly kind: 'unknown'; readonly evidence: string };

export interface PlaceRequest extends CheckRequest {
  /** Venue time minus engine time in milliseconds; not there where the venue enforces no window. */
  readonly clockOffsetMs?: number;
}

export interface FindRequest extends OfOrder {
  /** When the order was lost, by the engine's clock (milliseconds since 1970): nothing was sent later. */
  readonly lostAt: number;
  /**
   * The run that asks. A reset hands a question that is not answered yet to the next run, and what the run before it did
   * with the answer is not known: so a proof bears the name of who asked, not of who is told.
   */
  readonly askedBy: string;
  /** The offset under which it was sent; not there where none was in use, or it is not known. */
  readonly clockOffsetMs?: number;
}

export interface FollowRequest extends OfOrder {
  /** What the venue said last. */
  readonly known: VenueOrder;
  /** The market's prices that are waited for too. */
  readonly watch?: Watch;
}

/** What came first: other words of the venue on the order, or a price that was waited for. */
export interface Seen extends VenueOrder {
  /** The market's price, where that is what has come. */
  readonly reached?: DecimalString;
}

export interface PriceRequest extends OfOrder {
  readonly leg: Leg;
  readonly watch: Watch;
}

export interface CommandRequest extends OfOrder {
  readonly command: SignedCommand;
}

export interface CancelRequest extends CommandRequest {
  /** The venue's own id, where it is known. */
  readonly venueOrderId: string;
}

export interface WithdrawRequest extends OfOrder {
  readonly leg: Leg;
  /** The venue's own id, where it is known. */
  readonly venueOrderId: string;
}

export interface WatchRequest {
  /** The account's name. */
  readonly account: string;
}

export interface ResumeRequest {
  readonly command: SignedCommand;
}

export interface PlanExitRequest extends ClockRequest {
  readonly signed: SignedIntent<ExitIntent>;
  /** When this execution began, by the engine's clock (milliseconds since 1970). */
  readonly startedAt: number;
  /** Whether the orders that it was told to cancel have been asked to. */
  readonly hasCanceled?: boolean;
}

/** What an exit asks another order for: it proves itself by its own signature. */
export interface MakeWay {
  readonly exit: SignedIntent<ExitIntent>;
  /** The exit's workflow. */
  readonly exitId: string;
  /** To cancel what is left of the order; or to take out what it protects. */
  readonly what: 'cancel' | 'take_out';
  /** How much is to be taken out; null for all of it. */
  readonly quantity: DecimalString | null;
}

/** What came of it. */
export interface Taken {
  readonly quantity: DecimalString;
  /** Null where nothing was taken out. */
  readonly averagePrice: DecimalString | null;
  /** How the last attempt ended, and why it took no more; null where there was none. */
  readonly last: LastTry | null;
}

export interface MakeWayRequest extends OfOrder {
  readonly signed: SignedIntent<ExitIntent>;
  readonly order: OrderName;
  readonly what: MakeWay['what'];
  readonly quantity: DecimalString | null;
}

/** About an entry that an exit wants something of. */
export interface OfExit extends OfOrder {
  readonly exit: SignedIntent<ExitIntent>;
  readonly exitId: string;
}

export interface CancelForExitRequest extends OfExit {
  /** The venue's own id, where it is known. */
  readonly venueOrderId: string;
}

/** The few things of an order's life that touch the world. Names and arguments are in every history: additive only. */
export interface Activities {
  /** Looks at rules and, after a reset, at the venue; sends nothing. */
  checkBeforeTrade(request: CheckRequest): Promise<Check>;
  /** Sends the order once. Throws only *not sent*. */
  placeOrder(request: PlaceRequest): Promise<Placement>;
  /** Reads how far the venue's clock is from the engine's. */
  sampleClock(request: ClockRequest): Promise<{ offsetMs: number }>;
  /** Asks the venue under the client order id until it can tell. */
  findOrder(request: FindRequest): Promise<Exclude<Lookup, { kind: 'cannot_tell' }>>;
  /** Comes back when the venue reports something else than what is known, or the market's price has come so far. */
  followOrder(request: FollowRequest): Promise<Seen>;
  /** Comes back when the market's price has come so far; of a leg of which nothing rests at the venue. */
  watchPrice(request: PriceRequest): Promise<{ price: DecimalString }>;
  /** Cancels the order, and tells how it ended. */
  cancelOrder(request: CancelRequest): Promise<VenueOrder>;
  /** Takes a leg back, and tells how it ended. */
  withdrawLeg(request: WithdrawRequest): Promise<VenueOrder>;
  /** Decides what an exit takes out; sends nothing. Throws only *not sent*, and to be asked again. */
  planExit(request: PlanExitRequest): Promise<ExitDecision>;
  /** Asks another order to make way for an exit, until it has. */
  makeWay(request: MakeWayRequest): Promise<Taken>;
  /** Throws unless the exit is signed, and is about what this order has brought in. */
  verifyExit(request: OfExit): Promise<void>;
  /** Cancels this order on behalf of an exit, and tells how it ended. */
  cancelForExit(request: CancelForExitRequest): Promise<VenueOrder>;
  /** Throws unless the command is signed, and is about this order. */
  verifyCommand(request: CommandRequest): Promise<void>;
  /** Tells how an account stands with every sign of life; it never comes back. */
  watchAccount(request: WatchRequest): Promise<never>;
  /** Throws unless the command is signed, and is about this account. */
  verifyResume(request: ResumeRequest): Promise<void>;
}
