import type { OrderStory } from '../../ingress/order-book.ts';
import type { Order } from '../simulators/binance-spot/start-simulator.ts';
import type { Bound } from './rig.ts';
import type { Sent } from './sender.ts';

export const VIOLATIONS = ['lost', 'doubled', 'mislabelled', 'late'] as const;

export interface Violation {
  readonly kind: (typeof VIOLATIONS)[number];
  readonly id: string;
  readonly words: string;
}

/** How an order ends at the venue, in the words of the answer. */
const STATUS: Partial<Record<string, string>> = {
  NEW: 'working',
  PARTIALLY_FILLED: 'partially_filled',
  FILLED: 'filled',
  CANCELED: 'canceled',
  EXPIRED: 'canceled',
};
/** A timestamp may lie so much before the deadline, and the booking so much after the request. */
const SLACK_MS = 1_000;

/** More than one order under one id: seen at any moment, and never put right by what comes later. */
export function doubles(booked: readonly Order[]): Violation[] {
  const byId = Map.groupBy(booked, ({ clientOrderId }) => clientOrderId);
  return [...byId]
    .filter(([, orders]) => orders.length > 1)
    .map(([id, orders]) => ({ kind: 'doubled', id, words: inWords(orders) }));
}

/**
 * What the venue has booked, beside what the order's history and its answers say. Called when the order is over, or
 * rests, or will not get any further; `told` is undefined where there is no order.
 */
export function judge(sent: Sent, told: OrderStory | undefined, booked: readonly Order[], bound: Bound): Violation[] {
  const found: Violation[] = [];
  const add = (kind: Violation['kind'], words: string): number => found.push({ kind, id: sent.id, words });
  const [order] = booked;
  if (told === undefined) {
    const what = sent.answers.length > 0 ? 'it was acknowledged' : 'nobody acknowledged it';
    add('lost', `${what}, there is no order in the engine, and at the venue ${inWords(booked)}`);
    return found;
  }
  const { status, filled_quantity: filled, order_id: orderId } = told.order;
  if (status === 'pending' || status === 'unknown')
    add('lost', `it is still ${status}; at the venue ${inWords(booked)}`);
  else if (!agrees(told, order))
    add('mislabelled', `it is ${status} ${filled} (${orderId}); at the venue ${inWords(booked)}`);
  for (const answer of sent.answers) {
    if (contradicts(answer.status, status)) add('mislabelled', `the sender was told ${answer.status}; it is ${status}`);
  }
  const notAfter = told.intent?.notAfter ?? 0;
  const latest = notAfter + bound.windowMs + bound.engineMs + SLACK_MS;
  if (order !== undefined && order.bookedAt > latest)
    add('late', `booked ${order.bookedAt - notAfter} ms after its deadline`);
  return found;
}

function agrees({ order: told }: OrderStory, order: Order | undefined): boolean {
  if (order === undefined) return ['rejected', 'expired', 'denied'].includes(told.status);
  const isSame = told.status === STATUS[order.status] && Number(told.filled_quantity) === Number(order.executedQty);
  return isSame && told.order_id === String(order.orderId);
}

/** Whether an answer was wrong when it was given: what is final stays, and what rests was there. */
function contradicts(answered: string, status: string): boolean {
  if (answered === 'pending' || answered === 'unknown' || answered === status) return false;
  const rested = answered === 'working' || answered === 'partially_filled';
  return !(rested && ['working', 'partially_filled', 'filled', 'canceled'].includes(status));
}

const inWords = (orders: readonly Order[]): string =>
  orders.map(({ orderId, status, executedQty }) => `${orderId} ${status} ${executedQty}`).join(', ') || 'nothing';
