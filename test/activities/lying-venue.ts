import {
  NotSent,
  type AdapterLookup,
  type Capabilities,
  type LookupHint,
  type OrderTicket,
  type Plan,
  type SendWindow,
  type VenueAdapter,
} from '../../adapters/venue-adapter.ts';
import { add, compare, subtract } from '../../domain/decimal.ts';
import type { Cancellation, Placement } from '../../domain/outcome.ts';
import { reason } from '../../domain/reason.ts';
import type { Fill, VenueOrder, VenueStatus } from '../../domain/venue-order.ts';
import type { World } from './lying-world.ts';

/** How long after it was lost an order may still appear at this venue, which keeps to it whatever else it lies about. */
const BOUND = { windowMs: 1_500, engineMs: 1_000, marginMs: 2_000 };
const WAIT_MS = BOUND.windowMs + BOUND.engineMs + BOUND.marginMs;
/** How far ahead of the venue's clock a request may be; the margin has room for it beside reads that lag. */
const AHEAD_MS = 1_000;
const ABORT_MS = BOUND.windowMs + BOUND.engineMs + 1_000;
const PRICE = '100';
const QUANTITY_STEP = '0.25';

export interface VenueHabits {
  /** Whether it checks each request's time, and is bound by it; one without a bound never proves absence. */
  readonly isBound: boolean;
  /** Whether it refuses an id under which an order is open. One that does not books whatever arrives. */
  readonly isWatchful: boolean;
  /** Whether it also says what is plainly false of what it has booked: then nothing that it says can be relied on. */
  readonly isFalse: boolean;
}

/** An order in the venue's own book: what it has been, so that it can be told late. */
export interface Booking {
  readonly venueOrderId: string;
  readonly quantity: string;
  readonly shownFrom: number;
  readonly past: VenueOrder[];
}

const nowIs = ({ past }: Booking): VenueOrder => past.at(-1)!;
const isOpen = (booking: Booking): boolean => /^(working|partially_filled)$/.test(nowIs(booking).status);

type Answer = Placement | { readonly kind: 'turned_away' } | { readonly kind: 'exists' };

/**
 * A venue as bad as its documents allow: answers get lost, bytes arrive late, orders are booked in silence and shown
 * later, reports are old, bare or repeated, and anything may be thrown. Its book is the truth.
 */
export class LyingVenue implements VenueAdapter {
  readonly capabilities: Capabilities;
  readonly book: Booking[] = [];
  readonly #world: World;
  readonly #habits: VenueHabits;

  constructor(world: World, habits: VenueHabits) {
    this.#world = world;
    this.#habits = habits;
    this.capabilities = {
      orderTypes: ['limit'],
      brackets: false,
      enforcesWindow: habits.isBound,
      provesAbsence: habits.isBound,
      dryRun: false,
    };
  }

  async open(): Promise<void> {}
  async close(): Promise<void> {}

  async plan(): Promise<Plan> {
    const what = this.#world.pick('ready', ...Array<'ready'>(20).fill('ready'), 'refused', 'not read', 'broken');
    if (what === 'not read') throw new NotSent('The markets are not read yet.', 2_000);
    if (what === 'broken') throw new TypeError('undefined is not a market');
    return what === 'ready' ? { kind: 'ready', notes: [] } : { kind: 'refused', reason: reason('TOO_SMALL', 'So.') };
  }

