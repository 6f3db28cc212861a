import { setTimeout as sleep } from 'node:timers/promises';

import type { Client } from '@temporalio/client';
import type { NativeConnection } from '@temporalio/worker';

import { metrics } from '../telemetry/metrics.ts';
import type { Logger } from '../telemetry/log.ts';
import { Refused } from './refused.ts';

const PROBE_EVERY_MS = 1_000;
/** An engine that is slow is not gone: what it is asked to start, it starts. */
const PROBE_DEADLINE_MS = 2_200;
/** What a sender waits for an engine that is known to be down, in case it has just come back. */
const DOWN_DEADLINE_MS = 700;

/**
 * The engine as ingress reaches it. The library retries inside a call for as long as an outage lasts, so every call
 * that somebody waits for has a deadline of its own.
 */
export class Engine {
  readonly client: Client;
  readonly #connection: NativeConnection;
  readonly #log: Logger;
  #isUp = true;
  #timer: NodeJS.Timeout | undefined;
  #probing: Promise<boolean> | undefined;

  constructor(client: Client, connection: NativeConnection, log: Logger) {
    this.client = client;
    this.#connection = connection;
    this.#log = log;
  }

  get isUp(): boolean {
    return this.#isUp;
  }

  /** Keeps asking the engine whether it is there. */
  watch(): void {
    this.#timer = setInterval(() => void this.probe(), PROBE_EVERY_MS);
    this.#timer.unref();
    void this.probe();
  }

  unwatch(): void {
    clearInterval(this.#timer);
  }

  /** Asks whether the engine is there; who asks meanwhile gets the same answer. */
  probe(): Promise<boolean> {
    this.#probing ??= this.#ask().finally(() => (this.#probing = undefined));
    return this.#probing;
  }

  async #ask(): Promise<boolean> {
    // Asking for what is not there: only an engine whose database answers can say so.
    const { namespace } = this.client.options;
    const nothing = { namespace, execution: { workflowId: 'holdfast.probe' } };
    const ask = (): Promise<unknown> => this.client.workflowService.describeWorkflowExecution(nothing);
    const answered = await this.within(PROBE_DEADLINE_MS, ask).then(
      () => true,
      (error: unknown) => (error as { code?: unknown }).code === NOT_FOUND,
    );
    if (answered !== this.#isUp) this.#log[answered ? 'info' : 'error'](`The engine is ${answered ? 'back' : 'gone'}.`);
    this.#isUp = answered;
    metrics.engineUp.set(answered ? 1 : 0);
    return answered;
  }

  /** Runs a call that must come back within `ms`. The library's own deadline is a little late while the engine is gone. */
  async within<T>(ms: number, call: () => Promise<T>): Promise<T> {
    const limit = Math.max(ms, 1);
    const late = new AbortController();
    const calling = this.#connection.withDeadline(Date.now() + limit, call);
    calling.catch(() => undefined);
    try {
      return await Promise.race([calling, rejectAfter(limit, late.signal)]);
    } finally {
      late.abort();
    }
  }

  /** Runs a call on which a sender waits; an engine that does not answer in time is a 503. */
  async require<T>(
    ms: number,
    members: Record<string, unknown>,
    call: () => Promise<T>,
    otherwise = 'The engine did not answer in time; the same alert, sent again, meets the same order.',
  ): Promise<T> {
    try {
      return await this.within(this.#isUp ? ms : Math.min(ms, DOWN_DEADLINE_MS), call);
    } catch (error) {
      if (!isOutage(error)) throw error;
      void this.probe();
      throw new Refused('UNAVAILABLE', otherwise, members);
    }
  }
}

/** DEADLINE_EXCEEDED and NOT_FOUND, by gRPC's numbers. */
const LATE = 4;
const NOT_FOUND = 5;

async function rejectAfter(ms: number, signal: AbortSignal): Promise<never> {
  await sleep(ms, undefined, { signal }).catch(() => undefined);
  throw Object.assign(new Error('The engine did not answer in time.'), { code: LATE });
}

/** CANCELLED, UNKNOWN, DEADLINE_EXCEEDED, RESOURCE_EXHAUSTED, ABORTED, INTERNAL and UNAVAILABLE, by gRPC's numbers. */
const OUTAGE_CODES = [1, 2, 4, 8, 10, 13, 14];

/** Whether a call failed because the engine could not be reached, and not for what was asked of it. */
function isOutage(error: unknown): boolean {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    const { code } = cause as { code?: unknown };
    if (typeof code === 'number' && OUTAGE_CODES.includes(code)) return true;
    // What the library makes of an engine that cannot read its own database.
    if (cause.name === 'NamespaceNotFoundError') return true;
  }
  return false;
}
