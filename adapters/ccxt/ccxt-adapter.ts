import type { MarketInterface, Order } from 'ccxt';

import type { Circuit } from '../../domain/account-report.ts';
import { compare, isZero, parseDecimal, type DecimalString } from '../../domain/decimal.ts';
import type { Holding } from '../../domain/exit-plan.ts';
import type { Cancellation, HttpReply, Placement } from '../../domain/outcome.ts';
import type { ListedOrder } from '../../domain/reconciliation.ts';
import { saysTheSame, sumFills, type VenueOrder } from '../../domain/venue-order.ts';
import {
  NotSent,
  type AdapterLookup,
  type Capabilities,
  type LookupHint,
  type OrderTicket,
  type Plan,
  type Reach,
  type SendWindow,
  type VenueAdapter,
} from '../venue-adapter.ts';
import { Breaker, type BreakerOptions } from './breaker.ts';
import { classify, classNames } from './classify-error.ts';
import { openExchange, type ExchangeOptions } from './exchange.ts';
import { fitTicket, restOf, restsOf, type FittedTicket } from './fit-ticket.ts';
import { listOrders } from './list-orders.ts';
import type { AbsenceBound, Profile, Reference } from './profile.ts';
import { Quotes } from './quotes.ts';
import { bookedAt, readFill, readOrder } from './read-order.ts';
import { sendOrder } from './send-order.ts';
import { Symbols, type Resolved } from './symbols.ts';
import { VenueCall } from './venue-call.ts';
import { VenueLine } from './venue-line.ts';

export interface CcxtOptions extends Omit<ExchangeOptions, 'timeoutMs'> {
  readonly profile: Profile;
  /** Bounds other than the profile's, for a simulator that enforces them. */
  readonly bound?: AbsenceBound | undefined;
  readonly breaker: BreakerOptions;
  /** Told of every call: what it was, how it ended, and how long it took in seconds. */
  readonly onCall: (operation: string, result: string, seconds: number) => void;
  readonly onTrouble: (message: string) => void;
}

/** How long after its scheduling a request without a pinned time may still leave, in milliseconds. */
const LEAVE_WITHIN_MS = 5_000;
const ABORT_WITHOUT_BOUND_MS = 16_000;
const REOPEN_MS = 10_000;
const CLOCK_MARGIN_MS = 1_000;

/** What an order is asked for by. */
type Named = Pick<LookupHint, 'clientOrderId' | 'symbol' | 'type'>;

/** One account at an exchange, through the real exchange library. */
export class CcxtAdapter implements VenueAdapter {
  readonly capabilities: Capabilities;
  readonly list?: (reach: Reach) => Promise<ListedOrder[]>;
  readonly #options: CcxtOptions;
  readonly #profile: Profile;
  readonly #bound: AbsenceBound | null;
  readonly #breaker: Breaker;
  readonly #abortMs: number;
  readonly #quotes = new Quotes();
  #opened: VenueLine | undefined;
  #symbols: Symbols | undefined;
  #closeAgent: (() => Promise<void>) | undefined;
  #reopening: NodeJS.Timeout | undefined;

