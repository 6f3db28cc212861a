import assert from 'node:assert/strict';
import { test } from 'node:test';

import { placeOrder } from '../../activities/place-order.ts';
import { checkBeforeTrade } from '../../activities/check-before-trade.ts';
import type { Desk } from '../../activities/desk.ts';
import type { AdapterLookup, LookupHint, OrderTicket, Plan } from '../../adapters/venue-adapter.ts';
import type { Placement } from '../../domain/outcome.ts';
import { exitOf, protectionOf, type Leg } from '../../domain/leg.ts';
import { NO_LIMITS } from '../../domain/limits.ts';
import { halted, NEW_STANDING, type HaltScope, type Standing } from '../../domain/standing.ts';
import { anIntent } from '../support/an-intent.ts';
import { inActivity } from '../support/in-activity.ts';
import { deskOf } from './lying-engine.ts';
import { LyingVenue } from './lying-venue.ts';
import { World } from './lying-world.ts';

/** A venue that takes everything, and keeps what it was sent and asked. */
class Willing extends LyingVenue {
  readonly sent: OrderTicket[] = [];
  asked = 0;

  override async place(ticket: OrderTicket): ReturnType<LyingVenue['place']> {
    this.sent.push(ticket);
    const order = { venueOrderId: 'v-1', status: 'working', filledQuantity: '0', averagePrice: null } as const;
    return { kind: 'accepted', order };
  }

  /** What of a leg can rest there. */
  rests: 'stop' | 'nothing' | undefined;

  override async plan(): Promise<Plan> {
    return { kind: 'ready', notes: [], ...(this.rests === undefined ? {} : { rests: this.rests }) };
  }

  /** What it knows already, by the end of the client order id. */
  known = 'nothing';

  override async find({ clientOrderId }: LookupHint): Promise<AdapterLookup> {
    this.asked += 1;
    if (clientOrderId.endsWith(this.known)) {
      const order = { venueOrderId: 'v-9', status: 'filled', filledQuantity: '0.01', averagePrice: '99' } as const;
      return { kind: 'found', order };
    }
    return { kind: 'absent', proof: 'It takes each id once.' };
  }
}

const HOUR_MS = 3_600_000;

class Scene {
  readonly world = new World(new Uint8Array(), 0);
  readonly venue = new Willing(this.world, { isBound: true, isWatchful: false, isFalse: false });
  readonly desk: Desk = deskOf(this.venue, this.world);
  admissions = 0;
  /** The entry was filled an hour after its alert: nothing of it may be sent any more. */
  readonly intent = anIntent({
    receivedAt: this.world.now,
    notAfter: this.world.now + 60_000,
    stopLoss: { percent: '1' },
  });
  readonly #account = this.desk.accounts.get(this.intent.account)!;

  constructor() {
    this.world.pass(HOUR_MS);
    this.#set({
      admit: async () => {
        this.admissions += 1;
        return { kind: 'wait', why: 'Others come first.' };
      },
      standing: async () => NEW_STANDING,
    });
  }

  stands(standing: Standing | undefined): void {
    this.#set({ standing: async () => standing });
  }

  leg(notAfter = this.world.now + 30_000): Leg {
    return protectionOf(this.intent, { part: 0, generation: 0, quantity: '0.01', averagePrice: '100', notAfter });
  }

  place(
    leg: Leg | undefined,
    { run = 'first', scheduled = this.world.now, startedAt = this.intent.receivedAt } = {},
  ): Promise<Placement> {
    const attempt = {
      workflowExecution: { workflowId: 'order:trend:a-1', runId: run },
      scheduledTimestampMs: scheduled,
      currentAttemptScheduledTimestampMs: scheduled,
    };
    const signed = { intent: this.intent, signature: { key: '', value: '' } };
    const request = { signed, originalRunId: 'first', ...(leg === undefined ? {} : { leg, startedAt }) };
    return inActivity(attempt, () => placeOrder(this.desk, request));
  }

  check(leg: Leg, run = 'first') {
    const workflowExecution = { workflowId: 'order:trend:a-1', runId: run };
    const attempt = { workflowExecution, isLocal: false, scheduledTimestampMs: this.world.now };
    const signed = { intent: this.intent, signature: { key: '', value: '' } };
    const request = { signed, originalRunId: 'first', leg };
    return inActivity({ ...attempt, currentAttemptScheduledTimestampMs: this.world.now }, () =>
      checkBeforeTrade(this.desk, request),
    );
  }

  #set(change: object): void {
    Object.assign(this.#account, change);
  }
}

