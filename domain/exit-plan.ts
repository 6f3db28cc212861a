import { judge, type Admission, type CountedLimits, type OrderName } from './admission.ts';
import type { ExitAction, Side } from './alert.ts';
import { add, compare, isPositive, isZero, subtract, type DecimalString } from './decimal.ts';
import { opposite } from './leg.ts';
import { reason, type Reason } from './reason.ts';
import { asOf, broughtIn, own, WHOLE, type OpenOrder, type Tally } from './tally.ts';

/** What a venue holds of a market: a `net` position (below zero where it is short), or so much of the `asset` in all. */
export interface Holding {
  readonly kind: 'net' | 'asset';
  readonly quantity: DecimalString;
}

/** What an exit asks its account for before anything of it leaves. */
export interface ExitRequest {
  readonly exit: ExitAction;
  readonly clientOrderId: string;
  readonly workflowId: string;
  readonly strategy: string;
  /** The venue's market. */
  readonly symbol: string;
  /** How much is to be taken out, null for all of it; of `reverse`, how much is opened on the other side. */
  readonly quantity: DecimalString | null;
  /** What a unit is worth, in the quote currency; null where nobody knows, or no limit asks. */
  readonly price: DecimalString | null;
  /** When the alert came, in milliseconds since 1970. */
  readonly receivedAt: number;
  readonly accountLimits: CountedLimits;
  readonly strategyLimits: CountedLimits;
  /** Null where the venue cannot tell. */
  readonly holding: Holding | null;
  /** Whether the orders beside it have just been asked about. */
  readonly hasAsked: boolean;
  /** Whether what waited beside a `flatten` has been canceled as far as it could be. */
  readonly hasCanceled: boolean;
  /** Whether only what was decided before is asked for. */
  readonly confirms?: boolean;
}

/** A protected entry, and how much of it is to be taken out; null for all that is left of it. */
export interface ToClose extends OrderName {
  readonly quantity: DecimalString | null;
}

/** How a position comes out: what is protected by the orders that protect it, the rest by an order of the exit's own. */
export interface ExitPlan {
  readonly kind: 'planned';
  /** Which side takes the position out. */
  readonly side: Side;
  /** All that is to be taken out; above zero. */
  readonly quantity: DecimalString;
  /** How much of it the exit's own order takes. */
  readonly own: DecimalString;
  /** How much is opened on the other side afterwards. */
  readonly opens: DecimalString;
  readonly entries: readonly ToClose[];
  readonly notes: readonly string[];
}

/** So long an exit waits for the outcome of orders beside it. What is held by then is not kept back for one that is lost. */
const SETTLES_MS = 5_000;

/**
 * Decides what an exit takes out, and counts it: of what the strategy's own orders hold, and never more than the venue
 * does. The same exit gets the same plan again, whoever asks.
 */
export function planExit(before: Tally, request: ExitRequest, now: number): { tally: Tally; admission: Admission } {
  const tally = asOf(before, now);
  const { clientOrderId, strategy, symbol } = request;
  const known = tally.exits?.find((exit) => exit.clientOrderId === clientOrderId);
  if (known !== undefined) return { tally, admission: known.plan };
  if (request.confirms === true) return { tally, admission: { kind: 'denied', reason: notPlanned(request) } };
  const beside = Object.entries(tally.open)
    .map(([id, order]) => ({ clientOrderId: id, ...order }))
    .filter((order) => order.strategy === strategy && order.symbol === symbol);
  const first = whatComesFirst(beside, request, now);
  if (first !== null) return { tally, admission: first };
  const { position, traded, notes } = asTheVenueHolds(tally, request);
  const unknown = beside.filter(({ isKnown }) => !isKnown).map((order) => order.clientOrderId);
  if (unknown.length > 0) notes.push(`What becomes of ${unknown.join(', ')} is not known yet, and is not taken out.`);
  const corrected = { ...tally, traded };
  if (isZero(position)) {
    const because = flat(request);
    // To do nothing would be half of what was asked for.
    const kind = request.exit === 'reverse' ? 'denied' : 'flat';
    return { tally: corrected, admission: { kind, reason: because, notes } };
  }
  const decided = divide(position, beside, request, notes);
  if ('code' in decided) return { tally: corrected, admission: { kind: 'denied', reason: decided } };
  const refusal = isZero(decided.opens) ? null : whatForbids(corrected, request, decided);
  if (refusal !== null) return { tally: corrected, admission: { kind: 'denied', reason: refusal } };
  return { tally: counted(corrected, request, decided, now), admission: decided };
}

