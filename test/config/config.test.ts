import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { after, test } from 'node:test';

import { loadConfig, type Config } from '../../config/config.ts';
import { CONFIG_EXIT_CODE, ConfigFault } from '../../config/fault.ts';
import { SETTINGS } from '../../config/settings.ts';
import { ACCOUNT_LIMITS } from '../../domain/limits.ts';

const root = mkdtempSync(join(tmpdir(), 'holdfast-config-'));
after(() => rmSync(root, { recursive: true, force: true }));
let folders = 0;

type Env = Readonly<Record<string, string>>;

/** Reads a configuration in a folder of its own; `files` are written there first. */
function load(env: Env = {}, yaml?: string, files: Env = {}): Config {
  const folder = mkdtempSync(join(root, `${folders++}-`));
  if (yaml !== undefined) writeFileSync(join(folder, 'holdfast.yaml'), yaml);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const inFolder = Object.entries(env).map(([name, value]) => [name, value.replace('./', `${folder}/`)]);
  return loadConfig(Object.fromEntries(inFolder) as NodeJS.ProcessEnv, root, folder);
}

/** The faults of a configuration, as `path: message fix`; fails where there is none, or one without a fix. */
function faults(env: Env = {}, yaml?: string, files: Env = {}): string[] {
  try {
    load(env, yaml, files);
  } catch (error) {
    assert.ok(error instanceof ConfigFault, String(error));
    for (const { path, message, fix } of error.faults) {
      assert.ok(path !== '' && /[.!?:]$/.test(message) && /[.!?]$/.test(fix), `${path}: ${message} ${fix}`);
      assert.ok(error.message.includes(`${path}: ${message} ${fix}`));
    }
    return error.faults.map(({ path, message, fix }) => `${path}: ${message} ${fix}`);
  }
  return assert.fail('accepted');
}

const paths = (env: Env = {}, yaml?: string, files: Env = {}): string[] =>
  faults(env, yaml, files).map((fault) => fault.split(': ')[0]!);

test('without a file and without variables the defaults are those of the contract', () => {
  const { settings, file, dataDir, defaultAccount, accounts, strategies } = load();
  const expected = {
    HOST: '127.0.0.1',
    PORT: 4700,
    OPERATOR_HOST: '127.0.0.1',
    OPERATOR_PORT: 4701,
    OPERATOR_TOKEN: undefined,
    HOLDFAST_DATA: undefined,
    HOLDFAST_DEPLOYMENT: 'local',
    TEMPORAL_PORT: 7233,
    TEMPORAL_UI_PORT: 8233,
    WEBHOOK_SECRET: undefined,
    INTENT_SIGNING_KEY: undefined,
    INTENT_VERIFY_KEYS: undefined,
    MIN_CONFIDENCE: '0.6',
    TRUSTED_PROXIES: [],
    IP_WHITELIST: [],
    RATE_LIMIT_REQUESTS: 100,
    RATE_LIMIT_WINDOW: 60,
    CIRCUIT_BREAKER_THRESHOLD: 5,
    CIRCUIT_BREAKER_TIMEOUT: 60,
    TESTNET: 'true',
    DEFAULT_EXCHANGE: 'binance',
    MAX_ORDER_SIZE_USD: undefined,
    MAX_POSITION_SIZE_USD: undefined,
    LOG_LEVEL: 'info',
    ANSWER_BUDGET_MS: 2200,
  };
  const found = Object.fromEntries(
    Object.keys(expected).map((name) => [name, settings[name as keyof typeof settings]]),
  );
  assert.deepEqual(found, expected);
  assert.deepEqual([file, dataDir, defaultAccount], [null, resolve(root, 'data'), 'binance']);
  assert.deepEqual(Object.keys(accounts), ['binance', 'paper']);
  assert.deepEqual(accounts['binance'], {
    venue: 'ccxt',
    exchange: 'binance',
    mode: 'dry_run',
    limits: ACCOUNT_LIMITS,
  });
  assert.deepEqual(Object.keys(strategies), ['default']);
  const { isOpen, accounts: reach, rules } = strategies['default']!;
  assert.deepEqual([isOpen, reach, rules], [true, ['binance', 'paper'], { minConfidence: '0.6', maxAgeMs: 60_000 }]);
});

