import { oneOf } from './errors.ts';
import type { Exchange, OrderReference } from './exchange.ts';
import type { Parameters } from './parameters.ts';

export interface Call {
  readonly exchange: Exchange;
  readonly parameters: Parameters;
  /** The fault `partial`: the most that may fill at once. */
  readonly cap: string | null;
}

/**
 * One endpoint of rest-api.md. `prepare` reads every parameter and returns what is to be done, so that unread
 * parameters and the second look at the timestamp come before anything is booked.
 */
export interface Route {
  readonly signed: boolean;
  readonly weight: number | ((parameters: Parameters) => number);
  /** Unfilled Order Count: how many orders the request adds. */
  readonly newOrders?: number;
  readonly prepare: (call: Call) => () => unknown;
}

export const EMPTY = {};

export function readReference(parameters: Parameters): OrderReference {
  const symbol = parameters.required('symbol');
  const orderId = parameters.integer('orderId');
  const clientOrderId = parameters.optional('origClientOrderId');
  if (orderId === null && clientOrderId === null) throw oneOf('origClientOrderId', 'orderId');
  return { symbol, orderId, clientOrderId };
}
