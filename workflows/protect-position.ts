import { condition, sleep } from '@temporalio/workflow';

import type { Rests, Taken } from '../activities/contract.ts';
import { add, compare, isZero, subtract, type DecimalString } from '../domain/decimal.ts';
import {
  graver,
  isTooSmall,
  isTooSmallAtALevel,
  PROTECTED_AGAIN,
  SUPERSEDED,
  TAKEN_OUT,
} from '../domain/exit-problem.ts';
import { dueOf, exitsOf, wasStopped, type Exits } from '../domain/exits.ts';
import type { EntryIntent, SignedIntent } from '../domain/intent.ts';
import { exitOf, partsOf, protectionOf, type Leg } from '../domain/leg.ts';
import { isFinal, type OrderState } from '../domain/order-state.ts';
import { reason, type Reason } from '../domain/reason.ts';
import { follow, movesAt, movesStop, type Followed } from '../domain/stop-loss.ts';
import { together, type Traded } from '../domain/way-out.ts';
import { holdLeg } from './hold-leg.ts';
import type { Wanted } from './wanted.ts';

/** A stop that is not at the venue by then (longer than a lost one takes to be proven absent) will not come. */
const PROTECT_WITHIN_MS = 30_000;
const EXIT_WITHIN_MS = 600_000;
/** What somebody wants out and cannot be sent in this time stays in, and has its stop again. */
const WANTED_WITHIN_MS = 30_000;
/** So often a stop that could not be sent in its time is sent anew; each time takes as long as a long outage. */
const LATE_MOST = 3;
/** So often a position that cannot be protected is tried to be taken out before a person has to. */
const EXITS_MOST = 3;
/** So often a watched target is tried to be taken before its part is left to the stop. */
const TARGETS_MOST = 3;
/** So many legs in a row may turn out to be over before they are seen to wait. */
const PAST_MOST = 20;
/** Of a stop that moves there may be many before it. */
const MOVED_MOST = 1_000;
/** The market may have nothing to trade with for a moment. */
const EXIT_PAUSE_MS = 1_000;

/** A position to be protected: its entry, which may still grow, and who wants to know how it stands. */
export interface Guarded {
  readonly signed: SignedIntent<EntryIntent>;
  /** What somebody wants out of it before its stop or target comes. */
  readonly wanted: Wanted;
  readonly entry: () => OrderState;
  readonly changed: (exits: Exits) => void;
}

/**
 * Protects what an entry has brought in from its first fill to its exit, part by part. Where the venue does not take the
 * protection, the position is closed again. Returns when nothing is left to protect.
 */
export async function protectPosition(position: Guarded): Promise<void> {
  const legs = new Map<string, { leg: Leg; state: OrderState }>();
  let problem: Reason | null = null;
  await Promise.all(
    partsOf(position.signed.intent).map((_, part) =>
      guardPart({
        ...position,
        part,
        stands: (leg, state) => {
          legs.set(`${leg.name} ${leg.part} ${leg.generation}`, { leg, state });
          position.changed(exitsOf(legs.values(), problem));
        },
        fails: (because) => {
          problem = graver(problem, because);
          position.changed(exitsOf(legs.values(), problem));
        },
      }).finally(() => position.wanted.end(part)),
    ),
  );
}

interface Part extends Guarded {
  readonly part: number;
  readonly stands: (leg: Leg, state: OrderState) => void;
  readonly fails: (because: Reason) => void;
}

