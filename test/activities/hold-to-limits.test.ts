import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';

import { ApplicationFailure } from '@temporalio/common';

import { checkBeforeTrade } from '../../activities/check-before-trade.ts';
import type { Account, Desk, StrategyRules } from '../../activities/desk.ts';
import { checkLimitsOf, checkValueOf } from '../../activities/hold-to-limits.ts';
import { VenueClock } from '../../activities/venue-clock.ts';
import { VerifyKeys } from '../../activities/verify-keys.ts';
import { DryRunAdapter } from '../../adapters/dry-run/dry-run-adapter.ts';
import { NotSent, type Plan, type VenueAdapter } from '../../adapters/venue-adapter.ts';
import type { EntryIntent } from '../../domain/intent.ts';
import { ACCOUNT_LIMITS, NO_LIMITS, type Limits } from '../../domain/limits.ts';
import { NEW_STANDING } from '../../domain/standing.ts';
import { anIntent } from '../support/an-intent.ts';
import { COMPARES_NOTHING } from './lying-engine.ts';
import { inActivity } from '../support/in-activity.ts';

const limits = (some: Partial<Limits>): Limits => ({ ...NO_LIMITS, ...some });
const LIMIT = { orderType: 'limit', limitPrice: '100' } as const;
const DENIED_ALERT = { referencePrice: '1' } as const;

/** A venue with a price of its own, which counts how often it is asked for it. */
class Venue extends DryRunAdapter {
  override readonly capabilities;
  asked = 0;
  readonly #quote: () => string | null;

  constructor(quote: () => string | null, more: Partial<VenueAdapter['capabilities']> = {}) {
    super();
    this.#quote = quote;
    this.capabilities = { ...new DryRunAdapter().capabilities, dryRun: false, ...more };
  }

  async quote(): Promise<string | null> {
    this.asked += 1;
    return this.#quote();
  }

  nameOf(symbol: string): string {
    return symbol.replace(/^BINANCE:BTCUSDT$/, 'BTC/USDT');
  }
}

function accountAt(adapter: VenueAdapter, some: Partial<Limits>): Account {
  return {
    name: 'paper',
    adapter,
    clock: new VenueClock(),
    limits: limits(some),
    admit: async () => ({ kind: 'admitted', notes: [] }),
    makeWay: async () => undefined,
    comparing: COMPARES_NOTHING,
    standing: async () => NEW_STANDING,
    pollMs: 1,
    pollsPerSecond: 1_000,
    hasSent: false,
    following: 0,
  };
}

/** The code of the denial, or null, under the account's limits and the strategy's. */
async function judge(
  adapter: VenueAdapter,
  change: Partial<EntryIntent>,
  ofAccount: Partial<Limits>,
  ofStrategy: Partial<Limits> = {},
): Promise<{ code: string | null; message: string; notes: readonly string[] }> {
  const account = accountAt(adapter, ofAccount);
  const { reason, notes } = await checkValueOf(account, anIntent({ quantity: '1', ...change }), limits(ofStrategy));
  return { code: reason?.code ?? null, message: reason?.message ?? '', notes };
}

test('of the account and the strategy the stricter holds, and the denial says whose limit it was', async () => {
  const rows: [string | null, string | null, string | null][] = [
    ['5', '10', 'the account paper'],
    ['10', '5', 'the strategy trend'],
    ['5', null, 'the account paper'],
    [null, '5', 'the strategy trend'],
    ['6', '7', null],
    [null, null, null],
  ];
  for (const [ofAccount, ofStrategy, whose] of rows) {
    const row = JSON.stringify([ofAccount, ofStrategy]);
    const account = accountAt(new DryRunAdapter(), { maxQuantity: ofAccount });
    const found = checkLimitsOf(account, anIntent({ quantity: '6' }), limits({ maxQuantity: ofStrategy }));
    assert.equal(found?.code, whose === null ? undefined : 'QUANTITY_OVER_LIMIT', row);
    if (whose !== null) assert.ok(found!.message.endsWith(`the limit 5 of ${whose}.`), found!.message);
    const venue = new Venue(() => '1');
    const worth = await judge(venue, { quantity: '6' }, { maxNotional: ofAccount }, { maxNotional: ofStrategy });
    assert.equal(worth.code, whose === null ? null : 'NOTIONAL_OVER_LIMIT', row);
    if (whose !== null) assert.ok(worth.message.endsWith(`the limit 5 of ${whose}.`), worth.message);
  }
  const collars = [
    ['0.1', '0.2', 'the account paper'],
    ['0.2', '0.1', 'the strategy trend'],
  ] as const;
  for (const [ofAccount, ofStrategy, whose] of collars) {
    const found = await judge(new Venue(() => '115'), LIMIT, { priceCollar: ofAccount }, { priceCollar: ofStrategy });
    assert.ok(found.code === 'PRICE_OUTSIDE_COLLAR' && found.message.includes(whose), found.message);
  }
});