test('every setting of the contract is honoured', () => {
  const names = `HOST PORT OPERATOR_HOST OPERATOR_PORT OPERATOR_TOKEN HOLDFAST_DATA HOLDFAST_DEPLOYMENT TEMPORAL_PORT
    TEMPORAL_UI_PORT WEBHOOK_SECRET TRUSTED_PROXIES INTENT_SIGNING_KEY INTENT_VERIFY_KEYS MIN_CONFIDENCE IP_WHITELIST
    RATE_LIMIT_REQUESTS RATE_LIMIT_WINDOW CIRCUIT_BREAKER_THRESHOLD CIRCUIT_BREAKER_TIMEOUT DEFAULT_EXCHANGE TESTNET
    EXCHANGE_API_KEY EXCHANGE_API_SECRET MAX_POSITION_SIZE_USD MAX_ORDER_SIZE_USD LOG_LEVEL ANSWER_BUDGET_MS`;
  for (const name of names.split(/\s+/)) assert.ok(name in SETTINGS, name);
});

test('the environment wins over the file, and an empty variable is none', () => {
  const yaml = 'port: 1234\nhost: 127.0.0.2\ndeployment: prod\nmin_confidence: 0.75\nlog_level: WARN\n';
  const { settings } = load({ PORT: '5678', HOST: '' }, yaml);
  const { PORT, HOST, HOLDFAST_DEPLOYMENT, MIN_CONFIDENCE, LOG_LEVEL } = settings;
  assert.deepEqual(
    [PORT, HOST, HOLDFAST_DEPLOYMENT, MIN_CONFIDENCE, LOG_LEVEL],
    [5678, '127.0.0.2', 'prod', '0.75', 'warn'],
  );
});

test('a value that a setting cannot have is a fault that names it and says what is expected', () => {
  const bad: [string, string[]][] = [
    ['PORT', ['-1', '65536', '4700.5', 'http', '0x10', '1e3', ' ']],
    ['OPERATOR_PORT', ['-1', '65536']],
    ['TEMPORAL_PORT', ['0', '65536']],
    ['HOLDFAST_DEPLOYMENT', ['Prod', 'a b', 'x'.repeat(33), 'a.b']],
    ['MIN_CONFIDENCE', ['-0.1', '1.1', '60%', '.5', 'high', '1e-1', '60']],
    ['DEFAULT_EXCHANGE', ['Binance', 'a b', 'binance/spot']],
    ['LOG_LEVEL', ['loud', 'warning']],
    ['TESTNET', ['yes', '1']],
    ['TRUSTED_PROXIES', ['here', '10.0.0.0/33', '10.0.0', '10.0.0.1,', '::1/129']],
    ['IP_WHITELIST', ['trading-view', '1.2.3.4/x', '1.2.3.4/8/8']],
    ['RATE_LIMIT_REQUESTS', ['0', '-1', '1.5']],
    ['RATE_LIMIT_WINDOW', ['0', '60s']],
    ['CIRCUIT_BREAKER_THRESHOLD', ['0']],
    ['CIRCUIT_BREAKER_TIMEOUT', ['0']],
    ['ANSWER_BUDGET_MS', ['49', '2201', '2s']],
    ['MAX_ORDER_SIZE_USD', ['0', '-1', 'much', '1,000', 'off']],
    ['MAX_POSITION_SIZE_USD', ['0', '-1', 'much']],
  ];
  for (const [name, values] of bad) {
    for (const value of values) {
      const [fault, ...more] = faults({ [name]: value });
      assert.ok(
        fault?.startsWith(`${name}: `) && fault.includes('Expected: ') && more.length === 0,
        `${name}=${value}: ${fault}`,
      );
    }
  }
  for (const yaml of ['port: [1]', 'port: {a: 1}', 'host: null', 'log_level:'])
    assert.throws(() => load({}, yaml), ConfigFault, yaml);
});

