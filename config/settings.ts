import { isPositive, parseDecimal, type DecimalString } from '../domain/decimal.ts';
import { isAddressEntry, isNetwork } from './address-entry.ts';
import type { Fault } from './fault.ts';
import type { SecretSource } from './secret-source.ts';

/** How one setting is read: from the environment under its name, else from the file under the name in lower case. */
interface Setting<T> {
  readonly parse: (text: string) => T | undefined;
  readonly fallback: T;
  readonly expected: string;
  /** Whether it may come from a file that `<NAME>_FILE` names, and must never be shown. */
  readonly secret?: true;
}

const text = (fallback: string): Setting<string> => ({
  parse: (value) => value || undefined,
  fallback,
  expected: 'a text',
});
const optional: Setting<string | undefined> = { ...text(''), fallback: undefined };
const secret: Setting<string | undefined> = { ...optional, secret: true };
const whole = (fallback: number, min: number, max: number): Setting<number> => ({
  parse: (value) => (/^\d{1,9}$/.test(value) && +value >= min && +value <= max ? +value : undefined),
  fallback,
  expected: `a whole number from ${min} to ${max}`,
});
const oneOf = <T extends string>(fallback: T, values: readonly T[]): Setting<T> => ({
  parse: (value) => values.find((known) => known === value.toLowerCase()),
  fallback,
  expected: `one of ${values.join(', ')}`,
});
const pattern = (fallback: string, shape: RegExp, expected: string): Setting<string> => ({
  parse: (value) => (shape.test(value) ? value : undefined),
  fallback,
  expected,
});
const amount: Setting<DecimalString | undefined> = {
  parse: (value) => {
    const exact = parseDecimal(value);
    return exact !== undefined && isPositive(exact) ? exact : undefined;
  },
  fallback: undefined,
  expected: 'a decimal number above zero, such as 5000',
};
const addresses = (isEntry: (entry: string) => boolean): Setting<readonly string[]> => ({
  parse: (value) => {
    const entries = value.split(',').map((entry) => entry.trim());
    return entries.every(isEntry) ? entries : undefined;
  },
  fallback: [],
  expected: 'addresses or networks, such as 10.0.0.0/8, separated by commas',
});

/** Every setting that this build honours, with the value it has when nobody sets it. */
export const SETTINGS = {
  HOST: text('127.0.0.1'),
  PORT: whole(4700, 0, 65_535),
  OPERATOR_HOST: text('127.0.0.1'),
  OPERATOR_PORT: whole(4701, 0, 65_535),
  OPERATOR_TOKEN: secret,
  HOLDFAST_DATA: optional,
  HOLDFAST_STATE: optional,
  HOLDFAST_AUDIT: optional,
  HOLDFAST_DEPLOYMENT: pattern('local', /^[a-z0-9_-]{1,32}$/, 'a name of a-z, 0-9, _ and -, at most 32 characters'),
  TEMPORAL_PORT: whole(7233, 1, 65_535),
  TEMPORAL_UI_PORT: whole(8233, 1, 65_535),
  /** Whether an engine that says no more than `sqlite` keeps its database in a file. */
  TEMPORAL_DURABLE: oneOf('false', ['true', 'false']),
  WEBHOOK_SECRET: secret,
  INTENT_SIGNING_KEY: secret,
  INTENT_VERIFY_KEYS: optional,
  PAYLOAD_ENCRYPTION_KEYS: {
    parse: (value) =>
      /^[a-z0-9_-]{1,32}:[A-Za-z0-9+/]{43}=(,[a-z0-9_-]{1,32}:[A-Za-z0-9+/]{43}=)*$/.test(value) ? value : undefined,
    fallback: undefined,
    expected: 'id:key pairs separated by commas, each key 32 bytes in base64; the first encrypts, all decrypt',
    secret: true,
  } as Setting<string | undefined>,
  TRUSTED_PROXIES: addresses(isNetwork),
  IP_WHITELIST: addresses(isAddressEntry),
  RATE_LIMIT_REQUESTS: whole(100, 1, 1_000_000),
  RATE_LIMIT_WINDOW: whole(60, 1, 86_400),
  MIN_CONFIDENCE: pattern('0.6', /^(0(\.\d{1,6})?|1(\.0{1,6})?)$/, 'a number from 0 to 1'),
  MAX_ORDER_SIZE_USD: amount,
  MAX_POSITION_SIZE_USD: amount,
  CIRCUIT_BREAKER_THRESHOLD: whole(5, 1, 1_000),
  CIRCUIT_BREAKER_TIMEOUT: whole(60, 1, 3_600),
  RECONCILE_INTERVAL: whole(60, 1, 3_600),
  EXCHANGE_API_KEY: secret,
  EXCHANGE_API_SECRET: secret,
  TESTNET: oneOf('true', ['true', 'false']),
  DEFAULT_EXCHANGE: pattern('binance', /^[a-z0-9_-]{1,32}$/, 'the id of an exchange, such as binance'),
  LOG_LEVEL: oneOf('info', ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']),
  ANSWER_BUDGET_MS: whole(2_200, 50, 2_200),
} satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof SETTINGS;
export type Settings = { readonly [Name in SettingName]: (typeof SETTINGS)[Name]['fallback'] };

/** Reads all settings; what cannot be read becomes a fault, and the setting's default stands in meanwhile. */
export function readSettings(
  source: SecretSource,
  file: Readonly<Record<string, string | number | boolean | object | undefined>>,
  faults: Fault[],
): Settings {
  const read = Object.entries(SETTINGS).map(([name, setting]: [string, Setting<unknown>]) => {
    const fromFile = file[fileName(name)];
    const written =
      source.read(name, setting.secret === true) ?? (typeof fromFile === 'object' ? undefined : fromFile?.toString());
    if (written === undefined) return [name, setting.fallback];
    const value = setting.parse(written.trim());
    if (value === undefined) {
      const shown = setting.secret ? 'The value' : JSON.stringify(written.slice(0, 60));
      faults.push({ path: name, message: `${shown} cannot be used.`, fix: `Expected: ${setting.expected}.` });
    }
    return [name, value ?? setting.fallback];
  });
  return Object.fromEntries(read) as Settings;
}

/** `HOLDFAST_DATA` is `data` in the file; every other name is its own, in lower case. */
export function fileName(setting: string): string {
  return setting.toLowerCase().replace(/^holdfast_/, '');
}
