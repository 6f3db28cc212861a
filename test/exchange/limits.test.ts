import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { LiveDesk, type Alert } from '../support/live-desk.ts';

// What an account with limits asks its exchange before an order, and what it keeps from going there.

const TICKER = '/api/v3/ticker/24hr';

let desk: LiveDesk;
before(async () => {
  desk = await LiveDesk.start({ limits: '{ max_notional: "1000", symbols: [BINANCE:BTCUSDT, BNB/USDT] }' });
  await desk.warm();
});
after(() => desk?.dispose());

async function requestsOf(work: () => Promise<void>): Promise<string[]> {
  const begin = (await desk.control.ledger()).requests.at(-1)?.id ?? 0;
  await work();
  const { requests } = await desk.control.ledger(begin);
  return requests.map(({ method, path }) => `${method} ${path}`);
}

/** The answer of a denied alert; the venue must not have been sent its order. */
async function denied(alert: Alert): Promise<{ code: string; message: string }> {
  const { http, body } = await desk.post(alert);
  assert.deepEqual([http, body.status, body.order_id], [200, 'denied', null], JSON.stringify(body));
  assert.deepEqual(await desk.sends(alert), []);
  return body.reason!;
}

test('a market order is valued at the venue’s price, and not at what its sender says', async () => {
  // At 67500 a quantity of 0.0148 is worth 999, and one of 0.0149 is worth 1005.75.
  const { body } = await desk.post({ id: 'fits', quantity: '0.0148', price: '1000000' });
  assert.equal(body.status, 'filled');
  const { code, message } = await denied({ id: 'too-much', quantity: '0.0149', price: '500' });
  assert.equal(code, 'NOTIONAL_OVER_LIMIT');
  assert.equal(message, 'The order is worth 1005.75 (0.0149 at 67500), above the limit 1000 of the account binance.');
});

test('a price out of the collar does not reach the venue, and one within it costs one question', async () => {
  const alert = { id: 'far', order_type: 'limit', limit_price: '60749.99' };
  const { code, message } = await denied(alert);
  assert.equal(code, 'PRICE_OUTSIDE_COLLAR');
  for (const part of ['60749.99', '60750 to 74250', '67500', 'the account binance']) assert.ok(message.includes(part));
  const within = { id: 'near', order_type: 'limit', limit_price: '60750' };
  const requests = await requestsOf(async () => {
    assert.equal((await desk.post(within)).body.status, 'working');
  });
  assert.ok(requests.filter((one) => one === `GET ${TICKER}`).length <= 1, requests.join());
  await desk.command('order:trend:near', 'cancel');
});

test('the symbols of a limit mean what they mean at the venue', async () => {
  assert.equal((await desk.post({ id: 'chart', symbol: 'BINANCE:BTCUSDT' })).body.status, 'filled');
  assert.equal((await desk.post({ id: 'plain', symbol: 'btcusdt' })).body.status, 'filled');
  const { code, message } = await denied({ id: 'other', symbol: 'ETH/USDT', quantity: '0.1' });
  assert.equal(code, 'SYMBOL_NOT_ALLOWED');
  assert.ok(message.includes('ETH/USDT') && message.includes('BINANCE:BTCUSDT, BNB/USDT'), message);
});

test('while the venue tells no price the order waits, and is then sent once', async () => {
  const fault = { kind: 'reject', code: -1000, msg: 'An unknown error occurred.', status: 400 } as const;
  await desk.control.fault({ match: { path: TICKER }, fault, times: 3 });
  const alert = { id: 'waits', symbol: 'BNB/USDT', quantity: '0.1' };
  const { body } = await desk.post(alert);
  const { order } = await desk.untilOver(body.workflow_id);
  assert.deepEqual([order.status, (await desk.sends(alert)).length], ['filled', 1]);
});

test('without the venue’s price nothing is guessed: an order that needs one is denied', async () => {
  const json = { symbol: 'BNBUSDT', lastPrice: '0.00000000' };
  await new Promise((resolve) => setTimeout(resolve, 1_050));
  await desk.control.fault({ match: { path: TICKER }, fault: { kind: 'wrong-json', json } });
  const { code } = await denied({ id: 'unpriced', symbol: 'BNB/USDT', quantity: '0.1', price: '600' });
  assert.equal(code, 'NO_REFERENCE_PRICE');
});

test('what was denied is counted, and the venue has booked what was told', async () => {
  const page = await (await fetch(`${desk.holdfast.operatorUrl}/metrics`)).text();
  for (const code of ['NOTIONAL_OVER_LIMIT', 'PRICE_OUTSIDE_COLLAR', 'SYMBOL_NOT_ALLOWED', 'NO_REFERENCE_PRICE']) {
    assert.ok(page.includes(`holdfast_denied_total{account="binance",code="${code}"} 1\n`), code);
  }
  await desk.reconcile();
});

test('a market order costs an account with the default limits no question', async (t) => {
  const other = await LiveDesk.start({ limits: '{}' });
  t.after(() => other.dispose());
  await other.warm();
  await other.warm();
  const { requests } = await other.control.ledger();
  assert.deepEqual(
    requests.filter(({ path }) => path === TICKER),
    [],
  );
});
