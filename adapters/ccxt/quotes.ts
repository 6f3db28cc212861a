import { isPositive, parseDecimal, type DecimalString } from '../../domain/decimal.ts';
import { NotSent } from '../venue-adapter.ts';
import type { VenueLine } from './venue-line.ts';

/** For this long a price is taken for the market's. */
const FRESH_MS = 1_000;
/** An order that waits for a price is better asked for again than held up any longer. */
const PATIENCE_MS = 3_000;

/** The exchange's prices, each asked for once however many orders wait for it. */
export class Quotes {
  readonly #known = new Map<string, { at: number; price: DecimalString | null }>();
  readonly #asking = new Map<string, Promise<DecimalString | null>>();

  /**
   * What the market was last traded at; null when the exchange knows no such price. Throws when it cannot be asked.
   * @param since older prices do not count (`performance.now()`)
   */
  async of(line: VenueLine, symbol: string, since = -Infinity): Promise<DecimalString | null> {
    const known = this.#known.get(symbol);
    if (known !== undefined && known.at >= Math.max(since, performance.now() - FRESH_MS)) return known.price;
    const asking = this.#asking.get(symbol) ?? this.#ask(line, symbol).finally(() => this.#asking.delete(symbol));
    this.#asking.set(symbol, asking);
    const price = await withinPatience(asking);
    // Somebody may have asked too early for this.
    return this.#known.get(symbol)!.at >= since ? price : this.of(line, symbol, since);
  }

  async #ask(line: VenueLine, symbol: string): Promise<DecimalString | null> {
    const at = performance.now();
    const { last } = await line.read('quote', (exchange) => exchange.fetchTicker(symbol));
    const told = parseDecimal(String(last));
    const price = told !== undefined && isPositive(told) ? told : null;
    this.#known.set(symbol, { at, price });
    return price;
  }
}

async function withinPatience<T>(work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    const why = `The exchange has told no price within ${PATIENCE_MS / 1000} s.`;
    timer = setTimeout(() => reject(new NotSent(why, 500)), PATIENCE_MS);
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}