test('a leg leaves as it was asked for, under its entry’s id', async () => {
  const scene = new Scene();
  const leg = scene.leg();
  assert.equal((await scene.place(leg)).kind, 'accepted');
  assert.deepEqual(scene.venue.sent, [
    {
      clientOrderId: `${scene.intent.clientOrderId}-P0.0`,
      symbol: 'BTC/USDT',
      side: 'sell',
      type: 'stop',
      quantity: '0.01',
      stopPrice: '99',
      notAfter: leg.notAfter,
    },
  ]);
});

for (const scope of ['entries', 'all'] as const satisfies HaltScope[]) {
  test(`a leg passes a halt of ${scope}: protection is not kept back`, async () => {
    const scene = new Scene();
    scene.stands(halted(NEW_STANDING, { code: 'HALTED', scope }, 1));
    assert.equal((await scene.place(scene.leg())).kind, 'accepted');
  });
}

test('a leg leaves also while nobody knows how the account stands', async () => {
  const scene = new Scene();
  scene.stands(undefined);
  assert.equal((await scene.place(scene.leg())).kind, 'accepted');
});

test('a leg is not counted, and waits for no turn', async () => {
  const scene = new Scene();
  assert.equal((await scene.place(scene.leg())).kind, 'accepted');
  assert.equal(scene.admissions, 0);
});

test('a leg is not looked for first because its entry’s alert is old; after a reset, or an engine that was restored, it is', async () => {
  const first = new Scene();
  await first.place(first.leg());
  assert.deepEqual([first.venue.asked, first.venue.sent.length], [0, 1]);
  const reset = new Scene();
  await reset.place(reset.leg(), { run: 'second' });
  assert.ok(reset.venue.asked > 0 && reset.venue.sent.length === 1);
  const restored = new Scene();
  restored.stands(halted(NEW_STANDING, { code: 'ENGINE_RESTORED', scope: 'entries' }, restored.world.now));
  await restored.place(restored.leg());
  assert.deepEqual([restored.venue.asked, restored.venue.sent.length], [1, 1]);
});

test('a leg of a history that somebody began a second time is looked for first', async () => {
  const usual = new Scene();
  await usual.place(usual.leg(), { startedAt: usual.intent.receivedAt + 5_000 });
  assert.equal(usual.venue.asked, 0);
  const again = new Scene();
  await again.place(again.leg(), { startedAt: again.intent.receivedAt + 5_001 });
  assert.ok(again.venue.asked > 0);
});

test('a leg that this process has sent already is looked for before it is sent again', async () => {
  const scene = new Scene();
  await scene.place(scene.leg());
  await scene.place(scene.leg());
  assert.equal(scene.venue.asked, 1);
});

test('a leg is too late by its own time, not by its entry’s', async () => {
  const scene = new Scene();
  const { now } = scene.world;
  const late = await scene.place(scene.leg(now));
  assert.deepEqual([late.kind, scene.venue.sent.length], ['expired', 0]);
  assert.equal((await scene.place(scene.leg(now + 1_000))).kind, 'accepted');
  // The entry itself is too late by now.
  assert.equal((await scene.place(undefined)).kind, 'expired');
});