test('a setting is read up to its limits', () => {
  const rows: [keyof Config['settings'], string, unknown][] = [
    ['PORT', '0', 0],
    ['PORT', '65535', 65_535],
    ['MIN_CONFIDENCE', '0', '0'],
    ['MIN_CONFIDENCE', '1.0', '1.0'],
    ['ANSWER_BUDGET_MS', '50', 50],
    ['ANSWER_BUDGET_MS', '2200', 2200],
    ['HOLDFAST_DEPLOYMENT', 'x'.repeat(32), 'x'.repeat(32)],
    ['LOG_LEVEL', 'DEBUG', 'debug'],
  ];
  for (const [name, value, expected] of rows) assert.equal(load({ [name]: value }).settings[name], expected);
});

test('everything that is wrong is reported at once, each at its path', () => {
  const yaml = `
    port: 99999
    colour: red
    accounts:
      a: { venue: paper, ballances: {} }
      b: { venue: ccxt, exchange: binance, mode: practice }
      c: { venue: ninjatrader }
    strategies:
      s: { max_age: soon, tokn: x, token: "" }
  `;
  const found = paths({ LOG_LEVEL: 'loud', TRUSTED_PROXIES: 'me', OPERATOR_HOST: '0.0.0.0' }, yaml);
  const expected = [
    'PORT',
    'LOG_LEVEL',
    'TRUSTED_PROXIES',
    'OPERATOR_TOKEN',
    'colour',
    'accounts.a.ballances',
    'accounts.b.mode',
  ];
  expected.push('accounts.c.venue', 'strategies.s.max_age', 'strategies.s.tokn', 'strategies.s.token');
  for (const path of expected) assert.ok(found.includes(path), `${path} is not among ${found.join(' ')}`);
  assert.equal(new Set(found).size, found.length);
  assert.equal(CONFIG_EXIT_CODE, 78);
});

test('a fault of the structure hides no fault of what refers to what', () => {
  const yaml = 'colour: red\naccounts: { a: { venue: paper } }\nstrategies: { s: { token: x, accounts: [nope] } }\n';
  assert.deepEqual(paths({}, yaml).toSorted(), ['colour', 'strategies.s.accounts']);
});

test('a fault of the structure is not followed by faults of strategies that the file does not have', () => {
  const yaml = 'host: 0.0.0.0\ncolour: red\nstrategies: { s: { token: x } }\n';
  assert.deepEqual(paths({}, yaml), ['colour']);
});

test('a secret may come from a file, its last line break cut', () => {
  const files = { one: 'hunter2\n', two: 'hunter3\r\n' };
  const { settings, strategies } = load(
    { WEBHOOK_SECRET_FILE: './one', OPERATOR_TOKEN_FILE: './two' },
    undefined,
    files,
  );
  assert.deepEqual([settings.WEBHOOK_SECRET, settings.OPERATOR_TOKEN], ['hunter2', 'hunter3']);
  const { bodySecrets, hmacSecrets, tokens, isOpen } = strategies['default']!;
  assert.deepEqual([bodySecrets, hmacSecrets, tokens, isOpen], [['hunter2'], ['hunter2'], [], false]);
});

test('a secret given twice, or in a file that is not there or empty, is a fault', () => {
  assert.deepEqual(paths({ WEBHOOK_SECRET: 'a', WEBHOOK_SECRET_FILE: './one' }, undefined, { one: 'b' }), [
    'WEBHOOK_SECRET',
  ]);
  assert.deepEqual(paths({ WEBHOOK_SECRET_FILE: './none' }), ['WEBHOOK_SECRET_FILE']);
  assert.deepEqual(paths({ WEBHOOK_SECRET_FILE: './one' }, undefined, { one: '\n' }), ['WEBHOOK_SECRET']);
});

test('no fault shows a secret', () => {
  const shown = [
    ...faults({ WEBHOOK_SECRET: 'hunter2', WEBHOOK_SECRET_FILE: './x' }),
    ...faults({ A: 'hunter2' }, 'strategies: { s: { token: "${A}", colour: x, max_age: "${A}" } }\n'),
    ...faults({ OPERATOR_TOKEN: 'hunter2', PORT: 'x' }),
  ];
  assert.doesNotMatch(shown.join(), /hunter2/);
});

