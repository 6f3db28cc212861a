import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { CcxtAdapter } from '../../adapters/ccxt/ccxt-adapter.ts';
import { profileOf } from '../../adapters/ccxt/profile.ts';
import type { OrderTicket } from '../../adapters/venue-adapter.ts';
import type { Simulator } from '../simulators/binance-spot/start-simulator.ts';
import { eventually } from '../support/eventually.ts';
import { BOUND, startVenue } from '../support/live-desk.ts';

let venue: Simulator;
before(async () => (venue = await startVenue()));
after(() => venue?.stop());

/** An account whose breaker opens at the first outage, and stays open. */
async function openAccount(): Promise<CcxtAdapter> {
  const ignore = (): void => undefined;
  const adapter = new CcxtAdapter({
    exchange: 'binance',
    mode: 'live',
    apiKey: 'demo-key',
    apiSecret: 'demo-secret',
    httpOrigin: venue.origin,
    options: {},
    profile: profileOf('binance', false)!,
    bound: BOUND,
    breaker: { threshold: 1, openMs: 60_000, onState: ignore },
    onCall: ignore,
    onTrouble: ignore,
  });
  await adapter.open();
  return adapter;
}

const ticket = (clientOrderId: string, change: Partial<OrderTicket> = {}): OrderTicket => ({
  clientOrderId: clientOrderId.padEnd(26, 'X'),
  symbol: 'BTC/USDT',
  side: 'buy',
  type: 'market',
  quantity: '0.01',
  notAfter: Date.now() + 60_000,
  ...change,
});

const now = () => ({ timestamp: Date.now() });

test('an order that the venue says it has is not called unsent because the breaker has opened meanwhile', async (t) => {
  const adapter = await openAccount();
  t.after(() => adapter.close());
  const [first, other] = [ticket('FIRST'), ticket('OTHER')];
  await venue.control.fault({ match: { method: 'POST', clientOrderId: first.clientOrderId }, fault: 'late' });
  await venue.control.fault({ match: { method: 'POST', clientOrderId: other.clientOrderId }, fault: 'drop-before' });

  const held = adapter.place(first, now());
  held.catch(() => undefined);
  await eventually(
    () => venue.control.held(),
    ({ length }) => length === 1,
    { what: 'the held request' },
  );
  const resting = await adapter.place(ticket('FIRST', { type: 'limit', limitPrice: '60000' }), now());
  assert.equal(resting.kind, 'accepted');
  assert.equal((await adapter.place(other, now())).kind, 'unknown');
  await venue.control.release();
  // "Duplicate order sent.": it is there, and the venue cannot be asked about it now.
  assert.equal((await held).kind, 'unknown');
});
