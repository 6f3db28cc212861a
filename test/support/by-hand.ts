import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';

import type { Order, Simulator } from '../simulators/binance-spot/start-simulator.ts';

/** Places a limit buy at the simulator as its own page would: with the account's key, and past Holdfast. */
export async function placeByHand(venue: Simulator, parameters: Record<string, string> = {}): Promise<Order> {
  const order = { symbol: 'BTCUSDT', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '0.01', price: '60000' };
  const query = new URLSearchParams({ ...order, ...parameters, timestamp: String(Date.now()) }).toString();
  const signature = createHmac('sha256', 'demo-secret').update(query).digest('hex');
  const response = await fetch(`${venue.origin}/api/v3/order?${query}&signature=${signature}`, {
    method: 'POST',
    headers: { 'x-mbx-apikey': 'demo-key' },
  });
  const { clientOrderId, ...answer } = (await response.json()) as { clientOrderId: string };
  assert.equal(response.status, 200, JSON.stringify(answer));
  return (await venue.control.orders(clientOrderId))[0]!;
}
