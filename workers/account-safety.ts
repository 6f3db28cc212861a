import type { ConnectionLike } from '@temporalio/client';

import type { ClockReading, Hosts, Inspection, KeyRights } from '../adapters/ccxt/inspect-account.ts';
import type { Config, ExchangeAccount } from '../config/config.ts';
import { ConfigFault } from '../config/fault.ts';
import { isLoopback } from '../domain/loopback.ts';
import type { Logger } from '../telemetry/log.ts';
import type { EngineConnection } from './connect.ts';
import { readEngineClock } from './engine-clock.ts';
import { exchangeProfile } from './exchange-profile.ts';

/** Something about an account that costs money on a bad day. Told at the start, and by `holdfast doctor`. */
export interface Finding {
  readonly account: string;
  readonly code:
    | 'KEY_CAN_WITHDRAW'
    | 'KEY_NOT_BOUND'
    | 'CLOCK_OFF_VENUE'
    | 'CLOCK_OFF_ENGINE'
    | 'SANDBOX_AT_LIVE_HOST'
    | 'LIVE_AT_TEST_HOST';
  readonly message: string;
  readonly fix: string;
}

const CLOCK_TOLERANCE_MS = 1_000;
const DEADLINE_MS = 5_000;
/** What test hosts are called, where the exchange library does not know them. */
const TEST_NAME = /(^|[.-])(testnet|sandbox|demo)/;

/** Opens a look at an account from outside; whoever opens it closes it. */
export async function inspect(name: string, account: ExchangeAccount): Promise<Inspection> {
  const profile = await exchangeProfile(name, account);
  const { Inspection } = await import('../adapters/ccxt/inspect-account.ts');
  return Inspection.open(account, profile);
}

/** What a key may do that no order needs. */
export function judgeKey(account: string, { canWithdraw, isBoundToAddress }: KeyRights): Finding[] {
  const withdraw = {
    account,
    code: 'KEY_CAN_WITHDRAW',
    message: `The API key of ${account} may withdraw: whoever gets hold of it can take what the account holds.`,
    fix: "Take the right to withdraw from the key at the exchange, or make a key without it; orders don't need it.",
  } as const;
  const bound = {
    account,
    code: 'KEY_NOT_BOUND',
    message: `The API key of ${account} is good from any address.`,
    fix: 'Bind it at the exchange to the addresses of the hosts that trade with it.',
  } as const;
  return [...(canWithdraw ? [withdraw] : []), ...(isBoundToAddress ? [] : [bound])];
}

/** Whether this host's clock and another one agree; undefined where they do, or nearly. */
export function judgeClock(account: string, of: 'venue' | 'engine', reading: ClockReading): Finding | undefined {
  const { aheadMs, withinMs } = reading;
  if (Math.abs(aheadMs) - withinMs <= CLOCK_TOLERANCE_MS) return undefined;
  const whose = of === 'venue' ? `the venue's of ${account}` : "the engine's";
  const here = new Date();
  const there = new Date(here.getTime() + aheadMs);
  const off = `${(Math.abs(aheadMs) / 1_000).toFixed(1)} s ${aheadMs > 0 ? 'behind' : 'ahead of'}`;
  return {
    account,
    code: of === 'venue' ? 'CLOCK_OFF_VENUE' : 'CLOCK_OFF_ENGINE',
    message:
      `This host's clock (${here.toISOString()}) is ${off} ${whose} (${there.toISOString()}). ` +
      "The window of an order does not depend on it; an order's expiry and the age of an alert do.",
    fix: 'Have the clock set by NTP (timedatectl set-ntp true), and see which of the two is wrong.',
  };
}

/** Whether an account's requests go where its mode says. A loopback address is a simulator or a gateway: anybody's guess. */
export function judgeHosts(account: string, mode: ExchangeAccount['mode'], { used, live, test }: Hosts): Finding[] {
  const away = used.filter((host) => !isLoopback(new URL(`http://${host}`).hostname.replace(/^\[|\]$/g, '')));
  const isTest = (host: string): boolean => test.includes(host) || TEST_NAME.test(host);
  if (mode === 'live') {
    const host = away.find((one) => isTest(one) && !live.includes(one));
    if (host === undefined) return [];
    const message = `The account ${account} is live, and its requests go to ${host}, which is a test host.`;
    const fix = 'Set mode to sandbox or demo, or http_origin to where it trades for real.';
    return [{ account, code: 'LIVE_AT_TEST_HOST', message, fix }];
  }
  const host = away.find((one) => live.includes(one) && !isTest(one));
  if (host === undefined) return [];
  const message = `The account ${account} is in mode ${mode}, and its requests go to ${host}, where the exchange trades for real.`;
  return [{ account, code: 'SANDBOX_AT_LIVE_HOST', message, fix: 'Remove http_origin, or set it to a test host.' }];
}

