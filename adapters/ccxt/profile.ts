import type { Exchange, MarketInterface, Order } from 'ccxt';

import type { OrderType } from '../../domain/alert.ts';
import type { FittedOrder, OrderTicket } from '../venue-adapter.ts';
import { ORDER_LISTS, type Brackets } from './bracket.ts';
import { toLettersAndDigits, toShort, toUuid } from './encode-id.ts';

/** How long after it was lost an order may still appear, by a venue's own documented limits. */
export interface AbsenceBound {
  /** How old a request may be when it arrives; it carries this as its window. */
  readonly windowMs: number;
  /** How long the matching engine may take after that. */
  readonly engineMs: number;
  /** For clocks, and for reads that lag behind. */
  readonly marginMs: number;
}

/** One order as the real exchange library takes it. */
export interface Reference {
  /** Our id in the venue's form. */
  readonly id: string;
  readonly symbol: string;
  /** The venue's own id, where it is known. */
  readonly venueOrderId: string | undefined;
}

/**
 * What one exchange needs to be asked under our id. Each was captured from the signed request that the library sends:
 * an id under a wrong name is dropped in silence, and the order could never be found again.
 */
export interface Profile {
  readonly idRule: RegExp;
  /** Our id in the venue's form; the same for ever. */
  encodeId(clientOrderId: string): string;
  /** Those that can be found under our id from the first moment to the last. */
  readonly orderTypes: readonly OrderType[];
  /** Whether a market takes stops, by what the exchange tells of it; not there where each does that has `stop` above. */
  takesStopsIn?(market: MarketInterface): boolean;
  /** Why the venue cannot be asked for just this order, in a sentence. */
  refuses?(ticket: OrderTicket): string | undefined;
  /** The parameters that carry the id when an order is placed. */
  placeParams(id: string): Record<string, unknown>;
  /** The stop price, and what else the library has to be told to send just this order. */
  orderParams(ticket: OrderTicket, order: FittedOrder): Record<string, unknown>;
  /** Settings of the library without which the above does not hold: an account's own do not replace them. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Asks for the order under our id. Undefined, or the library's `OrderNotFound`, when the venue does not show it. */
  find(exchange: Exchange, reference: Reference): Promise<Order | undefined>;
  cancel(exchange: Exchange, reference: Reference): Promise<unknown>;
  /** Not there where a stop and a target cannot be placed together, or nobody has checked that they can. */
  readonly brackets?: Brackets;
  /** Whether the venue repeats our id in every order that it describes: one without it is then not believed. */
  readonly repeatsId: boolean;
  /** The parameter by which the executions of one order are asked for. */
  readonly tradesOfOrder: string;
  /** Without a bound an order that is not found is never taken for absent, and never sent again by itself. */
  readonly absence: AbsenceBound | null;
  /** Whether requests carry a pinned time that the venue checks. */
  readonly pinsTime: boolean;
  /** Whether a refusal can come under the HTTP status 200. */
  readonly saysNoWith200: boolean;
}

const EVERY_TYPE: readonly OrderType[] = ['market', 'limit', 'stop', 'stop_limit'];
/** The usual case: one unified parameter for placing, one for asking. */
const unified: Omit<Profile, 'idRule'> = {
  encodeId: (id) => id,
  // A stop is often an object of its own, and the order that it sends in the end does not bear our id.
  orderTypes: ['market', 'limit'],
  placeParams: (id) => ({ clientOrderId: id }),
  orderParams: (_, { stopPrice }) => (stopPrice ? { triggerPrice: stopPrice } : {}),
  find: async (exchange, { id, symbol }) => {
    const order = await exchange.fetchOrder('', symbol, { clientOrderId: id });
    // "None" can be an empty success, of which the library makes an order without an id.
    return order.id ? order : undefined;
  },
  cancel: (exchange, { id, symbol }) => exchange.cancelOrder('', symbol, { clientOrderId: id }),
  repeatsId: false,
  tradesOfOrder: 'orderId',
  absence: null,
  pinsTime: false,
  saysNoWith200: true,
};

