import { isIP } from 'node:net';

/** Whether a text is an address, a network in CIDR form, or the name of a list that ships with the product. */
export function isAddressEntry(entry: string): boolean {
  return entry === 'tradingview' || isNetwork(entry);
}

/** Whether a text is an address, or a network in CIDR form. */
export function isNetwork(entry: string): boolean {
  const [address, prefix, ...more] = entry.split('/');
  const family = isIP(address ?? '');
  if (family === 0 || more.length > 0) return false;
  return prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= (family === 4 ? 32 : 128));
}
