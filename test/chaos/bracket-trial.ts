import { setTimeout as sleep } from 'node:timers/promises';

import { legId } from '../../domain/ids.ts';
import type { BooksView, Order } from '../simulators/binance-spot/start-simulator.ts';
import { bookedOf, type Booked } from './bracket-oracle.ts';
import type { Act, Ids } from './bracket-plan.ts';
import { gapsOf } from './cover.ts';
import type { Behavior } from './plan.ts';
import type { Rig } from './rig.ts';
import * as round from './round.ts';
import { alertFor, send } from './sender.ts';

/** Nothing of it comes about by itself at the price of the market, which is 67500. */
const BRACKET = { stop_loss: '60000', take_profit: '75000' };
const RESTING = { ...BRACKET, order_type: 'limit', limit_price: '66000' };
const STOP = '60000';
/** Of the 0.01 that is bought. */
const PART = '0.004';
const WHOLE = '0.01';
const LOOK_MS = 100;
const TAKE_OUT_MS = 250;

const RESTS: readonly Act[] = ['resting-alert', 'fill', 'part-fill', 'rest-fill'];

export type BracketTrial = round.Trial & { readonly ids: Ids };

export function trialOf(id: string, behavior: Behavior, act: Act): BracketTrial {
  const entry = round.clientIdOf(id);
  const sent = alertFor(id, entry, RESTS.includes(act) ? RESTING : BRACKET);
  const leg = (name: string, generation: number): string => legId(entry, name, 0, generation);
  const ids = { entry, protection: leg('protection', 0), replacement: leg('protection', 1), exit: leg('exit', 1) };
  return { sent, behavior, ids, story: undefined, overAt: undefined };
}

/** What the venue has of some positions, and what is done to them there. */
export class Positions {
  readonly #rig: Rig;
  readonly #trials: readonly BracketTrial[];
  readonly #random: () => number;
  readonly #sending: Promise<void>[] = [];

  constructor(rig: Rig, trials: readonly BracketTrial[], random: () => number) {
    this.#rig = rig;
    this.#trials = trials;
    this.#random = random;
  }

  /** Brings the positions to where the act begins. */
  async prepare(act: Act): Promise<void> {
    if (act === 'alert' || act === 'resting-alert') return;
    this.#send();
    if (!RESTS.includes(act)) {
      await this.untilSafe();
      return;
    }
    await this.#until(({ entries }) => entries.length > 0);
    if (act !== 'rest-fill') return;
    await this.#fillEntries(PART);
    await this.untilSafe();
  }

  async act(act: Act): Promise<void> {
    switch (act) {
      case 'alert':
      case 'resting-alert':
        this.#send();
        return;
      case 'fill':
        return this.#fillEntries(WHOLE);
      case 'part-fill':
        return this.#fillEntries(PART);
      case 'rest-fill':
        return this.#fillEntries(WHOLE);
      case 'nothing':
        return;
      case 'target':
        return this.#each(({ ids }) => this.#trade(`${ids.protection}T`, WHOLE));
      case 'part-of-target':
        return this.#each(({ ids }) => this.#trade(`${ids.protection}T`, PART));
      case 'part-of-stop':
        return this.#each(async ({ ids }) => {
          const which = { clientOrderId: `${ids.protection}S` };
          await this.#trade(which.clientOrderId, PART, STOP);
          // There was nobody else to sell to.
          await this.#rig.venue.control.expire(which).catch(notOpen);
        });
    }
  }

  /** Fills what rests already. */
  fillWhatRests(): Promise<void> {
    return this.#fillEntries(WHOLE);
  }

  /** Fills what rests, and what only comes to rest now that all runs again. */
  async fillAll(): Promise<void> {
    await this.#until(({ entries }) => entries.length > 0);
    await this.fillWhatRests();
  }

  /** Until all that is held has a stop, or all is out again. */
  untilSafe(): Promise<void> {
    return this.#until(isSafe);
  }

  /** Takes everything out at its target, once it is whole and has its stop; returns when all is over, or never will be. */
  async takeOut(): Promise<void> {
    await Promise.allSettled(this.#sending);
    const until = performance.now() + round.SETTLED_WITHIN_MS;
    while (this.#trials.some(({ overAt }) => overAt === undefined) && performance.now() < until) {
      const books = await this.books();
      for (const { ids, overAt } of this.#trials) {
        const booked = bookedOf(books, ids.entry);
        if (overAt !== undefined || !isSafe(booked)) continue;
        const resting = booked.entries.find(isOpen);
        if (resting !== undefined) await this.#trade(ids.entry, WHOLE);
        const target = booked.exits.find((order) => isOpen(order) && order.clientOrderId.endsWith('T'));
        if (resting === undefined && target !== undefined) await this.#trade(target.clientOrderId, target.origQty);
      }
      await sleep(TAKE_OUT_MS);
    }
  }

  books(): Promise<BooksView> {
    return this.#rig.venue.control.books(this.#trials.map(({ ids }) => ids.entry));
  }

  #send(): void {
    for (const { sent } of this.#trials) {
      const sending = sleep(this.#random() * round.SPREAD_MS).then(() => send(this.#rig, sent));
      sending.catch(() => undefined);
      this.#sending.push(sending);
    }
  }

  async #until(is: (booked: Booked) => boolean): Promise<void> {
    const until = performance.now() + round.SETTLED_WITHIN_MS;
    while (performance.now() < until) {
      const books = await this.books();
      if (this.#trials.every(({ ids, overAt }) => overAt !== undefined || is(bookedOf(books, ids.entry)))) return;
      await sleep(LOOK_MS);
    }
  }

  #fillEntries(quantity: string): Promise<void> {
    return this.#each(({ ids }) => this.#trade(ids.entry, quantity));
  }

  async #each(work: (trial: BracketTrial) => Promise<void>): Promise<void> {
    for (const trial of this.#trials) await work(trial);
  }

  /** At most so much, and nothing where that order does not wait: what was refused or is over cannot trade. */
  async #trade(clientOrderId: string, quantity: string, price?: string): Promise<void> {
    await this.#rig.venue.control
      .fill({ clientOrderId, quantity, ...(price === undefined ? {} : { price }) })
      .catch(notOpen);
  }
}

/** Whether all of it that is held has a stop, or all is out again. */
function isSafe(booked: Booked): boolean {
  const isFilled = booked.entries.some(({ executedQty }) => Number(executedQty) > 0);
  return isFilled && gapsOf(booked).at(-1)?.to !== Infinity;
}

const isOpen = ({ status }: Order): boolean => status === 'NEW' || status === 'PARTIALLY_FILLED';

/** What the simulator says to whoever would trade an order that does not wait. */
function notOpen(error: unknown): void {
  if (!(error instanceof Error && /no such order|Unknown order/i.test(error.message))) throw error;
}