/** Where a bare trigger price is dropped and the order goes out at once (Kraken), or waits on the wrong side (Coinbase). */
const asStopLoss: Profile['orderParams'] = (_, { stopPrice }) => (stopPrice ? { stopLossPrice: stopPrice } : {});
/** Where a market buy's quantity would be taken for money. */
const noMarketBuy = ({ type, side }: OrderTicket): string | undefined =>
  type === 'market' && side === 'buy' ? 'A market buy there names the amount to spend, not the quantity.' : undefined;
/** Where no single order can be asked for. One list after the other, because what leaves the first enters the second. */
const findInLists =
  (idName?: string): Profile['find'] =>
  async (exchange, { id, symbol }) => {
    const params = idName === undefined ? {} : { [idName]: id };
    const isOurs = (order: Order): boolean => order.clientOrderId === id;
    const open = (await exchange.fetchOpenOrders(symbol, undefined, undefined, params)).find(isOurs);
    const ended = exchange.has['fetchCanceledAndClosedOrders'] ? 'fetchCanceledAndClosedOrders' : 'fetchClosedOrders';
    return open ?? (await exchange[ended](symbol, undefined, undefined, params)).find(isOurs);
  };
/** Where only the venue's own id cancels: an empty one could mean every order. */
const cancelByVenueId: Profile['cancel'] = async (exchange, { symbol, venueOrderId = '' }) => {
  if (venueOrderId !== '') return exchange.cancelOrder(venueOrderId, symbol);
  throw new Error("The exchange cancels by its own id only, and the order's is not known yet.");
};

