import { setTimeout as sleep } from 'node:timers/promises';

import type { Account, Desk } from '../activities/desk.ts';
import type { Config } from '../config/config.ts';
import { isOurs } from '../domain/reconciliation.ts';
import type { Engine } from '../ingress/engine.ts';
import type { Logger } from '../telemetry/log.ts';
import { checkEpoch, type EpochCheck } from './check-epoch.ts';
import { EpochFile } from './epoch-file.ts';
import type { Standings } from './standings.ts';

const EVERY_MS = 60_000;
const AGAIN_FIRST_MS = 5_000;
/** Listing a venue's orders is dear there, so a check that keeps failing is not repeated as soon. */
const AGAIN_MOST_MS = 60_000;

export interface GuardOptions {
  readonly config: Config;
  readonly engine: Engine;
  readonly desk: Desk;
  readonly standings: Standings;
  readonly log: Logger;
}

/**
 * Lets no order of an account go before it is known that the engine has not forgotten any, and compares and writes down
 * from minute to minute how far the orders have come. Only accounts that trade for real have something to forget.
 * @returns what ends it
 */
export function guardAccounts(options: GuardOptions): () => void {
  const { config, desk, standings } = options;
  const over = new AbortController();
  for (const account of desk.accounts.values()) {
    const configured = config.accounts[account.name]!;
    if (configured.venue !== 'ccxt' || configured.mode === 'dry_run') continue;
    standings.withhold(account.name);
    void guard(options, account, over.signal);
  }
  return () => over.abort();
}

async function guard(
  { config, engine, standings, log }: GuardOptions,
  account: Account,
  over: AbortSignal,
): Promise<void> {
  const { name } = account;
  const check: EpochCheck = {
    engine,
    file: new EpochFile(config, name),
    account: name,
    listOurs: () => listOurs(account, log),
  };
  let pauseMs = AGAIN_FIRST_MS;
  let rises = true;
  while (!over.aborted) {
    try {
      account.hasSent = false;
      const why = await checkEpoch(check, rises);
      if (why !== undefined) log.error({ account: name }, `ENGINE_RESTORED: entries are halted: ${why}`);
      standings.release(name);
      pauseMs = AGAIN_FIRST_MS;
      await pause(EVERY_MS, over);
      rises = account.hasSent;
    } catch (error) {
      account.hasSent ||= rises;
      const message = 'Whether the engine has forgotten orders could not be found out; before it is, nothing is sent.';
      log.error({ account: name, error: String(error) }, message);
      await pause(pauseMs, over);
      pauseMs = Math.min(pauseMs * 2, AGAIN_MOST_MS);
    }
  }
}

async function listOurs({ name, adapter, comparing: { tag } }: Account, log: Logger) {
  if (adapter.list !== undefined) return (await adapter.list('recent')).filter((order) => isOurs(order, tag));
  const message = 'This venue cannot be asked for our orders: whether the engine has forgotten any is not known.';
  log.warn({ account: name }, message);
  return [];
}

async function pause(ms: number, over: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal: over }).catch(() => undefined);
}
