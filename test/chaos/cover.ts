import { add, compare, subtract, type DecimalString } from '../../domain/decimal.ts';
import type { Fill, Order } from '../simulators/binance-spot/start-simulator.ts';

/** The least by which quantities of the market differ: what is less than that no order can protect. */
const STEP = '0.00001';
/** A moment that never comes. */
const NEVER = Infinity;

/** What the venue has booked of one position, in the order in which it was. */
export interface Bookings {
  readonly entries: readonly Order[];
  /** What takes it out: the legs of its lists, and orders at the market. */
  readonly exits: readonly Order[];
  readonly fills: readonly Fill[];
}

/** A time (milliseconds since 1970, by the venue's clock) in which some of a position had no stop at the venue. */
export interface Gap {
  readonly from: number;
  /** Infinity: until now, and on. */
  readonly to: number;
  /** `target`: all that had no stop waited for its target, which had begun to trade; `bare`: nothing took it out. */
  readonly kind: 'bare' | 'target';
}

/** Some seconds in which a process was dead, or stood still. */
export interface Outage {
  readonly from: number;
  readonly to: number;
}

/** A gap, or what is left of it beside the outages. */
export interface Stretch {
  readonly ms: number;
  readonly from: number;
  readonly to: number;
  /** Whether it was ended by the next kill and not by protection. */
  readonly isCut: boolean;
}

interface Standing {
  readonly held: DecimalString;
  readonly stops: DecimalString;
  readonly targets: DecimalString;
}

/** When some of what is held had no stop, from the first fill to the last exit. */
export function gapsOf(position: Bookings): Gap[] {
  const gaps: Gap[] = [];
  for (const [from, to] of stretchesOf(position)) {
    const { held, stops, targets } = standingAt(position, from);
    const bare = subtract(held, stops);
    if (compare(bare, STEP) < 0) continue;
    const kind = compare(subtract(bare, targets), STEP) < 0 ? 'target' : 'bare';
    const last = gaps.at(-1);
    if (last?.to === from) gaps[gaps.length - 1] = { from: last.from, to, kind: last.kind === kind ? kind : 'target' };
    else gaps.push({ from, to, kind });
  }
  return gaps;
}

/** The most by which what waited to take the position out came to more than was held; zero where it never did. */
export function excessOf(position: Bookings): DecimalString {
  const excesses = stretchesOf(position).map(([from]) => {
    const { held, stops, targets } = standingAt(position, from);
    return subtract(add(stops, targets), held);
  });
  return excesses.reduce((most, excess) => (compare(excess, most) > 0 ? excess : most), '0');
}

/** What is left of a gap when the outages are taken out: each stretch begins with the fill, or when all was back. */
export function besides(gap: Gap, outages: readonly Outage[], now: number): Stretch[] {
  const end = Math.min(gap.to, now);
  const stretches: Stretch[] = [];
  let from = gap.from;
  for (const outage of outages.toSorted((one, other) => one.from - other.from)) {
    if (outage.to <= from || outage.from >= end) continue;
    if (outage.from > from) stretches.push({ ms: outage.from - from, from, to: outage.from, isCut: true });
    from = Math.max(from, outage.to);
  }
  if (from < end) stretches.push({ ms: end - from, from, to: end, isCut: false });
  return stretches;
}

/** The times between which nothing changes, from the first booking on. */
function stretchesOf({ entries, exits, fills }: Bookings): [number, number][] {
  const moments = [...entries, ...exits].flatMap((order) => [order.bookedAt, endOf(order)]);
  const times = [...new Set([...moments, ...fills.map(({ time }) => time)])].filter((time) => time !== NEVER);
  const sorted = times.toSorted((one, other) => one - other);
  return sorted.map((time, at) => [time, sorted[at + 1] ?? NEVER]);
}

function standingAt(position: Bookings, at: number): Standing {
  const { entries, exits, fills } = position;
  const before = fills.filter(({ time }) => time <= at);
  const filled = (order: Order): DecimalString =>
    before.filter(({ orderId }) => orderId === order.orderId).reduce((sum, { qty }) => add(sum, qty), '0');
  const fees = before
    .filter(({ isBuyer, commissionAsset }) => isBuyer && commissionAsset === 'BTC')
    .reduce((sum, { commission }) => add(sum, commission), '0');
  const out = sum(exits.map(filled));
  const waiting = exits.filter((order) => order.orderListId !== -1 && order.bookedAt <= at && at < endOf(order));
  const left = (orders: readonly Order[]): DecimalString =>
    sum(orders.map((order) => subtract(order.origQty, filled(order))));
  const stops = waiting.filter(({ type }) => type.startsWith('STOP'));
  // While its stop is there, a target takes out the same.
  const alone = waiting.filter(
    (order) => !stops.includes(order) && stops.every(({ orderListId }) => orderListId !== order.orderListId),
  );
  const held = subtract(subtract(sum(entries.map(filled)), fees), out);
  return { held, stops: left(stops), targets: left(alone) };
}

const endOf = ({ status, updateTime }: Order): number =>
  status === 'NEW' || status === 'PARTIALLY_FILLED' ? NEVER : updateTime;

const sum = (amounts: readonly DecimalString[]): DecimalString => amounts.reduce(add, '0');