async function guardPart(guarded: Part): Promise<void> {
  const { intent } = guarded.signed;
  const { part, entry, wanted } = guarded;
  const due = (): DecimalString => dueOf(intent, entry(), part);
  let out = '0';
  let generation = 0;
  let past = 0;
  /** What was too little to protect: it is tried again when there is more of it. */
  let tooLittle = '0';
  let late = 0;
  /** What the venue has said that can rest there, and how often the market gave nothing for a target that was watched. */
  let rests: Rests = 'all';
  let missed = 0;
  const mostPast = movesStop(intent.stopLoss) ? MOVED_MOST : PAST_MOST;
  let followed: Followed | null = null;
  const left = (): DecimalString => subtract(due(), out);
  const isWanted = (): boolean => wanted.isOf(part);
  wanted.begin(part, left);
  for (;;) {
    await condition(() => compare(left(), tooLittle) > 0 || isFinal(entry()) || isWanted());
    const quantity = left();
    if (isWanted()) {
      const { referencePrice } = wanted.asker!;
      const asked = { quantity: wanted.of(part, quantity), withinMs: WANTED_WITHIN_MS, referencePrice };
      const closed = await closePart(guarded, asked, generation);
      generation = closed.generation;
      out = add(out, closed.taken.quantity);
      wanted.came(part, { ...closed.taken, last: closed.last });
      continue;
    }
    if (compare(quantity, '0') <= 0) return;
    if (compare(quantity, tooLittle) <= 0) {
      guarded.fails(leftOver(quantity, intent.symbol));
      return;
    }
    const averagePrice = entry().averagePrice ?? '0';
    const notAfter = Date.now() + PROTECT_WITHIN_MS;
    const { stopLoss, side } = intent;
    if (stopLoss !== undefined) followed = follow(stopLoss, { side, averagePrice }, followed);
    const leg = protectionOf(intent, { part, generation, quantity, averagePrice, notAfter, followed });
    generation += 1;
    const hasGrown = (): boolean => compare(left(), quantity) > 0 || isWanted();
    const move = stopLoss && followed ? movesAt(stopLoss, { side, averagePrice }, followed) : undefined;
    const held = await holdLeg(guarded, leg, hasGrown, { rests, move, hasNoTarget: missed >= TARGETS_MOST });
    const { state, hasWaited, isWithdrawn, reached } = held;
    rests = held.rests;
    if (stopLoss !== undefined && reached?.by === 'move') {
      followed = follow(stopLoss, { side, averagePrice }, followed, reached.price);
    }
    past = hasWaited ? 0 : past + 1;
    out = add(out, state.filledQuantity);
    // Nothing of it was sent, which is no word of the venue against it: nobody may have been there to send it.
    late = state.status === 'expired' ? late + 1 : 0;
    // Numbers without an order at the venue would hide from such a run's successor what came after them.
    if (rests === 'nothing') generation = leg.generation;
    if (state.reason?.code === TAKEN_OUT) {
      // An earlier run, that was reset, has. It is found, or nothing is: it is too late to be sent.
      const taken = exitOf(intent, { part, generation: leg.generation, quantity, notAfter: 0 });
      generation = leg.generation + 1;
      out = add(out, (await holdLeg(guarded, taken, () => false)).state.filledQuantity);
      continue;
    }
    const isSuperseded = state.status === 'denied' && state.reason?.code === SUPERSEDED;
    if (isSuperseded) guarded.fails(notTaken(leg, state));
    if (reached?.by === 'target' || isSuperseded) {
      // At the market: a limit at the target would leave what it does not get without a stop.
      const closed = await closePart(guarded, { quantity: left(), withinMs: PROTECT_WITHIN_MS }, generation);
      generation = closed.generation;
      out = add(out, closed.taken.quantity);
      const isMissed = reached !== null && !isZero(closed.remaining);
      if (isMissed) missed += 1;
      if (isMissed && missed === TARGETS_MOST) guarded.fails(targetMissed(leg, closed));
      // What could not be taken out is protected again.
      continue;
    }
    const isStopReached = reached?.by === 'stop';
    if ((isWithdrawn && !isStopReached) || state.status === 'filled' || (late > 0 && late <= LATE_MOST)) continue;
    if (isTooSmall(state.reason)) {
      tooLittle = quantity;
      continue;
    }
    if (isTooSmallAtALevel(state.reason) && !isFinal(entry())) {
      await condition(() => hasGrown() || isFinal(entry()));
      continue;
    }
    const isStopped = isStopReached || (state.status === 'canceled' && wasStopped(leg, state));
    // A run that was reset finds the legs that were replaced before it. Whoever took them back, the next one protects.
    if (state.status === 'canceled' && !isStopped && !hasWaited && past < mostPast) continue;
    if (state.status === 'canceled' && !isStopped) {
      guarded.fails(takenAway(leg, state));
      return;
    }
    // The venue does not take it, for whatever reason: what has no stop is not held.
    if (!isStopped) guarded.fails(notTaken(leg, state));
    const closed = await closePart(guarded, { quantity: left(), withinMs: EXIT_WITHIN_MS }, generation);
    generation = closed.generation;
    out = add(out, closed.taken.quantity);
    const why = closed.last?.reason ?? null;
    if (isTooSmall(why)) tooLittle = closed.remaining;
    else if (!isZero(closed.remaining)) {
      guarded.fails(unprotected(left(), intent.symbol, why));
      return;
    }
  }
}

