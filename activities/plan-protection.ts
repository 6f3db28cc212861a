import { checkFitted, expectedPrice, foreseenLeg, tradesAtOnce, wouldBeRefused } from '../domain/foreseen.ts';
import type { EntryIntent } from '../domain/intent.ts';
import { hasBracket, partsOf } from '../domain/leg.ts';
import { checkBracket } from '../domain/pre-trade.ts';
import type { Reason } from '../domain/reason.ts';
import type { OfOrder } from './contract.ts';
import { ticketOf, type Account } from './desk.ts';
import { marketPrice } from './hold-to-limits.ts';

/**
 * What the protection of an entry would meet at its venue, part by part, were the entry filled as it is expected to be.
 * What would be refused then denies the entry now, while nothing is sent.
 * @param entry the intent, with its quantity and prices in the market's own steps
 */
export async function planProtection(
  account: Account,
  { signed }: OfOrder,
  entry: EntryIntent,
): Promise<{ reason: Reason | null; notes: readonly string[] }> {
  if (!hasBracket(entry)) return { reason: null, notes: [] };
  // A venue that cannot be asked holds up no order here: the limits that cannot do without its price do so.
  const market = tradesAtOnce(entry) ? await marketPrice(account, entry, performance.now()).catch(() => null) : null;
  const notes = market === null && tradesAtOnce(entry) ? [NO_MARKET_PRICE] : [];
  const expected = expectedPrice(entry, market);
  if (expected?.isMarket === true) {
    const wrong = checkBracket(entry, expected.price, "the market's price");
    if (wrong !== null) return { reason: wrong, notes };
  }
  for (const part of partsOf(entry).keys()) {
    const leg = foreseenLeg(entry, part, expected);
    if (leg === null) continue;
    const seen = expected === null ? {} : { referencePrice: expected.price };
    const plan = await account.adapter.plan({ ...ticketOf({ signed, leg }), ...seen });
    if (plan.kind === 'refused') return { reason: wouldBeRefused(entry, part, plan.reason), notes };
    const tooClose = checkFitted(entry, part, plan.order ?? leg, expected);
    if (tooClose !== null) return { reason: tooClose, notes };
  }
  return { reason: null, notes };
}

const NO_MARKET_PRICE =
  "The market's price could not be found out: the stop-loss and take-profit were judged by the alert's own prices only.";
