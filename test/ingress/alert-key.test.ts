import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';

import fc from 'fast-check';

import { loadConfig, type Config } from '../../config/config.ts';
import { parseAlert, type OrderType, type Side, type TimeInForce } from '../../domain/alert.ts';
import { toPlainJson } from '../../domain/json-number.ts';
import { formIntent, type FormedIntent } from '../../ingress/form-intent.ts';
import { readJson } from '../../ingress/read-json.ts';
import { RUNS } from '../support/property-runs.ts';

const root = loadConfig({}, import.meta.dirname, import.meta.dirname);
const [strategy] = Object.values(root.strategies);
const accounts = ['paper', 'other'];
const config: Config = {
  ...root,
  defaultAccount: 'paper',
  strategies: { trend: { ...strategy!, accounts }, range: { ...strategy!, accounts } },
};
const signingKey = { id: 'KEY', key: generateKeyPairSync('ed25519').privateKey };

/** A number as units / 10^places. */
interface Figure {
  readonly units: number;
  readonly places: number;
}

/** What an alert means, however it is written. */
interface Meaning {
  readonly id: string | undefined;
  readonly symbol: string;
  readonly side: Side;
  readonly orderType: OrderType;
  readonly quantity: Figure;
  readonly limit: Figure;
  readonly stop: Figure;
  readonly seen: Figure | undefined;
  readonly stopLoss: Figure | undefined;
  readonly takeProfit: Figure | undefined;
  readonly timeInForce: TimeInForce | undefined;
  readonly confidence: Figure;
  readonly time: number | undefined;
  readonly account: string;
  /** Members that mean nothing to us, as they are written. */
  readonly others: Readonly<Record<string, string>>;
}

const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(arbitrary, { nil: undefined });
const figure = fc.record({ units: fc.integer({ min: 1, max: 999_999 }), places: fc.nat(8) });
const meaning: fc.Arbitrary<Meaning> = fc.record({
  id: maybe(fc.stringMatching(/^[a-zA-Z0-9 -]{1,20}$/)),
  symbol: fc.constantFrom('BTC/USDT', 'ETH/USDT', 'btc/usdt', 'BTCUSDT'),
  side: fc.constantFrom('buy', 'sell'),
  orderType: fc.constantFrom('market', 'limit', 'stop', 'stop_limit'),
  quantity: figure,
  limit: figure,
  stop: figure,
  seen: maybe(figure),
  stopLoss: maybe(figure),
  takeProfit: maybe(figure),
  timeInForce: maybe(fc.constantFrom('gtc', 'ioc', 'fok')),
  confidence: fc.constantFrom({ units: 7, places: 1 }, { units: 1, places: 0 }, { units: 85, places: 2 }),
  time: maybe(fc.integer({ min: 0, max: 4_000_000_000 }).map((seconds) => seconds * 1_000)),
  account: fc.constantFrom(...accounts),
  others: fc.dictionary(fc.constantFrom('bar', 'chart_url', 'zone'), fc.constantFrom('1', '"1"', '[1,null]', '"x"'), {
    noNullPrototype: true,
  }),
});

/** How it is written: everything that senders do differently and that changes nothing. */
interface Spelling {
  readonly order: readonly number[];
  readonly numbers: readonly number[];
  readonly letters: number;
  readonly zoneMinutes: number;
  /** Whether what is as by default is written out all the same. */
  readonly isLong: boolean;
  /** Whether a limit or stop order has its price under `price`, where that is unambiguous. */
  readonly isShort: boolean;
  readonly secret: string | undefined;
}

const spelling: fc.Arbitrary<Spelling> = fc.record({
  order: fc.array(fc.nat(999), { minLength: 20, maxLength: 20 }),
  numbers: fc.array(fc.nat(7), { minLength: 7, maxLength: 7 }),
  letters: fc.nat(2),
  zoneMinutes: fc.constantFrom(0, 120, -330, 845),
  isLong: fc.boolean(),
  isShort: fc.boolean(),
  secret: maybe(fc.constantFrom('hunter2', 'hunter3')),
});