interface Closed {
  readonly taken: Traded;
  readonly remaining: DecimalString;
  readonly generation: number;
  readonly last: Taken['last'];
}

/** Takes a part out at the market's price. What the venue refuses again and again a person has to take out. */
async function closePart(
  guarded: Part,
  { quantity, withinMs, referencePrice }: Pick<Leg, 'quantity' | 'referencePrice'> & { readonly withinMs: number },
  firstGeneration: number,
): Promise<Closed> {
  let generation = firstGeneration;
  let remaining = quantity;
  let last: Taken['last'] = null;
  const trades: Traded[] = [];
  for (let turn = 0; turn < EXITS_MOST && compare(remaining, '0') > 0; turn += 1) {
    const { intent } = guarded.signed;
    if (turn > 0) await sleep(EXIT_PAUSE_MS);
    const notAfter = Date.now() + withinMs;
    const leg = exitOf(intent, { part: guarded.part, generation, quantity: remaining, referencePrice, notAfter });
    const { state } = await holdLeg(guarded, leg, () => false);
    trades.push({ quantity: state.filledQuantity, averagePrice: state.averagePrice });
    remaining = subtract(remaining, state.filledQuantity);
    const { status, reason: why } = state;
    last = { status, reason: why };
    // In an earlier run protection came here, or followed, which is to be found next.
    if (why?.code === PROTECTED_AGAIN) break;
    generation += 1;
    if (isTooSmall(why) || (status === 'expired' && why?.code === SUPERSEDED)) break;
  }
  // What came in meanwhile is not among it.
  return { taken: together(trades), remaining, generation, last };
}

function levels({ stopPrice, limitPrice }: Leg): string {
  return [stopPrice && `stop ${stopPrice}`, limitPrice && `target ${limitPrice}`].filter(Boolean).join(', ');
}

function notTaken(leg: Leg, { reason: why }: OrderState): Reason {
  const message = `The venue did not take the protection (${levels(leg)}) of ${leg.quantity}: ${why?.message ?? 'no reason'}`;
  return reason('PROTECTION_FAILED', message, 'What it was to protect was closed again at the market.');
}

function targetMissed(leg: Leg, { remaining, last }: Closed): Reason {
  const because = last?.reason?.message ?? 'the market had nothing to trade with.';
  const message = `The market reached the target ${leg.limitPrice} of ${remaining}, which could not be taken out: ${because}`;
  return reason('TARGET_MISSED', message, 'It is left to the stop: close it by hand, or let it run.');
}

function takenAway(leg: Leg, { filledQuantity }: OrderState): Reason {
  const message = `Somebody canceled the protection (${levels(leg)}) of ${subtract(leg.quantity, filledQuantity)} at the venue.`;
  return reason('PROTECTION_CANCELED', message, 'The position is left to whoever did: protect or close it by hand.');
}

function unprotected(left: DecimalString, symbol: string, why: Reason | null): Reason {
  const because = why?.message ?? 'the market had nothing to trade with.';
  const message = `${left} ${symbol} has no protection, and could not be closed: ${because}`;
  return reason('UNPROTECTED', message, 'Close it by hand at the venue, at once.');
}

function leftOver(left: DecimalString, symbol: string): Reason {
  const message = `${left} ${symbol} is less than the venue takes an order for: it is neither protected nor closed.`;
  return reason('TOO_SMALL_TO_PROTECT', message, 'Sell it with a later order.');
}
