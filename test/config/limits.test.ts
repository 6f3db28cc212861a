import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';

import { loadConfig, type Config } from '../../config/config.ts';
import { ConfigFault, type Fault } from '../../config/fault.ts';
import { loosenedLimits } from '../../config/loosened-limits.ts';
import { ACCOUNT_LIMITS, NO_LIMITS } from '../../domain/limits.ts';

const folder = mkdtempSync(join(tmpdir(), 'holdfast-limits-'));
after(() => rmSync(folder, { recursive: true, force: true }));

function load(yaml: string, env: Readonly<Record<string, string>> = {}): Config {
  writeFileSync(join(folder, 'holdfast.yaml'), yaml);
  return loadConfig({ ...env }, folder, folder);
}

function faults(yaml: string): readonly Fault[] {
  try {
    load(yaml);
  } catch (error) {
    assert.ok(error instanceof ConfigFault, String(error));
    return error.faults;
  }
  return assert.fail(`accepted: ${yaml}`);
}

const PAPER = 'a: { venue: paper }';
const ofAccount = (limits: string): string => `accounts: { a: { venue: paper, limits: { ${limits} } } }\n`;
const ofStrategy = (limits: string): string =>
  `accounts: { ${PAPER} }\nstrategies: { s: { token: x, limits: { ${limits} } } }\n`;

const WRITTEN = `max_quantity: "2", max_notional: 5000, max_position: 3.50, max_position_value: "20000", daily_loss: "500",
  symbols: ["BTC/USDT", ETHUSDT], trading_hours: ["Mon-Fri 09:30-16:00 America/New_York", "Sat,Sun 00:00-24:00 UTC"],
  orders_per_minute: 10, max_open_orders: "20", price_collar: 2.5%, duplicate_window: 1m, reduce_only: true`;
const READ = {
  maxQuantity: '2',
  maxNotional: '5000',
  maxPosition: '3.5',
  maxPositionValue: '20000',
  dailyLoss: '500',
  symbols: ['BTC/USDT', 'ETHUSDT'],
  tradingHours: [
    { days: [1, 2, 3, 4, 5], from: 570, to: 960, zone: 'America/New_York' },
    { days: [6, 7], from: 0, to: 1440, zone: 'UTC' },
  ],
  ordersPerMinute: 10,
  maxOpenOrders: 20,
  priceCollar: '0.025',
  reduceOnly: true,
};

test('limits are read under an account and under a strategy', () => {
  assert.deepEqual(load(ofAccount(WRITTEN)).accounts['a']!.limits, READ);
  assert.deepEqual(load(ofStrategy(WRITTEN)).strategies['s']!.limits, READ);
  const dryRun = `accounts: { a: { venue: ccxt, exchange: binance, mode: dry_run, limits: { ${WRITTEN} } } }\n`;
  assert.deepEqual(load(dryRun).accounts['a']!.limits, READ);
  const demo = `accounts: { a: { venue: ccxt, exchange: binance, mode: demo, api_key: k, api_secret: s, limits: { ${WRITTEN} } } }\n`;
  assert.deepEqual(load(demo).accounts['a']!.limits, READ);
  const [one] = load(ofAccount('trading_hours: Mon-Fri 09:30-16:00 UTC')).accounts['a']!.limits.tradingHours!;
  assert.equal(one?.zone, 'UTC');
});

test('without any written an account has the defaults, and a strategy has none', () => {
  const { accounts, strategies } = load(`accounts: { ${PAPER} }\nstrategies: { s: { token: x } }\n`);
  assert.deepEqual(accounts['a']!.limits, ACCOUNT_LIMITS);
  assert.deepEqual(strategies['s']!.limits, NO_LIMITS);
  assert.deepEqual(strategies['s']!.duplicateWindowMs, { a: 30_000 });
  assert.equal(strategies['s']!.ordering, 'any');
  // One that is written leaves the others as they are.
  assert.deepEqual(load(ofAccount('max_quantity: 2')).accounts['a']!.limits, { ...ACCOUNT_LIMITS, maxQuantity: '2' });
  assert.deepEqual(load(ofAccount('')).accounts['a']!.limits, ACCOUNT_LIMITS);
});

test('each limit is switched off by its name', () => {
  const all = WRITTEN.replaceAll('\n', ' ').replace(', reduce_only: true', '');
  const names = [...all.matchAll(/(\w+): /g)].map(([, name]) => name!);
  assert.equal(names.length, 11);
  const off = names.map((name) => `${name}: off`).join(', ');
  assert.deepEqual(load(ofAccount(off)).accounts['a']!.limits, NO_LIMITS);
  assert.deepEqual(load(ofStrategy(off)).strategies['s']!.limits, NO_LIMITS);
});

