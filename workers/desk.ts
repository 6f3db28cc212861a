import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import type { Account, Desk } from '../activities/desk.ts';
import { VenueClock } from '../activities/venue-clock.ts';
import type { VerifyKeys } from '../activities/verify-keys.ts';
import { DryRunAdapter } from '../adapters/dry-run/dry-run-adapter.ts';
import { PaperAdapter } from '../adapters/paper/paper-adapter.ts';
import type { VenueAdapter } from '../adapters/venue-adapter.ts';
import type { Config, ExchangeAccount } from '../config/config.ts';
import type { Engine } from '../ingress/engine.ts';
import type { Logger } from '../telemetry/log.ts';
import { metrics } from '../telemetry/metrics.ts';
import type { AccountGate } from './account-gate.ts';
import { askToMakeWay } from './ask-to-make-way.ts';
import { comparingOf } from './engine-orders.ts';
import { exchangeProfile } from './exchange-profile.ts';
import type { Standings } from './standings.ts';

/** A paper book is on this machine, and asking it costs next to nothing. */
const PAPER_POLLS = { pollMs: 200, pollsPerSecond: 100 };
/** An exchange counts every question; Binance allows 6,000 units of weight a minute, and an order costs 4 to ask for. */
const EXCHANGE_POLLS = { pollMs: 900, pollsPerSecond: 10 };

/** Opens every account that the configuration names; rejects when one cannot be used. */
export async function openDesk(
  config: Config,
  keys: VerifyKeys,
  log: Logger,
  standings: Standings,
  engine: Engine,
  gates: ReadonlyMap<string, AccountGate>,
): Promise<Desk & { close(): Promise<void> }> {
  mkdirSync(config.dataDir, { recursive: true });
  const accounts = new Map<string, Account>();
  const opening = Object.entries(config.accounts).map(async ([name, account]) => {
    const isExchange = account.venue === 'ccxt' && account.mode !== 'dry_run';
    const adapter = isExchange ? await exchangeAdapter(name, account, config, log) : localAdapter(name, config);
    await adapter.open();
    const polls = isExchange ? EXCHANGE_POLLS : PAPER_POLLS;
    accounts.set(name, {
      name,
      adapter,
      clock: new VenueClock(),
      limits: account.limits,
      standing: () => standings.of(name),
      admit: (request) => gates.get(name)!.admit(request),
      makeWay: (workflowId, wanted) => askToMakeWay(engine, workflowId, wanted),
      comparing: comparingOf(engine, name, config, log),
      ...polls,
      hasSent: false,
      following: 0,
    });
  });
  await Promise.all(opening);
  const strategies = Object.entries(config.strategies);
  const rules = new Map(
    strategies.map(([name, { rules: of, accounts: may, limits, ordering }]) => [
      name,
      { ...of, accounts: may, limits, inTurn: ordering === 'serial' },
    ]),
  );
  const close = async (): Promise<void> => {
    for (const { adapter } of accounts.values()) await adapter.close();
  };
  return {
    accounts,
    keys,
    rules,
    sent: new Set(),
    turnedAway: new Set(),
    stopping: new AbortController(),
    close,
  };
}

function localAdapter(name: string, config: Config): VenueAdapter {
  const account = config.accounts[name]!;
  if (account.venue !== 'paper') return new DryRunAdapter();
  return new PaperAdapter({ ...account, file: join(config.dataDir, `paper-${name}.db`) });
}

async function exchangeAdapter(
  name: string,
  account: ExchangeAccount,
  config: Config,
  log: Logger,
): Promise<VenueAdapter> {
  const profile = await exchangeProfile(name, account);
  // The exchange library is large: it is loaded where an account needs it.
  const { CcxtAdapter } = await import('../adapters/ccxt/ccxt-adapter.ts');
  const { CIRCUIT_BREAKER_THRESHOLD: threshold, CIRCUIT_BREAKER_TIMEOUT: openSeconds } = config.settings;
  return new CcxtAdapter({
    ...account,
    profile,
    bound: account.simulatedBound,
    breaker: {
      threshold,
      openMs: openSeconds * 1_000,
      onState: (state) => {
        metrics.circuitState.set({ account: name }, state);
        if (state !== 0) log.warn({ account: name, state }, 'The circuit breaker has changed its state.');
      },
    },
    onCall: (operation, result, seconds) => metrics.venueRequest.observe({ account: name, operation, result }, seconds),
    onTrouble: (message) => log.error({ account: name }, message),
  });
}
