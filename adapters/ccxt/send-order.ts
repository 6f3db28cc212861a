import type { Exchange, Order } from 'ccxt';

import type { OrderTicket, SendWindow } from '../venue-adapter.ts';
import type { FittedTicket } from './fit-ticket.ts';
import type { AbsenceBound, Profile } from './profile.ts';

/** How an exchange is asked to take an order. */
export interface Sending {
  readonly profile: Profile;
  readonly bound: AbsenceBound | null;
  readonly window: SendWindow | null;
}

/** Sends an order once, as its exchange takes it, under our id and within the window. */
export function sendOrder(
  exchange: Exchange,
  ticket: OrderTicket,
  { symbol, order }: Extract<FittedTicket, { kind: 'fits' }>,
  { profile, bound, window }: Sending,
): Promise<Order> {
  const id = profile.encodeId(ticket.clientOrderId);
  // The exchange compares both with its own clock, twice: bytes that were held up are refused there.
  const moment = window === null || bound === null ? {} : { timestamp: window.timestamp, recvWindow: bound.windowMs };
  if (ticket.type === 'bracket') {
    return profile.brackets!.place(exchange, { id, symbol, side: ticket.side, order }, moment);
  }
  const isMarket = ticket.type === 'market' || ticket.type === 'stop';
  const params = {
    ...profile.placeParams(id),
    ...profile.orderParams(ticket, order),
    ...(isMarket ? {} : { timeInForce: (ticket.timeInForce ?? 'gtc').toUpperCase() }),
    ...moment,
  };
  // A market order passes no price: Binance would take it for "spend quantity × price of the quote asset".
  const price = isMarket ? undefined : order.limitPrice;
  return exchange.createOrder(
    symbol,
    isMarket ? 'market' : 'limit',
    ticket.side,
    order.quantity as never,
    price as never,
    params,
  );
}
