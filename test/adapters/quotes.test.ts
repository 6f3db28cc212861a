import assert from 'node:assert/strict';
import { after, before, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { CcxtAdapter } from '../../adapters/ccxt/ccxt-adapter.ts';
import { profileOf } from '../../adapters/ccxt/profile.ts';
import { NotSent } from '../../adapters/venue-adapter.ts';
import type { Simulator } from '../simulators/binance-spot/start-simulator.ts';
import { BOUND, startVenue } from '../support/live-desk.ts';

let venue: Simulator;
before(async () => (venue = await startVenue()));
after(() => venue?.stop());

const TICKER = '/api/v3/ticker/24hr';

async function openAccount(t: TestContext, bound: typeof BOUND | undefined = BOUND): Promise<CcxtAdapter> {
  await venue.control.reset();
  const ignore = (): void => undefined;
  const adapter = new CcxtAdapter({
    exchange: 'binance',
    mode: 'live',
    apiKey: 'demo-key',
    apiSecret: 'demo-secret',
    httpOrigin: venue.origin,
    options: {},
    profile: profileOf('binance', false)!,
    bound,
    breaker: { threshold: 1, openMs: 60_000, onState: ignore },
    onCall: ignore,
    onTrouble: ignore,
  });
  await adapter.open();
  t.after(() => adapter.close());
  return adapter;
}

/** How often the venue has been asked for prices since a request. */
async function asked(since: number): Promise<number> {
  const { requests } = await venue.control.ledger(since);
  return requests.filter(({ path }) => path === TICKER).length;
}
const logEnd = async (): Promise<number> => (await venue.control.ledger()).requests.at(-1)?.id ?? 0;

test('the price is the venue’s last one, exact, under every name of the market', async (t) => {
  const adapter = await openAccount(t);
  await venue.control.price('BTCUSDT', '67123.45');
  assert.equal(await adapter.quote('BTC/USDT'), '67123.45');
  assert.equal(await adapter.quote('BINANCE:BTCUSDT'), '67123.45');
  assert.equal(adapter.nameOf('BINANCE:BTCUSDT'), 'BTC/USDT');
  assert.equal(adapter.nameOf('NOPE/USDT'), 'NOPE/USDT');
});

test('whoever waits for a price is not told one from before', async (t) => {
  const adapter = await openAccount(t);
  await venue.control.price('BTCUSDT', '70000');
  assert.equal(await adapter.lastPrice('BTC/USDT', -Infinity), '70000');
  await venue.control.price('BTCUSDT', '67000');
  assert.equal(await adapter.lastPrice('BTC/USDT', -Infinity), '70000');
  const since = performance.now();
  const begin = await logEnd();
  const waiting = Array.from({ length: 5 }, () => adapter.lastPrice('BTC/USDT', since));
  assert.deepEqual([...new Set(await Promise.all(waiting))], ['67000']);
  assert.equal(await asked(begin), 1);
});

test('a price that was asked for too early is asked for again', async (t) => {
  const adapter = await openAccount(t);
  const begin = await logEnd();
  await venue.control.fault({ match: { path: TICKER }, fault: { kind: 'delay', ms: 300 } });
  const early = adapter.quote('BTC/USDT');
  await sleep(100);
  const late = adapter.lastPrice('BTC/USDT', performance.now());
  await Promise.all([early, late]);
  assert.equal(await asked(begin), 2);
});

test('however many orders wait for a price, the venue is asked once, and again after a second', async (t) => {
  const adapter = await openAccount(t);
  const begin = await logEnd();
  const prices = await Promise.all(Array.from({ length: 20 }, () => adapter.quote('BTC/USDT')));
  assert.deepEqual([...new Set(prices)], ['67500']);
  await adapter.quote('BTCUSDT');
  assert.equal(await asked(begin), 1);
  await venue.control.price('BTCUSDT', '60000');
  await sleep(1_050);
  assert.equal(await adapter.quote('BTC/USDT'), '60000');
  assert.equal(await asked(begin), 2);
  await adapter.quote('ETH/USDT');
  assert.equal(await asked(begin), 3);
});

test('a market that was never traded has no price', async (t) => {
  const adapter = await openAccount(t);
  for (const lastPrice of ['0.00000000', '-1.00', '', 'soon', null]) {
    const json = { symbol: 'BTCUSDT', lastPrice };
    await venue.control.fault({ match: { path: TICKER }, fault: { kind: 'wrong-json', json } });
    assert.equal(await adapter.quote('BTC/USDT'), null, String(lastPrice));
    await sleep(1_050);
  }
});

test('a venue that cannot be asked is no venue without a price, and is asked anew by the next order', async (t) => {
  const adapter = await openAccount(t);
  await venue.control.fault({
    match: { path: TICKER },
    fault: { kind: 'reject', code: -1121, msg: 'Invalid symbol.' },
  });
  await assert.rejects(adapter.quote('BTC/USDT'));
  assert.equal(await adapter.quote('BTC/USDT'), '67500');
});

test('nobody waits for a price as long as the venue may take over an order', async (t) => {
  const adapter = await openAccount(t, { windowMs: 5_000, engineMs: 10_000, marginMs: 5_000 });
  await venue.control.fault({ match: { path: TICKER }, fault: { kind: 'delay', ms: 5_000 } });
  const begun = performance.now();
  await assert.rejects(adapter.quote('BTC/USDT'), (error) => error instanceof NotSent && error.retryAfterMs > 0);
  assert.ok(performance.now() - begun < 4_000);
});

test('an outage opens the breaker, and then says when to ask again', async (t) => {
  const adapter = await openAccount(t);
  await venue.control.fault({ match: { path: TICKER }, fault: { kind: 'status-before', status: 503 } });
  await assert.rejects(adapter.quote('BTC/USDT'));
  assert.equal(adapter.circuit, 'open');
  await assert.rejects(adapter.quote('BTC/USDT'), (error) => error instanceof NotSent && error.retryAfterMs > 50_000);
});

test('without the markets there is no price and no name', async () => {
  const adapter = new CcxtAdapter({
    exchange: 'binance',
    mode: 'live',
    apiKey: 'k',
    apiSecret: 's',
    options: {},
    profile: profileOf('binance', false)!,
    breaker: { threshold: 1, openMs: 60_000, onState: () => undefined },
    onCall: () => undefined,
    onTrouble: () => undefined,
  });
  await assert.rejects(adapter.quote('BTC/USDT'), NotSent);
  assert.throws(() => adapter.nameOf('BTC/USDT'), NotSent);
});
