import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { before, test } from 'node:test';

import { parse } from 'yaml';

import { ROOT } from '../support/holdfast.ts';
import { runCommand } from '../support/run-command.ts';

interface Validator {
  (value: unknown): boolean;
  readonly errors: readonly { readonly instancePath: string; readonly params: Record<string, unknown> }[] | null;
}
type Ajv = new (options: object) => { compile(schema: object): Validator };

// A validator that is not ours: the one that the HTTP library brings along.
const { default: Ajv } = createRequire(createRequire(import.meta.url).resolve('fastify'))('ajv') as { default: Ajv };

let validate: Validator;
before(async () => {
  const { code, stdout } = await runCommand(['config', 'schema']);
  assert.equal(code, 0);
  validate = new Ajv({ allErrors: true, validateFormats: false, allowUnionTypes: true }).compile(
    JSON.parse(stdout) as object,
  );
});

/** Where a validator finds fault with a file, each once. */
function faults(yaml: string): string[] {
  if (validate(parse(yaml))) return [];
  const at = validate.errors!.map(({ instancePath, params }) => {
    const key = params['additionalProperty'] ?? params['propertyName'];
    return typeof key === 'string' ? `${instancePath}/${key}` : instancePath;
  });
  return [...new Set(at)];
}

test('every configuration that a page shows fits the schema that editors get', () => {
  const pages = ['docs/configuration.md', 'docs/operating.md'].map((page) => readFileSync(join(ROOT, page), 'utf8'));
  const shown = [
    ...pages[0]!.matchAll(/^```yaml\n(.*?)^```/gms),
    ...pages[1]!.matchAll(/holdfast\.yaml <<'YAML'\n(.*?)^YAML/gms),
  ].map(([, yaml]) => yaml!);
  assert.ok(shown.length >= 2);
  for (const yaml of shown) assert.deepEqual(faults(yaml), [], yaml);
});

test('a file with defaults, several secrets and exact numbers fits it', () => {
  const yaml = `
port: 4710
temporal_durable: true
accounts:
  paper: { venue: paper, balances: { USDT: 100000 }, prices: { BTC/USDT: '67500.10' } }
strategies:
  default:
  trend: { token: [new-token, old-token], require: all, may_halt: true, max_age: 10m }
`;
  assert.deepEqual(faults(yaml), []);
});

const WRONG: [string, string, string][] = [
  ['an unknown setting', 'prot: 4700', '/prot'],
  ['an unknown venue', 'accounts: { a: { venue: papr } }', '/accounts/a'],
  ['an account without a mode', 'accounts: { a: { venue: ccxt, exchange: binance } }', '/accounts/a'],
  ['an unknown key of an account', 'accounts: { a: { venue: paper, color: red } }', '/accounts/a/color'],
  ['an account with a bad name', 'accounts: { Main: { venue: paper } }', '/accounts/Main'],
  ['an unknown key of a strategy', 'strategies: { a: { tokken: b } }', '/strategies/a/tokken'],
  ['a yes that is a text', "strategies: { a: { may_halt: 'yes' } }", '/strategies/a/may_halt'],
  ['an order of turns that is none', 'strategies: { a: { ordering: symbol } }', '/strategies/a/ordering'],
];

for (const [what, yaml, at] of WRONG) {
  test(`${what} does not fit it, and the place is told`, () => {
    assert.ok(faults(yaml).includes(at), JSON.stringify(faults(yaml)));
  });
}
