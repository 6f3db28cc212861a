import type { Side } from './alert.ts';
import { add, compare, multiply, subtract, type DecimalString } from './decimal.ts';
import type { ExitPlan } from './exit-plan.ts';
import type { Limits } from './limits.ts';
import { reason, type Reason } from './reason.ts';
import { asOf, own, quoteOf, WHOLE, type Tally, type Waiting } from './tally.ts';

/** The limits that need a memory: they are held against what the account has counted. */
export type CountedLimits = Pick<
  Limits,
  'maxPosition' | 'maxPositionValue' | 'dailyLoss' | 'ordersPerMinute' | 'maxOpenOrders' | 'reduceOnly'
>;

/** What an order asks its account for before it leaves. */
export interface AdmissionRequest {
  readonly clientOrderId: string;
  readonly workflowId: string;
  readonly strategy: string;
  /** The venue's market, so that two ways to write a symbol count as one. */
  readonly symbol: string;
  readonly side: Side;
  readonly quantity: DecimalString;
  /** Whether a stop or target is to wait for what it brings in. */
  readonly isProtected?: boolean;
  /** What a unit is worth, in the quote currency; null where nobody knows, or no limit asks. */
  readonly price: DecimalString | null;
  /** When the alert came, in milliseconds since 1970. */
  readonly receivedAt: number;
  /** Whether it waits until the strategy's orders before it in this symbol have an outcome. */
  readonly inTurn: boolean;
  readonly accountLimits: CountedLimits;
  readonly strategyLimits: CountedLimits;
  /** Whether the orders that keep it from being admitted have just been asked about. */
  readonly hasAsked: boolean;
}

export type Admission =
  /** `notes`: from which limit it was exempt, in sentences. */
  | { readonly kind: 'admitted'; readonly notes: readonly string[] }
  | { readonly kind: 'denied'; readonly reason: Reason }
  | { readonly kind: 'wait'; readonly why: string }
  /** What became of these is to be found out first: they may be over. */
  | { readonly kind: 'ask_first'; readonly orders: readonly OrderName[] }
  /** Of an exit: how it is carried out; that these are to be canceled before; that nothing is there to take out. */
  | ExitPlan
  | { readonly kind: 'cancel_first'; readonly orders: readonly OrderName[] }
  | { readonly kind: 'flat'; readonly reason: Reason; readonly notes: readonly string[] };

export interface OrderName {
  readonly clientOrderId: string;
  readonly workflowId: string;
}

/** So many orders are asked about at once: those that were admitted first. */
const ASKED_MOST = 100;

/**
 * Admits an order and counts it, or says what keeps it. The same order is admitted again without being counted twice,
 * whoever asks: another attempt, another worker, a reset run.
 */
export function admit(before: Tally, request: AdmissionRequest, now: number): { tally: Tally; admission: Admission } {
  const { clientOrderId, strategy, workflowId, symbol, side, quantity } = request;
  const tally = asOf(before, now);
  if (own(tally.open, clientOrderId) !== undefined) return { tally, admission: { kind: 'admitted', notes: [] } };
  const keeping = whatKeeps(tally, request);
  if (keeping.length > 0 && !request.hasAsked) {
    return { tally, admission: { kind: 'ask_first', orders: keeping.slice(0, ASKED_MOST) } };
  }
  const ahead = request.inTurn ? aheadOf(tally, request) : [];
  if (ahead.length > 0) {
    const why = `It is not its turn in ${symbol}: the order ${ahead[0]} comes first.`;
    return { tally: inLine(tally, request, now), admission: { kind: 'wait', why } };
  }
  const left = outOfLine(tally, clientOrderId);
  const hasCounted = tally.recent.some((one) => one.clientOrderId === clientOrderId);
  const verdict = judge(tally, request, hasCounted);
  if (verdict.denial !== null) return { tally: left, admission: { kind: 'denied', reason: verdict.denial } };
  const known = { isKnown: false, filledQuantity: '0', averagePrice: null };
  const guarded = request.isProtected === true ? { isProtected: true } : {};
  const order = { workflowId, strategy, symbol, side, quantity, ...guarded, ...known };
  const recent = hasCounted ? tally.recent : [...tally.recent, { clientOrderId, strategy, at: now }];
  const counted = { ...left, recent, open: { ...tally.open, [clientOrderId]: order } };
  return { tally: counted, admission: { kind: 'admitted', notes: verdict.notes } };
}

