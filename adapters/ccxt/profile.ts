import type { Exchange, Order } from 'ccxt';

import { BASE32 } from '../../domain/ids.ts';

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
  /** The exchange's rule for ids. */
  readonly idRule: RegExp;
  /** Our id in the venue's form; the same for ever. */
  encodeId(clientOrderId: string): string;
  /** The parameters that carry the id when an order is placed. */
  placeParams(id: string): Record<string, unknown>;
  /** Asks for the order under our id. Undefined, or the library's `OrderNotFound`, when the venue does not show it. */
  find(exchange: Exchange, reference: Reference): Promise<Order | undefined>;
  cancel(exchange: Exchange, reference: Reference): Promise<unknown>;
  /** Without a bound an order that is not found is never taken for absent, and never sent again by itself. */
  readonly absence: AbsenceBound | null;
  /** Whether requests carry a pinned time that the venue checks. */
  readonly pinsTime: boolean;
  /** Where the above is documented. */
  readonly source: string;
}

const same = (id: string): string => id;
const upTo = (length: number): RegExp => new RegExp(`^[A-Za-z0-9]{1,${length}}$`);

/** The usual case: one unified parameter for placing, one for asking. */
const unified = {
  encodeId: same,
  placeParams: (id: string) => ({ clientOrderId: id }),
  find: (exchange: Exchange, { id, symbol }: Reference) => exchange.fetchOrder('', symbol, { clientOrderId: id }),
  cancel: (exchange: Exchange, { id, symbol }: Reference) => exchange.cancelOrder('', symbol, { clientOrderId: id }),
  absence: null,
  pinsTime: false,
};

/** The first 128 of our id's 130 bits, as 32 hexadecimal digits: the deployment's tag stays in front. */
function toHex32(id: string): string {
  const bits = [...id].reduce((sum, character) => sum * 32n + BigInt(BASE32.indexOf(character)), 0n);
  return (bits >> 2n).toString(16).padStart(32, '0');
}

/** How many of a day's orders are read where a venue cannot be asked for one under our id. */
const SCAN_LIMIT = 100;

const PROFILES: Readonly<Record<string, Profile>> = {
  binance: {
    ...unified,
    idRule: /^[.A-Z:/a-z0-9_-]{1,36}$/,
    absence: { windowMs: 5_000, engineMs: 10_000, marginMs: 5_000 },
    pinsTime: true,
    source:
      'Binance spot REST API, "Timing security" (recvWindow, checked again before the matching engine) and "Error codes" -1007 (10 s)',
  },
  bybit: {
    ...unified,
    idRule: /^[A-Za-z0-9_-]{1,36}$/,
    // The library ignores clientOrderId here: the venue's own name has to be used.
    find: (exchange, { id, symbol }) =>
      exchange.fetchOrder(undefined as never, symbol, { orderLinkId: id, acknowledged: true }),
    cancel: (exchange, { id, symbol }) => exchange.cancelOrder(undefined as never, symbol, { orderLinkId: id }),
    source: 'Bybit v5 "Place Order" (orderLinkId, at most 36 characters) and "Get Open & Closed Orders"',
  },
  okx: { ...unified, idRule: upTo(32), source: 'OKX v5 "Place order" (clOrdId, 1-32 letters and digits)' },
  kraken: {
    ...unified,
    // A UUID, 32 hexadecimal digits, or free text up to 18 characters: ours is too long for the last.
    idRule: /^[0-9a-f]{32}$/,
    encodeId: (id) => toHex32(id),
    find: async (exchange, { id, symbol }) => {
      // The library's fetchOrder asks for an empty transaction id, and takes the answer for "not found".
      const [open, closed] = await Promise.all([
        exchange.fetchOpenOrders(symbol, undefined, undefined, { clientOrderId: id }),
        exchange.fetchClosedOrders(symbol, undefined, undefined, { clientOrderId: id }),
      ]);
      return [...open, ...closed].find((order) => order.clientOrderId === id);
    },
    source: 'Kraken spot REST "Add Order" (cl_ord_id), "Get Open Orders", "Get Closed Orders"',
  },
  coinbase: {
    ...unified,
    idRule: upTo(128),
    // The library drops clientOrderId and sends a random one.
    placeParams: (id) => ({ client_order_id: id }),
    find: async (exchange, { id, symbol }) => {
      const orders = await exchange.fetchOrders(symbol, undefined, SCAN_LIMIT);
      return orders.find((order) => order.clientOrderId === id);
    },
    cancel: async (exchange, { symbol, venueOrderId }) => {
      // Without the venue's id the library would send an empty one.
      if (venueOrderId === undefined) throw new Error('Coinbase cancels by its own id only, which is not known yet.');
      return exchange.cancelOrder(venueOrderId, symbol);
    },
    source: 'Coinbase Advanced Trade "Create Order" (client_order_id) and "List Orders"',
  },
  kucoin: {
    ...unified,
    idRule: /^[0-9A-Za-z_-]{1,40}$/,
    source: 'KuCoin HF "Add Order" (clientOid, at most 40 characters)',
  },
  bitget: {
    ...unified,
    idRule: upTo(50),
    source: 'Bitget v2 "Place Order" (clientOid, at most 50 characters, error 40305)',
  },
  gate: {
    ...unified,
    idRule: /^t-[0-9A-Za-z_.-]{1,28}$/,
    encodeId: (id) => `t-${id}`,
    find: async (exchange, { id, symbol }) => {
      try {
        return await exchange.fetchOrder('', symbol, { clientOrderId: id });
      } catch (error) {
        // Own ids are resolved while an order is open; afterwards only a list shows it.
        if ((error as Error).name !== 'OrderNotFound') throw error;
        const closed = await exchange.fetchClosedOrders(symbol, undefined, SCAN_LIMIT);
        return closed.find((order) => order.clientOrderId === id);
      }
    },
    // With an empty id and clientOrderId the library would ask for the cancellation of all orders.
    cancel: (exchange, { id, symbol }) => exchange.cancelOrder(id, symbol),
    source: 'Gate v4 "Create an order" (text, "t-" and at most 28 characters) and "Get a single order"',
  },
};

/** An exchange that nobody has looked at: the unified parameters, and no conclusion from anything. */
const UNPROFILED: Profile = { ...unified, idRule: upTo(26), source: 'none: the account says unprofiled' };

/** The exchange's profile; undefined for one that is not known, unless the account accepts that. */
export function profileOf(exchange: string, unprofiled: boolean): Profile | undefined {
  if (Object.hasOwn(PROFILES, exchange)) return PROFILES[exchange];
  return unprofiled ? UNPROFILED : undefined;
}

/** The exchanges whose requests were captured and checked. */
export const PROFILED_EXCHANGES: readonly string[] = Object.keys(PROFILES);
