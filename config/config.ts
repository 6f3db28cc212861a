import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';

import { parseDocument } from 'yaml';

import type { DecimalString } from '../domain/decimal.ts';
import { isLoopback } from '../domain/loopback.ts';
import type { AlertRules } from '../domain/pre-trade.ts';
import { ConfigFault, type Fault } from './fault.ts';
import { SecretSource } from './secret-source.ts';
import { readSettings, type Settings } from './settings.ts';
import { readStructure, type AccountSection, type StrategySection, type Structure } from './structure.ts';

export type AccountConfig =
  | {
      readonly venue: 'paper';
      readonly balances: Readonly<Record<string, DecimalString>>;
      readonly prices: Readonly<Record<string, DecimalString>>;
    }
  | { readonly venue: 'ccxt'; readonly exchange: string; readonly mode: 'dry_run' };

export interface StrategyConfig {
  readonly tokens: readonly string[];
  readonly bodySecrets: readonly string[];
  readonly hmacSecrets: readonly string[];
  /** Whether it takes alerts that prove nothing: then only from this machine. */
  readonly isOpen: boolean;
  /** Accounts that its alerts may name; the first is theirs when they name none, unless the default account is among them. */
  readonly accounts: readonly string[];
  readonly rules: AlertRules;
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
  const defaultAccount = structure.default_account ?? Object.keys(accounts)[0]!;
  if (accounts[defaultAccount] === undefined) {
    const fix = `Use one of ${Object.keys(accounts).join(', ')}.`;
    faults.push({ path: 'default_account', message: `There is no account named ${defaultAccount}.`, fix });
  }
  const strategies = readStrategies(structure, settings, Object.keys(accounts), faults);
  checkExposure(settings, strategies, faults);
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
    const document = parseDocument(readFileSync(file, 'utf8'));
    const content: unknown = document.errors.length > 0 ? {} : (document.toJS() ?? {});
    for (const error of document.errors) {
      faults.push({ path, message: `The file is no valid YAML: ${error.message.split('\n')[0]}`, fix: 'Correct it.' });
    }
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

function readAccounts(structure: Structure, settings: Settings, faults: Fault[]): Record<string, AccountConfig> {
  const written = structure.accounts ?? {
    [settings.DEFAULT_EXCHANGE]: { venue: 'ccxt', exchange: settings.DEFAULT_EXCHANGE, mode: 'dry_run' },
    paper: { venue: 'paper' },
  };
  const entries = Object.entries(written).map(([name, section]) => [name, readAccount(name, section, faults)]);
  return Object.fromEntries(entries) as Record<string, AccountConfig>;
}

function readAccount(name: string, section: AccountSection, faults: Fault[]): AccountConfig {
  if (section.venue === 'paper') {
    return { venue: 'paper', balances: section.balances ?? PAPER_BALANCES, prices: section.prices ?? {} };
  }
  if (section.mode !== 'dry_run') {
    const message = `This version has no part for trading at an exchange yet (mode ${section.mode}).`;
    faults.push({ path: `accounts.${name}.mode`, message, fix: 'Set mode: dry_run, or use venue: paper.' });
  }
  return { venue: 'ccxt', exchange: section.exchange, mode: 'dry_run' };
}

function readStrategies(
  structure: Structure,
  settings: Settings,
  accounts: readonly string[],
  faults: Fault[],
): Record<string, StrategyConfig> {
  const written = structure.strategies ?? { default: {} };
  const entries = Object.entries(written).map(([name, section]) => {
    for (const account of section.accounts ?? []) {
      if (accounts.includes(account)) continue;
      const path = `strategies.${name}.accounts`;
      faults.push({
        path,
        message: `There is no account named ${account}.`,
        fix: `Use one of ${accounts.join(', ')}.`,
      });
    }
    return [name, readStrategy(name, section, settings, accounts)];
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
  settings: Settings,
  accounts: readonly string[],
): StrategyConfig {
  const shared = name === 'default' && settings.WEBHOOK_SECRET !== undefined ? [settings.WEBHOOK_SECRET] : [];
  const tokens = section.token ?? [];
  const bodySecrets = [...(section.body_secret ?? []), ...shared];
  const hmacSecrets = [...(section.hmac_secret ?? []), ...shared];
  return {
    tokens,
    bodySecrets,
    hmacSecrets,
    isOpen: tokens.length + bodySecrets.length + hmacSecrets.length === 0,
    accounts: section.accounts ?? accounts,
    rules: { minConfidence: settings.MIN_CONFIDENCE, maxAgeMs: section.max_age ?? MAX_AGE_MS },
  };
}

/** What strangers could reach must ask for proof. */
function checkExposure(settings: Settings, strategies: Record<string, StrategyConfig>, faults: Fault[]): void {
  const open = Object.keys(strategies).filter((name) => strategies[name]!.isOpen);
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
