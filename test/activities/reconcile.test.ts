import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';

import type { Account } from '../../activities/desk.ts';
import { Reconciler } from '../../activities/reconcile.ts';
import type { Reach, VenueAdapter } from '../../adapters/venue-adapter.ts';
import type { EngineOrder, ListedOrder, Reconciliation } from '../../domain/reconciliation.ts';
import { halted, NEW_STANDING, type Standing } from '../../domain/standing.ts';
import { eventually } from '../support/eventually.ts';

const restored = (standing: Standing, at: number): Standing =>
  halted(standing, { code: 'ENGINE_RESTORED', scope: 'entries', reason: 'so' }, at);

const order = (id: string, isOpen = true): ListedOrder => ({
  clientOrderId: `ABC${id}`,
  venueOrderId: id,
  symbol: 'BTC/USDT',
  status: isOpen ? 'open' : 'closed',
  isOpen,
  isFilled: !isOpen,
});
const engineOrder = (id: string): EngineOrder => ({
  clientOrderId: `ABC${id}`,
  workflowId: `order:trend:${id}`,
  symbol: 'BTC/USDT',
  status: 'working',
  isRunning: true,
});

/** An account whose venue and engine are what a test says, and a comparison of both that never pauses for long. */
class Desk {
  now = 1_000_000;
  standing: Standing | undefined = NEW_STANDING;
  open: ListedOrder[] = [];
  recent: ListedOrder[] = [];
  engine: EngineOrder[] = [];
  /** Whether the venue can be listed. */
  isListable = true;
  attempts = 0;
  /** Told of each list that was asked for, before it is answered. */
  onList: (reach: Reach) => void = () => undefined;
  readonly reaches: Reach[] = [];
  readonly changes: string[] = [];
  readonly troubles: string[] = [];
  readonly lookups: string[] = [];
  readonly #reconciler: Reconciler;

  constructor(t: TestContext) {
    const adapter = {
      list: async (reach: Reach) => {
        this.attempts += 1;
        if (!this.isListable) throw new Error('The venue is gone.');
        this.reaches.push(reach);
        this.onList(reach);
        return reach === 'open' ? this.open : [...this.open, ...this.recent];
      },
      find: async ({ clientOrderId }: { clientOrderId: string }) => {
        this.lookups.push(clientOrderId);
        const found = this.recent.some((one) => one.clientOrderId === clientOrderId);
        return { kind: found ? 'found' : 'absent' };
      },
    } as unknown as VenueAdapter;
    const account = {
      adapter,
      standing: async () => this.standing,
      comparing: {
        tag: 'ABC',
        everyMs: 1,
        ordersUnder: async (ids: readonly string[]) =>
          new Map(this.engine.filter((one) => ids.includes(one.clientOrderId)).map((one) => [one.clientOrderId, one])),
        resting: async () => this.engine.filter(({ status, isRunning }) => isRunning && status === 'working'),
        onChange: (change: string, { kind, order: name }: { kind: string; order: string }) =>
          this.changes.push(`${change} ${kind} ${name}`),
        onTrouble: (why: string) => this.troubles.push(why),
      },
    } as unknown as Account;
    this.#reconciler = new Reconciler(account, () => this.now);
    const over = new AbortController();
    t.after(() => over.abort());
    void this.#reconciler.run(over.signal);
  }

  get told(): Reconciliation {
    return this.#reconciler.told;
  }

  until(what: string, isSo: (told: Reconciliation) => boolean): Promise<Reconciliation> {
    return eventually(() => this.told, isSo, { withinMs: 5_000, everyMs: 1, what });
  }

  /** Until so many comparisons have begun and ended that every list was asked for once more. */
  async rounds(count = 12): Promise<Reconciliation> {
    const until = this.reaches.length + count;
    await eventually(
      () => this.reaches.length,
      (length) => length > until,
      { withinMs: 5_000, everyMs: 1 },
    );
    return this.told;
  }
}

test('what is found once is not told, for orders live on while they are listed', async (t) => {
  const desk = new Desk(t);
  await desk.rounds();
  // Each time another order: none is there twice.
  let count = 0;
  desk.onList = () => void (desk.open = [order(`${(count += 1)}`)]);
  await desk.rounds();
  assert.deepEqual(desk.changes, []);
});

