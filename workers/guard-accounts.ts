import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import type { Account, Desk } from '../activities/desk.ts';
import type { Config } from '../config/config.ts';
import { deploymentTag } from '../domain/ids.ts';
import type { Engine } from '../ingress/engine.ts';
import type { Logger } from '../telemetry/log.ts';
import { advanceEpoch, checkEpoch } from './check-epoch.ts';
import { EpochFile } from './epoch-file.ts';
import type { Standings } from './standings.ts';

const ADVANCE_EVERY_MS = 60_000;
const AGAIN_MS = 5_000;

export interface GuardOptions {
  readonly config: Config;
  readonly engine: Engine;
  readonly desk: Desk;
  readonly standings: Standings;
  readonly log: Logger;
}

/**
 * Lets no order of an account go before it is known that the engine has not forgotten any, and writes down from minute
 * to minute how far the orders have come. Only accounts that trade for real have something to forget.
 * @returns what ends it
 */
export function guardAccounts(options: GuardOptions): () => void {
  const { config, desk, engine, standings, log } = options;
  const file = new EpochFile(config.settings);
  const over = new AbortController();
  const real = [...desk.accounts.values()].filter(({ name }) => {
    const account = config.accounts[name]!;
    return account.venue === 'ccxt' && account.mode !== 'dry_run';
  });
  for (const account of real) {
    standings.withhold(account.name);
    void untilChecked(options, file, account, over.signal);
  }
  const timer = setInterval(() => {
    for (const account of real.filter(({ hasSent }) => hasSent)) {
      account.hasSent = false;
      advanceEpoch(engine, file, account.name).catch((error: unknown) => {
        account.hasSent = true;
        log.error({ account: account.name, error: String(error) }, 'The epoch of an account could not be advanced.');
      });
    }
  }, ADVANCE_EVERY_MS);
  over.signal.addEventListener('abort', () => clearInterval(timer));
  return () => over.abort();
}

async function untilChecked(
  { config, engine, standings, log }: GuardOptions,
  file: EpochFile,
  { name, adapter }: Account,
  over: AbortSignal,
): Promise<void> {
  const tag = deploymentTag(config.settings.HOLDFAST_DEPLOYMENT, (text) => createHash('sha256').update(text).digest());
  const listOurs = async () => {
    if (adapter.listOurs !== undefined) return adapter.listOurs(tag);
    log.warn(
      { account: name },
      'This venue cannot be asked for our orders: whether the engine has forgotten any is not known.',
    );
    return [];
  };
  while (!over.aborted) {
    try {
      const why = await checkEpoch({ engine, file, account: name, listOurs });
      if (why !== undefined) log.error({ account: name }, `ENGINE_RESTORED: entries are halted: ${why}`);
      return standings.release(name);
    } catch (error) {
      log.error(
        { account: name, error: String(error) },
        'Whether the engine has forgotten orders could not be found out; nothing is sent yet.',
      );
      await sleep(AGAIN_MS, undefined, { signal: over }).catch(() => undefined);
    }
  }
}