function writeFigure({ units, places }: Figure, how: number): string {
  const digits = String(units).padStart(places + 1, '0');
  const whole = digits.slice(0, digits.length - places);
  const fraction = digits.slice(digits.length - places);
  const plain = fraction === '' ? whole : `${whole}.${fraction}`;
  const point = fraction === '' ? '.' : '';
  const texts = [
    plain,
    `"${plain}"`,
    `${plain}${fraction === '' ? '.0' : '00'}`,
    `${units}e-${places}`,
    `"${units}0E-${places + 1}"`,
    `" +00${plain}${point}0 "`,
    `${units}000e-${places + 3}`,
    `${plain}e0`,
  ];
  return texts[how]!;
}

function writeTime(time: number, zoneMinutes: number): string {
  const local = new Date(time + zoneMinutes * 60_000).toISOString().slice(0, -1);
  if (zoneMinutes === 0) return JSON.stringify(`${local}Z`);
  const minutes = Math.abs(zoneMinutes);
  const zone = `${String(Math.floor(minutes / 60)).padStart(2, '0')}:${String(minutes % 60).padStart(2, '0')}`;
  return JSON.stringify(`${local}${zoneMinutes < 0 ? '-' : '+'}${zone}`);
}

/** The alert's members, each with its value as JSON text. */
function membersOf(what: Meaning, how: Spelling): Map<string, string> {
  const { id, symbol, side, orderType, timeInForce, time, account } = what;
  const members = new Map<string, string>();
  const letters = (text: string): string =>
    JSON.stringify([text, text.toUpperCase(), ` ${text[0]!.toUpperCase()}${text.slice(1)} `][how.letters]);
  const number = (key: string, value: Figure | undefined, nth: number): void => {
    if (value !== undefined) members.set(key, writeFigure(value, how.numbers[nth]!));
  };
  if (id !== undefined) members.set('id', JSON.stringify(id));
  members.set('symbol', JSON.stringify(symbol));
  members.set('action', letters(side));
  if (orderType !== 'market' || how.isLong) members.set('order_type', letters(orderType));
  number('quantity', what.quantity, 0);
  const isSingle = orderType === 'limit' || orderType === 'stop';
  const isShort = how.isShort && isSingle && what.seen === undefined;
  if (orderType.includes('limit')) number(isShort ? 'price' : 'limit_price', what.limit, 1);
  if (orderType.startsWith('stop')) number(isShort ? 'price' : 'stop_price', what.stop, 2);
  number('price', what.seen, 3);
  number('stop_loss', what.stopLoss, 4);
  number('take_profit', what.takeProfit, 5);
  if (timeInForce !== undefined && orderType.includes('limit')) members.set('time_in_force', letters(timeInForce));
  const isUsual = what.confidence.units === 7 && what.confidence.places === 1;
  if (!isUsual || how.isLong) number('confidence', what.confidence, 6);
  if (time !== undefined) members.set('time', writeTime(time, how.zoneMinutes));
  if (account !== config.defaultAccount || how.isLong) members.set('account', JSON.stringify(account));
  if (how.secret !== undefined) members.set('secret', JSON.stringify(how.secret));
  return members;
}

const shuffled = <T>(list: readonly T[], by: readonly number[]): T[] =>
  list
    .map((one, i) => ({ one, rank: by[i]! }))
    .toSorted((a, b) => a.rank - b.rank)
    .map(({ one }) => one);

const bodyOf = (members: Iterable<readonly [string, string]>): string =>
  `{${[...members].map(([key, value]) => `${JSON.stringify(key)}: ${value}`).join(', ')}}`;

/** The order that ingress makes of a body, in one window for all equal contents. */
async function formed(body: string, strategyName = 'trend'): Promise<FormedIntent> {
  const parsed = parseAlert(readJson(Buffer.from(body)));
  assert.ok(parsed.ok, `${body} ${JSON.stringify(parsed)}`);
  return formIntent(parsed.alert, {
    others: toPlainJson(parsed.others),
    strategy: strategyName,
    receivedAt: 0,
    config,
    signingKey,
    openWindow: async (_, hash) => `window of ${hash}`,
  });
}

