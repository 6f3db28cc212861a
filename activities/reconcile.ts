import { setTimeout as sleep } from 'node:timers/promises';

import type { Reach } from '../adapters/venue-adapter.ts';
import {
  compareOrders,
  foundAgain,
  inShort,
  isOurs,
  isSameHalt,
  missing,
  nameOf,
  NEVER_RECONCILED,
  restoredHalt,
  type Difference,
  type EngineOrder,
  type ListedOrder,
  type Reconciliation,
  type RestoredHalt,
} from '../domain/reconciliation.ts';
import { entryIdOf } from '../domain/ids.ts';
import type { Standing } from '../domain/standing.ts';
import type { Account } from './desk.ts';

/** Orders that are over are dear to list, by market, and nothing about them is urgent. */
const RECENT_EVERY = 5;
/** Asking for one order that the venue does not show costs about thirty units of weight there. */
const LOOKUPS_MOST = 3;
const DAY_MS = 24 * 3_600_000;
/** While it is not known how the account stands: after a start that is a matter of seconds. */
const AGAIN_MS = 1_000;
/**
 * What left before the engine was put back may reach the venue for as long as 20 s after (`profile.ts`); a list that was
 * read earlier says nothing of it.
 */
const ARRIVED_MS = 20_000;

/** Compares one account with its venue, again and again: changes nothing there, and keeps what it has found. */
export class Reconciler {
  readonly #account: Account;
  readonly #now: () => number;
  #told = NEVER_RECONCILED;
  /** All of what was told last, and the names of what was found. */
  #differences: readonly Difference[] = [];
  #found: ReadonlySet<string> = new Set();
  /** Orders that rest for the engine, and were not among the venue's open ones. */
  #unseen: ReadonlySet<string> = new Set();
  /** Orders of ours that are over at the venue, and are not settled for the engine. */
  #recent: readonly ListedOrder[] = [];
  #rounds = 0;
  /** The halt since which everything that can be listed has been. */
  #examined: RestoredHalt | null = null;

  /** @param now the engine's time */
  constructor(account: Account, now: () => number) {
    this.#account = account;
    this.#now = now;
  }

  /** What the last comparison has come to. */
  get told(): Reconciliation {
    return this.#told;
  }

  /** Compares until it is told to end. */
  async run(over: AbortSignal): Promise<void> {
    const { adapter, comparing, standing: standingNow } = this.#account;
    const list = adapter.list?.bind(adapter);
    if (list === undefined) return;
    let isFailing = false;
    while (!over.aborted) {
      let standing: Standing | undefined;
      try {
        standing = await standingNow();
        if (standing !== undefined) await this.#round(list, standing);
        isFailing = false;
      } catch (error) {
        // A venue that is gone tells as much by itself: said once.
        if (!isFailing && !over.aborted) comparing.onTrouble(error instanceof Error ? error.message : String(error));
        isFailing = true;
      }
      const pause = standing === undefined ? AGAIN_MS : comparing.everyMs;
      await sleep(pause, undefined, { signal: over }).catch(() => undefined);
    }
  }

  /** @param standing how the account stood before the first question was asked */
  async #round(list: (reach: Reach) => Promise<ListedOrder[]>, standing: Standing): Promise<void> {
    const { tag, ordersUnder, resting } = this.#account.comparing;
    const at = this.#now();
    const halt = restoredHalt(standing);
    const hasArrived = halt !== null && at - halt.restoredAt > ARRIVED_MS;
    const isWhole = (hasArrived && !isSameHalt(halt, this.#examined)) || this.#rounds % RECENT_EVERY === 0;

    // The venue first: an order that is there was in the engine before.
    const listed = await list(isWhole ? 'recent' : 'open');
    const open = new Set(listed.map(placeOf));
    const all = isWhole ? listed : [...listed, ...this.#recent.filter((order) => !open.has(placeOf(order)))];
    const ours = all.filter((order) => isOurs(order, tag)).map(({ clientOrderId }) => clientOrderId);
    const known = await ordersUnder(ours, halt !== null);
    const { differences, unseen } = compareOrders({ tag, listed: all, known, resting: await resting() });
    const found = [...differences, ...(await this.#lookFor(unseen, at))];

    this.#rounds += 1;
    if (isWhole) {
      const isInDoubt = ({ clientOrderId: id }: ListedOrder): boolean =>
        known.get(entryIdOf(id))?.isRunning !== false || differences.some(({ order }) => order === id);
      this.#recent = listed.filter((order) => !order.isOpen && isOurs(order, tag) && isInDoubt(order));
      if (hasArrived) this.#examined = halt;
    }
    this.#unseen = new Set(unseen.map(({ clientOrderId }) => clientOrderId));
    const hasStranger = differences.some(({ kind }) => kind === 'stranger');
    const isCleared = !hasStranger && isSameHalt(halt, isWhole ? this.#examined : this.#told.clears);
    this.#tell(found, at, isCleared ? halt : null);
  }

  /** Most have just ended, and are found under their id: whoever follows them takes that over. */
  async #lookFor(unseen: readonly EngineOrder[], now: number): Promise<Difference[]> {
    const found: Difference[] = [];
    const told = new Set(this.#differences.map(nameOf));
    let left = LOOKUPS_MOST;
    for (const order of unseen) {
      const { clientOrderId, symbol } = order;
      if (!this.#unseen.has(clientOrderId)) continue;
      const difference = missing(order);
      // What the venue has said twice of an order that it still does not show, it need not say again.
      const isKnown = told.has(nameOf(difference));
      if (!isKnown && left === 0) continue;
      if (!isKnown) left -= 1;
      const isThere = async (): Promise<boolean> =>
        (await this.#account.adapter.find({ clientOrderId, symbol, lostAt: now - DAY_MS, now })).kind === 'found';
      if (isKnown || !(await isThere())) found.push(difference);
    }
    return found;
  }

  /** Orders live on while they are listed: what is found twice in a row is told. */
  #tell(found: readonly Difference[], at: number, clears: RestoredHalt | null): void {
    const { onChange } = this.#account.comparing;
    const differences = foundAgain(found, this.#found);
    const before = new Set(this.#differences.map(nameOf));
    const after = new Set(differences.map(nameOf));
    for (const difference of differences) if (!before.has(nameOf(difference))) onChange('new', difference);
    for (const difference of this.#differences) if (!after.has(nameOf(difference))) onChange('gone', difference);
    this.#differences = differences;
    this.#found = new Set(found.map(nameOf));
    this.#told = { reconciledAt: Math.round(at), ...inShort(differences), clears };
  }
}

/** Ids are the venue's by market. */
const placeOf = ({ symbol, venueOrderId }: ListedOrder): string => `${symbol} ${venueOrderId}`;
