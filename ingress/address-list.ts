import { BlockList, isIP } from 'node:net';

/**
 * From where TradingView sends (its page "How to configure webhook alerts", read in November 2026). It may change: an
 * alert from a new address is refused by name in the log, and the list can be written out as addresses.
 */
const TRADINGVIEW = ['52.89.214.238', '34.212.75.30', '54.218.53.128', '52.32.178.7'];

/** Addresses and networks, and whether one is among them. */
export class AddressList {
  readonly #list = new BlockList();

  /** @param entries addresses, CIDRs, or the name `tradingview`; they are checked when the configuration is read */
  constructor(entries: readonly string[]) {
    for (const entry of entries.flatMap((one) => (one === 'tradingview' ? TRADINGVIEW : [one]))) {
      const [address, prefix] = entry.split('/');
      const family = isIP(address!) === 6 ? 'ipv6' : 'ipv4';
      if (prefix === undefined) this.#list.addAddress(address!, family);
      else this.#list.addSubnet(address!, Number(prefix), family);
    }
  }

  has(address: string): boolean {
    const family = isIP(address);
    return family !== 0 && this.#list.check(address, family === 6 ? 'ipv6' : 'ipv4');
  }
}
