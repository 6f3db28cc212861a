import { AsyncLocalStorage } from 'node:async_hooks';

import { NotSent } from '../venue-adapter.ts';

const BODY_MAX = 2_048;

/** What one call to a venue came to on the wire: class names alone lose the status and the words. */
export class VenueCall {
  /** Whether a request has been handed to the network. */
  sent = false;
  status: number | undefined;
  retryAfterMs: number | undefined;
  body: string | undefined;
  #closed = false;
  readonly #mustLeaveBy: number;

  /** @param leaveWithinMs after this long (in milliseconds from now) no request of this call leaves any more */
  constructor(leaveWithinMs: number) {
    this.#mustLeaveBy = performance.now() + leaveWithinMs;
  }

  /** Stands right before the network: what has waited too long for its turn stays here. */
  leave(): void {
    if (this.#closed) throw new NotSent('The call was given up before its request left.', 1_000);
    if (performance.now() > this.#mustLeaveBy)
      throw new NotSent('The request waited for its turn until it was too old.', 1_000);
    this.sent = true;
    // Some calls ask something before they place: a reply to that is no reply to this request.
    this.status = undefined;
    this.retryAfterMs = undefined;
    this.body = undefined;
  }

  /** From here on nothing of this call leaves. */
  close(): void {
    this.#closed = true;
  }

  record(status: number, headers: Record<string, string>, body: string): void {
    this.status = status;
    this.body = body.slice(0, BODY_MAX);
    const wait = headers['Retry-After'] ?? headers['retry-after'];
    if (wait !== undefined && /^\d{1,6}$/.test(wait)) this.retryAfterMs = Number(wait) * 1_000;
  }
}

/** The call that the current request belongs to; instances of the library are shared by concurrent calls. */
export const currentCall = new AsyncLocalStorage<VenueCall>();

/** The library's messages begin with the URL, and a signed URL holds a signature: none of it goes any further. */
export function withoutUrl(message: string): string {
  return message.replace(/https?:\/\/\S+/g, '(url)');
}
