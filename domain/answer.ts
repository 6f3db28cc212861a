import type { ExitAction, OrderType, Side } from './alert.ts';
import { isZero, type DecimalString } from './decimal.ts';
import { keptOf } from './exits.ts';
import { isExit, type Intent } from './intent.ts';
import type { OrderState, OrderStatus } from './order-state.ts';
import type { Reason } from './reason.ts';
import { NOTHING_TRADED } from './way-out.ts';

/** What the sender of an alert is told, and what a finished workflow leaves as its result. */
export interface Answer {
  readonly success: boolean;
  /** The venue's id; null where there is none. */
  readonly order_id: string | null;
  /** The reason's sentence where the order was not carried out; null otherwise. */
  readonly error: string | null;
  readonly status: OrderStatus;
  readonly workflow_id: string;
  readonly client_order_id: string;
  readonly duplicate: boolean;
  readonly account: string;
  readonly symbol: string;
  /** Null of an exit until it is known which side takes the position out. */
  readonly side: Side | null;
  readonly order_type: OrderType;
  /** Null of an exit until it is known how much there is to take out. */
  readonly quantity: DecimalString | null;
  readonly filled_quantity: DecimalString;
  readonly average_price: DecimalString | null;
  /** What the venue has kept of `filled_quantity` as a fee in the asset that was bought; not there where it is nothing. */
  readonly fee_quantity?: DecimalString;
  readonly reason: Reason | null;
  readonly inferred: readonly string[];
  readonly ignored: readonly string[];
  /** How its position stands; of orders with a bracket, once something of them is filled. */
  readonly protection?: {
    /** For how much of it a stop or a target waits at the venue. */
    readonly guarded_quantity: DecimalString;
    readonly exited_quantity: DecimalString;
    readonly exit_average_price: DecimalString | null;
  };
  /** Of an exit: which orders have taken the position out. */
  readonly exit?: {
    readonly action: ExitAction;
    /** What its own orders have traded; in `filled_quantity` is also what the others have. */
    readonly own_quantity: DecimalString;
    readonly own_average_price: DecimalString | null;
    /** Of that, what a `reverse` has opened on the other side. */
    readonly opened_quantity: DecimalString;
    /** The orders that had protected what came out, and took it out themselves. */
    readonly by_orders: readonly {
      readonly workflow_id: string;
      readonly quantity: DecimalString;
      readonly average_price: DecimalString | null;
    }[];
  };
}

const SUCCESS: Record<OrderStatus, boolean> = {
  pending: true,
  working: true,
  partially_filled: true,
  filled: true,
  canceled: true,
  dry_run: true,
  unknown: false,
  rejected: false,
  denied: false,
  expired: false,
  failed: false,
  closed: true,
  noop: true,
};

/** The answer for an order in the given state. */
export function answerOf(workflowId: string, intent: Intent, state: OrderState): Answer {
  const success = SUCCESS[state.status];
  return {
    success,
    order_id: state.venueOrderId,
    error: success ? null : (state.reason?.message ?? null),
    status: state.status,
    workflow_id: workflowId,
    client_order_id: intent.clientOrderId,
    duplicate: false,
    account: intent.account,
    symbol: intent.symbol,
    ...askedOf(intent, state),
    filled_quantity: state.filledQuantity,
    average_price: state.averagePrice,
    ...feeIn(intent, state),
    reason: state.reason,
    inferred: [...(intent.inferred ?? []), ...state.notes],
    ignored: intent.ignored ?? [],
    ...protectionIn(state),
    ...wayOutIn(intent, state),
  };
}

function askedOf(intent: Intent, { wayOut, status }: OrderState): Pick<Answer, 'side' | 'order_type' | 'quantity'> {
  if (!isExit(intent)) return { side: intent.side, order_type: intent.orderType, quantity: intent.quantity };
  return {
    side: wayOut?.side ?? null,
    order_type: 'market',
    quantity: wayOut?.quantity ?? (status === 'noop' ? '0' : (intent.quantity ?? null)),
  };
}

function feeIn(intent: Intent, state: OrderState): Pick<Answer, 'fee_quantity'> {
  const kept = isExit(intent) || intent.v === 1 ? '0' : keptOf(intent, state);
  return isZero(kept) ? {} : { fee_quantity: kept };
}

function wayOutIn(intent: Intent, { wayOut }: OrderState): Pick<Answer, 'exit'> {
  if (!isExit(intent)) return {};
  const { own = NOTHING_TRADED, opened = '0', entries = [] } = wayOut ?? {};
  const exit = {
    action: intent.exit,
    own_quantity: own.quantity,
    own_average_price: own.averagePrice,
    opened_quantity: opened,
    by_orders: entries.map(({ workflowId, quantity, averagePrice }) => ({
      workflow_id: workflowId,
      quantity,
      average_price: averagePrice,
    })),
  };
  return { exit };
}

function protectionIn({ exits, filledQuantity }: OrderState): Pick<Answer, 'protection'> {
  if (exits === undefined || isZero(filledQuantity)) return {};
  const { guardedQuantity, exitedQuantity, exitAveragePrice } = exits;
  const protection = {
    guarded_quantity: guardedQuantity,
    exited_quantity: exitedQuantity,
    exit_average_price: exitAveragePrice,
  };
  return { protection };
}

/** Whether a status is an outcome that an answer need not wait any longer for. */
export function isSettled(status: OrderStatus): boolean {
  return status !== 'pending' && status !== 'unknown';
}
