import type { Profile } from '../adapters/ccxt/profile.ts';
import type { ExchangeAccount } from '../config/config.ts';
import { ConfigFault } from '../config/fault.ts';

/** What an account's exchange needs to be asked under our id; a fault of the configuration where nobody has checked that. */
export async function exchangeProfile(name: string, account: ExchangeAccount): Promise<Profile> {
  // The exchange library is large: it is loaded where an account needs it.
  const { profileOf, PROFILED_EXCHANGES } = await import('../adapters/ccxt/profile.ts');
  const { isExchange } = await import('../adapters/ccxt/exchange.ts');
  const path = `accounts.${name}.exchange`;
  if (!isExchange(account.exchange)) {
    const message = `There is no exchange ${account.exchange}.`;
    throw new ConfigFault([{ path, message, fix: 'Use the id of an exchange, such as binance.' }]);
  }
  const profile = profileOf(account.exchange, account.unprofiled);
  if (profile !== undefined) return profile;
  const message = `Nobody has checked how ${account.exchange} is asked for an order under our id.`;
  const fix = `Use one of ${PROFILED_EXCHANGES.join(', ')}, or add "unprofiled: true" and look after lost orders yourself.`;
  throw new ConfigFault([{ path, message, fix }]);
}