test('a placeholder in the file is taken from the environment or from the file that it names', () => {
  const yaml =
    'strategies:\n  s:\n    token: ${TOKEN}\n    body_secret: ["${ONE}", "x-${ONE}-${TWO}"]\n    hmac_secret: "$ONE ${one}"\n';
  const { strategies } = load({ TOKEN_FILE: './token', ONE: 'a$&${TWO}', TWO: 'b' }, yaml, { token: 'hunter2\n' });
  const { tokens, bodySecrets, hmacSecrets } = strategies['s']!;
  assert.deepEqual(tokens, ['hunter2']);
  assert.deepEqual(bodySecrets, ['a$&${TWO}', 'x-a$&${TWO}-b']);
  assert.deepEqual(hmacSecrets, ['$ONE ${one}']);
});

test('a placeholder without a value is a fault at its path', () => {
  const found = faults({}, 'strategies: { s: { token: ["a", "${NONE}"] } }\nlog_level: ${LEVEL}\n');
  assert.ok(
    found.some((fault) => fault.startsWith('strategies.s.token.1: The variable NONE is not set.')),
    found.join(),
  );
  assert.ok(
    found.some((fault) => fault.startsWith('log_level: The variable LEVEL is not set.')),
    found.join(),
  );
});

test('an unknown key is a fault at its path, anywhere', () => {
  const rows: [string, string][] = [
    ['acounts: {}', 'acounts'],
    ['PORT: 1', 'PORT'],
    ['accounts: { a: { venue: paper, price: {} } }', 'accounts.a.price'],
    ['accounts: { a: { venue: ccxt, exchange: binance, mode: dry_run, apikey: x } }', 'accounts.a.apikey'],
    ['strategies: { s: { tokens: x } }', 'strategies.s.tokens'],
  ];
  for (const [yaml, path] of rows) assert.deepEqual(paths({}, `${yaml}\n`), [path], yaml);
});

test('a part of the structure that is not honoured yet is a fault at its path', () => {
  const rows: [string, string][] = [
    ['accounts: { a: { venue: ninjatrader, home: x, account: Sim101 } }', 'accounts.a.venue'],
    ['accounts: { a: { venue: mt5, terminal: x, python: python } }', 'accounts.a.venue'],
  ];
  for (const [yaml, path] of rows) assert.deepEqual(paths({}, `${yaml}\n`), [path], yaml);
});

test('accounts and strategies are read as they are written', () => {
  const yaml = `
    default_account: b
    accounts:
      a: { venue: ccxt, exchange: kraken, mode: dry_run }
      b: { venue: paper, balances: { USDT: "10.50", BTC: 1 }, prices: { "BTC/USDT": 6.75e4 } }
    strategies:
      trend: { token: [t1, t2], body_secret: s, hmac_secret: h, accounts: [b], max_age: 90s }
      other: { token: t3, max_age: 500ms }
  `;
  const { accounts, strategies, defaultAccount } = load({}, yaml);
  assert.equal(defaultAccount, 'b');
  assert.deepEqual(accounts['a'], { venue: 'ccxt', exchange: 'kraken', mode: 'dry_run', limits: ACCOUNT_LIMITS });
  assert.deepEqual(accounts['b'], {
    venue: 'paper',
    balances: { USDT: '10.5', BTC: '1' },
    prices: { 'BTC/USDT': '67500' },
    limits: ACCOUNT_LIMITS,
  });
  const { tokens, bodySecrets, hmacSecrets, accounts: reach, rules, isOpen } = strategies['trend']!;
  assert.deepEqual([tokens, bodySecrets, hmacSecrets, reach, isOpen], [['t1', 't2'], ['s'], ['h'], ['b'], false]);
  assert.deepEqual([rules.maxAgeMs, strategies['other']?.rules.maxAgeMs], [90_000, 500]);
  assert.deepEqual(strategies['other']?.accounts, ['a', 'b']);
});

test('a strategy says who may send, from where, and how it is proven', () => {
  const key = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
  const yaml = `strategies: { s: { webhook_key: ${key}, require: all, strict: true, ip_allow: [tradingview, 10.0.0.0/8, "::1"] } }\n`;
  const { webhookKeys, requireAll, strict, ipAllow, isOpen } = load({}, yaml).strategies['s']!;
  assert.deepEqual([webhookKeys, requireAll, strict, isOpen], [[key], true, true, false]);
  assert.deepEqual(ipAllow, ['tradingview', '10.0.0.0/8', '::1']);
  const bad: [string, string][] = [
    ['webhook_key: whsec_short', 'strategies.s.webhook_key'],
    ['webhook_key: x', 'strategies.s.webhook_key'],
    ['ip_allow: [somewhere]', 'strategies.s.ip_allow.0'],
    ['ip_allow: []', 'strategies.s.ip_allow'],
    ['require: both', 'strategies.s.require'],
    ['strict: maybe', 'strategies.s.strict'],
  ];
  for (const [line, path] of bad)
    assert.deepEqual(paths({}, `strategies: { s: { token: x, ${line} } }\n`), [path], line);
});

