import { z } from 'zod';

import { compare, isPositive, parseDecimal } from '../domain/decimal.ts';
import { NAME } from '../domain/ids.ts';
import type { Fault } from './fault.ts';
import { isAddressEntry } from './address-entry.ts';
import { limitsSection, parseDuration } from './limits-section.ts';
import { fileName, SETTINGS } from './settings.ts';

const NAME_EXPECTED = 'A name has a-z, 0-9, _ and -, at most 32 characters.';
const name = z.string().regex(NAME, NAME_EXPECTED);

/** A decimal number, quoted or not; kept as text. */
const decimal = z.union([z.string(), z.number()]).transform((value, context) => {
  const exact = parseDecimal(String(value));
  if (exact === undefined) context.addIssue({ code: 'custom', message: 'Expected a decimal number, such as "67500".' });
  return exact ?? '0';
});

const notNegative = (value: string): boolean => compare(value, '0') >= 0;

/** `60s`, `10m`, `500ms`, in milliseconds. */
const duration = z.string().transform((value, context) => {
  const ms = parseDuration(value);
  if (ms === undefined) context.addIssue({ code: 'custom', message: 'Expected a duration, such as 60s or 10m.' });
  return ms ?? 0;
});

/** A secret, or several of which each is good, for rotation. */
const secrets = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
  .transform((value) => (typeof value === 'string' ? [value] : value));

/** The secret of a Standard Webhooks sender: `whsec_` and 24 to 64 bytes in base64. */
const webhookKeys = secrets.refine(
  (keys) => keys.every((key) => /^whsec_[A-Za-z0-9+/]{32,88}={0,2}$/.test(key)),
  'Expected whsec_ and 24 to 64 bytes in base64.',
);

const ADDRESS_EXPECTED = 'Expected an address, a network such as 10.0.0.0/8, or the name tradingview.';

const paper = z.strictObject({
  venue: z.literal('paper'),
  balances: z.record(z.string(), decimal.refine(notNegative, 'A balance cannot be below zero.')).optional(),
  prices: z.record(z.string(), decimal.refine(isPositive, 'A price must be above zero.')).optional(),
  limits: limitsSection.optional(),
});

const ccxt = z.strictObject({
  venue: z.literal('ccxt'),
  exchange: z.string().regex(/^[a-z0-9]{2,32}$/, 'Expected the id of an exchange, such as binance.'),
  mode: z.enum(['dry_run', 'live', 'sandbox', 'demo'], { error: 'Expected dry_run, live, sandbox or demo.' }),
  api_key: z.string().optional(),
  api_secret: z.string().optional(),
  password: z.string().optional(),
  /** Accepts an exchange whose requests nobody has checked; its lost orders are never sent again by themselves. */
  unprofiled: z.boolean().optional(),
  /** Other limits than the exchange's, for a simulator behind http_origin that enforces them; in milliseconds. */
  simulated_bound: z
    .strictObject({
      window_ms: z.number().int().min(1_500).max(60_000),
      engine_ms: z.number().int().min(0).max(60_000),
      margin_ms: z.number().int().min(100).max(60_000),
    })
    .optional(),
  http_origin: z.url({ protocol: /^https?$/, error: 'Expected an origin, such as http://127.0.0.1:9443.' }).optional(),
  options: z.record(z.string(), z.unknown()).optional(),
  limits: limitsSection.optional(),
});

const account = z.discriminatedUnion('venue', [paper, ccxt], {
  error: 'Expected "venue" to be paper or ccxt; ninjatrader and mt5 have no part in this version yet.',
});

const strategy = z.strictObject({
  token: secrets.optional(),
  body_secret: secrets.optional(),
  hmac_secret: secrets.optional(),
  accounts: z.array(name).min(1).optional(),
  max_age: duration.optional(),
  webhook_key: webhookKeys.optional(),
  ip_allow: z.array(z.string().refine(isAddressEntry, ADDRESS_EXPECTED)).min(1).optional(),
  require: z.enum(['any', 'all'], { error: 'Expected any or all.' }).optional(),
  strict: z.boolean().optional(),
  may_halt: z.boolean().optional(),
  ordering: z.enum(['any', 'serial'], { error: 'Expected any or serial.' }).optional(),
  limits: limitsSection.optional(),
});

const settingKeys = Object.keys(SETTINGS).map((setting) => [
  fileName(setting),
  z.union([z.string(), z.number(), z.boolean()]).optional(),
]);

/** The file's outer shape; its sections are checked one by one, so that a fault in one hides nothing of another. */
const outline = z.strictObject({
  ...(Object.fromEntries(settingKeys) as Record<string, z.ZodOptional<z.ZodUnion>>),
  default_account: name.optional(),
  accounts: z.record(name, z.unknown()).optional(),
  strategies: z.record(name, z.unknown()).optional(),
});

export { account, name, outline, strategy };

export type AccountSection = z.output<typeof account>;
export type StrategySection = z.output<typeof strategy>;

/** `holdfast.yaml`: the structure that an environment variable cannot hold. A section that is null is there, and faulty. */
export interface Structure {
  readonly default_account?: string | undefined;
  readonly accounts?: Readonly<Record<string, AccountSection | null>> | undefined;
  readonly strategies?: Readonly<Record<string, StrategySection | null>> | undefined;
}

/** Checks the file's structure; each fault names its path. */
export function readStructure(content: Readonly<Record<string, unknown>>, faults: Fault[]): Structure {
  check(outline, content, [], faults);
  return {
    default_account: name.safeParse(content['default_account']).data,
    accounts: readSections(account, content['accounts'], 'accounts', faults),
    strategies: readSections(strategy, content['strategies'], 'strategies', faults),
  };
}

function readSections<T>(
  schema: z.ZodType<T>,
  sections: unknown,
  path: string,
  faults: Fault[],
): Record<string, T | null> | undefined {
  if (typeof sections !== 'object' || sections === null) return undefined;
  // A section that is only named ("default:") has its defaults.
  const read = Object.entries(sections).map(([key, section]) => [
    key,
    check(schema, section ?? {}, [path, key], faults),
  ]);
  return Object.fromEntries(read) as Record<string, T | null>;
}

function check<T>(schema: z.ZodType<T>, value: unknown, at: readonly string[], faults: Fault[]): T | null {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) {
    const path = [...at, ...issue.path].join('.') || 'holdfast.yaml';
    if (issue.code === 'unrecognized_keys') {
      for (const key of issue.keys) {
        const where = [...at, ...issue.path, key].join('.');
        faults.push({ path: where, message: 'This key is not known.', fix: 'Remove it, or correct its spelling.' });
      }
    } else faults.push({ path, message: endWithPeriod(issue.message), fix: fixOf(issue) });
  }
  return null;
}

/** What a check of ours has written down; the library's own have no advice. */
function fixOf(issue: z.core.$ZodIssue): string {
  const fix: unknown = issue.code === 'custom' ? issue.params?.['fix'] : undefined;
  return typeof fix === 'string' ? fix : 'Correct the value.';
}

const endWithPeriod = (message: string): string => (/[.!?]$/.test(message) ? message : `${message}.`);
