import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { parseDocument, type Tags } from 'yaml';

import type { DecimalString } from '../domain/decimal.ts';
import { ACCOUNT_LIMITS, NO_LIMITS, type Limits } from '../domain/limits.ts';
import { isLoopback } from '../domain/loopback.ts';
import type { AlertRules } from '../domain/pre-trade.ts';
import { duplicateWindows } from './duplicate-windows.ts';
import { ConfigFault, type Fault } from './fault.ts';
import { readLimits } from './limits-section.ts';
import { SecretSource } from './secret-source.ts';
import { readSettings, type Settings } from './settings.ts';
import { readStructure, type AccountSection, type StrategySection, type Structure } from './structure.ts';

export type AccountConfig = PaperAccount | DryRunAccount | ExchangeAccount;

interface AnyAccount {
  readonly limits: Limits;
}

interface PaperAccount extends AnyAccount {
  readonly venue: 'paper';
  readonly balances: Readonly<Record<string, DecimalString>>;
  readonly prices: Readonly<Record<string, DecimalString>>;
}

interface DryRunAccount extends AnyAccount {
  readonly venue: 'ccxt';
  readonly exchange: string;
  readonly mode: 'dry_run';
}

/** An account that sends orders to an exchange. */
export interface ExchangeAccount extends AnyAccount {
  readonly venue: 'ccxt';
  readonly exchange: string;
  readonly mode: 'live' | 'sandbox' | 'demo';
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly password?: string | undefined;
  readonly httpOrigin?: string | undefined;
  readonly unprofiled: boolean;
  readonly options: Readonly<Record<string, unknown>>;
  readonly simulatedBound?:
    { readonly windowMs: number; readonly engineMs: number; readonly marginMs: number } | undefined;
}

export interface StrategyConfig {
  readonly tokens: readonly string[];
  readonly bodySecrets: readonly string[];
  readonly hmacSecrets: readonly string[];
  /** Standard Webhooks secrets (`whsec_…`). */
  readonly webhookKeys: readonly string[];
  /** Whether every kind of proof that it has must be there. */
  readonly requireAll: boolean;
  /** From where its alerts may come; from anywhere where the list is empty. */
  readonly ipAllow: readonly string[];
  /** Whether unknown keys are refused. */
  readonly strict: boolean;
  /** Whether its alerts may halt its accounts. */
  readonly mayHalt: boolean;
  /** Whether it takes alerts that prove nothing: then only from this machine. */
  readonly isOpen: boolean;
  /** Accounts that its alerts may name; the first is theirs when they name none, unless the default account is among them. */
  readonly accounts: readonly string[];
  readonly rules: AlertRules;
  /** Beside those of the account; each must hold. */
  readonly limits: Limits;
  /**
   * For each of its accounts: how long an alert without id and time stands for every equal one, in milliseconds; null
   * where each is an order of its own.
   */
  readonly duplicateWindowMs: Readonly<Record<string, number | null>>;
  /** `serial`: one order after the other, in the order in which they came. */
  readonly ordering: 'any' | 'serial';
}

/** All that a process needs to know of its installation; read once, frozen, handed down. */
export interface Config {
  readonly settings: Settings;
  /** Where everything lives that must survive a restart. */
  readonly dataDir: string;
  /** The file that was read; null where there is none. */
  readonly file: string | null;
  readonly defaultAccount: string;
  readonly accounts: Readonly<Record<string, AccountConfig>>;
  readonly strategies: Readonly<Record<string, StrategyConfig>>;
}

const MAX_AGE_MS = 60_000;

/** What a paper account starts with when the configuration does not say: enough to buy and to sell. */
const PAPER_BALANCES = { USDT: '100000', USD: '100000', BTC: '1', ETH: '10', EUR: '10000' };

/**
 * Reads the environment and `holdfast.yaml`. Throws `ConfigFault` with everything that is wrong, at once.
 * @param root the folder of `package.json`
 */