test('a name for senders is no proxy', () => {
  assert.deepEqual(paths({ TRUSTED_PROXIES: 'tradingview' }), ['TRUSTED_PROXIES']);
});

test('what a file says of accounts and strategies must hold together', () => {
  const rows: [string, string][] = [
    ['default_account: nope', 'default_account'],
    ['accounts: { a: { venue: paper } }\nstrategies: { s: { token: x, accounts: [nope] } }', 'strategies.s.accounts'],
    ['strategies: { s: { token: x, accounts: [] } }', 'strategies.s.accounts'],
    ['accounts: { A: { venue: paper } }', 'accounts.A'],
    [`accounts: { ${'x'.repeat(33)}: { venue: paper } }`, `accounts.${'x'.repeat(33)}`],
    ['accounts: { a: { exchange: binance } }', 'accounts.a.venue'],
    ['accounts: { a: { venue: paper, balances: { USDT: much } } }', 'accounts.a.balances.USDT'],
    ['accounts: { a: { venue: ccxt, exchange: Binance!, mode: dry_run } }', 'accounts.a.exchange'],
    ['accounts: { a: { venue: ccxt, exchange: binance } }', 'accounts.a.mode'],
    ['strategies: { s: { token: x, max_age: 60 } }', 'strategies.s.max_age'],
    ['strategies: { s: { token: [] } }', 'strategies.s.token'],
    ['strategies: { s: { token: "" } }', 'strategies.s.token'],
  ];
  for (const [yaml, path] of rows) assert.deepEqual(paths({}, `${yaml}\n`), [path], yaml);
  const secret = 'accounts: { a: { venue: paper } }\nstrategies: { s: { token: x } }\n';
  assert.deepEqual(paths({ WEBHOOK_SECRET: 'y' }, secret), ['WEBHOOK_SECRET']);
});

test('an account that only a prototype has does not exist', () => {
  assert.deepEqual(paths({}, 'default_account: constructor\n'), ['default_account']);
});

test('a price or a balance that nobody can have is a fault', () => {
  for (const bad of ['prices: { "BTC/USDT": 0 }', 'prices: { "BTC/USDT": "-1" }', 'balances: { USDT: "-1" }']) {
    assert.throws(() => load({}, `accounts: { a: { venue: paper, ${bad} } }\n`), ConfigFault, bad);
  }
});

test('a number in the file keeps its digits, quoted or not', () => {
  const yaml =
    'accounts: { a: { venue: paper, balances: { A: "0.12345678901234567890", B: 12345678901234567890.5 } } }\n';
  const account = load({}, yaml).accounts['a']!;
  assert.deepEqual(account.venue === 'paper' && account.balances, {
    A: '0.1234567890123456789',
    B: '12345678901234567890.5',
  });
});

test('a strategy that is only named is there, with its defaults', () => {
  const { strategies } = load({ WEBHOOK_SECRET: 'x' }, 'strategies:\n  default:\n');
  assert.equal(strategies['default']?.isOpen, false);
});

test('a mode that sends orders needs its credentials', () => {
  for (const mode of ['live', 'sandbox', 'demo']) {
    const yaml = (more: string): string =>
      `accounts: { a: { venue: ccxt, exchange: binance, mode: ${mode}${more} } }\nstrategies: { s: { token: x } }\n`;
    assert.ok(
      paths({}, yaml('')).every((path) => path.startsWith('accounts.a.')),
      mode,
    );
    assert.ok(
      paths({}, yaml(', api_key: k')).every((path) => path.startsWith('accounts.a.')),
      mode,
    );
    assert.ok(
      paths({}, yaml(', api_secret: k')).every((path) => path.startsWith('accounts.a.')),
      mode,
    );
  }
});

