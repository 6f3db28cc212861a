import {
  BrokenCircuitError,
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  handleWhen,
  type CircuitBreakerPolicy,
} from 'cockatiel';

import type { Circuit } from '../../domain/account-report.ts';
import { NotSent } from '../venue-adapter.ts';

/** Marks a failure as an outage of the venue; its refusals are no outages, and nobody outside can bring one about. */
export class Outage extends Error {
  override readonly name = 'Outage';
}

export interface BreakerOptions {
  /** Outages in a row after which it opens. */
  readonly threshold: number;
  /** How long it stays open before one call may try again, in milliseconds. */
  readonly openMs: number;
  /** Told of every change: 0 closed, 1 half-open, 2 open. */
  readonly onState: (state: 0 | 1 | 2) => void;
}

const STATES = {
  [CircuitState.Closed]: 0,
  [CircuitState.HalfOpen]: 1,
  [CircuitState.Open]: 2,
  [CircuitState.Isolated]: 2,
} as const;
const NAMES = ['closed', 'half_open', 'open'] as const;

/** Keeps an account's calls away from a venue that is out of order; one call at a time finds out whether it is back. */
export class Breaker {
  readonly #policy: CircuitBreakerPolicy;
  readonly #openMs: number;
  #openedAt = 0;

  constructor({ threshold, openMs, onState }: BreakerOptions) {
    this.#openMs = openMs;
    this.#policy = circuitBreaker(
      handleWhen((error) => error instanceof Outage),
      {
        halfOpenAfter: openMs,
        breaker: new ConsecutiveBreaker(threshold),
      },
    );
    this.#policy.onStateChange((state) => {
      if (state === CircuitState.Open) this.#openedAt = performance.now();
      onState(STATES[state]);
    });
    onState(0);
  }

  get circuit(): Circuit {
    return NAMES[STATES[this.#policy.state]];
  }

  /**
   * Runs a call, or throws `NotSent` while the breaker is open. An `Outage` is passed on as its cause. Any other failure
   * is handed back as a value: a venue that refuses is there, and that is what the breaker counts.
   */
  async run<T>(call: () => Promise<{ value: T } | { error: unknown }>): Promise<T> {
    try {
      const result = await this.#policy.execute(call);
      if ('error' in result) throw result.error;
      return result.value;
    } catch (error) {
      if (error instanceof BrokenCircuitError)
        throw new NotSent('The circuit breaker is open.', this.#untilHalfOpenMs());
      throw error instanceof Outage ? error.cause : error;
    }
  }

  #untilHalfOpenMs(): number {
    return Math.max(this.#openMs - (performance.now() - this.#openedAt), 250);
  }
}
