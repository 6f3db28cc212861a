import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { Holdfast } from '../support/holdfast.ts';
import { WITHOUT_LIMITS } from '../support/limits-off.ts';

let holdfast: Holdfast;
before(async () => (holdfast = await Holdfast.start({ config: WITHOUT_LIMITS })));
after(() => holdfast?.dispose());

// What one filled order may cost. Each state transition is two commits on disk, and the history is kept for 90 days.
const TRANSITIONS_MAX = 5;
const EVENTS_MAX = 14;
const BYTES_MAX = 4096;

const ORDERS = 100;
const EAGER_MIN = 99;

const alerts = {
  'the least that an alert may say': { symbol: 'BTC/USDT', action: 'buy', quantity: 0.01, account: 'paper' },
  'all that the original could say': {
    symbol: 'BTC/USDT',
    action: 'buy',
    order_type: 'market',
    quantity: 0.01,
    price: 67500.5,
    confidence: 0.85,
    account: 'paper',
  },
  'an alert with an id and a time as TradingView fills them in': {
    id: 'BTCUSDT-Long-buy-0.01-2026-11-24T09:30:00Z',
    symbol: 'BTC/USDT',
    action: 'buy',
    order_type: 'market',
    quantity: '0.01',
    price: '67500.5',
    confidence: 0.85,
    time: new Date().toISOString(),
    account: 'paper',
  },
};

for (const [name, alert] of Object.entries(alerts)) {
  test(`a filled market order costs no more than it may: ${name}`, async (t) => {
    const { body } = await holdfast.post(alert);
    assert.equal(body.status, 'filled');
    const cost = await costOf(body.workflow_id);
    t.diagnostic(`${cost.transitions} state transitions, ${cost.events} events, ${cost.bytes} bytes`);
    assert.ok(cost.transitions <= TRANSITIONS_MAX, `${cost.transitions} state transitions`);
    assert.ok(cost.events <= EVENTS_MAX, `${cost.events} events`);
    assert.ok(cost.bytes <= BYTES_MAX, `${cost.bytes} bytes`);
  });
}

test(`of ${ORDERS} orders at least ${EAGER_MIN} start eagerly`, async () => {
  const before = await eagerStarts();
  for (let index = 0; index < ORDERS; index += 4) {
    const together = [0, 1, 2, 3].map((offset) =>
      holdfast.post({
        id: `eager-${index + offset}`,
        symbol: 'BTC/USDT',
        action: 'buy',
        quantity: '0.001',
        account: 'paper',
      }),
    );
    for (const { body } of await Promise.all(together)) assert.equal(body.status, 'filled');
  }
  const after = await eagerStarts();
  assert.equal(after.all - before.all, ORDERS);
  assert.ok(after.eager - before.eager >= EAGER_MIN, `${after.eager - before.eager} of ${ORDERS} were eager`);
});

test('metrics of ours and of the engine’s library are on one page', async () => {
  const page = await metrics();
  for (const name of ['holdfast_alerts_total', 'holdfast_answer_seconds_bucket', 'temporal_request_total']) {
    assert.match(page, new RegExp(`^${name}\\{`, 'm'), name);
  }
});

async function costOf(workflowId: string): Promise<{ transitions: number; events: number; bytes: number }> {
  const output = await holdfast.temporal('workflow', 'describe', '--workflow-id', workflowId, '--output', 'json');
  const { workflowExecutionInfo: info } = JSON.parse(output) as {
    workflowExecutionInfo: { stateTransitionCount: string; historyLength: string; historySizeBytes: string };
  };
  return {
    transitions: Number(info.stateTransitionCount),
    events: Number(info.historyLength),
    bytes: Number(info.historySizeBytes),
  };
}

const metrics = async (): Promise<string> => (await fetch(`${holdfast.operatorUrl}/metrics`)).text();

async function eagerStarts(): Promise<{ eager: number; all: number }> {
  const page = await metrics();
  const count = (eager: boolean): number =>
    Number(new RegExp(`^holdfast_eager_starts_total\\{eager="${eager}"\\} (\\d+)`, 'm').exec(page)?.[1] ?? 0);
  return { eager: count(true), all: count(true) + count(false) };
}