/** Which of an installation's accounts send orders to an exchange. */
export function exchangeAccounts({ accounts }: Config): [string, ExchangeAccount][] {
  return Object.entries(accounts).filter(
    (entry): entry is [string, ExchangeAccount] => entry[1].venue === 'ccxt' && entry[1].mode !== 'dry_run',
  );
}

/**
 * A dev server without a file forgets every order when it ends, and would trade again what it has forgotten. It says
 * `sqlite` with a file and without, and nothing else that it tells differs: so the operator has to say that there is one.
 * An engine that does not answer the question (a cloud) is none of these.
 * @returns what is wrong; undefined where nothing is
 */
export async function judgeEngine(
  { settings, accounts }: Config,
  connection: ConnectionLike,
): Promise<{ path: string; message: string; fix: string } | undefined> {
  const live = Object.keys(accounts).find((name) => (accounts[name] as ExchangeAccount).mode === 'live');
  if (live === undefined || settings.TEMPORAL_DURABLE === 'true') return undefined;
  const told = await connection
    .withDeadline(Date.now() + DEADLINE_MS, () => connection.workflowService.getClusterInfo({}))
    .catch(() => undefined);
  if (told?.persistenceStore !== 'sqlite') return undefined;
  return {
    path: 'TEMPORAL_DURABLE',
    message: `The account ${live} trades for real, and the engine is a dev server, which may keep its orders in memory only.`,
    fix: 'Start it with --db-filename and set TEMPORAL_DURABLE=true, use a Temporal cluster, or unset TEMPORAL_ADDRESS.',
  };
}

/** Throws `ConfigFault` where real money would depend on an engine that may forget. */
export async function requireDurableEngine(config: Config, connection: ConnectionLike): Promise<void> {
  const fault = await judgeEngine(config, connection);
  if (fault !== undefined) throw new ConfigFault([fault]);
}

export interface SafetyOptions {
  readonly config: Config;
  readonly engine: EngineConnection;
  /** Whether the engine runs on this machine as a child of this process: then there is one clock. */
  readonly isEmbedded: boolean;
  readonly log: Logger;
}

/**
 * Looks at every account beside its work, and warns of what is found. Keeps nothing from starting.
 * @returns what ends it
 */
export function warnOfAccounts({ config, engine, isEmbedded, log }: SafetyOptions): () => void {
  const over = new AbortController();
  const accounts = exchangeAccounts(config);
  const warn = ({ account, code, message, fix }: Finding): void => log.warn({ account, code, fix }, message);
  for (const [name, account] of accounts) {
    void lookAt(name, account, warn).catch((error: unknown) => {
      if (!over.signal.aborted) log.info({ account: name, error: String(error) }, 'Not all of it could be checked.');
    });
  }
  const [first] = accounts;
  if (!isEmbedded && first !== undefined) {
    void readEngineClock(engine, first[0], over.signal)
      .then((reading) => reading && judgeClock(first[0], 'engine', reading))
      .then((finding) => finding && warn(finding))
      .catch(() => undefined);
  }
  return () => over.abort();
}

async function lookAt(name: string, account: ExchangeAccount, warn: (finding: Finding) => void): Promise<void> {
  const inspection = await inspect(name, account);
  try {
    for (const finding of judgeHosts(name, account.mode, inspection.hosts)) warn(finding);
    const reading = await inspection.clock();
    const off = reading && judgeClock(name, 'venue', reading);
    if (off !== undefined) warn(off);
    const rights = await inspection.rights();
    // A key that is good from anywhere is the doctor's to tell: at every start it would be noise.
    const found = rights === undefined ? [] : judgeKey(name, rights);
    for (const finding of found) if (finding.code !== 'KEY_NOT_BOUND') warn(finding);
  } finally {
    await inspection.close();
  }
}
