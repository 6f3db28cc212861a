import { compare, multiply, subtract, type DecimalString } from './decimal.ts';
import { isTooSmall, isTooSmallAtALevel } from './exit-problem.ts';
import type { EntryIntent } from './intent.ts';
import { partsOf, protectionOf, type Leg } from './leg.ts';
import { reason, type Reason } from './reason.ts';

/** The price at which an entry is expected to be filled, and who says so. */
export interface ExpectedPrice {
  readonly price: DecimalString;
  readonly isMarket: boolean;
}

/** Whether an entry can trade in the moment in which it is placed, so that the market's price now decides. */
export const tradesAtOnce = ({ orderType }: Pick<EntryIntent, 'orderType'>): boolean =>
  orderType === 'market' || orderType === 'limit';

/**
 * At which price an entry is expected to be filled; null where nothing tells it.
 * @param market the market's price now; null where it is not known
 */
export function expectedPrice(entry: EntryIntent, market: DecimalString | null): ExpectedPrice | null {
  const own = entry.limitPrice ?? entry.stopPrice;
  // A limit is the worst price at which it trades: where the market is better, it trades there, and at once.
  const isBetter = own === undefined || (market !== null && compare(market, own) === (entry.side === 'buy' ? -1 : 1));
  if (market !== null && tradesAtOnce(entry) && isBetter) return { price: market, isMarket: true };
  const price = own ?? entry.referencePrice;
  return price === undefined ? null : { price, isMarket: false };
}

/**
 * Binance's fee for takers among regular users (spot fee schedule): 0.1 % of each trade. Where it is not paid in BNB, it
 * comes out of what is bought.
 */
const FEE_ALLOWANCE = '0.001';

/**
 * The protection of a part, were the entry filled whole at its expected price, less the fee that the venue may keep.
 * Null where it has a level in percent, and no price is known to count from.
 * @param entry with its quantity and prices in the market's own steps
 */
export function foreseenLeg(entry: EntryIntent, part: number, expected: ExpectedPrice | null): Leg | null {
  const { level, share } = partsOf(entry)[part]!;
  const isCounted = [entry.stopLoss, level].some((one) => one !== undefined && 'percent' in one);
  if (isCounted && expected === null) return null;
  const bought = entry.side === 'buy' ? subtract('1', FEE_ALLOWANCE) : '1';
  const quantity = multiply(multiply(entry.quantity, bought), share);
  const averagePrice = expected?.price ?? '0';
  return protectionOf(entry, { part, generation: 0, quantity, averagePrice, notAfter: entry.notAfter });
}

/** Why an entry is denied whose protection the venue would not take: the venue's rule, and the part that it is about. */
export function wouldBeRefused(entry: EntryIntent, part: number, why: Reason): Reason {
  const isSmall = isTooSmall(why) || isTooSmallAtALevel(why);
  const fee = isSmall && entry.side === 'buy' ? ', less the fee of 0.1 % that it may keep' : '';
  const message = `The venue would not take ${partInWords(entry, part)}${fee}: ${why.message}`;
  if (!isSmall) return reason(why.code, message, why.fix);
  const fewer = partsOf(entry).length > 1 ? ', or name fewer targets' : '';
  return reason('BRACKET_TOO_SMALL', message, `Raise "quantity"${fewer}.`);
}

/** Why a protection, in the market's own steps, lies at its entry's price or beyond it; null where it does not. */
export function checkFitted(
  entry: EntryIntent,
  part: number,
  { limitPrice: target, stopPrice: stop }: Pick<Leg, 'limitPrice' | 'stopPrice'>,
  expected: ExpectedPrice | null,
): Reason | null {
  if (expected === null) return null;
  const { price } = expected;
  const [loses, wins] = entry.side === 'buy' ? (['below', 'above'] as const) : (['above', 'below'] as const);
  const isOn = (side: 'above' | 'below', level: DecimalString): boolean =>
    compare(level, price) === (side === 'above' ? 1 : -1);
  const tooClose = (field: string, level: DecimalString, side: string): Reason => {
    const what = `The ${field} of ${partInWords(entry, part)} comes to ${level} in the market's steps`;
    const message = `${what}, which is not ${side} the entry's price ${price}.`;
    return reason('BRACKET_TOO_CLOSE', message, `Move "${field}" away from the entry's price, by a step at least.`);
  };
  if (stop !== undefined && !isOn(loses, stop)) return tooClose('stop_loss', stop, loses);
  if (target !== undefined && !isOn(wins, target)) return tooClose('take_profit', target, wins);
  return null;
}

/** A part as its sender knows it. */
function partInWords({ takeProfit }: EntryIntent, part: number): string {
  if (takeProfit === undefined) return 'the stop';
  return takeProfit.length === 1 ? 'the target' : `the target ${part + 1} of ${takeProfit.length}`;
}
