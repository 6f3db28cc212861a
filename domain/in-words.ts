import { isExit, type Intent } from './intent.ts';
import type { OrderState } from './order-state.ts';

/** What a trader reads in a list of workflows: `BUY 0.01 BTC/USDT stop-limit stop 68000 at 68100 → paper`. */
export function titleOf(intent: Intent): string {
  if (isExit(intent)) {
    const { exit, quantity = '', symbol, account } = intent;
    return `${[exit.toUpperCase(), quantity, symbol].filter(Boolean).join(' ')} → ${account}`;
  }
  const { side, quantity, symbol, orderType, limitPrice, stopPrice, account } = intent;
  const prices = [stopPrice && `stop ${stopPrice}`, limitPrice && `at ${limitPrice}`].filter(Boolean);
  return `${[side.toUpperCase(), quantity, symbol, orderType.replace('_', '-'), ...prices].join(' ')} → ${account}`;
}

/** An order as it stands, in a few words. */
export function inWords(intent: Intent, { status, filledQuantity, averagePrice, reason }: OrderState): string {
  const filled = averagePrice === null ? '' : `, ${filledQuantity} filled at ${averagePrice}`;
  const because = reason === null ? '' : `\n\n${reason.message}${reason.fix === null ? '' : ` ${reason.fix}`}`;
  return `${titleOf(intent)}: **${status}**${filled}${because}`;
}
