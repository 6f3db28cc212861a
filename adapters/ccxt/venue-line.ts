import type { Exchange } from 'ccxt';

import { Outage, type Breaker } from './breaker.ts';
import { classNames, isOutage } from './classify-error.ts';
import { currentCall, VenueCall, withoutUrl } from './venue-call.ts';

export interface VenueLineOptions {
  readonly breaker: Breaker;
  /** One limit over the whole of a call, in milliseconds. */
  readonly abortMs: number;
  readonly onCall: (operation: string, result: string, seconds: number) => void;
  /** Where requests are signed with the venue's time: told that time whenever it is read. */
  readonly setClock?: (venueNow: number) => void;
}

/** Every call to an exchange: behind the breaker, within one limit, recorded, and measured. */
export class VenueLine {
  readonly #exchange: Exchange;
  readonly #options: VenueLineOptions;

  constructor(exchange: Exchange, options: VenueLineOptions) {
    this.#exchange = exchange;
    this.#options = options;
  }

  /** Whether the exchange has such a list. */
  canList(method: string): boolean {
    return this.#exchange.has[method] === true;
  }

  /** Makes one call. */
  async call<T>(operation: string, call: VenueCall, ask: (exchange: Exchange) => Promise<T>): Promise<T> {
    return this.#options.breaker.run(async () => {
      const result = await this.#measured(operation, call, ask);
      if ('error' in result && isOutage(call)) throw new Outage('The venue is out of order.', { cause: result.error });
      return result;
    });
  }

  /**
   * Asks what no order depends on: not while the breaker is open, and without a say in whether it opens. A venue whose
   * accounts can be read while its orders fail would keep it closed.
   */
  async aside<T>(operation: string, ask: (exchange: Exchange) => Promise<T>): Promise<T> {
    if (this.#options.breaker.circuit !== 'closed') throw new Error('The circuit breaker is open.');
    return this.#inVenueTime(async () => {
      const result = await this.#measured(operation, new VenueCall(this.#options.abortMs), ask);
      if ('error' in result) throw result.error;
      return result.value;
    });
  }

  async #measured<T>(
    operation: string,
    call: VenueCall,
    ask: (exchange: Exchange) => Promise<T>,
  ): Promise<{ value: T } | { error: unknown }> {
    const begun = performance.now();
    let result = 'ok';
    try {
      const work = currentCall.run(call, () => ask(this.#exchange));
      return { value: await this.#withinLimit(call, work) };
    } catch (error) {
      if (error instanceof Error) error.message = withoutUrl(error.message);
      result = call.status === undefined ? (call.sent ? 'no_answer' : 'not_sent') : `http_${call.status}`;
      return { error };
    } finally {
      this.#options.onCall(operation, result, (performance.now() - begun) / 1000);
    }
  }

  /** Asks something that may be asked twice. */
  read<T>(operation: string, ask: (exchange: Exchange) => Promise<T>): Promise<T> {
    return this.#inVenueTime(() => this.call(operation, new VenueCall(this.#options.abortMs), ask));
  }

  /** A refusal for our clock sets the clock right, and the question is asked once more. */
  async #inVenueTime<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (error) {
      if (this.#options.setClock === undefined || !classNames(error).includes('InvalidNonce')) throw error;
      await this.now();
      return ask();
    }
  }

  /** The venue's clock, in milliseconds since 1970. */
  async now(): Promise<number> {
    const call = new VenueCall(this.#options.abortMs);
    const time = await this.call('clock', call, (exchange) => exchange.fetchTime());
    if (time === undefined) throw new Error('The exchange did not tell its time.');
    this.#options.setClock?.(Number(time));
    return Number(time);
  }

  /** The library's own limit ends with the headers; this one covers the body too. */
  async #withinLimit<T>(call: VenueCall, work: Promise<T>): Promise<T> {
    const { abortMs } = this.#options;
    let timer: NodeJS.Timeout | undefined;
    const limit = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => reject(new Error(`No whole answer within ${abortMs / 1000} s.`)), abortMs);
    });
    try {
      return await Promise.race([work, limit]);
    } finally {
      call.close();
      clearTimeout(timer);
      work.catch(() => undefined);
    }
  }
}
