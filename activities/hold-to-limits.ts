import { NotSent } from '../adapters/venue-adapter.ts';
import { checkLimits, checkValue, needsMarketPrice, noReferencePrice } from '../domain/check-limits.ts';
import type { DecimalString } from '../domain/decimal.ts';
import type { EntryIntent, Intent } from '../domain/intent.ts';
import type { Limits } from '../domain/limits.ts';
import type { Reason } from '../domain/reason.ts';
import type { Account } from './desk.ts';
import { notSent } from './not-sent.ts';

const RETRY_MS = 500;

/** The account's limits and the strategy's on what, when and how much: each must hold, and so the stricter does. */
export function checkLimitsOf(account: Account, intent: EntryIntent, ofStrategy: Limits): Reason | null {
  const nameOf = (symbol: string): string => account.adapter.nameOf?.(symbol) ?? symbol;
  for (const { whose, limits } of bothOf(account, intent, ofStrategy)) {
    const because = checkLimits(intent, limits, whose, nameOf);
    if (because !== null) return because;
  }
  return null;
}

/** The limits on worth and prices. The venue is asked for its price only where one of them needs it. */
export async function checkValueOf(
  account: Account,
  order: EntryIntent,
  ofStrategy: Limits,
): Promise<{ reason: Reason | null; notes: readonly string[] }> {
  const both = bothOf(account, order, ofStrategy);
  const isNeeded = both.some(({ limits }) => needsMarketPrice(order, limits));
  const market = isNeeded ? await marketPrice(account, order) : null;
  const isMissing = isNeeded && market === null;
  if (isMissing && !account.adapter.capabilities.dryRun) {
    return { reason: noReferencePrice(order, account.name), notes: [] };
  }
  for (const { whose, limits } of both) {
    const because = checkValue(order, limits, whose, market);
    if (because !== null) return { reason: because, notes: [] };
  }
  return { reason: null, notes: isMissing ? [NOT_JUDGED] : [] };
}

const NOT_JUDGED =
  'A dry run has no market prices: without a "price" in the alert, limits that need one were not judged.';

function bothOf(account: Account, { strategy }: Intent, ofStrategy: Limits) {
  return [
    { whose: `the account ${account.name}`, limits: account.limits },
    { whose: `the strategy ${strategy}`, limits: ofStrategy },
  ];
}

/**
 * What the order is judged by. A sender's word counts only where the venue has no other price: whoever has got hold of a
 * token must not get around a limit by sending a small one. A venue that cannot be asked is asked again; nothing is
 * guessed, and nothing has left.
 * @param since older prices do not count (`performance.now()`); without it one of the last second will do
 */
export async function marketPrice(
  { name, adapter }: Account,
  { symbol, referencePrice }: Intent,
  since?: number,
): Promise<DecimalString | null> {
  const isBelieved = adapter.quote === undefined || adapter.capabilities.tradesAtAlertPrice === true;
  if (isBelieved && referencePrice !== undefined) return referencePrice;
  try {
    const now = since === undefined ? undefined : await adapter.lastPrice?.(symbol, since);
    return now ?? (await adapter.quote?.(symbol)) ?? null;
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const retryAfterMs = error instanceof NotSent ? error.retryAfterMs : RETRY_MS;
    throw notSent(`The price of ${symbol} at ${name} cannot be found out: ${why}`, retryAfterMs);
  }
}