test('a limit that cannot be meant is a fault that names its path and shows how it is written', () => {
  const amounts = ['0', '-1', 'much', '""', '"1,000"', 'true', '[1]', 'none', '5000 USDT'];
  const counts = ['0', '-1', '1.5', 'many', '1000001', 'true', '[60]'];
  const bad: Record<string, string[]> = {
    max_quantity: amounts,
    max_notional: amounts,
    max_position: amounts,
    max_position_value: amounts,
    daily_loss: amounts,
    symbols: ['[]', 'BTC/USDT', '[1]', '[""]', '["A B"]', '{a: b}'],
    trading_hours: ['[]', '9-5', '["Mon-Fri 09:30-16:00"]', '"Mon-Fri 09:30-16:00 Mars/Olympus"', '[off]', '930'],
    orders_per_minute: counts,
    max_open_orders: counts,
    price_collar: ['0%', '100%', '-10%', '10', '0.1', '"%"', 'ten%', '"10 %"'],
    duplicate_window: ['30', '0s', '999ms', '61m', '2h', 'soon', '[30s]'],
    reduce_only: ['off', '"yes"', '1'],
  };
  for (const [name, values] of Object.entries(bad)) {
    for (const value of [...values, 'null']) {
      for (const [yaml, path] of [
        [ofAccount(`${name}: ${value}`), `accounts.a.limits.${name}`],
        [ofStrategy(`${name}: ${value}`), `strategies.s.limits.${name}`],
      ] as const) {
        const [fault, ...more] = faults(yaml);
        assert.deepEqual([fault?.path, more], [path, []], yaml);
        assert.match(fault!.message, /^Expected .*\.$/, yaml);
        assert.match(fault!.fix, /^Write it like .*\.$/, yaml);
      }
    }
  }
  assert.deepEqual(
    faults(ofAccount('max_quantty: 1')).map(({ path }) => path),
    ['accounts.a.limits.max_quantty'],
  );
  for (const value of ['off', '3', '[]'])
    assert.equal(faults(`accounts: { a: { venue: paper, limits: ${value} } }\n`)[0]?.path, 'accounts.a.limits');
  assert.equal(faults('strategies: { s: { token: x, ordering: fifo } }\n')[0]?.path, 'strategies.s.ordering');
});

test('a limit is read up to the edge of what can be meant', () => {
  const read = (text: string) => load(ofAccount(text)).accounts['a']!.limits;
  assert.equal(read('max_quantity: 0.00000001').maxQuantity, '0.00000001');
  assert.equal(read('orders_per_minute: 1').ordersPerMinute, 1);
  assert.equal(read('max_open_orders: 1000000').maxOpenOrders, 1_000_000);
  assert.equal(read('price_collar: 99.99%').priceCollar, '0.9999');
  assert.equal(read('price_collar: 0.01%').priceCollar, '0.0001');
  assert.equal(load(ofStrategy('duplicate_window: 1s')).strategies['s']!.duplicateWindowMs['a'], 1_000);
  assert.equal(load(ofStrategy('duplicate_window: 1h')).strategies['s']!.duplicateWindowMs['a'], 3_600_000);
  assert.equal(load('strategies: { s: { token: x, ordering: serial } }\n').strategies['s']!.ordering, 'serial');
});

test('of two windows for equal alerts the longer one holds, at each account', () => {
  const rows: [string, string, number | null][] = [
    ['', '', 30_000],
    ['duplicate_window: 10s', '', 10_000],
    ['', 'duplicate_window: 10s', 10_000],
    ['duplicate_window: 10s', 'duplicate_window: 20s', 20_000],
    ['duplicate_window: 20s', 'duplicate_window: 10s', 20_000],
    ['duplicate_window: off', 'duplicate_window: 10s', 10_000],
    ['duplicate_window: 10s', 'duplicate_window: off', 10_000],
    ['duplicate_window: off', '', null],
    ['', 'duplicate_window: off', null],
  ];
  for (const [account, strategy, expected] of rows) {
    const yaml = `accounts: { a: { venue: paper, limits: { ${account} } }, b: { venue: paper } }\nstrategies: { s: { token: x, limits: { ${strategy} } } }\n`;
    const { a, b } = load(yaml).strategies['s']!.duplicateWindowMs;
    assert.equal(a, expected, yaml);
    if (strategy === '') assert.equal(b, 30_000, yaml);
  }
});

test('a limit from the environment is that of every account that writes none of its own', () => {
  const yaml = `accounts:
  a: { venue: paper }
  b: { venue: paper, limits: { max_notional: 1, max_position_value: off } }
  c: { venue: ccxt, exchange: binance, mode: dry_run, limits: { max_quantity: 1 } }
`;
  const { accounts } = load(yaml, { MAX_ORDER_SIZE_USD: '5000.50', MAX_POSITION_SIZE_USD: '20000' });
  const found = ['a', 'b', 'c'].map((name) => [
    accounts[name]!.limits.maxNotional,
    accounts[name]!.limits.maxPositionValue,
  ]);
  assert.deepEqual(found, [
    ['5000.5', '20000'],
    ['1', null],
    ['5000.5', '20000'],
  ]);
  const fromFile = load('max_order_size_usd: 100\n').accounts;
  assert.deepEqual([fromFile['binance']!.limits.maxNotional, fromFile['paper']!.limits.maxNotional], ['100', '100']);
});

test('what is looser than the default is named, and nothing else is', () => {
  const yaml = `accounts:
  a: { venue: paper, limits: { orders_per_minute: 61, max_open_orders: off, price_collar: 10.01% } }
  b: { venue: paper, limits: { orders_per_minute: 60, max_open_orders: 50, price_collar: "10%", duplicate_window: 30s } }
  c: { venue: paper, limits: { orders_per_minute: off, max_open_orders: 51, price_collar: off, duplicate_window: off } }
  d: { venue: paper, limits: { orders_per_minute: 1, max_quantity: off } }
strategies:
  s: { token: x, accounts: [a, c] }
  t: { token: y, limits: { duplicate_window: 29s }, accounts: [b, c] }
  u: { token: z, limits: { duplicate_window: 1h } }
`;
  assert.deepEqual(loosenedLimits(load(yaml)), [
    'The account a has looser limits than the default: orders_per_minute 61 (60), max_open_orders off (50), price_collar 10.01% (10%).',
    'The account c has looser limits than the default: orders_per_minute off (60), max_open_orders 51 (50), price_collar off (10%).',
    'The strategy s has looser limits than the default: duplicate_window off at c (30s).',
    'The strategy t has looser limits than the default: duplicate_window 29s at c (30s).',
  ]);
  assert.deepEqual(loosenedLimits(load('')), []);
});
