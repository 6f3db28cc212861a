import { condition } from '@temporalio/workflow';

import type { Taken } from '../activities/contract.ts';
import { compare, isPositive, isZero, subtract, type DecimalString } from '../domain/decimal.ts';
import type { ExitIntent } from '../domain/intent.ts';
import type { Reason } from '../domain/reason.ts';
import { together, type Traded } from '../domain/way-out.ts';

/** Who asks, and what the market's price was there; the time is the engine's, in milliseconds since 1970. */
type Asker = Pick<ExitIntent, 'referencePrice' | 'notAfter'>;

/** So much of a part; null for all that is left of it by then. */
type Share = { readonly quantity: DecimalString | null };

interface Part {
  readonly held: () => DecimalString;
  wanted: Share | null;
  came: Came | null;
}

/** What came of taking a part out. */
type Came = Traded & Pick<Taken, 'last'>;

/**
 * What is wanted out of a position before its stop or target is reached. The parts give up what protects them, take out
 * what is wanted, and protect again what is left: so a refused exit leaves everything as it was.
 */
export class Wanted {
  readonly #parts = new Map<number, Part>();
  #isTaking = false;
  #asker: Asker | null = null;

  /** From now on something of this part can be taken out. */
  begin(part: number, held: () => DecimalString): void {
    this.#parts.set(part, { held, wanted: null, came: null });
  }

  /** Nothing of this part can be taken out any more. */
  end(part: number): void {
    this.#parts.delete(part);
  }

  /** Who wants it. */
  get asker(): Asker | null {
    return this.#asker;
  }

  isOf(part: number): boolean {
    return this.#parts.get(part)?.wanted != null;
  }

  /** How much of a part is wanted, of what is left of it. */
  of(part: number, left: DecimalString): DecimalString {
    const wanted = this.#parts.get(part)?.wanted?.quantity ?? left;
    return compare(wanted, left) > 0 ? left : wanted;
  }

  came(part: number, came: Came): void {
    const one = this.#parts.get(part);
    if (one === undefined) return;
    one.came = came;
    one.wanted = null;
  }

  /**
   * Has so much taken out, null for all of it; of several parts the first ones first.
   * @param refuses asked of each part before it gives up what protects it
   */
  async take(
    quantity: DecimalString | null,
    asker: Asker,
    refuses: (part: number, quantity: DecimalString) => Promise<Reason | null>,
  ): Promise<Taken> {
    await condition(() => !this.#isTaking);
    this.#isTaking = true;
    this.#asker = asker;
    try {
      return await this.#takeFrom(quantity, refuses);
    } finally {
      this.#isTaking = false;
    }
  }

  async #takeFrom(
    quantity: DecimalString | null,
    refuses: (part: number, quantity: DecimalString) => Promise<Reason | null>,
  ): Promise<Taken> {
    let rest = quantity;
    let last: Taken['last'] = null;
    const asked: Part[] = [];
    for (const [number, part] of this.#parts) {
      const held = part.held();
      const share = rest === null || compare(held, rest) < 0 ? held : rest;
      if (!isPositive(share)) continue;
      const because = await refuses(number, share);
      if (because !== null) {
        last = { status: 'denied', reason: because };
        continue;
      }
      part.came = null;
      part.wanted = { quantity: rest === null ? null : share };
      asked.push(part);
      rest = rest === null ? null : subtract(rest, share);
    }
    const isOver = (part: Part): boolean => part.came !== null || ![...this.#parts.values()].includes(part);
    await condition(() => asked.every(isOver));
    const came = asked.flatMap((part) => part.came ?? []);
    return {
      ...together(came),
      last: came.findLast((one) => !isZero(one.quantity) || one.last !== null)?.last ?? last,
    };
  }
}