/**
 * The orders that are counted as open and keep this one from its turn, or from being admitted; and where a loss is
 * counted, all that may have brought one. They may be over without the account's knowing.
 */
function whatKeeps(tally: Tally, request: AdmissionRequest): OrderName[] {
  const open = Object.entries(tally.open).map(([clientOrderId, order]) => ({ clientOrderId, ...order }));
  const { accountLimits, strategyLimits, inTurn } = request;
  const countsLoss = accountLimits.dailyLoss !== null || strategyLimits.dailyLoss !== null;
  const unknown = inTurn ? open.filter((order) => turnOf(order) === turnOf(request) && !order.isKnown) : [];
  const isKept = countsLoss || judge(tally, request, true).denial !== null;
  return (isKept ? open : unknown).map(({ clientOrderId, workflowId }) => ({ clientOrderId, workflowId }));
}

/** What limits that need a memory look at. */
type Judged = Pick<
  AdmissionRequest,
  'strategy' | 'symbol' | 'side' | 'quantity' | 'price' | 'accountLimits' | 'strategyLimits'
>;

interface Verdict {
  readonly denial: Reason | null;
  readonly notes: readonly string[];
}

/** @param hasCounted whether the order is among those of the last minute already */
export function judge(tally: Tally, request: Judged, hasCounted: boolean): Verdict {
  const { strategy, accountLimits, strategyLimits } = request;
  const account = { whose: WHOLE, name: 'the account', limits: accountLimits };
  const strategic = { whose: strategy, name: `the strategy ${strategy}`, limits: strategyLimits };
  const notes: string[] = [];
  for (const scope of [account, strategic]) {
    const denial =
      (hasCounted ? null : tooMany(tally, scope)) ?? tooManyOpen(tally, scope) ?? tooFar(tally, scope, request, notes);
    if (denial !== null) return { denial, notes: [] };
  }
  return { denial: null, notes };
}

/** One of the two that have limits. */
interface Scope {
  readonly whose: string;
  /** In a sentence. */
  readonly name: string;
  readonly limits: CountedLimits;
}

function tooMany(tally: Tally, { whose, name, limits: { ordersPerMinute: most } }: Scope): Reason | null {
  const count = tally.recent.filter((order) => isOf(order, whose)).length;
  if (most === null || count < most) return null;
  const message = `There were ${count} orders of ${name} within a minute; the limit is ${most}.`;
  return denial('ORDERS_PER_MINUTE', message, 'Send fewer alerts, or raise orders_per_minute.');
}

function tooManyOpen(tally: Tally, { whose, name, limits: { maxOpenOrders: most } }: Scope): Reason | null {
  const count = Object.values(tally.open).filter((order) => isOf(order, whose)).length;
  if (most === null || count < most) return null;
  const message = `There are ${count} open orders of ${name}; the limit is ${most}.`;
  return denial('MAX_OPEN_ORDERS', message, 'Cancel some, or raise max_open_orders.');
}

