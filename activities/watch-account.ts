import { setTimeout as sleep } from 'node:timers/promises';

import { cancellationSignal, heartbeat } from '@temporalio/activity';

import type { AccountReport, AccountSight } from '../domain/account-report.ts';
import type { WatchRequest } from './contract.ts';
import type { Account, Desk } from './desk.ts';
import { startEngineClock } from './engine-time.ts';
import { askAgain } from './not-sent.ts';
import { Reconciler } from './reconcile.ts';

const TELL_EVERY_MS = 5_000;
/** Reading balances costs as much as five questions for an order; what is told in between is what was seen last. */
const LOOK_EVERY_MS = 10_000;
/** An attempt ends from time to time, so that the work goes round among the workers that serve the account. */
const ATTEMPT_MS = 3_600_000;
const SERVED_ELSEWHERE_MS = 5_000;

/**
 * Looks at an account again and again, compares it with its venue, and tells what it sees with every sign of life; it never
 * comes back.
 */
export async function watchAccount(desk: Desk, { account: name }: WatchRequest): Promise<never> {
  const account = desk.accounts.get(name);
  if (account === undefined) throw askAgain(`This worker serves no account named ${name}.`, SERVED_ELSEWHERE_MS);
  const until = performance.now() + ATTEMPT_MS;
  const over = AbortSignal.any([cancellationSignal(), desk.stopping.signal]);
  const ended = new AbortController();
  const reconciler = new Reconciler(account, startEngineClock());
  // It changes nothing: one that is still asking when the next attempt begins elsewhere does no harm.
  void reconciler.run(AbortSignal.any([over, ended.signal]));
  let sight = await look(account);
  let seenAt = performance.now();
  while (performance.now() < until && !over.aborted) {
    if (performance.now() - seenAt >= LOOK_EVERY_MS) {
      seenAt = performance.now();
      sight = await look(account);
    }
    heartbeat({ ...sight, ...reconciler.told } satisfies AccountReport);
    await sleep(TELL_EVERY_MS, undefined, { signal: over }).catch(() => undefined);
  }
  ended.abort();
  throw askAgain('The watch changes hands.', 1);
}

/** Longer than a venue takes that is well, and shorter than the time in which a sign of life is due. */
const PATIENCE_MS = 5_000;

async function inTime<T>(asking: Promise<T> | undefined): Promise<T | undefined> {
  const late = new AbortController();
  const tooLate = sleep(PATIENCE_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error(`The venue did not answer within ${PATIENCE_MS / 1_000} s.`);
  });
  tooLate.catch(() => undefined);
  try {
    return await Promise.race([asking, tooLate]);
  } finally {
    late.abort();
  }
}

async function look({ adapter }: Account): Promise<AccountSight> {
  try {
    const balances = (await inTime(adapter.balances?.())) ?? null;
    return { health: 'ok', problem: null, breaker: adapter.circuit ?? null, balances };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    return { health: 'unreachable', problem, breaker: adapter.circuit ?? null, balances: null };
  }
}