/** What has to be known, or done, before it can be decided. */
function whatComesFirst(beside: readonly Beside[], request: ExitRequest, now: number): Admission | null {
  const orders = beside.map(({ clientOrderId, workflowId }) => ({ clientOrderId, workflowId }));
  if (orders.length > 0 && !request.hasAsked) return { kind: 'ask_first', orders };
  // Two exits at once would each take out what the other does.
  const other = beside.find(({ isExit }) => isExit);
  if (other !== undefined) return { kind: 'wait', why: `The exit ${other.clientOrderId} comes first.` };
  const unknown = beside.find(({ isKnown }) => !isKnown);
  if (unknown !== undefined && now - request.receivedAt < SETTLES_MS) {
    return { kind: 'wait', why: `What becomes of the order ${unknown.clientOrderId} is not known yet.` };
  }
  const resting = beside.filter((order) => order.isKnown && compare(order.quantity, order.filledQuantity) > 0);
  if (request.exit !== 'flatten' || request.hasCanceled || resting.length === 0) return null;
  return {
    kind: 'cancel_first',
    orders: resting.map(({ clientOrderId, workflowId }) => ({ clientOrderId, workflowId })),
  };
}

type Beside = OpenOrder & { readonly clientOrderId: string };

/**
 * The strategy's position, less what the venue does not have of the account's: that was taken out by hand, or as a fee.
 * What the venue has beyond it none of our orders has brought in, and nobody touches.
 */
function asTheVenueHolds(tally: Tally, { strategy, symbol, holding }: ExitRequest) {
  const quantityOf = (whose: string): DecimalString =>
    own(own(tally.traded, whose)?.positions ?? {}, symbol)?.quantity ?? '0';
  const position = quantityOf(strategy);
  const missing = missingOf(position, quantityOf(WHOLE), holding);
  if (isZero(missing)) return { position, traded: tally.traded, notes: [] as string[] };
  const traded = { ...tally.traded };
  for (const whose of [WHOLE, strategy]) {
    const { positions, realized } = own(traded, whose)!;
    const { [symbol]: before, ...others } = positions;
    if (before === undefined) continue;
    const quantity = subtract(before.quantity, missing);
    traded[whose] = {
      positions: isZero(quantity) ? others : { ...others, [symbol]: { ...before, quantity } },
      realized,
    };
  }
  const left = subtract(position, missing);
  const notes = [
    `Of the position ${position} that was counted, the venue has ${left}: the rest was a fee, or is out already.`,
  ];
  return { position: left, traded, notes };
}

/** How much of a position is not there any more; of the same sign as the position. */
function missingOf(position: DecimalString, whole: DecimalString, holding: Holding | null): DecimalString {
  if (holding === null || isZero(position)) return '0';
  const isLong = isPositive(position);
  // What was sold without being held is owed, and no asset shows it.
  if (holding.kind === 'asset' && !isLong) return '0';
  const missing = subtract(whole, holding.quantity);
  if (isPositive(missing) !== isLong || isZero(missing)) return '0';
  const isAll = isLong ? compare(missing, position) > 0 : compare(missing, position) < 0;
  return isAll ? position : missing;
}

