import { add, compare, isZero, multiply, subtract, type DecimalString } from '../../domain/decimal.ts';
import type { Holding } from '../../domain/exit-plan.ts';
import { entryIdOf } from '../../domain/ids.ts';
import type { Cancellation, Placement } from '../../domain/outcome.ts';
import { reason, type Reason } from '../../domain/reason.ts';
import type { ListedOrder } from '../../domain/reconciliation.ts';
import type { VenueOrder } from '../../domain/venue-order.ts';
import type {
  AdapterLookup,
  Capabilities,
  LookupHint,
  OrderTicket,
  Plan,
  Reach,
  VenueAdapter,
} from '../venue-adapter.ts';
import { assetsOf, PaperBook, type BookedOrder } from './book.ts';
import { triggersAtOnce } from './matching.ts';

/** What a market is worth where neither the alert nor the configuration says so: enough to try things out. */
const BUILT_IN_PRICES: Readonly<Record<string, DecimalString>> = {
  'BTC/USDT': '67500',
  'ETH/USDT': '3500',
  ES: '4420',
  'EUR/USD': '1.0850',
};

const RECENT_MS = 24 * 3_600_000;

export interface PaperOptions {
  /** The book's file. */
  readonly file: string;
  /** What a new book starts with, by asset. */
  readonly balances: Readonly<Record<string, DecimalString>>;
  readonly prices: Readonly<Record<string, DecimalString>>;
}

/**
 * A venue on this machine: market, limit, stop and stop-limit orders against the price that alerts bring along. Its
 * client order ids are unique for ever, so that asking it is proof, and sending twice is one order.
 */
export class PaperAdapter implements VenueAdapter {
  readonly capabilities: Capabilities = {
    orderTypes: ['market', 'limit', 'stop', 'stop_limit'],
    brackets: true,
    enforcesWindow: false,
    provesAbsence: true,
    dryRun: false,
    tradesAtAlertPrice: true,
  };
  readonly #options: PaperOptions;
  #opened: PaperBook | undefined;

  constructor(options: PaperOptions) {
    this.#options = options;
  }

  async open(): Promise<void> {
    this.#opened ??= new PaperBook(this.#options.file, this.#options.balances);
  }

