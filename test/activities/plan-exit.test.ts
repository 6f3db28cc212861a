import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Account } from '../../activities/desk.ts';
import { placeOrder } from '../../activities/place-order.ts';
import { planExit } from '../../activities/plan-exit.ts';
import { NotSent, type OrderTicket } from '../../adapters/venue-adapter.ts';
import type { Admission } from '../../domain/admission.ts';
import type { ExitPlan, ExitRequest, Holding } from '../../domain/exit-plan.ts';
import type { ExitIntent } from '../../domain/intent.ts';
import type { Leg } from '../../domain/leg.ts';
import { halted, NEW_STANDING, type HaltScope, type Standing } from '../../domain/standing.ts';
import { anIntent } from '../support/an-intent.ts';
import { inActivity } from '../support/in-activity.ts';
import { deskOf } from './lying-engine.ts';
import { LyingVenue } from './lying-venue.ts';
import { World } from './lying-world.ts';

const PLAN: ExitPlan = {
  kind: 'planned',
  side: 'sell',
  quantity: '3',
  own: '2',
  opens: '1',
  entries: [{ clientOrderId: 'E', workflowId: 'order:trend:e', quantity: null }],
  notes: [],
};

/** A venue that takes everything, and says what it holds. */
class Holder extends LyingVenue {
  readonly sent: OrderTicket[] = [];
  held: Holding | Error = { kind: 'asset', quantity: '3' };

  override async place(ticket: OrderTicket): ReturnType<LyingVenue['place']> {
    this.sent.push(ticket);
    const order = { venueOrderId: 'v-1', status: 'working', filledQuantity: '0', averagePrice: null } as const;
    return { kind: 'accepted', order };
  }

  async holding(): Promise<Holding> {
    if (this.held instanceof Error) throw this.held;
    return this.held;
  }
}

class Scene {
  readonly world = new World(new Uint8Array(), 0);
  readonly venue = new Holder(this.world, { isBound: true, isWatchful: false, isFalse: false });
  readonly desk = deskOf(this.venue, this.world);
  readonly asked: ExitRequest[] = [];
  answer: Admission | undefined = PLAN;
  readonly #account = this.desk.accounts.get('paper')!;

  constructor() {
    this.#set({
      admit: async (request) => {
        this.asked.push(request as ExitRequest);
        return this.answer;
      },
      standing: async () => NEW_STANDING,
    });
  }

  stands(standing: Standing | undefined): void {
    this.#set({ standing: async () => standing });
  }

  intent(change: Partial<ExitIntent> = {}): ExitIntent {
    const { side: _side, orderType: _type, quantity: _quantity, ...rest } = anIntent();
    const { now } = this.world;
    return { ...rest, exit: 'close', receivedAt: now, notAfter: now + 600_000, ...change };
  }

  plan(change: Partial<ExitIntent> = {}) {
    const signed = { intent: this.intent(change), signature: { key: '', value: '' } };
    return this.#attempt(() =>
      planExit(this.desk, { signed, originalRunId: 'first', startedAt: signed.intent.receivedAt }),
    );
  }

  place(leg: Partial<Leg> = {}) {
    const signed = { intent: this.intent({ exit: 'reverse', quantity: '1' }), signature: { key: '', value: '' } };
    const { notAfter, receivedAt: startedAt } = signed.intent;
    const basis = { name: 'exit', part: 0, generation: 0, side: 'sell', type: 'market', quantity: '2' } as const;
    const request = { signed, originalRunId: 'first', startedAt, leg: { ...basis, notAfter, ...leg } };
    return this.#attempt(() => placeOrder(this.desk, request));
  }

  #attempt<T>(work: () => Promise<T>): Promise<T> {
    const scheduled = this.world.now;
    const attempt = {
      workflowExecution: { workflowId: 'order:trend:x', runId: 'first' },
      scheduledTimestampMs: scheduled,
      currentAttemptScheduledTimestampMs: scheduled,
    };
    return inActivity(attempt, work);
  }

  #set(change: Partial<Account>): void {
    Object.assign(this.#account, change);
  }
}

const halt = (scope: HaltScope): Standing => halted(NEW_STANDING, { code: 'HALTED', scope }, 1);
const inShort = (decided: { kind: string; reason?: { code: string } }): string =>
  [decided.kind, decided.reason?.code].filter(Boolean).join(' ');