/** Whether the position would come too far from flat, or may not grow at all. */
function tooFar(tally: Tally, scope: Scope, request: Judged, notes: string[]): Reason | null {
  const { limits, name } = scope;
  const { symbol, price } = request;
  const { now, after, isReducing } = positionAfter(tally, scope, request);
  const lost = subtract('0', own(own(tally.traded, scope.whose)?.realized ?? {}, quoteOf(symbol)) ?? '0');
  const isLossReached = limits.dailyLoss !== null && compare(lost, limits.dailyLoss) >= 0;
  if (isReducing) {
    if (isLossReached)
      notes.push(`Exempt from the daily loss of ${name}, ${lost}: it only reduces the position ${now}.`);
    return null;
  }
  const where = `The position of ${name} in ${symbol} is ${now}, and may become`;
  if (limits.reduceOnly) {
    return denial('NOT_REDUCING', `${where} ${after}; it may only be reduced.`, 'Switch reduce_only off.');
  }
  const size = compare(after, '0') < 0 ? subtract('0', after) : after;
  if (limits.maxPosition !== null && compare(size, limits.maxPosition) > 0) {
    const message = `${where} ${after}; the limit is ${limits.maxPosition}.`;
    return denial('POSITION_OVER_LIMIT', message, 'Lower "quantity", or raise max_position.');
  }
  if (limits.maxPositionValue !== null && price === null) {
    const message = `What ${symbol} is worth is not known, and the value of its position is limited.`;
    return denial('NO_REFERENCE_PRICE', message, 'Send "price" with the alert, or switch max_position_value off.');
  }
  if (limits.maxPositionValue !== null && compare(multiply(size, price!), limits.maxPositionValue) > 0) {
    const message = `${where} worth ${multiply(size, price!)}; the limit is ${limits.maxPositionValue}.`;
    return denial('POSITION_VALUE_OVER_LIMIT', message, 'Lower "quantity", or raise max_position_value.');
  }
  if (!isLossReached) return null;
  const message = `Closed positions of ${name} have lost ${lost} ${quoteOf(symbol)} today (UTC); the limit is ${limits.dailyLoss}.`;
  return denial('DAILY_LOSS_REACHED', message, 'Wait until midnight (UTC), or raise daily_loss.');
}

/** The position now, and as it becomes if this order is filled and, of those that are open, all that go its way. */
function positionAfter(tally: Tally, { whose }: Scope, { symbol, side, quantity }: Judged) {
  const now = own(own(tally.traded, whose)?.positions ?? {}, symbol)?.quantity ?? '0';
  const beside = Object.values(tally.open).filter(
    (order) => order.symbol === symbol && order.side === side && isOf(order, whose),
  );
  const total = beside.reduce((sum, order) => add(sum, subtract(order.quantity, order.filledQuantity)), quantity);
  const after = side === 'buy' ? add(now, total) : subtract(now, total);
  const isReducing = side === 'buy' ? compare(after, '0') <= 0 : compare(after, '0') >= 0;
  return { now, after, isReducing };
}

const denial = (code: string, message: string, fix: string): Reason =>
  reason(code, message, `Nothing was sent. ${fix}`);

const isOf = ({ strategy }: { readonly strategy: string }, whose: string): boolean =>
  whose === WHOLE || strategy === whose;

const turnOf = ({ strategy, symbol }: { readonly strategy: string; readonly symbol: string }): string =>
  `${strategy} ${symbol}`;

/** The orders of the same strategy and symbol whose turn is before: those without an outcome, and those that came first. */
function aheadOf(tally: Tally, request: AdmissionRequest): string[] {
  const turn = turnOf(request);
  const sent = Object.entries(tally.open).filter(([, order]) => turnOf(order) === turn && !order.isKnown);
  const waiting = tally.waiting.filter((one) => one.turn === turn && isBefore(one, request));
  return [...sent.map(([id]) => id), ...waiting.map(({ clientOrderId }) => clientOrderId)];
}

function isBefore(one: Waiting, { receivedAt, clientOrderId }: AdmissionRequest): boolean {
  if (one.receivedAt !== receivedAt) return one.receivedAt < receivedAt;
  return one.clientOrderId < clientOrderId;
}

function inLine(tally: Tally, request: AdmissionRequest, now: number): Tally {
  const { clientOrderId, receivedAt } = request;
  const place = { clientOrderId, turn: turnOf(request), receivedAt, askedAt: now };
  return { ...tally, waiting: [...outOfLine(tally, clientOrderId).waiting, place] };
}

function outOfLine(tally: Tally, id: string): Tally {
  return { ...tally, waiting: tally.waiting.filter(({ clientOrderId }) => clientOrderId !== id) };
}