const written = (what: Meaning, how: Spelling): string =>
  bodyOf([...shuffled([...membersOf(what, how)], how.order), ...Object.entries(what.others)]);

/** By what an order is known: to the engine, to the venue, and to a second delivery. */
const keysOf = ({ workflowId, signed, digest }: FormedIntent): string[] => [
  workflowId,
  signed.intent.clientOrderId,
  digest,
];

test('an alert has one key however it is written: order, numbers, letters, zone, defaults, secret', async () => {
  await fc.assert(
    fc.asyncProperty(meaning, spelling, spelling, async (what, one, other) => {
      const [first, second] = [written(what, one), written(what, other)];
      const keys = keysOf(await formed(first));
      assert.deepEqual(keys, keysOf(await formed(second)), `${first}\n${second}`);
      // Every order of one installation begins with the same tag, in letters that every venue takes.
      assert.match(keys[1]!, /^KSS[0-9A-HJKMNP-TV-Z]{23}$/);
    }),
    RUNS,
  );
});

test('members that are ignored may come in any order', async () => {
  await fc.assert(
    fc.asyncProperty(meaning, spelling, async (what, how) => {
      const members = [...membersOf(what, how), ...Object.entries(what.others)];
      const [first, second] = [bodyOf(members), bodyOf(shuffled(members, how.order))];
      assert.deepEqual(keysOf(await formed(first)), keysOf(await formed(second)), `${first}\n${second}`);
    }),
    RUNS,
  );
});

const PARTS = [
  'symbol',
  'side',
  'orderType',
  'quantity',
  'limit',
  'stop',
  'seen',
  'stopLoss',
  'takeProfit',
  'timeInForce',
  'confidence',
  'time',
  'account',
  'others',
] as const satisfies readonly (keyof Meaning)[];

const PLAIN: Spelling = {
  order: [],
  numbers: Array<number>(7).fill(0),
  letters: 0,
  zoneMinutes: 0,
  isLong: true,
  isShort: false,
  secret: undefined,
};

/** What an alert says, each number once: a price that an order of its type has not is not written, and means nothing. */
function plainly(what: Meaning): unknown {
  const members = [...membersOf(what, PLAIN)].map(([key, text]): [string, unknown] => [key, JSON.parse(text)]);
  return [Object.fromEntries(members), what.others];
}

test('alerts that differ in anything have different digests, and without an id different keys', async () => {
  const parts = fc.constantFrom(...PARTS);
  await fc.assert(
    fc.asyncProperty(meaning, meaning, parts, spelling, async (one, source, part, how) => {
      const other = { ...one, [part]: source[part] };
      fc.pre(!isDeepStrictEqual(plainly(one), plainly(other)));
      const [first, second] = [await formed(written(one, how)), await formed(written(other, how))];
      // What is ignored tells alerts apart that do not name themselves, and is no conflict between those that do.
      if (part !== 'others') assert.notEqual(first.digest, second.digest);
      const isNamed = one.id !== undefined;
      assert.equal(first.workflowId === second.workflowId, isNamed);
      const isSameOrder = isNamed && part !== 'account';
      assert.equal(first.signed.intent.clientOrderId === second.signed.intent.clientOrderId, isSameOrder);
    }),
    RUNS,
  );
});

test('another id, and another strategy, make another key', async () => {
  const id = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 }).filter((text) => !/\{\{|\}\}/.test(text));
  await fc.assert(
    fc.asyncProperty(meaning, spelling, id, id, async (what, how, one, other) => {
      fc.pre(one !== other && one.isWellFormed() && other.isWellFormed());
      const [first, second] = await Promise.all(
        [one, other].map((text) => formed(written({ ...what, id: text }, how))),
      );
      assert.notEqual(first!.workflowId, second!.workflowId);
      assert.notEqual(first!.signed.intent.clientOrderId, second!.signed.intent.clientOrderId);
      const elsewhere = await formed(written({ ...what, id: one }, how), 'range');
      assert.notEqual(first!.workflowId, elsewhere.workflowId);
      assert.notEqual(first!.signed.intent.clientOrderId, elsewhere.signed.intent.clientOrderId);
    }),
    RUNS,
  );
});
