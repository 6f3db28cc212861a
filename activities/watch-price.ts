import type { DecimalString } from '../domain/decimal.ts';
import { isPassed } from '../domain/watch.ts';
import { beating } from './beating.ts';
import type { PriceRequest } from './contract.ts';
import { accountOf, type Account, type Desk } from './desk.ts';
import { poll } from './polling.ts';

/** Watches a market, and comes back with its price when that has come so far. */
export function watchPrice(desk: Desk, request: PriceRequest): Promise<{ price: DecimalString }> {
  return beating(() => look(desk, request));
}

async function look(desk: Desk, { signed, watch }: PriceRequest): Promise<{ price: DecimalString }> {
  const account = accountOf(desk, signed.intent);
  const since = performance.now();
  return poll(desk, account, 1, async () => {
    const price = await lastPrice(account, signed.intent.symbol, since);
    return price !== null && isPassed(watch, price) ? { price } : null;
  });
}

/** What a market was last traded at, at that moment or later; null where the venue does not know. */
export async function lastPrice({ adapter }: Account, symbol: string, since: number): Promise<DecimalString | null> {
  return (await adapter.lastPrice?.(symbol, since)) ?? null;
}
