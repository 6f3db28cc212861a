import type { ResolveVerdict } from './command.ts';
import { compare, isPositive, isZero, type DecimalString } from './decimal.ts';
import { leavesSome } from './exit-problem.ts';
import type { Exits } from './exits.ts';
import type { Placement } from './outcome.ts';
import { reason, type Reason } from './reason.ts';
import { sumFills, type Fill, type VenueOrder, type VenueStatus } from './venue-order.ts';
import type { WayOut } from './way-out.ts';

/**
 * An order's status, in the words of the answer. `pending`, `unknown`, `working` and `partially_filled` may change;
 * the others are final.
 */
export type OrderStatus =
  'pending' | 'unknown' | VenueStatus | 'denied' | 'expired' | 'failed' | 'dry_run' | 'closed' | 'noop';

export interface OrderState {
  readonly status: OrderStatus;
  readonly venueOrderId: string | null;
  readonly filledQuantity: DecimalString;
  readonly averagePrice: DecimalString | null;
  readonly fills: readonly Fill[];
  readonly reason: Reason | null;
  /** What was changed to fit the market's rules, in sentences. */
  readonly notes: readonly string[];
  /** The market's step of quantities, in which the venue has the order; not there where it is not known. */
  readonly quantityStep?: DecimalString;
  /** How the position that it has opened stands; of orders with a bracket. */
  readonly exits?: Exits;
  /** Of an exit: what comes out, and by which orders. */
  readonly wayOut?: WayOut;
}

export const NEW_ORDER: OrderState = {
  status: 'pending',
  venueOrderId: null,
  filledQuantity: '0',
  averagePrice: null,
  fills: [],
  reason: null,
  notes: [],
};

const FINAL_STATUSES: readonly OrderStatus[] = [
  'filled',
  'canceled',
  'rejected',
  'denied',
  'expired',
  'failed',
  'dry_run',
  'closed',
  'noop',
];

export const isFinal = ({ status }: Pick<OrderState, 'status'>): boolean => FINAL_STATUSES.includes(status);

/** Whether the venue holds the order and may still fill it. */
export const isResting = (state: OrderState): boolean =>
  state.status === 'working' || state.status === 'partially_filled';

/** The state after a placement came to something. */
export function placed(state: OrderState, placement: Placement): OrderState {
  if (isFinal(state)) return state;
  switch (placement.kind) {
    case 'accepted':
      return observed({ ...state, notes: [...state.notes, ...(placement.notes ?? [])] }, placement.order);
    case 'rejected':
    case 'denied':
    case 'expired':
    case 'failed':
      return { ...state, status: placement.kind, reason: placement.reason };
    case 'dry_run':
      return { ...state, status: 'dry_run' };
    case 'outside_window':
    case 'unknown':
      return unknown(state, placement.evidence);
  }
}

/** The order may or may not be at the venue, which is being asked. */
function unknown(state: OrderState, evidence: string): OrderState {
  const message = `Whether the venue has the order is not known yet: ${evidence}`;
  return {
    ...state,
    status: 'unknown',
    reason: reason('OUTCOME_UNKNOWN', message, 'Nothing is sent again; the venue is asked until it tells.'),
  };
}

/** The state when the way out of its position has come so far. A problem is told as the order's reason. */
export function leaving(state: OrderState, exits: Exits): OrderState {
  return { ...state, exits, reason: exits.problem ?? state.reason };
}

/** The state when nothing is left to protect: what was opened is closed, unless a problem has kept some of it. */
export function left(state: OrderState): OrderState {
  const { exits } = state;
  if (exits === undefined || !isPositive(exits.exitedQuantity)) return state;
  return leavesSome(exits.problem) ? state : { ...state, status: 'closed' };
}

/** The state after a person said what became of an order that its venue cannot tell of. */
export function resolved(state: OrderState, verdict: ResolveVerdict, note: string): OrderState {
  const because = (code: string): Reason => reason(code, `Resolved by an operator as ${verdict.outcome}: ${note}`);
  switch (verdict.outcome) {
    case 'absent':
      return { ...state, status: 'expired', reason: because('RESOLVED_ABSENT') };
    case 'rejected':
      return { ...state, status: 'rejected', reason: because('RESOLVED_REJECTED') };
    case 'filled':
    case 'canceled':
      return {
        ...state,
        status: verdict.outcome,
        venueOrderId: verdict.venueOrderId,
        filledQuantity: verdict.filledQuantity,
        averagePrice: verdict.averagePrice,
        reason: because(verdict.outcome === 'filled' ? 'RESOLVED_FILLED' : 'RESOLVED_CANCELED'),
      };
  }
}

/**
 * From which status a venue's report may lead to which. What is missing here is a venue that contradicts itself, and
 * leaves the state as it was.
 */
const MOVES: Record<VenueStatus, readonly VenueStatus[]> = {
  working: ['working', 'partially_filled', 'filled', 'canceled', 'rejected'],
  partially_filled: ['partially_filled', 'filled', 'canceled'],
  // Binance reads an order from its memory or its database (rest-api, "Data Source"): an older report can come later.
  filled: ['filled'],
  // A cancel and a fill can cross; the venue then reports the cancel first and the rest of the fills afterwards.
  canceled: ['canceled', 'filled'],
  rejected: [],
};

/**
 * The state after the venue described the order. Fills count once by trade id; the filled quantity never falls.
 */
export function observed(state: OrderState, order: VenueOrder): OrderState {
  const from = state.status;
  if (!isVenueStatus(from) && isFinal(state)) return state;
  if (isVenueStatus(from) && !MOVES[from].includes(order.status)) return state;
  if (compare(order.filledQuantity, state.filledQuantity) < 0) return state;

  const known = new Map(state.fills.map((fill) => [fill.tradeId, fill]));
  for (const fill of order.fills ?? []) if (!known.has(fill.tradeId)) known.set(fill.tradeId, fill);
  const fills = [...known.values()];
  const summed = sumFills(fills);
  // Executions are exact where they account for all that is filled; otherwise the venue's own average stands.
  const exact = compare(summed.filledQuantity, order.filledQuantity) === 0 && !isZero(order.filledQuantity);
  const rejectedBecause = reason('VENUE_REJECTED', order.words ?? 'The venue rejected the order without a reason.');
  return {
    ...state,
    status: order.status,
    venueOrderId: order.venueOrderId,
    filledQuantity: order.filledQuantity,
    averagePrice: exact ? summed.averagePrice : order.averagePrice,
    fills,
    reason: order.status === 'rejected' ? rejectedBecause : (state.exits?.problem ?? null),
  };
}

function isVenueStatus(status: OrderStatus): status is VenueStatus {
  return Object.hasOwn(MOVES, status);
}

/** What the venue must have said last, for an order in this state. */
export function reportOf(state: OrderState): VenueOrder {
  return {
    venueOrderId: state.venueOrderId ?? '',
    status: state.status === 'partially_filled' ? 'partially_filled' : 'working',
    filledQuantity: state.filledQuantity,
    averagePrice: state.averagePrice,
  };
}