test('the symbols of a limit are those that the venue understands by them', () => {
  const account = accountAt(new Venue(() => null), { symbols: ['BTC/USDT'] });
  assert.equal(checkLimitsOf(account, anIntent({ symbol: 'BINANCE:BTCUSDT' }), NO_LIMITS), null);
  const other = checkLimitsOf(account, anIntent({ symbol: 'BINANCE:ETHUSDT' }), NO_LIMITS);
  assert.equal(other?.code, 'SYMBOL_NOT_ALLOWED');
});

test('the venue is asked for its price where a limit needs it, once, and else not at all', async () => {
  const rows: [Partial<EntryIntent>, Partial<Limits>, number][] = [
    [{}, ACCOUNT_LIMITS, 0],
    [{}, { maxNotional: '5000' }, 1],
    [LIMIT, { maxNotional: '5000' }, 0],
    [LIMIT, ACCOUNT_LIMITS, 1],
    [LIMIT, { ...ACCOUNT_LIMITS, maxNotional: '5000' }, 1],
  ];
  for (const [change, some, asked] of rows) {
    const venue = new Venue(() => '100');
    assert.equal((await judge(venue, change, some, some)).code, null);
    assert.equal(venue.asked, asked, JSON.stringify([change, some]));
  }
});

test('a sender’s price counts only where the venue has no other, or trades at it', async () => {
  const most = { maxNotional: '50' };
  const denied = await judge(new Venue(() => '100'), DENIED_ALERT, most);
  assert.deepEqual([denied.code, denied.message.includes('worth 100')], ['NOTIONAL_OVER_LIMIT', true]);
  const paper = new Venue(() => '100', { tradesAtAlertPrice: true });
  assert.deepEqual([(await judge(paper, DENIED_ALERT, most)).code, paper.asked], [null, 0]);
  assert.equal((await judge(paper, {}, most)).code, 'NOTIONAL_OVER_LIMIT');
});

test('without any price an order that needs one is denied', async () => {
  const found = await judge(new Venue(() => null), DENIED_ALERT, { maxNotional: '50' });
  assert.equal(found.code, 'NO_REFERENCE_PRICE');
  assert.equal((await judge(new Venue(() => null), LIMIT, ACCOUNT_LIMITS)).code, 'NO_REFERENCE_PRICE');
  assert.equal((await judge(new Venue(() => null), {}, ACCOUNT_LIMITS)).code, null);
});

test('a venue that cannot be asked is asked again, and the order is neither sent nor denied', async () => {
  const rows: [Error, number][] = [
    [new Error('No whole answer within 16 s.'), 500],
    [new NotSent('The circuit breaker is open.', 7_000), 7_000],
  ];
  for (const [failure, delay] of rows) {
    const venue = new Venue(() => {
      throw failure;
    });
    await assert.rejects(judge(venue, {}, { maxNotional: '50' }), (error) => {
      assert.ok(error instanceof ApplicationFailure && error.type === 'NotSent' && !error.nonRetryable);
      assert.equal(error.nextRetryDelay, delay);
      assert.ok(error.message.includes(failure.message) && error.message.includes('BTC/USDT'));
      return true;
    });
  }
});