const PROFILES: Readonly<Record<string, Profile>> = {
  binance: {
    ...unified,
    idRule: /^[.A-Z:/a-z0-9_-]{1,36}$/,
    orderTypes: EVERY_TYPE,
    // An empty success is no proof of absence.
    find: (exchange, { id, symbol }) => exchange.fetchOrder('', symbol, { clientOrderId: id }),
    // "Exchange information": each symbol lists its order types.
    takesStopsIn: ({ info }) =>
      (info as { orderTypes?: string[] } | undefined)?.orderTypes?.includes('STOP_LOSS') ?? true,
    brackets: ORDER_LISTS,
    // "Timing security": the window is checked on arrival and before the engine. "Error codes", -1007: that answers in 10 s.
    repeatsId: true,
    absence: { windowMs: 5_000, engineMs: 10_000, marginMs: 5_000 },
    pinsTime: true,
    saysNoWith200: false,
  },
  bybit: {
    ...unified,
    idRule: /^[A-Za-z0-9_-]{1,36}$/,
    encodeId: toLettersAndDigits,
    orderTypes: EVERY_TYPE,
    // A market buy's quantity would be sent as money for a classic account: this way the library refuses.
    options: { createOrder: { createMarketBuyOrderRequiresPrice: true } },
    // The library's fetchOrder knows no orderLinkId, and stumbles when nothing is found.
    find: findInLists('orderLinkId'),
    // A stop that waits is canceled among the stops only, and once it is triggered no more.
    cancel: async (exchange, reference) => {
      const trigger = (await PROFILES['bybit']!.find(exchange, reference))?.info.orderStatus === 'Untriggered';
      return exchange.cancelOrder(undefined as never, reference.symbol, { orderLinkId: reference.id, trigger });
    },
  },
  okx: {
    ...unified,
    idRule: /^[A-Za-z0-9]{1,32}$/,
    encodeId: toLettersAndDigits,
    options: { tgtCcy: 'base_ccy' },
    tradesOfOrder: 'ordId',
  },
  kraken: {
    ...unified,
    // Free text is shorter than ours. The venue also takes a UUID, and every example of it is one of version 4.
    idRule: /^[0-9a-f]{12}4[0-9a-f]{3}[89ab][0-9a-f]{15}$/,
    encodeId: toUuid,
    orderTypes: EVERY_TYPE,
    refuses: ({ timeInForce }) => (timeInForce === 'fok' ? 'The exchange knows no fill or kill.' : undefined),
    orderParams: asStopLoss,
    // The library's fetchOrder asks for an empty transaction id, and takes the answer for "not found".
    find: findInLists('clientOrderId'),
  },
  coinbase: {
    ...unified,
    idRule: /^[A-Za-z0-9]{1,128}$/,
    encodeId: toLettersAndDigits,
    orderTypes: ['market', 'limit', 'stop_limit'],
    tradesOfOrder: 'order_id',
    refuses: ({ type, timeInForce = 'gtc' }) =>
      type === 'stop_limit' && timeInForce !== 'gtc' ? 'The exchange takes stop-limit orders as gtc only.' : undefined,
    // The library drops clientOrderId and sends a random one.
    placeParams: (id) => ({ client_order_id: id }),
    orderParams: (ticket, order) => {
      if (ticket.type !== 'market' || ticket.side !== 'buy') return asStopLoss(ticket, order);
      // The library knows market buys by money only; the venue takes a quantity as well.
      const configuration = { market_market_ioc: { base_size: order.quantity } };
      return { createMarketBuyOrderRequiresPrice: false, order_configuration: configuration };
    },
    // Without its own id the venue shows an order in a list only: the newest 100 of the market.
    find: async (exchange, { id, symbol, venueOrderId }) => {
      const order = venueOrderId
        ? await exchange.fetchOrder(venueOrderId, symbol)
        : (await exchange.fetchOrders(symbol, undefined, 100)).find((one) => one.clientOrderId === id);
      // Words for an order that the venue has not taken up yet, which the library does not translate.
      return order && /^(PENDING|(CANCEL_|EDIT_)?QUEUED)$/.test(order.status!) ? { ...order, status: 'open' } : order;
    },
    cancel: cancelByVenueId,
  },
  kucoin: {
    ...unified,
    idRule: /^[0-9A-Za-z_-]{1,40}$/,
    encodeId: toLettersAndDigits,
    options: { hf: true, uta: false },
  },
  bitget: {
    ...unified,
    idRule: /^[A-Za-z0-9]{1,50}$/,
    encodeId: toLettersAndDigits,
    refuses: noMarketBuy,
    // In its unified account the library sends a market buy's quantity as money, and a stop as an ordinary order.
    options: { uta: false },
  },
  gate: {
    ...unified,
    idRule: /^t-[0-9A-Za-z_.-]{1,28}$/,
    encodeId: (id) => `t-${toShort(id)}`,
    tradesOfOrder: 'order_id',
    saysNoWith200: false,
    refuses: noMarketBuy,
    find: async (exchange, { id, symbol, venueOrderId }) => {
      const order = await exchange.fetchOrder(venueOrderId ?? id, symbol).catch(async (error: Error) => {
        // Own ids are resolved while an order is open; afterwards only a list shows it.
        if (error.name !== 'OrderNotFound') throw error;
        const closed = await exchange.fetchClosedOrders(symbol, undefined, 100);
        return closed.find(({ clientOrderId }) => clientOrderId === id);
      });
      // The library's status is the reason of the end, for which it knows not every word.
      return order && /^(closed|cancelled)$/.test(order.info.status) ? { ...order, status: 'closed' } : order;
    },
    // With an empty id and clientOrderId the library would ask for the cancellation of all orders.
    cancel: (exchange, { id, symbol }) => exchange.cancelOrder(id, symbol),
  },
};

/** An exchange that nobody has looked at: only what cannot mean another order, or money. */
const UNPROFILED: Profile = {
  ...unified,
  idRule: /^[A-Za-z0-9]{1,26}$/,
  refuses: noMarketBuy,
  find: findInLists(),
  cancel: cancelByVenueId,
  saysNoWith200: false,
};

/** The exchange's profile; undefined for one that is not known, unless the account accepts that. */
export function profileOf(exchange: string, unprofiled: boolean): Profile | undefined {
  if (Object.hasOwn(PROFILES, exchange)) return PROFILES[exchange];
  return unprofiled ? UNPROFILED : undefined;
}

/** The exchanges whose requests were captured and checked. */
export const PROFILED_EXCHANGES: readonly string[] = Object.keys(PROFILES);
