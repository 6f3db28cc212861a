import { VenueError } from './errors.ts';
import type { Venue } from './venue.ts';

/** rest-api.md, LIMITS: request weight per address and minute, unfilled orders per account and ten seconds. */
export class RateLimits {
  readonly #venue: Venue;
  #minute = 0;
  #weight = 0;
  #refused = 0;
  #bannedUntil = 0;
  #orders: { at: number; orderId: number }[] = [];

  constructor(venue: Venue) {
    this.#venue = venue;
  }

  /** Throws 429, or 418 for a client that goes on all the same. */
  spend(weight: number): void {
    const { settings } = this.#venue;
    const now = Date.now();
    if (now < this.#bannedUntil) throw banned(this.#bannedUntil, now);
    const minute = Math.floor(now / 60_000);
    if (minute !== this.#minute) {
      this.#minute = minute;
      this.#weight = 0;
      this.#refused = 0;
    }
    this.#weight += weight;
    if (settings.weightLimit === 0 || this.#weight <= settings.weightLimit) return;
    this.#refused += 1;
    if (this.#refused > settings.banAfter) {
      this.#bannedUntil = now + settings.banSeconds * 1000;
      throw banned(this.#bannedUntil, now);
    }
    throw tooMuchWeight(settings.weightLimit, 60 - (Math.floor(now / 1000) % 60));
  }

  /** "If you have exceeded this, you will receive a 429 error without the Retry-After header." */
  admitOrders(count: number): void {
    const { orderLimit } = this.#venue.settings;
    if (orderLimit !== 0 && this.#unfilled() + count > orderLimit) throw tooManyOrders(orderLimit);
  }

  countOrders(orderIds: readonly number[]): void {
    for (const orderId of orderIds) this.#orders.push({ at: Date.now(), orderId });
  }

  headers(withOrders: boolean): Record<string, string> {
    const headers: Record<string, string> = {
      'x-mbx-used-weight': String(this.#weight),
      'x-mbx-used-weight-1m': String(this.#weight),
    };
    if (withOrders) headers['x-mbx-order-count-10s'] = String(this.#unfilled());
    return headers;
  }

  reset(): void {
    this.#weight = 0;
    this.#refused = 0;
    this.#bannedUntil = 0;
    this.#orders = [];
  }

  /** Filled orders no longer count (order_count_decrement.md). */
  #unfilled(): number {
    const since = Date.now() - 10_000;
    this.#orders = this.#orders.filter(
      ({ at, orderId }) => at > since && this.#venue.state.orders.get(orderId)?.status !== 'FILLED',
    );
    return this.#orders.length;
  }
}

export function tooMuchWeight(limit: number, retryAfter: number): VenueError {
  const message =
    `Too much request weight used; current limit is ${limit} request weight per 1 MINUTE. ` +
    'Please use WebSocket Streams for live updates to avoid polling the API.';
  return new VenueError(-1003, message, 429, { 'retry-after': String(retryAfter) });
}

export function tooManyOrders(limit: number): VenueError {
  return new VenueError(-1015, `Too many new orders; current limit is ${limit} orders per 10 SECOND.`, 429);
}

export function banned(until: number, now: number): VenueError {
  const message =
    `Way too much request weight used; IP banned until ${until}. ` +
    'Please use WebSocket Streams for live updates to avoid bans.';
  return new VenueError(-1003, message, 418, { 'retry-after': String(Math.ceil((until - now) / 1000)) });
}