/** What is not protected comes out first: each protected part has to give up its stop for it. */
function divide(
  position: DecimalString,
  beside: readonly Beside[],
  { exit, quantity }: ExitRequest,
  notes: readonly string[],
): ExitPlan | Reason {
  const side: Side = isPositive(position) ? 'sell' : 'buy';
  const held = sizeOf(position);
  const wanted = exit === 'close' ? (quantity ?? held) : held;
  if (compare(wanted, held) > 0) return throughZero(wanted, held);
  const entries = beside.filter(
    (order) => order.isProtected && order.side === opposite(side) && isPositive(leftOf(order)),
  );
  const guarded = entries.reduce((sum, order) => add(sum, leftOf(order)), '0');
  const free = compare(held, guarded) > 0 ? subtract(held, guarded) : '0';
  const ownPart = least(free, wanted);
  const isAll = compare(wanted, held) === 0 && compare(held, guarded) >= 0;
  let rest = subtract(wanted, ownPart);
  const toClose: ToClose[] = [];
  for (const order of entries) {
    const part = least(rest, leftOf(order));
    if (isZero(part)) continue;
    rest = subtract(rest, part);
    const { clientOrderId, workflowId } = order;
    toClose.push({ clientOrderId, workflowId, quantity: isAll ? null : part });
  }
  const opens = exit === 'reverse' ? (quantity ?? '0') : '0';
  return { kind: 'planned', side, quantity: wanted, own: ownPart, opens, entries: toClose, notes };
}

/** What a reverse opens is an entry, and is held to what is counted like one. */
function whatForbids(tally: Tally, request: ExitRequest, { side, quantity, opens }: ExitPlan): Reason | null {
  return judge(tally, { ...request, side, quantity: add(quantity, opens) }, false).denial;
}

/** The exit's own order is open from now on; what its entries take out, they tell themselves. */
function counted(tally: Tally, request: ExitRequest, plan: ExitPlan, now: number): Tally {
  const { clientOrderId, workflowId, strategy, symbol } = request;
  const exits = [...(tally.exits ?? []), { clientOrderId, plan, at: now }];
  const quantity = add(plan.own, plan.opens);
  if (isZero(quantity)) return { ...tally, exits };
  const known = { isKnown: false, isExit: true, filledQuantity: '0', averagePrice: null };
  const order = { workflowId, strategy, symbol, side: plan.side, quantity, ...known };
  const recent = isZero(plan.opens) ? tally.recent : [...tally.recent, { clientOrderId, strategy, at: now }];
  return { ...tally, recent, exits, open: { ...tally.open, [clientOrderId]: order } };
}

const leftOf = (order: OpenOrder): DecimalString => subtract(broughtIn(order), order.exitedQuantity ?? '0');

const sizeOf = (position: DecimalString): DecimalString => (isPositive(position) ? position : subtract('0', position));

const least = (one: DecimalString, other: DecimalString): DecimalString => (compare(one, other) < 0 ? one : other);

function flat({ exit, strategy, symbol, holding }: ExitRequest): Reason {
  const beside =
    holding === null || isZero(holding.quantity)
      ? ''
      : ` The venue has ${holding.quantity}, which they did not bring in.`;
  const message = `There is nothing to ${exit}: the orders of ${strategy} hold no ${symbol}.${beside}`;
  return reason(
    'FLAT',
    message,
    beside === '' ? null : 'What was traded by hand is closed by hand, or by an order with a quantity.',
  );
}

function notPlanned({ symbol }: ExitRequest): Reason {
  const message = `The account has not decided on this exit of ${symbol}, or has forgotten it.`;
  return reason('EXIT_NOT_PLANNED', message, 'Look at its position, and send the exit again under a new id.');
}

function throughZero(wanted: DecimalString, held: DecimalString): Reason {
  const message = `Taking out ${wanted} would go through zero: the position is ${held}. Nothing was sent.`;
  return reason('THROUGH_ZERO', message, 'Leave out "quantity" to close all of it, or send "reverse".');
}
