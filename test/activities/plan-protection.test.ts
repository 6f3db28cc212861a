import assert from 'node:assert/strict';
import { test } from 'node:test';

import { planProtection } from '../../activities/plan-protection.ts';
import type { Account } from '../../activities/desk.ts';
import { VenueClock } from '../../activities/venue-clock.ts';
import { DryRunAdapter } from '../../adapters/dry-run/dry-run-adapter.ts';
import { NotSent, type OrderTicket, type Plan } from '../../adapters/venue-adapter.ts';
import type { EntryIntent } from '../../domain/intent.ts';
import { NO_LIMITS } from '../../domain/limits.ts';
import { NEW_STANDING } from '../../domain/standing.ts';
import { anIntent } from '../support/an-intent.ts';
import { COMPARES_NOTHING } from './lying-engine.ts';

/** A venue with a price of its own, which keeps what it was asked, and refuses the legs that it is told to. */
class Venue extends DryRunAdapter {
  readonly planned: OrderTicket[] = [];
  asked = 0;
  readonly #quote: () => string | null;
  readonly #answer: (ticket: OrderTicket) => Plan;

  constructor(
    quote: () => string | null,
    answer: (ticket: OrderTicket) => Plan = () => ({ kind: 'ready', notes: [] }),
  ) {
    super();
    this.#quote = quote;
    this.#answer = answer;
  }

  async quote(): Promise<string | null> {
    this.asked += 1;
    return this.#quote();
  }

  override async plan(ticket: OrderTicket): Promise<Plan> {
    this.planned.push(ticket);
    return this.#answer(ticket);
  }
}

function plan(adapter: DryRunAdapter, change: Partial<EntryIntent>, fitted: Partial<EntryIntent> = {}) {
  const account: Account = {
    name: 'paper',
    adapter,
    clock: new VenueClock(),
    limits: NO_LIMITS,
    admit: async () => ({ kind: 'admitted', notes: [] }),
    makeWay: async () => undefined,
    comparing: COMPARES_NOTHING,
    standing: async () => NEW_STANDING,
    pollMs: 1,
    pollsPerSecond: 1_000,
    hasSent: false,
    following: 0,
  };
  const intent = anIntent({ quantity: '1.005', ...change });
  const signed = { intent, signature: { key: '', value: '' } };
  return planProtection(account, { signed }, { ...intent, quantity: '1', ...fitted });
}

const STOP = { stopLoss: { percent: '5' } } as const;
const TARGETS = {
  takeProfit: [
    { share: '0.25', level: { percent: '10' } },
    { share: '0.75', level: { price: '120' } },
  ],
};

test('every part is planned as it would be sent, at the price at which the entry is expected', async () => {
  const venue = new Venue(() => '100');
  assert.deepEqual(await plan(venue, { ...STOP, ...TARGETS }), { reason: null, notes: [] });
  const told = venue.planned.map((ticket) => [
    ticket.clientOrderId.slice(26),
    ticket.side,
    ticket.type,
    ticket.quantity,
    ticket.limitPrice,
    ticket.stopPrice,
    ticket.referencePrice,
  ]);
  assert.deepEqual(told, [
    ['-P0.0', 'sell', 'bracket', '0.24975', '110', '95', '100'],
    ['-P1.0', 'sell', 'bracket', '0.74925', '120', '95', '100'],
  ]);
});

test('the first part that would be refused denies the entry, by its name', async () => {
  const refuses = ({ limitPrice }: OrderTicket): Plan =>
    limitPrice === '120'
      ? { kind: 'refused', reason: { code: 'QUANTITY_BELOW_MINIMUM', message: '1 is below 2.', fix: null } }
      : { kind: 'ready', notes: [] };
  const { reason } = await plan(new Venue(() => '100', refuses), TARGETS);
  assert.equal(reason?.code, 'BRACKET_TOO_SMALL');
  assert.match(reason.message, /the target 2 of 2.*1 is below 2/);
});