  async plan(ticket: OrderTicket): Promise<Plan> {
    if (this.#priceFor(ticket) !== undefined) return { kind: 'ready', notes: [] };
    return { kind: 'refused', reason: noPrice(ticket) };
  }

  async place(ticket: OrderTicket): Promise<Placement> {
    return this.#book.atomically((): Placement => {
      const known = this.#book.find(ticket.clientOrderId);
      if (known !== undefined) return { kind: 'accepted', order: reportOf(known) };
      const price = this.#priceFor(ticket);
      if (price === undefined) return { kind: 'denied', reason: noPrice(ticket) };
      // Checked where it is booked: a process that was frozen on its way here books nothing.
      if (Date.now() >= ticket.notAfter) {
        const message = 'The order reached the paper venue after its time limit.';
        return { kind: 'expired', reason: reason('TOO_LATE_TO_SEND', message, 'Send the alert again.') };
      }
      const rejection = this.#rejects(ticket, price);
      if (rejection !== null) return { kind: 'rejected', reason: rejection };
      const { clientOrderId, symbol, side, type, quantity, limitPrice = null, stopPrice = null } = ticket;
      const timeInForce = ticket.timeInForce ?? 'gtc';
      this.#book.book({ clientOrderId, symbol, side, type, quantity, limitPrice, stopPrice, timeInForce });
      this.#book.tradeAt(symbol, price, clientOrderId);
      return { kind: 'accepted', order: reportOf(this.#book.find(clientOrderId)!) };
    });
  }

  async quote(symbol: string): Promise<DecimalString | null> {
    return this.#ownPrice(symbol) ?? null;
  }

  async lastPrice(symbol: string): Promise<DecimalString | null> {
    return this.#book.lastPrice(symbol) ?? this.#ownPrice(symbol) ?? null;
  }

  async find({ clientOrderId }: LookupHint): Promise<AdapterLookup> {
    const order = this.#book.find(clientOrderId);
    if (order !== undefined) return { kind: 'found', order: reportOf(order) };
    return { kind: 'absent', proof: 'The paper book has no order under this id, and takes each id once only.' };
  }

  async fetch({ clientOrderId }: OrderTicket): Promise<VenueOrder | null> {
    const order = this.#book.find(clientOrderId);
    return order === undefined ? null : reportOf(order);
  }

  async cancel({ clientOrderId }: OrderTicket): Promise<Cancellation> {
    return this.#book.atomically((): Cancellation => {
      this.#book.cancel(clientOrderId);
      const order = this.#book.find(clientOrderId);
      if (order === undefined) return { kind: 'unknown', evidence: 'The paper book has no order under this id.' };
      return { kind: 'settled', order: reportOf(order) };
    });
  }

  async list(reach: Reach): Promise<ListedOrder[]> {
    const orders = reach === 'open' ? this.#book.openOrders() : this.#book.openAndRecent(Date.now() - RECENT_MS);
    return orders.map(({ clientOrderId, seq, symbol, status, filledQuantity }) => ({
      clientOrderId,
      venueOrderId: venueIdOf(seq),
      symbol,
      status,
      isOpen: status === 'working',
      isFilled: !isZero(filledQuantity),
    }));
  }

  async balances(): Promise<Record<string, DecimalString>> {
    return this.#book.balances();
  }

  /** A contract's balance is its position, below zero where it is short. */
  async holding(symbol: string): Promise<Holding> {
    const { base, quote } = assetsOf(symbol);
    return { kind: quote === null ? 'net' : 'asset', quantity: this.#book.balance(base) };
  }

  async close(): Promise<void> {
    this.#opened?.close();
    this.#opened = undefined;
  }

  get #book(): PaperBook {
    if (this.#opened === undefined) throw new Error('The paper book is not open.');
    return this.#opened;
  }

  /** No alert brings a price along for what takes a position out: it trades where its market was seen last. */
  #priceFor({ referencePrice, symbol, clientOrderId }: OrderTicket): DecimalString | undefined {
    const isLeg = entryIdOf(clientOrderId) !== clientOrderId;
    return referencePrice ?? (isLeg ? this.#book.lastPrice(symbol) : undefined) ?? this.#ownPrice(symbol);
  }

  #ownPrice(symbol: string): DecimalString | undefined {
    const own = Object.hasOwn(this.#options.prices, symbol) ? this.#options.prices[symbol] : undefined;
    return own ?? (Object.hasOwn(BUILT_IN_PRICES, symbol) ? BUILT_IN_PRICES[symbol] : undefined);
  }

  #rejects(ticket: OrderTicket, price: DecimalString): Reason | null {
    const order = { ...ticket, limitPrice: ticket.limitPrice ?? null, stopPrice: ticket.stopPrice ?? null };
    if (triggersAtOnce({ ...order, triggered: false }, price)) {
      const side = ticket.side === 'buy' ? 'above' : 'below';
      const message = `A stop to ${ticket.side} at ${ticket.stopPrice} would trigger at once: the price is ${price}.`;
      return reason('STOP_WOULD_TRIGGER', message, `Set "stop_price" ${side} the price, or send a market order.`);
    }
    const { base, quote } = assetsOf(ticket.symbol);
    if (quote === null) return null;
    const worst = worstPrice(ticket) ?? price;
    const [asset, needed] = ticket.side === 'buy' ? [quote, multiply(ticket.quantity, worst)] : [base, ticket.quantity];
    const available = subtract(this.#book.balance(asset), this.#locked(asset));
    if (compare(available, needed) >= 0) return null;
    const message = `The paper account has ${available} ${asset} to spend; the order needs ${needed}.`;
    return reason('INSUFFICIENT_FUNDS', message, `Lower "quantity", or start a new book with more ${asset}.`);
  }

  /** What open orders would spend of an asset. */
  #locked(asset: string): DecimalString {
    return this.#book.openOrders().reduce((sum, order) => {
      const { symbol, side, quantity } = order;
      const { base, quote } = assetsOf(symbol);
      if (side === 'sell') return base === asset && quote !== null ? add(sum, quantity) : sum;
      return quote === asset ? add(sum, multiply(quantity, worstPrice(order) ?? '0')) : sum;
    }, '0');
  }
}

/** What a unit may cost; a bracket may be filled at its stop. */
function worstPrice({ type, limitPrice, stopPrice }: Pick<BookedOrder, 'type'> & Prices): DecimalString | undefined {
  return (type === 'bracket' ? stopPrice : (limitPrice ?? stopPrice)) ?? undefined;
}

interface Prices {
  readonly limitPrice?: DecimalString | null;
  readonly stopPrice?: DecimalString | null;
}

function noPrice({ symbol }: OrderTicket): Reason {
  const fix = `Send "price" with the alert, or add ${symbol} to "prices".`;
  return reason('NO_REFERENCE_PRICE', `The paper venue has no price for ${symbol}.`, fix);
}

const venueIdOf = (seq: number): string => `paper-${seq}`;

function reportOf(order: BookedOrder): VenueOrder {
  const { seq, status, filledQuantity, averagePrice } = order;
  const venueOrderId = venueIdOf(seq);
  if (isZero(filledQuantity)) return { venueOrderId, status, filledQuantity, averagePrice };
  const fill = { tradeId: `${venueOrderId}-1`, quantity: filledQuantity, price: averagePrice! };
  return { venueOrderId, status, filledQuantity, averagePrice, fills: [fill] };
}
