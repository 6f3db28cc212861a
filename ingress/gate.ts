import type { Config } from '../config/config.ts';
import { AddressList } from './address-list.ts';
import { Refused } from './refused.ts';
import { TokenBuckets } from './token-bucket.ts';

/** Answers are written within 2.5 s; more requests than this at once could not all be. */
const UNDER_WAY_MAX = 300;

/**
 * Who may come in, and how often: addresses, the two rates, and how much there is to do already. A request that comes
 * in is counted until it leaves.
 */
export class Gate {
  readonly #everybody: AddressList | undefined;
  readonly #strategies: ReadonlyMap<string, AddressList>;
  readonly #entries: TokenBuckets;
  readonly #failedProofs: TokenBuckets;
  #underWay = 0;
  #draining = false;
  #onEmpty: (() => void) | undefined;

  constructor({ settings, strategies }: Config) {
    const rate = { requests: settings.RATE_LIMIT_REQUESTS, windowMs: settings.RATE_LIMIT_WINDOW * 1_000 };
    this.#entries = new TokenBuckets(rate);
    this.#failedProofs = new TokenBuckets(rate);
    this.#everybody = settings.IP_WHITELIST.length > 0 ? new AddressList(settings.IP_WHITELIST) : undefined;
    const limited = Object.entries(strategies).filter(([, { ipAllow }]) => ipAllow.length > 0);
    this.#strategies = new Map(limited.map(([name, { ipAllow }]) => [name, new AddressList(ipAllow)]));
  }

  get isDraining(): boolean {
    return this.#draining;
  }

  /** Lets a request in, or sheds it: what a sender gets then, it sends again. */
  enter(): void {
    if (this.#draining) throw new Refused('UNAVAILABLE', 'This process is stopping; send the alert again.');
    if (this.#underWay >= UNDER_WAY_MAX) throw new Refused('UNAVAILABLE', 'Too much at once; send the alert again.');
    this.#underWay += 1;
  }

  leave(): void {
    this.#underWay -= 1;
    if (this.#underWay === 0) this.#onEmpty?.();
  }

  /** Lets nothing in any more; resolves when everything that was in has been answered. */
  async drain(): Promise<void> {
    this.#draining = true;
    if (this.#underWay > 0) await new Promise<void>((resolve) => (this.#onEmpty = resolve));
  }

  /** Refuses an address that nobody's alerts may come from. */
  requireAddress(address: string): void {
    if (this.#everybody !== undefined && !this.#everybody.has(address)) throw notAllowed();
  }

  /** Refuses an address that this strategy's alerts may not come from. */
  requireAddressOf(strategy: string, address: string): void {
    const list = this.#strategies.get(strategy);
    if (list !== undefined && !list.has(address)) throw notAllowed();
  }

  /** Counts a failed proof against its address. Other senders behind the same address are not made to wait for it. */
  countFailedProof(address: string): void {
    requireToken(this.#failedProofs.take(address), 'Too many alerts without proof came from this address.');
  }

  /** Counts an entry against its strategy. Exits are not counted: closing a position is never refused for its rate. */
  countEntry(strategy: string): void {
    requireToken(this.#entries.take(strategy), 'This strategy sends more alerts than RATE_LIMIT_REQUESTS allows.');
  }
}

const notAllowed = (): Refused => new Refused('ADDRESS_NOT_ALLOWED', 'Alerts are not taken from this address.');

function requireToken(waitMs: number, message: string): void {
  if (waitMs === 0) return;
  const retryAfter = Math.ceil(waitMs / 1_000);
  throw new Refused('RATE_LIMITED', `${message} The next one fits in ${retryAfter} s.`, { retry_after: retryAfter });
}