test('levels are held against the market where the entry trades at once, and as the venue would have them', async () => {
  const rows: [Partial<EntryIntent>, Partial<EntryIntent>, string | null][] = [
    [{ stopLoss: { price: '99' } }, {}, null],
    [{ stopLoss: { price: '100' } }, {}, 'BRACKET_WRONG_SIDE'],
    [{ ...TARGETS, side: 'sell' }, {}, 'BRACKET_WRONG_SIDE'],
    [{ orderType: 'limit', limitPrice: '90', stopLoss: { price: '89' } }, {}, null],
    [{ orderType: 'limit', limitPrice: '110', stopLoss: { price: '105' } }, {}, 'BRACKET_WRONG_SIDE'],
    // What waits for its price is not held against the market's.
    [{ orderType: 'stop', stopPrice: '110', stopLoss: { price: '105' } }, {}, null],
    [
      { orderType: 'limit', limitPrice: '90.9', stopLoss: { price: '90.5' } },
      { limitPrice: '90' },
      'BRACKET_TOO_CLOSE',
    ],
  ];
  for (const [change, fitted, code] of rows) {
    const { reason } = await plan(new Venue(() => '100'), change, fitted);
    assert.equal(reason?.code ?? null, code, JSON.stringify(change));
  }
  const inSteps = (ticket: OrderTicket): Plan => ({ kind: 'ready', order: { ...ticket, stopPrice: '100' }, notes: [] });
  assert.equal((await plan(new Venue(() => '100', inSteps), STOP)).reason?.code, 'BRACKET_TOO_CLOSE');
});

test('the venue is asked for its price where it decides, and for nothing that has no protection', async () => {
  const rows: [Partial<EntryIntent>, number, number][] = [
    [{}, 0, 0],
    [STOP, 1, 1],
    [{ ...STOP, ...TARGETS, orderType: 'limit', limitPrice: '100' }, 1, 2],
    [{ ...STOP, orderType: 'stop', stopPrice: '110' }, 0, 1],
    [{ ...STOP, orderType: 'stop_limit', stopPrice: '110', limitPrice: '111' }, 0, 1],
  ];
  for (const [change, asked, planned] of rows) {
    const venue = new Venue(() => '100');
    assert.deepEqual(await plan(venue, change), { reason: null, notes: [] });
    assert.deepEqual([venue.asked, venue.planned.length], [asked, planned], JSON.stringify(change));
  }
});

test('without a price nothing is guessed: what the alert tells is judged, and that is said', async () => {
  const silent = (): null => null;
  const down = (): never => {
    throw new NotSent('The circuit breaker is open.', 7_000);
  };
  for (const quote of [silent, down]) {
    const unknown = new Venue(quote);
    const { reason, notes } = await plan(unknown, { ...STOP, ...TARGETS });
    assert.deepEqual([reason, notes.length, unknown.planned.length], [null, 1, 0]);
    // A target at a price of its own counts from nothing.
    const absolute = new Venue(quote);
    await plan(absolute, TARGETS);
    assert.deepEqual(
      absolute.planned.map(({ limitPrice, referencePrice }) => [limitPrice, referencePrice]),
      [['120', undefined]],
    );
    const seen = new Venue(quote);
    assert.equal((await plan(seen, { ...STOP, referencePrice: '50' })).notes.length, 1);
    assert.equal(seen.planned[0]?.stopPrice, '47.5');
    const limited = new Venue(quote);
    assert.equal((await plan(limited, { ...STOP, orderType: 'limit', limitPrice: '200' })).notes.length, 1);
    assert.equal(limited.planned[0]?.stopPrice, '190');
  }
  // In dry run there is no other price than the alert's.
  assert.deepEqual(await plan(new DryRunAdapter(), { ...STOP, referencePrice: '50' }), { reason: null, notes: [] });
  assert.equal((await plan(new DryRunAdapter(), STOP)).notes.length, 1);
});