test('an open strategy is for loopback, for one at most, and never beside an account that trades for real', () => {
  for (const host of ['127.0.0.1', '127.0.0.2', '::1', 'localhost'])
    assert.equal(load({ HOST: host }).settings.HOST, host);
  for (const host of [
    '0.0.0.0',
    '::',
    '10.0.0.1',
    'example.test',
    '127.0.0.1.example.test',
    'localhost.example.test',
  ]) {
    assert.deepEqual(paths({ HOST: host }), ['strategies.default'], host);
    assert.equal(load({ HOST: host, WEBHOOK_SECRET: 'x' }).settings.HOST, host);
  }
  const two = 'strategies: { a: {}, b: {}, c: { token: x } }\n';
  assert.deepEqual(paths({}, two), ['strategies']);
  assert.deepEqual(paths({ HOST: '0.0.0.0' }, two), ['strategies.a', 'strategies.b', 'strategies']);
  const live = 'accounts: { a: { venue: ccxt, exchange: binance, mode: live, api_key: k, api_secret: s } }\n';
  assert.deepEqual(paths({}, `${live}strategies: { s: {} }\n`), ['strategies.s']);
  assert.deepEqual(paths({}, `${live}strategies: { s: { accounts: [a] }, t: { token: x } }\n`), ['strategies.s']);
  assert.deepEqual(Object.keys(load({}, `${live}strategies: { s: { token: x } }\n`).strategies), ['s']);
});

test('the operator listener beyond loopback needs a token', () => {
  for (const host of ['0.0.0.0', '::', 'example.test']) {
    assert.deepEqual(paths({ OPERATOR_HOST: host }), ['OPERATOR_TOKEN'], host);
    assert.equal(load({ OPERATOR_HOST: host, OPERATOR_TOKEN: 'x' }).settings.OPERATOR_HOST, host);
  }
});

test('a key without a file makes a sandbox account, and a real one only when the test net is off', () => {
  const key = { EXCHANGE_API_KEY: 'k', EXCHANGE_API_SECRET: 's', WEBHOOK_SECRET: 'x' };
  const modeOf = (env: Env): unknown => (load({ ...key, ...env }).accounts['binance'] as { mode?: string }).mode;
  assert.deepEqual(
    [modeOf({}), modeOf({ TESTNET: 'true' }), modeOf({ TESTNET: 'false' })],
    ['sandbox', 'sandbox', 'live'],
  );
  assert.deepEqual(Object.keys(load({ ...key, DEFAULT_EXCHANGE: 'kraken' }).accounts), ['kraken', 'paper']);
  assert.deepEqual(paths({ ...key, TESTNET: 'false', WEBHOOK_SECRET: '' }), ['strategies.default']);
  assert.deepEqual(paths({ EXCHANGE_API_KEY: 'k' }), ['accounts.binance.api_secret']);
});

test('the file is the one that is named, and a file that cannot be used is a fault', () => {
  assert.equal(load({ HOLDFAST_CONFIG: './other.yaml' }, 'port: 1', { 'other.yaml': 'port: 2' }).settings.PORT, 2);
  assert.deepEqual(paths({ HOLDFAST_CONFIG: './none.yaml' }), ['HOLDFAST_CONFIG']);
  for (const yaml of [
    'a: [',
    'port: 1\nport: 2',
    '\tport: 1',
    'a: b: c',
    '- port',
    'just text',
    '42',
    '---\na: 1\n---\nb: 2',
  ]) {
    assert.ok(paths({}, yaml).includes('holdfast.yaml'), yaml);
  }
  for (const empty of ['', '# nothing\n', '---\n']) assert.equal(load({}, empty).settings.PORT, 4700);
});

test('the data folder is beside package.json unless it is named', () => {
  assert.equal(load().dataDir, join(root, 'data'));
  assert.equal(basename(load({ HOLDFAST_DATA: 'mine' }).dataDir), 'mine');
  assert.equal(load({ HOLDFAST_DATA: resolve('/somewhere') }).dataDir, resolve('/somewhere'));
  assert.equal(basename(load({}, 'data: mine').dataDir), 'mine');
});

test('a configuration that was read cannot be changed', () => {
  assert.ok(Object.isFrozen(load()));
});
