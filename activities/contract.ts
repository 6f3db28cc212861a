import type { SignedCommand } from '../domain/command.ts';
import type { SignedIntent } from '../domain/intent.ts';
import type { Leg } from '../domain/leg.ts';
import type { Absence, Lookup, Placement } from '../domain/outcome.ts';
import type { Reason } from '../domain/reason.ts';
import type { VenueOrder } from '../domain/venue-order.ts';

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

export type Check =
  | {
      readonly kind: 'admitted';
      /** Venue time minus engine time, `stale` where it is to be read first; not there where no window is enforced. */
      readonly clock?: { readonly offsetMs: number } | 'stale';
      /** What was changed to fit the market's rules, in sentences. */
      readonly notes?: readonly string[];
    }
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
  /** Comes back when the venue reports something else than what is known. */
  followOrder(request: FollowRequest): Promise<VenueOrder>;
  /** Cancels the order, and tells how it ended. */
  cancelOrder(request: CancelRequest): Promise<VenueOrder>;
  /** Takes a leg back, and tells how it ended. */
  withdrawLeg(request: WithdrawRequest): Promise<VenueOrder>;
  /** Throws unless the command is signed, and is about this order. */
  verifyCommand(request: CommandRequest): Promise<void>;
  /** Tells how an account stands with every sign of life; it never comes back. */
  watchAccount(request: WatchRequest): Promise<never>;
  /** Throws unless the command is signed, and is about this account. */
  verifyResume(request: ResumeRequest): Promise<void>;
}
