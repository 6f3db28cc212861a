import { setTimeout as sleep } from 'node:timers/promises';

import type { Reply } from './holdfast.ts';

/** One delivery, and what came of it. */
export interface Delivery {
  /** Null where there was no answer: none in time, or no connection. */
  readonly reply: Reply | null;
  readonly ms: number;
}

export interface Habits {
  /** It hangs up when an answer takes longer. */
  readonly patienceMs: number;
  /** From an answer that makes it send again to the next delivery. */
  readonly pauseMs: number;
}

/** As TradingView documents them. */
const HABITS: Habits = { patienceMs: 3_000, pauseMs: 5_000 };
const RESENDS_MAX = 3;

/**
 * Delivers alerts as TradingView does: no header of ours and no signature, three seconds of patience, and the same text
 * again after a 5xx other than 504 and after nothing else, three times at most. What is not answered is lost to it.
 */
export class TradingViewSender {
  readonly #url: string;
  readonly #habits: Habits;
  /** Deliveries so far, of all its alerts. */
  deliveries = 0;

  constructor(url: string, habits: Partial<Habits> = {}) {
    this.#url = url;
    this.#habits = { ...HABITS, ...habits };
  }

  /** Resolves with every delivery of this alert, the last of them being the one that settled it. */
  async fire(message: string): Promise<Delivery[]> {
    const deliveries: Delivery[] = [];
    for (;;) {
      const delivery = await this.#deliver(message);
      deliveries.push(delivery);
      if (deliveries.length > RESENDS_MAX || !asksForMore(delivery)) return deliveries;
      await sleep(this.#habits.pauseMs);
    }
  }

  async #deliver(message: string): Promise<Delivery> {
    const begun = performance.now();
    this.deliveries += 1;
    const reply = await this.#post(message).catch(() => null);
    return { reply, ms: performance.now() - begun };
  }

  async #post(message: string): Promise<Reply> {
    const response = await fetch(this.#url, {
      method: 'POST',
      redirect: 'manual',
      headers: { 'content-type': `${isJson(message) ? 'application/json' : 'text/plain'}; charset=utf-8` },
      body: message,
      signal: AbortSignal.timeout(this.#habits.patienceMs),
    });
    const text = await response.text();
    const type = response.headers.get('content-type') ?? '';
    return { http: response.status, type, body: (isJson(text) ? JSON.parse(text) : {}) as Reply['body'] };
  }
}

function asksForMore({ reply }: Delivery): boolean {
  return reply !== null && reply.http >= 500 && reply.http <= 599 && reply.http !== 504;
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