test('a difference is told once when it is new, and once when it is gone', async (t) => {
  const desk = new Desk(t);
  desk.open = [order('1')];
  await desk.until('a stranger', ({ counts }) => counts.stranger === 1);
  await desk.rounds();
  desk.engine = [engineOrder('1')];
  await desk.until('its end', ({ counts }) => counts.stranger === undefined);
  await desk.rounds();
  assert.deepEqual(desk.changes, ['new stranger ABC1', 'gone stranger ABC1']);
});

test('an order that has ended at the venue is not missing, and one that it does not know is', async (t) => {
  const desk = new Desk(t);
  desk.engine = [engineOrder('ended'), engineOrder('lost')];
  desk.recent = [order('ended', false)];
  const { differences } = await desk.until('a difference', ({ counts }) => counts.missing !== undefined);
  await desk.rounds();
  assert.deepEqual(
    differences.map((difference) => difference.order),
    ['ABClost'],
  );
  // What it has said twice it is not asked again.
  assert.equal(desk.lookups.filter((id) => id === 'ABClost').length, 2);
});

test('orders that are over are listed now and then, and a stranger among them stays told in between', async (t) => {
  const desk = new Desk(t);
  desk.recent = [order('forgotten', false)];
  await desk.until('a stranger', ({ counts }) => counts.stranger === 1);
  await desk.rounds(20);
  assert.deepEqual(desk.changes, ['new stranger ABCforgotten']);
  assert.ok(desk.reaches.filter((reach) => reach === 'recent').length <= desk.reaches.length / 4);
});

test('a halt for a restored engine is cleared by a list of everything that came late enough after it', async (t) => {
  const desk = new Desk(t);
  desk.standing = restored(NEW_STANDING, desk.now);
  desk.open = [order('1')];
  desk.engine = [engineOrder('1')];
  desk.now += 20_000;
  assert.equal((await desk.rounds()).clears, null);
  desk.now += 1;
  const { clears } = await desk.until('a clearing', (told) => told.clears !== null);
  assert.deepEqual(clears, { id: 1, restoredAt: 1_000_000 });
});

test('a list that was read before a halt clears nothing', async (t) => {
  const desk = new Desk(t);
  desk.now += 60_000;
  const first = restored(NEW_STANDING, 1_000_000);
  desk.standing = first;
  await desk.until('a clearing', ({ clears }) => clears?.id === 1);
  // The engine is put back once more while the venue is being listed, and long ago by a clock that was set meanwhile.
  const seen = await new Promise<Reconciliation>((resolve) => {
    desk.onList = () => {
      desk.standing = restored(first, 1_000_001);
      desk.onList = () => resolve(desk.told);
    };
  });
  assert.equal(seen.clears?.id, 1);
  desk.onList = () => undefined;
  await desk.until('a clearing of the other', ({ clears }) => clears?.id === 2);
});

test('an order that the engine does not know keeps the halt, though it was seen once only', async (t) => {
  const desk = new Desk(t);
  desk.standing = restored(NEW_STANDING, desk.now);
  desk.now += 60_000;
  let count = 0;
  desk.onList = () => void (desk.open = [order(`${(count += 1)}`)]);
  assert.equal((await desk.rounds(20)).clears, null);
  // And so does one that is over, which not every list shows.
  desk.onList = () => void (desk.open = []);
  desk.recent = [order('forgotten', false)];
  await desk.until('a stranger', ({ counts }) => counts.stranger === 1);
  assert.equal((await desk.rounds(20)).clears, null);
});

test('without a list nothing is compared and nothing cleared', async (t) => {
  const desk = new Desk(t);
  desk.standing = restored(NEW_STANDING, desk.now);
  desk.now += 60_000;
  desk.isListable = false;
  await eventually(
    () => desk.attempts,
    (attempts) => attempts > 5,
  );
  assert.deepEqual([desk.told.clears, desk.told.reconciledAt], [null, null]);
  desk.isListable = true;
  await desk.until('a clearing', (told) => told.clears !== null);
  // Said once, however long it lasted.
  assert.deepEqual(desk.troubles, ['The venue is gone.']);
});