  constructor(options: CcxtOptions) {
    this.#options = options;
    this.#profile = options.profile;
    this.#bound = options.bound ?? options.profile.absence;
    this.#breaker = new Breaker(options.breaker);
    // Longer than the venue may take, so that its own "unknown" arrives instead of our giving up.
    this.#abortMs =
      this.#bound === null ? ABORT_WITHOUT_BOUND_MS : this.#bound.windowMs + this.#bound.engineMs + CLOCK_MARGIN_MS;
    this.capabilities = {
      orderTypes: this.#profile.orderTypes,
      brackets: this.#profile.brackets !== undefined,
      enforcesWindow: options.profile.pinsTime,
      provesAbsence: this.#bound !== null,
      dryRun: false,
    };
    // Elsewhere nobody has checked yet that such a list can be relied on.
    if (this.#profile.absence !== null) this.list = (reach) => listOrders(this.#line, reach);
  }

  /** Reads the markets. An exchange that is down keeps its account closed, and no other: it is tried again. */
  async open(): Promise<void> {
    const { exchange, setClock, close } = await openExchange({
      ...this.#options,
      options: { ...this.#options.options, ...this.#profile.options },
      timeoutMs: this.#abortMs - CLOCK_MARGIN_MS,
    });
    this.#opened = new VenueLine(exchange, {
      breaker: this.#breaker,
      abortMs: this.#abortMs,
      onCall: this.#options.onCall,
      ...(this.#profile.pinsTime ? { setClock } : {}),
    });
    this.#closeAgent = close;
    exchange.options['fetchMarkets'] = { types: ['spot'] };
    exchange.options['fetchMargins'] = false;
    exchange.has['fetchCurrencies'] = false;
    await this.#readMarkets();
  }

  async plan(ticket: OrderTicket): Promise<Plan> {
    const rests = restsOf(ticket, this.#marketOf(ticket.symbol), this.#profile);
    const fit = this.#fit(rests === undefined ? ticket : restOf(ticket, rests));
    if (fit.kind === 'refused') return fit;
    const { symbol: _symbol, ...fitted } = fit;
    return { ...fitted, kind: 'ready', ...(rests === undefined ? {} : { rests }) };
  }

  async place(ticket: OrderTicket, window: SendWindow | null): Promise<Placement> {
    const fit = this.#fit(ticket);
    if (fit.kind === 'refused') return { kind: 'denied', reason: fit.reason };
    const call = new VenueCall(LEAVE_WITHIN_MS);
    try {
      const order = await this.#line.call('place', call, (exchange) =>
        sendOrder(exchange, ticket, fit, { profile: this.#profile, bound: this.#bound, window }),
      );
      // Several exchanges acknowledge with an id and nothing else: they have the order, and following it tells the rest.
      const taken = { ...order, status: order.status ?? 'open' };
      return {
        kind: 'accepted',
        order: { ...this.#understand(taken, this.#idOf(ticket)), ...bookedAt(ticket.type, order) },
      };
    } catch (error) {
      if (error instanceof NotSent && !call.sent) throw error;
      return this.#afterFailure(error, call, ticket);
    }
  }

  async find(hint: LookupHint): Promise<AdapterLookup> {
    const { lostAt, now, clockOffsetMs } = hint;
    const found = await this.#lookUp(hint);
    if (found !== undefined) return { kind: 'found', order: await this.#withFills(found, hint) };
    if (this.#bound === null) {
      return {
        kind: 'cannot_tell',
        why: 'The exchange does not show the order, and has no limit after which that is proof.',
      };
    }
    const { windowMs, engineMs, marginMs } = this.#bound;
    const waitMs = windowMs + engineMs + marginMs;
    const why = 'The exchange does not show the order yet; a request sent before may still reach it.';
    // The engine's clock says whether it is worth asking for the venue's.
    if (now < lostAt + waitMs)
      return { kind: 'cannot_tell', why, retryAfterMs: Math.min(lostAt + waitMs - now, 1_000) };
    const venueNow = await this.#line.now();
    const due = lostAt + (clockOffsetMs ?? venueNow - now) + waitMs;
    if (venueNow <= due) return { kind: 'cannot_tell', why, retryAfterMs: Math.min(due - venueNow + 1, 1_000) };
    // What counts is what the exchange says after the limit has passed, and it must say so in two ways.
    const late = (await this.#lookUp(hint)) ?? (await this.#inList(hint, lostAt - waitMs));
    if (late !== undefined) return { kind: 'found', order: await this.#withFills(late, hint) };
    const proof = `Not at the exchange ${Math.round((venueNow - due + waitMs) / 1000)} s after it was lost; its limit is ${waitMs / 1000} s.`;
    return { kind: 'absent', proof };
  }

  get circuit(): Circuit {
    return this.#breaker.circuit;
  }

  async quote(symbol: string): Promise<DecimalString | null> {
    return this.#quotes.of(this.#line, this.nameOf(symbol));
  }

  async lastPrice(symbol: string, since: number): Promise<DecimalString | null> {
    return this.#quotes.of(this.#line, this.nameOf(symbol), since);
  }

  nameOf(symbol: string): string {
    const resolved = this.#marketOf(symbol);
    return resolved.kind === 'market' ? resolved.market.symbol : symbol;
  }

  async balances(): Promise<Record<string, DecimalString>> {
    const { total } = await this.#line.aside('balances', (exchange) => exchange.fetchBalance());
    const held = Object.entries(total as unknown as Record<string, string>).map(
      ([asset, amount]) => [asset, parseDecimal(amount) ?? '0'] as const,
    );
    return Object.fromEntries(held.filter(([, amount]) => !isZero(amount)));
  }

  /** At a spot market what is held is an asset; what of it is locked by orders is held all the same. */
  async holding(symbol: string): Promise<Holding> {
    const resolved = this.#marketOf(symbol);
    if (resolved.kind !== 'market') throw new Error(`The exchange has no market ${symbol}.`);
    return { kind: 'asset', quantity: (await this.balances())[resolved.market.base] ?? '0' };
  }

  async fetch(ticket: OrderTicket, known: VenueOrder): Promise<VenueOrder | null> {
    const seen = await this.#lookUp(ticket, known.venueOrderId || undefined);
    if (seen === undefined || saysTheSame(seen, known)) return seen ?? null;
    return this.#withFills(seen, ticket);
  }

  async cancel(ticket: OrderTicket, venueOrderId: string): Promise<Cancellation> {
    const reference = this.#reference(ticket, venueOrderId || undefined);
    let refusal: unknown;
    try {
      await this.#line.read('cancel', (exchange) => this.#waysOf(ticket).cancel(exchange, reference));
    } catch (error) {
      refusal = error;
    }
    // Whatever the answer was, the order itself says how it ended.
    const order = await this.#lookUp(ticket, reference.venueOrderId);
    if (order !== undefined && order.status !== 'working' && order.status !== 'partially_filled') {
      return { kind: 'settled', order: await this.#withFills(order, ticket) };
    }
    const why = refusal instanceof Error ? refusal.message : 'it is still open';
    return { kind: 'unknown', evidence: `The exchange has not canceled the order: ${why.slice(0, 300)}` };
  }

  async now(): Promise<number> {
    return this.#line.now();
  }

  async close(): Promise<void> {
    clearTimeout(this.#reopening);
    await this.#closeAgent?.();
  }

  async #readMarkets(): Promise<void> {
    try {
      const markets = await this.#line.read('markets', (exchange) => exchange.loadMarkets(true));
      this.#symbols = new Symbols(
        Object.values(markets).filter((market) => market?.spot === true) as MarketInterface[],
      );
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.#options.onTrouble(
        `The markets cannot be read, so nothing is placed; trying again in ${REOPEN_MS / 1000} s: ${why}`,
      );
      this.#reopening = setTimeout(() => void this.#readMarkets(), REOPEN_MS).unref();
    }
  }

  get #line(): VenueLine {
    if (this.#opened === undefined) throw new NotSent('The account is not open yet.', 2_000);
    return this.#opened;
  }

  #marketOf(symbol: string): Resolved {
    if (this.#symbols === undefined) throw new NotSent('The markets of the exchange are not read yet.', 2_000);
    return this.#symbols.resolve(symbol);
  }

  #fit(ticket: OrderTicket): FittedTicket {
    return fitTicket(ticket, this.#marketOf(ticket.symbol), this.#profile);
  }

  async #afterFailure(error: unknown, call: VenueCall, ticket: OrderTicket): Promise<Placement> {
    const verdict = classify(error, call, this.#profile.saysNoWith200);
    switch (verdict.kind) {
      case 'not_sent':
        throw new NotSent(verdict.why, verdict.retryAfterMs, call.status !== undefined);
      case 'rejected':
        return { ...verdict, ...this.#reply(call) };
      case 'denied':
        return verdict;
      case 'outside_window':
        return { kind: 'outside_window', evidence: verdict.why };
      case 'unknown':
        return { kind: 'unknown', evidence: verdict.why, ...this.#reply(call) };
      case 'exists': {
        // It was sent: whatever keeps us from seeing it is no reason to send it again.
        const order = await this.#lookUp(ticket).catch(() => undefined);
        if (order !== undefined) return { kind: 'accepted', order: await this.#withFills(order, ticket) };
        return { kind: 'unknown', evidence: 'The exchange says that the order exists, and does not show it yet.' };
      }
    }
  }

  /** What the exchange replied, for the record: it may repeat what it was sent, but not our credentials. */
  #reply({ status, body = '' }: VenueCall): { http?: HttpReply } {
    if (status === undefined) return {};
    const { apiKey, apiSecret, password = '' } = this.#options;
    const secrets = [apiKey, apiSecret, password].filter((secret) => secret !== '');
    const safe = secrets.reduce((text, secret) => text.replaceAll(secret, '(secret)'), body);
    return { http: { status, body: safe } };
  }

  /** The order under our id; undefined when the exchange says that it does not know it. Throws when it cannot be asked. */
  async #lookUp(named: Named, venueOrderId?: string): Promise<VenueOrder | undefined> {
    const reference = this.#reference(named, venueOrderId);
    try {
      const order = await this.#line.read('find', (exchange) => this.#waysOf(named).find(exchange, reference));
      return order === undefined ? undefined : this.#understand(order, reference.id);
    } catch (error) {
      if (classNames(error).includes('OrderNotFound')) return undefined;
      throw error;
    }
  }

  /** The order in the list of all since a moment: a second witness, which reads another way. */
  async #inList(named: Named, since: number): Promise<VenueOrder | undefined> {
    const { id, symbol: market } = this.#reference(named);
    const orders = await this.#line.read('list', (exchange) => exchange.fetchOrders(market, Math.floor(since)));
    const isOurs = (listed: Order): boolean => listed.clientOrderId === id;
    const order = named.type === 'bracket' ? this.#profile.brackets?.among(orders, id) : orders.find(isOurs);
    return order === undefined ? undefined : this.#understand(order, id);
  }

  /** Adds the executions, each under its trade id. Without them the report still stands: the average is the venue's. */
  async #withFills(order: VenueOrder, named: Named): Promise<VenueOrder> {
    if (order.fills !== undefined || order.averagePrice === null || !this.#line.canList('fetchMyTrades')) return order;
    // A bracket has no executions: one of its orders has, and brings them along when it is over.
    if (named.type === 'bracket') return order;
    const market = this.#reference(named).symbol;
    try {
      const trades = await this.#line.read('fills', (exchange) =>
        exchange.fetchMyTrades(market, undefined, undefined, { [this.#profile.tradesOfOrder]: order.venueOrderId }),
      );
      const fills = trades.filter((trade) => trade.order === order.venueOrderId).map(readFill);
      const known = fills.filter((fill) => fill !== undefined);
      // A list that lags behind the order, or is cut off, says less than the order itself.
      const isWhole = compare(sumFills(known).filledQuantity, order.filledQuantity) === 0;
      return isWhole ? { ...order, fills: known } : order;
    } catch {
      return order;
    }
  }

  #reference({ clientOrderId, symbol }: Named, venueOrderId?: string): Reference {
    const resolved = this.#symbols?.resolve(symbol);
    const market = resolved?.kind === 'market' ? resolved.market.symbol : symbol;
    return { id: this.#profile.encodeId(clientOrderId), symbol: market, venueOrderId };
  }

  /** How an order of this kind is asked for, and taken back. */
  #waysOf({ type }: Named): Pick<Profile, 'find' | 'cancel'> {
    return (type === 'bracket' ? this.#profile.brackets : undefined) ?? this.#profile;
  }

  #understand(order: Order, id: string): VenueOrder {
    return readOrder(order, id, this.#profile.repeatsId);
  }

  #idOf({ clientOrderId }: OrderTicket): string {
    return this.#profile.encodeId(clientOrderId);
  }
}
