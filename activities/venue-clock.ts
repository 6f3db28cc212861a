const SAMPLES_MAX = 10;
/** Clocks drift apart by some milliseconds an hour; a venue's window is seconds wide. */
const STALE_MS = 6 * 3_600_000;

/**
 * How far a venue's clock is from the engine's. Each sample is too large by the time that it took to get there, so the
 * smallest of the last few is the best.
 */
export class VenueClock {
  readonly #samples: number[] = [];
  #lastAt = 0;

  /** Adds venue time minus the engine's schedule time, in milliseconds. */
  add(offsetMs: number): void {
    this.#lastAt = performance.now();
    this.#samples.push(offsetMs);
    if (this.#samples.length > SAMPLES_MAX) this.#samples.shift();
  }

  /** Venue time minus engine time; undefined while nothing has been read, or not for long. */
  best(): number | undefined {
    if (performance.now() - this.#lastAt > STALE_MS) this.distrust();
    return this.#samples.length === 0 ? undefined : Math.min(...this.#samples);
  }

  /** Forgets what it knows: the venue refused a request for its time. */
  distrust(): void {
    this.#samples.length = 0;
  }
}
