import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Holdfast } from '../support/holdfast.ts';

const ALERTS = 10_000;
const SENDERS = 20;
const TOKEN = 'a-token-of-the-trend-0123456789';
/** Without a word in the configuration. */
const ORDERS_PER_MINUTE = 60;

test('a strategy in a loop sends ten thousand alerts, and trades what a minute allows and not one order more', async (t) => {
  const config = `accounts: { paper: { venue: paper, balances: { USDT: "100000000" } } }
strategies: { trend: { token: ${TOKEN} } }
`;
  const holdfast = await Holdfast.start({ config, env: { RATE_LIMIT_REQUESTS: '100' } });
  t.after(() => holdfast.dispose());
  const ends: Record<string, number> = {};
  let next = 0;
  const begun = performance.now();
  const send = async (): Promise<void> => {
    while (next < ALERTS) {
      const alert = { id: `loop-${(next += 1)}`, symbol: 'BTC/USDT', action: 'buy', quantity: '0.01' };
      const { body } = await holdfast.post(alert, { path: `/${TOKEN}` });
      const end = body.code ?? body.reason?.code ?? String(body.status);
      ends[end] = (ends[end] ?? 0) + 1;
    }
  };
  await Promise.all(Array.from({ length: SENDERS }, send));
  const minutes = (performance.now() - begun) / 60_000;
  t.diagnostic(`${ALERTS} alerts in ${(minutes * 60).toFixed(0)} s: ${JSON.stringify(ends)}`);
  const traded = holdfast.paperBook('paper').orders.length;
  if (minutes < 1) assert.equal(traded, ORDERS_PER_MINUTE);
  assert.ok(traded <= ORDERS_PER_MINUTE * Math.ceil(minutes), `${traded} orders in ${minutes} minutes`);
  assert.ok(ends['ORDERS_PER_MINUTE']! > 0 && ends['RATE_LIMITED']! > 0);
  assert.equal(
    Object.values(ends).reduce((sum, count) => sum + count),
    ALERTS,
  );
});
