import type { DecimalString } from './decimal.ts';
import type { Reconciliation } from './reconciliation.ts';

/** What a circuit breaker lets through: everything, one call to find out, nothing. */
export type Circuit = 'closed' | 'half_open' | 'open';

/** An account's venue as it was when it was last looked at. */
export interface AccountSight {
  /** Whether the venue answered when it was last asked. */
  readonly health: 'ok' | 'unreachable';
  /** Why it did not. */
  readonly problem: string | null;
  /** Of the worker that reports: each has its own. Null where the venue is on this machine. */
  readonly breaker: Circuit | null;
  /** What the account holds in all, by asset; null where it holds nothing that could be asked for. */
  readonly balances: Readonly<Record<string, DecimalString>> | null;
}

/** An account as a worker that serves it last saw it. */
export interface AccountReport extends AccountSight, Reconciliation {}