export function loadConfig(env: NodeJS.ProcessEnv, root: string, workingDir: string): Config {
  const faults: Fault[] = [];
  const source = new SecretSource(env, faults);
  const { file, content } = readFile(env, workingDir, faults);
  const raw = source.substitute(content, '') as Record<string, string | number | boolean | object | undefined>;
  const structure = readStructure(raw, faults);
  const settings = readSettings(source, raw, faults);

  const accounts = readAccounts(structure, settings, faults);
  const accountNames = Object.keys(structure.accounts ?? accounts);
  const defaultAccount = structure.default_account ?? accountNames[0] ?? '';
  if (!accountNames.includes(defaultAccount)) {
    const fix = `Use one of ${accountNames.join(', ')}.`;
    faults.push({ path: 'default_account', message: `There is no account named ${defaultAccount}.`, fix });
  }
  const strategies = readStrategies(structure, settings, accountNames, faults);
  checkExposure(settings, accounts, strategies, faults);
  if (faults.length > 0) throw new ConfigFault(faults);

  const dataDir =
    settings.HOLDFAST_DATA === undefined ? resolve(root, 'data') : resolve(workingDir, settings.HOLDFAST_DATA);
  return Object.freeze({ settings, dataDir, file, defaultAccount, accounts, strategies });
}

function readFile(
  env: NodeJS.ProcessEnv,
  workingDir: string,
  faults: Fault[],
): { file: string | null; content: Record<string, unknown> } {
  const named = env['HOLDFAST_CONFIG'] || undefined;
  const file = resolve(workingDir, named ?? 'holdfast.yaml');
  if (named === undefined && !existsSync(file)) return { file: null, content: {} };
  const path = named === undefined ? 'holdfast.yaml' : 'HOLDFAST_CONFIG';
  try {
    const document = parseDocument(readFileSync(file, 'utf8'), { customTags: exactNumbers });
    // What a parser says after the first mistake is mostly about its own confusion.
    const [mistake] = document.errors;
    if (mistake !== undefined) {
      const where = mistake.message.split('\n')[0]!.replace(/:$/, '');
      faults.push({ path, message: `The file is no valid YAML: ${where}.`, fix: 'Correct it.' });
      return { file, content: {} };
    }
    const content: unknown = document.toJS() ?? {};
    if (typeof content === 'object' && content !== null && !Array.isArray(content)) {
      return { file, content: content as Record<string, unknown> };
    }
    faults.push({ path, message: 'The file holds no mapping.', fix: 'Start it with "accounts:" or "strategies:".' });
  } catch (error) {
    const message = `The file ${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`;
    faults.push({ path, message, fix: 'Name a file that this user can read.' });
  }
  return { file, content: {} };
}

/** Numbers that a float would not hold stay the text that was written: a price is no approximation. */
function exactNumbers(tags: Tags): Tags {
  return tags.map((tag) => {
    const isNumber = typeof tag === 'object' && /:(int|float)$/.test(tag.tag);
    if (!isNumber || tag.collection !== undefined) return tag;
    const resolve = (text: string): unknown => (String(Number(text)) === text ? Number(text) : text);
    return { ...tag, resolve };
  });
}

function readAccounts(structure: Structure, settings: Settings, faults: Fault[]): Record<string, AccountConfig> {
  const written = structure.accounts ?? {
    [settings.DEFAULT_EXCHANGE]: defaultExchangeSection(settings),
    paper: { venue: 'paper' as const },
  };
  if (structure.accounts !== undefined && settings.EXCHANGE_API_KEY !== undefined) {
    const message = 'It is the key of the account that exists without a file; this file has accounts of its own.';
    const fix = 'Remove it, and write api_key: ${EXCHANGE_API_KEY} at the account that it belongs to.';
    if (!usesDefaultKey(structure, settings)) faults.push({ path: 'EXCHANGE_API_KEY', message, fix });
  }
  const sound = Object.entries(written).filter((entry): entry is [string, AccountSection] => entry[1] !== null);
  return Object.fromEntries(sound.map(([name, section]) => [name, readAccount(name, section, settings, faults)]));
}

