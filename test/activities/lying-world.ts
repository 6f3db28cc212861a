/** What happens next is taken from bytes, so that a run can be repeated, and shrunk to the few lies that matter. */
export class World {
  /** The engine's time, in milliseconds since 1970. */
  now = Date.UTC(2026, 10, 24, 9, 30);
  /** What happened, for whoever reads a failure. */
  readonly notes: string[] = [];
  /** Whether whoever sends dies as the last byte leaves, and waits for nothing. */
  isDying = false;
  /** Called when a resting order has been asked for once: a poll that finds nothing new need not go on. */
  onPolled = (): void => {};
  readonly #bytes: Uint8Array;
  readonly #venueAheadMs: number;
  readonly #begun = this.now;
  #read = 0;
  #due: { readonly at: number; readonly happen: () => void }[] = [];

  constructor(bytes: Uint8Array, venueAheadMs: number) {
    this.#bytes = bytes;
    this.#venueAheadMs = venueAheadMs;
  }

  /** One of the options; the first of them, which is the harmless one, when there are no bytes left to choose by. */
  readonly pick = <T>(first: T, ...others: readonly T[]): T => {
    const byte = this.#bytes[this.#read++] ?? 0;
    const index = byte % (others.length + 1);
    return index === 0 ? first : others[index - 1]!;
  };

  /** Whether from now on only harmless things happen. */
  get isCalm(): boolean {
    return this.#read >= this.#bytes.length;
  }

  venueNow(): number {
    return this.now + this.#venueAheadMs;
  }

  /** Lets time pass, and what is due by then happen, each at its moment. */
  pass(ms: number): void {
    const until = this.now + ms;
    for (;;) {
      const next = this.#due.filter(({ at }) => at <= until).toSorted((a, b) => a.at - b.at)[0];
      if (next === undefined) break;
      this.#due = this.#due.filter((one) => one !== next);
      this.now = Math.max(this.now, next.at);
      next.happen();
    }
    this.now = Math.max(this.now, until);
  }

  later(ms: number, happen: () => void): void {
    this.#due.push({ at: this.now + ms, happen });
  }

  note(what: string): void {
    this.notes.push(`${String(Math.round(this.now - this.#begun)).padStart(7)} ms: ${what}`);
  }
}
