import { compare, multiply } from '../domain/decimal.ts';
import { ACCOUNT_LIMITS } from '../domain/limits.ts';
import type { Config } from './config.ts';
import { DUPLICATE_WINDOW_MS } from './duplicate-windows.ts';

/** What a person should know at the start: each account, and each strategy, that may do more than it may by default. */
export function loosenedLimits({ accounts, strategies }: Config): string[] {
  const ofAccounts = Object.entries(accounts).map(([name, { limits }]) => {
    const { ordersPerMinute, maxOpenOrders, priceCollar } = limits;
    const standard = ACCOUNT_LIMITS;
    const isWider = priceCollar === null || compare(priceCollar, standard.priceCollar!) > 0;
    return sentence(`account ${name}`, [
      isMore(ordersPerMinute, standard.ordersPerMinute!) &&
        `orders_per_minute ${ordersPerMinute ?? 'off'} (${standard.ordersPerMinute})`,
      isMore(maxOpenOrders, standard.maxOpenOrders!) &&
        `max_open_orders ${maxOpenOrders ?? 'off'} (${standard.maxOpenOrders})`,
      isWider && `price_collar ${percent(priceCollar)} (${percent(standard.priceCollar)})`,
    ]);
  });
  const ofStrategies = Object.entries(strategies).map(([name, { duplicateWindowMs }]) =>
    sentence(
      `strategy ${name}`,
      Object.entries(duplicateWindowMs).map(
        ([account, ms]) =>
          (ms === null || ms < DUPLICATE_WINDOW_MS) &&
          `duplicate_window ${ms === null ? 'off' : seconds(ms)} at ${account} (${seconds(DUPLICATE_WINDOW_MS)})`,
      ),
    ),
  );
  return [...ofAccounts, ...ofStrategies].filter((said) => said !== null);
}

function sentence(whose: string, parts: readonly (string | false)[]): string | null {
  const looser = parts.filter((part) => part !== false);
  return looser.length === 0 ? null : `The ${whose} has looser limits than the default: ${looser.join(', ')}.`;
}

const isMore = (value: number | null, standard: number): boolean => value === null || value > standard;
const percent = (collar: string | null): string => (collar === null ? 'off' : `${multiply(collar, '100')}%`);
const seconds = (ms: number): string => `${ms / 1000}s`;
