import type { MarketInterface } from 'ccxt';

import { reason, type Reason } from '../../domain/reason.ts';

export type Resolved =
  | { readonly kind: 'market'; readonly market: MarketInterface; readonly note: string | null }
  | { readonly kind: 'refused'; readonly reason: Reason };

/** The markets of one exchange, and the names under which a chart knows them. */
export class Symbols {
  readonly #markets: ReadonlyMap<string, MarketInterface>;
  readonly #byTicker = new Map<string, MarketInterface[]>();

  constructor(markets: readonly MarketInterface[]) {
    this.#markets = new Map(markets.map((market) => [market.symbol, market]));
    for (const market of markets) {
      const ticker = bare(`${market.base}${market.quote}`) + (market.swap === true ? '.P' : '');
      for (const name of new Set([ticker, bare(String(market.id))])) {
        this.#byTicker.set(name, [...(this.#byTicker.get(name) ?? []), market]);
      }
    }
  }

  /** The one market that a symbol means. Where none or several fit, it is refused: nothing is guessed. */
  resolve(symbol: string): Resolved {
    const exact = this.#markets.get(symbol) ?? this.#markets.get(symbol.toUpperCase());
    if (exact !== undefined) return usable(exact, null);
    // A chart writes EXCHANGE:TICKER, with _DL or _DLY behind the exchange where its data are delayed.
    const ticker = symbol.slice(symbol.indexOf(':') + 1);
    const found = this.#byTicker.get(bare(ticker.replace(/\.P$/i, '')) + (/\.P$/i.test(ticker) ? '.P' : '')) ?? [];
    const [first, ...others] = found;
    if (first === undefined) {
      const message = `The exchange has no market ${symbol}.`;
      return refused('SYMBOL_UNKNOWN', message, 'Write the market as BASE/QUOTE, such as BTC/USDT.');
    }
    if (others.length > 0) {
      const candidates = found.map((market) => market.symbol).join(', ');
      return refused('SYMBOL_AMBIGUOUS', `The symbol ${symbol} could be ${candidates}.`, 'Write one of these.');
    }
    return usable(first, `The symbol ${symbol} is taken as ${first.symbol}.`);
  }
}

function usable(market: MarketInterface, note: string | null): Resolved {
  if (market.active !== false) return { kind: 'market', market, note };
  return refused('MARKET_CLOSED', `The exchange does not trade ${market.symbol} now.`, null);
}

function refused(code: string, message: string, fix: string | null): Resolved {
  return { kind: 'refused', reason: reason(code, message, fix) };
}

const bare = (name: string): string => name.toUpperCase().replace(/[-_/]/g, '');
