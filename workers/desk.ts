import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import type { Account, Desk } from '../activities/desk.ts';
import { VenueClock } from '../activities/venue-clock.ts';
import type { VerifyKeys } from '../activities/verify-keys.ts';
import { DryRunAdapter } from '../adapters/dry-run/dry-run-adapter.ts';
import { PaperAdapter } from '../adapters/paper/paper-adapter.ts';
import type { VenueAdapter } from '../adapters/venue-adapter.ts';
import type { AccountConfig, Config } from '../config/config.ts';

/** A paper book is on this machine, and asking it costs next to nothing. */
const PAPER_POLL_MS = 200;

/** Opens every account that the configuration names; rejects when one cannot be used. */
export async function openDesk(config: Config, keys: VerifyKeys): Promise<Desk & { close(): Promise<void> }> {
  mkdirSync(config.dataDir, { recursive: true });
  const accounts = new Map<string, Account>();
  for (const [name, account] of Object.entries(config.accounts)) {
    const adapter = adapterOf(name, account, config);
    await adapter.open();
    accounts.set(name, { name, adapter, clock: new VenueClock(), pollMs: PAPER_POLL_MS });
  }
  const rules = new Map(Object.entries(config.strategies).map(([name, strategy]) => [name, strategy.rules]));
  const close = async (): Promise<void> => {
    for (const { adapter } of accounts.values()) await adapter.close();
  };
  return { accounts, keys, rules, sent: new Set(), close };
}

function adapterOf(name: string, account: AccountConfig, config: Config): VenueAdapter {
  switch (account.venue) {
    case 'paper':
      return new PaperAdapter({ ...account, file: join(config.dataDir, `paper-${name}.db`) });
    case 'ccxt':
      return new DryRunAdapter();
  }
}