/** Without a file: dry run, unless there is a key; then the sandbox, unless that is switched off. */
function defaultExchangeSection(settings: Settings): AccountSection {
  const { DEFAULT_EXCHANGE: exchange, EXCHANGE_API_KEY, EXCHANGE_API_SECRET, TESTNET } = settings;
  if (EXCHANGE_API_KEY === undefined) return { venue: 'ccxt', exchange, mode: 'dry_run' };
  const mode = TESTNET === 'true' ? 'sandbox' : 'live';
  return { venue: 'ccxt', exchange, mode, api_key: EXCHANGE_API_KEY, api_secret: EXCHANGE_API_SECRET };
}

function usesDefaultKey(structure: Structure, settings: Settings): boolean {
  return Object.values(structure.accounts ?? {}).some(
    (account) => account?.venue === 'ccxt' && account.api_key === settings.EXCHANGE_API_KEY,
  );
}

function readAccount(name: string, section: AccountSection, settings: Settings, faults: Fault[]): AccountConfig {
  const { MAX_ORDER_SIZE_USD: maxNotional = null, MAX_POSITION_SIZE_USD: maxPositionValue = null } = settings;
  const limits = readLimits(section.limits, { ...ACCOUNT_LIMITS, maxNotional, maxPositionValue });
  if (section.venue === 'paper') {
    return { venue: 'paper', balances: section.balances ?? PAPER_BALANCES, prices: section.prices ?? {}, limits };
  }
  const { exchange, mode, api_key: apiKey, api_secret: apiSecret, http_origin: httpOrigin } = section;
  if (mode === 'dry_run') return { venue: 'ccxt', exchange, mode, limits };
  const path = `accounts.${name}`;
  if (!apiKey || !apiSecret) {
    const key = apiKey ? 'api_secret' : 'api_key';
    const message = `The mode ${mode} sends orders, and there is no ${key}.`;
    faults.push({ path: `${path}.${key}`, message, fix: 'Give the credentials, or set mode: dry_run.' });
  }
  const bound = section.simulated_bound;
  if (bound !== undefined && (exchange !== 'binance' || !isLoopbackOrigin(httpOrigin))) {
    const message = 'Shortened limits are for a Binance simulator on this machine: a real exchange keeps its own.';
    faults.push({
      path: `${path}.simulated_bound`,
      message,
      fix: 'Remove it, or set http_origin to a loopback address.',
    });
  }
  const defaultType = section.options?.['defaultType'];
  if (defaultType !== undefined && defaultType !== 'spot') {
    const message = `This version trades spot markets only, not ${JSON.stringify(defaultType)}.`;
    faults.push({ path: `${path}.options.defaultType`, message, fix: 'Set it to spot.' });
  }
  return {
    venue: 'ccxt',
    exchange,
    mode,
    apiKey: apiKey ?? '',
    apiSecret: apiSecret ?? '',
    password: section.password,
    httpOrigin,
    unprofiled: section.unprofiled ?? false,
    options: section.options ?? {},
    limits,
    simulatedBound: bound && { windowMs: bound.window_ms, engineMs: bound.engine_ms, marginMs: bound.margin_ms },
  };
}

function isLoopbackOrigin(origin: string | undefined): boolean {
  return origin !== undefined && isLoopback(new URL(origin).hostname.replace(/^\[|\]$/g, ''));
}

