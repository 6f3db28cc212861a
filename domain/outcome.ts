import type { Reason } from './reason.ts';
import type { VenueOrder } from './venue-order.ts';

/**
 * Proof that a venue has no order under a client order id and cannot get one from a request sent before.
 * It is bound to the run in which it was found: another run of the same history has to look again.
 */
export interface Absence {
  readonly runId: string;
  /** What the proof rests on, in one sentence. */
  readonly proof: string;
}

/** A venue's reply as it came, cut to 2 KB and without credentials: what a person needs who doubts our reading of it. */
export interface HttpReply {
  readonly status: number;
  readonly body: string;
}

/**
 * What became of placing an order. `unknown` is a value like the others: it is resolved by asking the venue, never by
 * sending again without proof of absence.
 */
export type Placement =
  /** `notes`: from which limits it was exempt, in sentences. */
  | { readonly kind: 'accepted'; readonly order: VenueOrder; readonly notes?: readonly string[] }
  | { readonly kind: 'rejected'; readonly reason: Reason; readonly http?: HttpReply }
  /** Our own rules, checked where the order would have left, said no; nothing was sent. */
  | { readonly kind: 'denied'; readonly reason: Reason }
  /** It was too late; nothing was sent. */
  | { readonly kind: 'expired'; readonly reason: Reason }
  /** We broke before anything was sent; another attempt would break again. */
  | { readonly kind: 'failed'; readonly reason: Reason }
  /** The account is in dry run; nothing was sent. */
  | { readonly kind: 'dry_run' }
  /** The venue refused the request's time window: nothing was booked, and the clock offset is out of date. */
  | { readonly kind: 'outside_window'; readonly evidence: string }
  | { readonly kind: 'unknown'; readonly evidence: string; readonly http?: HttpReply };

/** What a look-up under the client order id came to. */
export type Lookup =
  | { readonly kind: 'found'; readonly order: VenueOrder }
  | { readonly kind: 'absent'; readonly absence: Absence }
  /** The venue's answer is not due yet, or it could not be asked. */
  | { readonly kind: 'cannot_tell'; readonly why: string };

/** What became of asking the venue to cancel an order. */
export type Cancellation =
  /** Canceled, or final in some other way before the request arrived: `order` says which. */
  { readonly kind: 'settled'; readonly order: VenueOrder } | { readonly kind: 'unknown'; readonly evidence: string };
