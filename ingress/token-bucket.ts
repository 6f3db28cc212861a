/** How many requests in how long. */
export interface Rate {
  readonly requests: number;
  readonly windowMs: number;
}

interface Bucket {
  tokens: number;
  filledAt: number;
}

/** Keys that are remembered at most; past that the one that was used longest ago is forgotten, and starts full. */
const KEYS_MAX = 10_000;

/**
 * A token bucket for each key: it holds as many tokens as a window allows, and refills evenly. A request that is turned
 * away costs nothing, so that a sender who waits as long as told gets through.
 */
export class TokenBuckets {
  readonly #rate: Rate;
  readonly #now: () => number;
  readonly #buckets = new Map<string, Bucket>();

  /** @param now milliseconds of a clock that never steps back */
  constructor(rate: Rate, now: () => number = () => performance.now()) {
    this.#rate = rate;
    this.#now = now;
  }

  /** Takes a token. Returns 0, or after how many milliseconds there will be one. */
  take(key: string): number {
    const bucket = this.#refilled(key);
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1;
      return 0;
    }
    return this.#waitMs(bucket);
  }

  /** After how many milliseconds there will be a token; 0 when there is one. Takes none. */
  waitMs(key: string): number {
    const bucket = this.#refilled(key);
    return bucket.tokens >= 1 ? 0 : this.#waitMs(bucket);
  }

  #refilled(key: string): Bucket {
    const { requests, windowMs } = this.#rate;
    const now = this.#now();
    const bucket = this.#buckets.get(key) ?? { tokens: requests, filledAt: now };
    bucket.tokens = Math.min(requests, bucket.tokens + ((now - bucket.filledAt) * requests) / windowMs);
    bucket.filledAt = now;
    // Deleted and set again, a key becomes the youngest of the map.
    this.#buckets.delete(key);
    this.#buckets.set(key, bucket);
    if (this.#buckets.size > KEYS_MAX) this.#buckets.delete(this.#buckets.keys().next().value!);
    return bucket;
  }

  #waitMs({ tokens }: Bucket): number {
    return Math.ceil(((1 - tokens) * this.#rate.windowMs) / this.#rate.requests);
  }
}