function readStrategies(
  structure: Structure,
  settings: Settings,
  accounts: readonly string[],
  faults: Fault[],
): Record<string, StrategyConfig> {
  const written = structure.strategies ?? { default: {} };
  const sound = Object.entries(written).filter((entry): entry is [string, StrategySection] => entry[1] !== null);
  const entries = sound.map(([name, section]) => {
    for (const account of section.accounts ?? []) {
      if (accounts.includes(account)) continue;
      const path = `strategies.${name}.accounts`;
      faults.push({
        path,
        message: `There is no account named ${account}.`,
        fix: `Use one of ${accounts.join(', ')}.`,
      });
    }
    return [name, readStrategy(name, section, { structure, settings, accounts })];
  });
  if (settings.WEBHOOK_SECRET !== undefined && written['default'] === undefined) {
    const message = 'It is the secret of a strategy named default, which the file does not have.';
    faults.push({ path: 'WEBHOOK_SECRET', message, fix: 'Remove it, or add "default:" to "strategies".' });
  }
  return Object.fromEntries(entries) as Record<string, StrategyConfig>;
}

function readStrategy(
  name: string,
  section: StrategySection,
  from: { structure: Structure; settings: Settings; accounts: readonly string[] },
): StrategyConfig {
  const { structure, settings, accounts } = from;
  const shared = name === 'default' && settings.WEBHOOK_SECRET !== undefined ? [settings.WEBHOOK_SECRET] : [];
  const tokens = section.token ?? [];
  const bodySecrets = [...(section.body_secret ?? []), ...shared];
  const hmacSecrets = [...(section.hmac_secret ?? []), ...shared];
  const webhookKeys = section.webhook_key ?? [];
  return {
    tokens,
    bodySecrets,
    hmacSecrets,
    webhookKeys,
    requireAll: section.require === 'all',
    ipAllow: section.ip_allow ?? [],
    strict: section.strict ?? false,
    mayHalt: section.may_halt ?? false,
    isOpen: tokens.length + bodySecrets.length + hmacSecrets.length + webhookKeys.length === 0,
    accounts: section.accounts ?? accounts,
    rules: { minConfidence: settings.MIN_CONFIDENCE, maxAgeMs: section.max_age ?? MAX_AGE_MS },
    limits: readLimits(section.limits, NO_LIMITS),
    duplicateWindowMs: duplicateWindows(section, structure, section.accounts ?? accounts),
    ordering: section.ordering ?? 'any',
  };
}

/** What strangers could reach must ask for proof. */
function checkExposure(
  settings: Settings,
  accounts: Record<string, AccountConfig>,
  strategies: Record<string, StrategyConfig>,
  faults: Fault[],
): void {
  const open = Object.keys(strategies).filter((name) => strategies[name]!.isOpen);
  const live = Object.keys(accounts).find((name) => (accounts[name] as ExchangeAccount).mode === 'live');
  for (const name of live === undefined ? [] : open) {
    const message = `It has no proof of sender, and the account ${live} trades for real.`;
    const fix = 'Give it a token, body_secret or hmac_secret (WEBHOOK_SECRET for "default").';
    faults.push({ path: `strategies.${name}`, message, fix });
  }
  if (!isLoopback(settings.HOST)) {
    for (const name of open) {
      const message = `It has no proof of sender, and the public listener is on ${settings.HOST}.`;
      const fix = 'Give it a token, body_secret or hmac_secret (WEBHOOK_SECRET for "default"), or set HOST=127.0.0.1.';
      faults.push({ path: `strategies.${name}`, message, fix });
    }
  }
  if (open.length > 1) {
    const message = `Alerts without proof could be for any of ${open.join(', ')}.`;
    faults.push({ path: 'strategies', message, fix: 'Leave at most one strategy without a proof of sender.' });
  }
  if (!isLoopback(settings.OPERATOR_HOST) && settings.OPERATOR_TOKEN === undefined) {
    const message = `The operator listener is on ${settings.OPERATOR_HOST} and has no token.`;
    faults.push({ path: 'OPERATOR_TOKEN', message, fix: 'Set OPERATOR_TOKEN, or OPERATOR_HOST=127.0.0.1.' });
  }
}
