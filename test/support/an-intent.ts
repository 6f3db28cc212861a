import type { EntryIntent } from '../../domain/intent.ts';

/** An intent to buy a hundredth of a bitcoin at the market, but for the members given. */
export function anIntent(change: Partial<EntryIntent> = {}): EntryIntent {
  return {
    v: 1,
    strategy: 'trend',
    account: 'paper',
    clientOrderId: '0AB'.padEnd(26, 'C'),
    symbol: 'BTC/USDT',
    side: 'buy',
    orderType: 'market',
    quantity: '0.01',
    confidence: '0.7',
    receivedAt: Date.UTC(2026, 10, 24, 9, 30),
    notAfter: Date.UTC(2026, 10, 24, 9, 31),
    ...change,
  };
}