  async now(): Promise<number> {
    this.#world.pass(this.#world.pick(5, 5, 300));
    if (this.#world.pick('tells', ...Array<'tells'>(20).fill('tells'), 'is down') === 'is down')
      throw new Error('ECONNRESET');
    return this.#world.venueNow();
  }

  async place(ticket: OrderTicket, window: SendWindow | null): Promise<Placement> {
    const { pick } = this.#world;
    if (pick('sends', 'sends', 'sends', 'sends', 'refused') === 'refused') {
      throw new NotSent('ECONNREFUSED', pick(500, 3_000));
    }
    const said: { answer?: Answer } = {};
    const travelMs = pick(20, 20, 900, 1_450, 1_450, 1_600, 30_000);
    this.#world.note(`a request leaves, and travels ${travelMs} ms`);
    this.#world.later(travelMs, () => this.#arrive(ticket, window, (answer) => (said.answer = answer)));
    if (!this.#world.isDying) this.#world.pass(Math.min(travelMs + pick(BOUND.engineMs, 50), ABORT_MS));
    return this.#reply(said.answer, ticket);
  }

  async find({ lostAt, now, clockOffsetMs }: LookupHint): Promise<AdapterLookup> {
    const lie = this.#ask();
    const shown = this.#shown();
    const { isBound, isFalse } = this.#habits;
    if (isFalse && lie === 'stale') return { kind: 'found', order: phantom('working') };
    const venueNow = this.#world.venueNow();
    const isDue = isBound && now >= lostAt + WAIT_MS && venueNow > lostAt + (clockOffsetMs ?? venueNow - now) + WAIT_MS;
    // The one thing that it may be held to: what is there when its bound has passed is shown.
    if (shown !== undefined && (isDue || lie !== 'hides')) return { kind: 'found', order: this.#report(shown, lie) };
    if (!isDue) return { kind: 'cannot_tell', why: 'Not shown yet.' };
    this.#world.note('absence is proven');
    return { kind: 'absent', proof: 'The bound has passed.' };
  }

  async fetch(): Promise<VenueOrder | null> {
    this.#world.onPolled();
    const lie = this.#ask();
    const shown = this.#shown();
    return shown === undefined || lie === 'hides' ? null : this.#report(shown, lie);
  }

  async cancel(): Promise<Cancellation> {
    const lie = this.#ask();
    const open = this.book.filter(isOpen);
    if (lie !== 'hides') for (const booking of open) this.#become(booking, 'canceled');
    if (lie === 'stale') throw new Error('The answer was lost.');
    const [booking] = this.book;
    if (booking === undefined || isOpen(booking)) return { kind: 'unknown', evidence: 'It is still open.' };
    return { kind: 'settled', order: this.#report(booking, lie === 'repeats' ? lie : 'truth') };
  }

  #arrive(ticket: OrderTicket, window: SendWindow | null, answer: (answer: Answer) => void): void {
    const ageMs = window === null ? 0 : this.#world.venueNow() - window.timestamp;
    if (this.#habits.isBound && (ageMs > BOUND.windowMs || ageMs < -AHEAD_MS)) {
      this.#world.note(`a request is refused for its time, being ${Math.round(ageMs)} ms old`);
      return answer({ kind: 'outside_window', evidence: '-1021' });
    }
    if (this.#habits.isWatchful && this.book.some(isOpen)) return answer({ kind: 'exists' });
    const verdict = this.#world.pick('books', 'books', 'books', 'books', 'rejects', 'turns away');
    if (verdict === 'rejects') return answer({ kind: 'rejected', reason: reason('INSUFFICIENT_FUNDS', 'No funds.') });
    if (verdict === 'turns away') return answer({ kind: 'turned_away' });
    this.#world.later(this.#world.pick(0, BOUND.engineMs, BOUND.engineMs), () => {
      this.#world.note('an order is booked');
      const booking = this.#enter(ticket);
      const bookedAt = this.#world.venueNow();
      answer({ kind: 'accepted', order: { ...this.#report(booking, 'truth'), bookedAt } });
    });
  }

  #enter({ quantity }: OrderTicket): Booking {
    const venueOrderId = `v-${this.book.length + 1}`;
    const first: VenueOrder = { venueOrderId, status: 'working', filledQuantity: '0', averagePrice: null };
    const lagMs = this.#world.pick(0, 500, BOUND.marginMs - AHEAD_MS, BOUND.marginMs - AHEAD_MS);
    const booking = { venueOrderId, quantity, shownFrom: this.#world.now + lagMs, past: [first] };
    this.book.push(booking);
    // An order can end as it is entered, under any of these names.
    this.#trade(booking, this.#world.pick('nothing', 'nothing', 'rest', 'part', 'canceled', 'rejected'));
    return booking;
  }

  /** What the answer to placing becomes on its way back. */
  #reply(answer: Answer | undefined, ticket: OrderTicket): Placement {
    const { pick } = this.#world;
    if (pick('arrives', 'arrives', 'arrives', 'is lost') === 'is lost' || answer === undefined) {
      const thrown = pick<unknown>(undefined, new Error('ECONNRESET'), 'a text', null, new RangeError('Out of range.'));
      if (thrown !== undefined) throw thrown;
      return { kind: 'unknown', evidence: 'The answer was lost.' };
    }
    if (this.#habits.isFalse && pick('is kept', 'is turned') === 'is turned') return turned(ticket, pick);
    this.#world.note(`the answer is ${answer.kind}`);
    if (answer.kind === 'turned_away') throw new NotSent('429', pick(1_000, 10_000), true);
    if (answer.kind !== 'exists') return answer;
    const shown = this.#shown();
    if (shown !== undefined) return { kind: 'accepted', order: this.#report(shown, pick('truth', 'stale')) };
    return { kind: 'unknown', evidence: 'It exists, and is not shown.' };
  }

  /** Being asked takes time, in which the market moves; and what is told may be true, or not. */
  #ask(): 'truth' | 'hides' | 'stale' | 'bare' | 'repeats' {
    const { pick } = this.#world;
    this.#world.pass(pick(5, 200));
    for (const booking of this.book.filter(isOpen)) {
      this.#trade(booking, pick('nothing', 'nothing', 'nothing', 'part', 'rest', 'canceled', 'rejected'));
    }
    const lie = pick('truth', 'truth', 'hides', 'stale', 'bare', 'repeats', 'throws');
    if (lie === 'throws') throw pick<unknown>(new Error('502'), 'a text', undefined);
    return lie;
  }

  #shown(): Booking | undefined {
    return this.book.find(({ shownFrom }) => shownFrom <= this.#world.now);
  }

  #report(booking: Booking, lie: 'truth' | 'hides' | 'stale' | 'bare' | 'repeats'): VenueOrder {
    const told = lie === 'stale' ? this.#world.pick(nowIs(booking), ...booking.past) : nowIs(booking);
    const { fills = [], ...bare } = told;
    if (lie === 'bare') return bare;
    return lie === 'repeats' ? { ...bare, fills: [...fills.toReversed(), ...fills] } : told;
  }

  #trade(booking: Booking, move: 'nothing' | 'part' | 'rest' | 'canceled' | 'rejected'): void {
    if (!isOpen(booking) || move === 'nothing') return;
    const { filledQuantity } = nowIs(booking);
    // What has traded was not rejected.
    if (move === 'rejected' && filledQuantity !== '0') return;
    if (move === 'canceled' || move === 'rejected') return this.#become(booking, move);
    const left = subtract(booking.quantity, filledQuantity);
    this.#fill(booking, move === 'rest' || compare(left, QUANTITY_STEP) <= 0 ? left : QUANTITY_STEP);
  }

  #fill(booking: Booking, quantity: string): void {
    const { filledQuantity: before, fills = [] } = nowIs(booking);
    const filledQuantity = add(before, quantity);
    const fill: Fill = { tradeId: `${booking.venueOrderId}-${fills.length + 1}`, quantity, price: PRICE };
    const status = compare(filledQuantity, booking.quantity) === 0 ? 'filled' : 'partially_filled';
    this.#become(booking, status, { filledQuantity, averagePrice: PRICE, fills: [...fills, fill] });
  }

  #become(booking: Booking, status: VenueStatus, change: Partial<VenueOrder> = {}): void {
    this.#world.note(`${booking.venueOrderId} becomes ${status} ${change.filledQuantity ?? ''}`);
    booking.past.push({ ...nowIs(booking), status, ...change });
  }
}

const phantom = (status: VenueStatus): VenueOrder => ({
  venueOrderId: 'v-0',
  status,
  filledQuantity: status === 'filled' ? '1' : '0',
  averagePrice: status === 'filled' ? PRICE : null,
});

/** An answer that has nothing to do with what was done. */
function turned({ clientOrderId }: OrderTicket, pick: World['pick']): Placement {
  return pick<Placement>(
    { kind: 'rejected', reason: reason('VENUE_REJECTED', `No ${clientOrderId} here.`) },
    { kind: 'accepted', order: phantom('working') },
    { kind: 'accepted', order: phantom('filled') },
    { kind: 'outside_window', evidence: 'It says so.' },
    { kind: 'unknown', evidence: 'It says so.' },
  );
}