test('a dry run judges by the alert’s price, and says so where there is none', async () => {
  const limitsOf = { maxNotional: '50', priceCollar: '0.1' };
  const dry = new DryRunAdapter();
  const unpriced = await judge(dry, {}, limitsOf);
  assert.deepEqual([unpriced.code, unpriced.notes.length], [null, 1]);
  assert.equal((await judge(dry, { referencePrice: '51' }, limitsOf)).code, 'NOTIONAL_OVER_LIMIT');
  const fits = await judge(dry, { referencePrice: '50' }, limitsOf);
  assert.deepEqual([fits.code, fits.notes], [null, []]);
  assert.equal((await judge(dry, { ...LIMIT, referencePrice: '200' }, ACCOUNT_LIMITS)).code, 'PRICE_OUTSIDE_COLLAR');
  // What its own price bounds is judged in any case.
  assert.equal((await judge(dry, LIMIT, limitsOf)).code, 'NOTIONAL_OVER_LIMIT');
});

const { publicKey } = generateKeyPairSync('ed25519');

/** What the whole check says of an order. */
async function check(
  account: Account,
  rules: Partial<StrategyRules>,
  change: Partial<EntryIntent> = {},
): Promise<string> {
  const age = { minConfidence: '0.5', maxAgeMs: 60_000 };
  const all = { ...age, accounts: ['paper'], limits: NO_LIMITS, inTurn: false, ...rules };
  const desk: Desk = {
    accounts: new Map([['paper', account]]),
    keys: new VerifyKeys([publicKey]),
    rules: new Map([['trend', all]]),
    sent: new Set(),
    turnedAway: new Set(),
    stopping: new AbortController(),
  };
  const signed = { intent: anIntent(change), signature: { key: '', value: '' } };
  const info = { workflowExecution: { workflowId: 'order:trend:a', runId: 'a' }, isLocal: true };
  const found = await inActivity(info, () => checkBeforeTrade(desk, { signed, originalRunId: 'a' }));
  return found.kind === 'denied' ? found.reason.code : found.kind;
}

test('a worker denies an account that the strategy may not use, whatever ingress let through', async () => {
  const account = accountAt(new Venue(() => '100'), {});
  assert.equal(await check(account, {}), 'admitted');
  assert.equal(await check(account, { accounts: ['binance'] }), 'ACCOUNT_NOT_ALLOWED');
});

test('the check goes from what the alert is, over what may be traded, to what it is worth', async () => {
  const strict = { symbols: ['ETH/USDT'], maxQuantity: '0.001', maxNotional: '0.1' };
  const venue = new Venue(() => '100');
  const account = accountAt(venue, strict);
  assert.equal(await check(account, { accounts: [] }, { confidence: '0.1' }), 'CONFIDENCE_TOO_LOW');
  assert.equal(await check(account, { accounts: [] }), 'ACCOUNT_NOT_ALLOWED');
  assert.equal(await check(account, {}), 'SYMBOL_NOT_ALLOWED');
  assert.equal(await check(accountAt(venue, { ...strict, symbols: null }), {}), 'QUANTITY_OVER_LIMIT');
  assert.equal(venue.asked, 0);
  const late = { ...strict, symbols: null, maxQuantity: null };
  assert.equal(await check(accountAt(venue, late), {}), 'NOTIONAL_OVER_LIMIT');
  assert.equal(await check(accountAt(venue, {}), { limits: limits(late) }), 'NOTIONAL_OVER_LIMIT');
});

test('an order is judged as it would be sent, in the steps of its market', async () => {
  const venue = new (class extends Venue {
    override async plan(): Promise<Plan> {
      return { kind: 'ready', order: { quantity: '1', limitPrice: '111' }, notes: [] };
    }
  })(() => '100');
  assert.equal(
    await check(accountAt(venue, ACCOUNT_LIMITS), {}, { ...LIMIT, limitPrice: '110' }),
    'PRICE_OUTSIDE_COLLAR',
  );
});