test('the account decides with what the venue holds before it', async () => {
  const scene = new Scene();
  assert.deepEqual(await scene.plan(), PLAN);
  assert.deepEqual(
    scene.asked.map(({ holding, confirms }) => [holding, confirms]),
    [[{ kind: 'asset', quantity: '3' }, undefined]],
  );
});

test('a venue that cannot be asked is not taken for one that holds nothing', async () => {
  const scene = new Scene();
  for (const held of [new Error('gone'), new NotSent('The breaker is open.', 500)]) {
    scene.venue.held = held;
    await assert.rejects(scene.plan(), { type: 'NotSent' });
  }
  assert.equal(scene.asked.length, 0);
});

test('an account that cannot be asked, and one that says to wait, is asked again', async () => {
  const scene = new Scene();
  for (const answer of [undefined, { kind: 'wait', why: 'Another exit comes first.' } as const]) {
    scene.answer = answer;
    await assert.rejects(scene.plan(), { type: 'NotSent' });
  }
});

const rows: readonly [string, HaltScope | 'unknown' | null, Partial<ExitIntent>, string][] = [
  ['a close passes a halt of entries', 'entries', {}, 'planned'],
  ['a flatten as well', 'entries', { exit: 'flatten' }, 'planned'],
  ['a reverse does not', 'entries', { exit: 'reverse', quantity: '1' }, 'denied HALTED'],
  ['a halt of all lets nothing pass', 'all', {}, 'denied HALTED'],
  ['a close does not wait for knowledge of halts', 'unknown', {}, 'planned'],
  ['nor for being sure of itself, or young', null, { confidence: '0.01', alertTime: 1 }, 'planned'],
  [
    'a reverse is sure of itself',
    null,
    { exit: 'reverse', quantity: '1', confidence: '0.01' },
    'denied CONFIDENCE_TOO_LOW',
  ],
  ['a stop on a close', null, { stopLoss: { percent: '1' } }, 'denied BRACKET_ON_EXIT'],
  ['one that comes too late', null, { notAfter: 0 }, 'expired TOO_LATE_TO_SEND'],
];
for (const [name, scope, change, expected] of rows) {
  test(name, async () => {
    const scene = new Scene();
    if (scope !== null) scene.stands(scope === 'unknown' ? undefined : halt(scope));
    assert.equal(inShort(await scene.plan(change)), expected);
  });
}

test('a reverse waits until it is known whether it is halted', async () => {
  const scene = new Scene();
  scene.stands(undefined);
  await assert.rejects(scene.plan({ exit: 'reverse', quantity: '1' }), { type: 'NotSent' });
});

test('an exit’s order leaves as the account has decided, and not otherwise', async () => {
  const legs: readonly [Partial<Leg>, string][] = [
    [{}, 'accepted'],
    [{ quantity: '1.5', generation: 1 }, 'accepted'],
    [{ part: 1, quantity: '1' }, 'accepted'],
    [{ quantity: '2.1' }, 'denied EXIT_NOT_PLANNED'],
    [{ side: 'buy' }, 'denied EXIT_NOT_PLANNED'],
    [{ part: 1, quantity: '1.1' }, 'denied EXIT_NOT_PLANNED'],
  ];
  for (const [leg, expected] of legs) {
    const scene = new Scene();
    assert.equal(inShort(await scene.place(leg)), expected, JSON.stringify(leg));
    assert.equal(scene.venue.sent.length, expected === 'accepted' ? 1 : 0);
    assert.ok(scene.asked.every(({ confirms }) => confirms === true));
  }
});

test('an exit that the account knows nothing of does not leave', async () => {
  const scene = new Scene();
  scene.answer = { kind: 'denied', reason: { code: 'EXIT_NOT_PLANNED', message: '', fix: null } };
  assert.equal(inShort(await scene.place()), 'denied EXIT_NOT_PLANNED');
  assert.equal(scene.venue.sent.length, 0);
});

test('a halt of all that comes after the decision keeps an exit’s order; one of entries what a reverse opens', async () => {
  for (const [scope, part, expected] of [
    ['all', 0, 'denied HALTED'],
    ['entries', 0, 'accepted'],
    ['entries', 1, 'denied HALTED'],
  ] as const) {
    const scene = new Scene();
    scene.stands(halt(scope));
    assert.equal(inShort(await scene.place({ part, quantity: '1' })), expected, `${scope} ${part}`);
  }
});