test('a leg is held to no rule by which its entry was let in', async () => {
  const scene = new Scene();
  Object.assign(scene.desk.accounts.get('paper')!, { limits: { ...NO_LIMITS, symbols: [], maxQuantity: '0.0001' } });
  Object.assign(scene.desk, { rules: new Map() });
  const check = await scene.check(scene.leg());
  assert.equal(check.kind, 'admitted', JSON.stringify(check));
});

test('a leg of which the venue takes a part is told as that, and is looked for first only where it could be there', async () => {
  const bracket = (scene: Scene): Leg => ({ ...scene.leg(), type: 'bracket', limitPrice: '110' });
  for (const rests of ['stop', 'nothing'] as const) {
    const scene = new Scene();
    scene.venue.rests = rests;
    assert.deepEqual(await scene.check(bracket(scene)), { kind: 'held', rests });
    // No market of this venue takes one: what is asked for are the exits of an earlier run, where no placement will ask.
    assert.deepEqual(await scene.check(bracket(scene), 'second'), { kind: 'held', rests });
    assert.equal(scene.venue.asked > 0, rests === 'nothing');
    const { asked } = scene.venue;
    Object.assign(scene.venue.capabilities, { brackets: true });
    await scene.check(bracket(scene), 'second');
    assert.equal(scene.venue.asked, 2 * asked + 1);
  }
});

test('after a reset, or in a history that somebody began again, what was only watched is not watched where it is out', async () => {
  for (const known of ['-E0.0', '-E0.9']) {
    const scene = new Scene();
    Object.assign(scene.venue, { rests: 'nothing', known });
    const first = await scene.check(scene.leg());
    assert.equal(first.kind, 'held');
    const second = await scene.check(scene.leg(), 'second');
    assert.deepEqual(
      second.kind === 'denied' && second.reason.code,
      known === '-E0.0' ? 'TAKEN_OUT' : 'SUPERSEDED',
      JSON.stringify(second),
    );
  }
});

test('after a reset an exit is not sent where its part is protected again', async () => {
  for (const [known, outcome] of [
    ['-P0.2', 'expired'],
    ['-E0.3', 'denied'],
    ['-P0.1', 'denied'],
  ] as const) {
    const scene = new Scene();
    scene.venue.known = known;
    const exit = exitOf(scene.intent, { part: 0, generation: 1, quantity: '0.01', notAfter: scene.world.now + 1_000 });
    assert.equal((await scene.place(exit, { run: 'second' })).kind, outcome, known);
    assert.equal((await scene.place({ ...exit, notAfter: scene.world.now + 1_000 })).kind, 'accepted', known);
  }
});

test('after a reset a leg that is not at the venue is not sent where a later one of its part is', async () => {
  const rows: [known: string, outcome: Placement['kind'], sent: number][] = [
    ['-P0.1', 'expired', 0],
    ['-P0.4', 'expired', 0],
    ['-E0.0', 'denied', 0],
    ['-E0.1', 'denied', 0],
    ['-E0.12', 'denied', 0],
    ['-E0.13', 'accepted', 1],
    // Of another part.
    ['-E1.1', 'accepted', 1],
    ['nothing', 'accepted', 1],
  ];
  for (const [known, outcome, sent] of rows) {
    const scene = new Scene();
    scene.venue.known = known;
    assert.equal((await scene.place(scene.leg(), { run: 'second' })).kind, outcome, known);
    assert.equal(scene.venue.sent.length, sent, known);
    // Nor where somebody began the history again, under the name of a first run.
    const again = new Scene();
    again.venue.known = known;
    assert.equal((await again.place(again.leg(), { startedAt: again.intent.receivedAt + 5_001 })).kind, outcome, known);
    // In the first run nothing can have come after it, and nobody is asked.
    const first = new Scene();
    first.venue.known = known;
    await first.place(first.leg());
    assert.deepEqual([first.venue.asked, first.venue.sent.length], [0, 1], known);
  }
});
