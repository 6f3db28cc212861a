import assert from 'node:assert/strict';
import { Agent, request } from 'node:http';
import { after, before, test } from 'node:test';

import { eventually } from '../support/eventually.ts';
import { Holdfast, type Reply } from '../support/holdfast.ts';

let holdfast: Holdfast;
before(async () => (holdfast = await Holdfast.start()));
after(() => holdfast?.dispose());

const MARKET = { account: 'paper', symbol: 'BTC/USDT', action: 'buy', quantity: '0.001' };

const booked = (): number => holdfast.paperBook().orders.length;

/** The answer without the one member in which a second delivery's may differ. */
function withoutDuplicate({ http, body: { duplicate: _duplicate, ...rest } }: Reply): unknown {
  return { http, ...rest };
}

test('the same id twice is one order, and the first answer again', async () => {
  const before = booked();
  const first = await holdfast.post({ ...MARKET, id: 'twice' });
  const second = await holdfast.post({ ...MARKET, id: 'twice' });
  assert.deepEqual([first.body.status, first.body.duplicate, second.body.duplicate], ['filled', false, true]);
  assert.deepEqual(withoutDuplicate(second), withoutDuplicate(first));
  assert.equal(booked(), before + 1);
});

test('the same alert in other clothes is the same alert', async () => {
  const before = booked();
  const first = await holdfast.post({ ...MARKET, id: 'clothes', quantity: 0.001 });
  const others = [
    '{"quantity":1e-3,"id":"clothes","action":"BUY","symbol":"BTC/USDT","account":"paper"}',
    '{ "id": "clothes", "account": "paper", "symbol": "BTC/USDT", "action": "buy", "quantity": "0.0010" }',
    '{"id":"clothes","account":"paper","symbol":"BTC/USDT","action":"buy","quantity":0.001,"order_type":"market","confidence":"0.70"}',
  ];
  for (const other of others) {
    const reply = await holdfast.post(other);
    assert.equal(reply.body.duplicate, true, other);
    assert.deepEqual(withoutDuplicate(reply), withoutDuplicate(first), other);
  }
  assert.equal(booked(), before + 1);
});

test('a second delivery of an order that rested gets the first answer, also after the fill', async () => {
  const limit = { ...MARKET, symbol: 'AAA/USDT', order_type: 'limit', limit_price: '90', price: '100', id: 'rested' };
  const first = await holdfast.post(limit);
  assert.equal(first.body.status, 'working');
  const before = booked();
  await holdfast.post({ ...MARKET, symbol: 'AAA/USDT', price: '80', id: 'brings-the-price' });
  await eventually(
    () => holdfast.operator<{ order: { status: string } }>(`/orders/${encodeURIComponent(first.body.workflow_id)}`),
    ({ order }) => order.status === 'filled',
    { what: 'the fill' },
  );
  const second = await holdfast.post(limit);
  assert.equal(second.body.duplicate, true);
  assert.deepEqual(withoutDuplicate(second), withoutDuplicate(first));
  assert.equal(booked(), before + 1);
});

test('a second delivery of what was denied gets the same reason', async () => {
  const unsure = { ...MARKET, id: 'unsure', confidence: 0.2 };
  const [first, second] = [await holdfast.post(unsure), await holdfast.post(unsure)];
  assert.deepEqual([first.http, first.body.status], [200, 'denied']);
  assert.deepEqual(withoutDuplicate(second), withoutDuplicate(first));
  assert.equal(second.body.duplicate, true);
});

test('two hundred equal alerts over fifty connections are one order and one answer', async () => {
  const before = booked();
  const replies = await postTogether({ ...MARKET, id: 'two-hundred' }, 200, 50);
  assert.equal(replies.length, 200);
  const [first] = replies;
  assert.deepEqual([first!.http, first!.body.status], [200, 'filled']);
  for (const reply of replies) assert.deepEqual(withoutDuplicate(reply), withoutDuplicate(first!));
  assert.equal(replies.filter(({ body }) => !body.duplicate).length, 1);
  assert.equal(booked(), before + 1);
});

test('fifty equal alerts at once, with no id and no time, are one order', async () => {
  const before = booked();
  const replies = await postTogether({ ...MARKET, quantity: '0.0021' }, 50, 50);
  for (const reply of replies) assert.deepEqual(withoutDuplicate(reply), withoutDuplicate(replies[0]!));
  assert.equal(replies.filter(({ body }) => !body.duplicate).length, 1);
  assert.equal(booked(), before + 1);
});

test('the same id with other content is a conflict, and changes nothing', async () => {
  const first = await holdfast.post({ ...MARKET, id: 'conflict' });
  const before = booked();
  const others = [
    { quantity: '0.002' },
    { action: 'sell' },
    { symbol: 'ETH/USDT' },
    { price: '67501' },
    { account: 'binance' },
  ];
  for (const other of others) {
    const { http, type, body } = await holdfast.post({ ...MARKET, id: 'conflict', ...other });
    assert.deepEqual([http, body.code, body.success, body.order_id], [409, 'ALERT_CONFLICT', false, null]);
    assert.match(type, /^application\/problem\+json/);
    assert.equal(body.workflow_id, first.body.workflow_id);
  }
  assert.equal(booked(), before);
  const again = await holdfast.post({ ...MARKET, id: 'conflict' });
  assert.deepEqual(withoutDuplicate(again), withoutDuplicate(first));
});

test('distinct ids are distinct orders, however equal the rest', async () => {
  const before = booked();
  const ids = ['one', 'One', 'one ', ' one', 'ein\u0303', 'eiñ', 'x'.repeat(128), 'x'.repeat(129), 'x'.repeat(130)];
  const replies = [];
  for (const id of ids) replies.push(await holdfast.post({ ...MARKET, id }));
  assert.deepEqual(
    replies.map(({ body }) => body.duplicate),
    ids.map(() => false),
  );
  assert.equal(new Set(replies.map(({ body }) => body.client_order_id)).size, ids.length);
  assert.equal(booked(), before + ids.length);
  for (const [index, id] of ids.entries()) {
    const again = await holdfast.post({ ...MARKET, id });
    assert.deepEqual(withoutDuplicate(again), withoutDuplicate(replies[index]!));
  }
  assert.equal(booked(), before + ids.length);
});

test('with a time and no id, the content is the key', async () => {
  const before = booked();
  const now = new Date();
  const earlier = new Date(now.getTime() - 1_000);
  const first = await holdfast.post({ ...MARKET, time: now.toISOString() });
  const otherZone = new Date(now.getTime() + 3_600_000).toISOString().replace('Z', '+01:00');
  const again = await holdfast.post({ ...MARKET, time: otherZone });
  const other = await holdfast.post({ ...MARKET, time: earlier.toISOString() });
  const larger = await holdfast.post({ ...MARKET, time: now.toISOString(), quantity: '0.002' });
  const noted = await holdfast.post({ ...MARKET, time: now.toISOString(), chart: 'a member that means nothing to us' });
  assert.deepEqual(
    [first, again, other, larger, noted].map(({ body }) => [body.status, body.duplicate]),
    [false, true, false, false, false].map((duplicate) => ['filled', duplicate]),
  );
  assert.equal(booked(), before + 4);
});

test('equal alerts without id and time are one order for the window, and another after it', async () => {
  const before = booked();
  const alert = { ...MARKET, quantity: '0.0037' };
  const first = await holdfast.post(alert);
  assert.deepEqual([first.body.status, first.body.duplicate], ['filled', false]);
  const { body: different } = await holdfast.post({ ...alert, quantity: '0.0038' });
  assert.equal(different.duplicate, false);

  // The window is the engine's: it outlives every process of ours.
  await holdfast.killAll();
  await holdfast.start();
  // It is counted from the first alert, so that resending all the time does not keep it open.
  let sentInside = 0;
  const second = await eventually(
    () => holdfast.post(alert),
    ({ body }) => {
      if (body.duplicate) sentInside += 1;
      return !body.duplicate;
    },
    { withinMs: 60_000, everyMs: 500, what: 'the end of the window' },
  );
  assert.ok(sentInside > 0, 'one came inside the window');
  assert.equal(second.body.status, 'filled');
  assert.notEqual(second.body.workflow_id, first.body.workflow_id);
  // TradingView resends an alert that was not answered for up to 24 s.
  assert.ok((await receivedAt(second)) - (await receivedAt(first)) > 24_000, 'every resend falls into the window');
  assert.equal(booked(), before + 3);

  const third = await holdfast.post(alert);
  assert.deepEqual([third.body.duplicate, third.body.workflow_id], [true, second.body.workflow_id]);
  assert.equal(booked(), before + 3);
});

async function receivedAt({ body }: Reply): Promise<number> {
  const path = `/orders/${encodeURIComponent(body.workflow_id)}`;
  return (await holdfast.operator<{ intent: { receivedAt: number } }>(path)).intent.receivedAt;
}

/** Posts one alert many times over a number of connections, all of them busy all the time. */
async function postTogether(alert: unknown, times: number, connections: number): Promise<Reply[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: connections });
  const text = JSON.stringify(alert);
  try {
    return await Promise.all(Array.from({ length: times }, () => postOver(agent, text)));
  } finally {
    agent.destroy();
  }
}

function postOver(agent: Agent, text: string): Promise<Reply> {
  const options = { agent, method: 'POST', headers: { 'content-type': 'application/json' } };
  return new Promise((resolve, reject) => {
    const sending = request(`${holdfast.publicUrl}/webhook/tradingview`, options, (response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
      response.on('end', () => {
        const { statusCode = 0, headers } = response;
        resolve({ http: statusCode, type: headers['content-type'] ?? '', body: JSON.parse(body) as Reply['body'] });
      });
    });
    sending.on('error', reject).end(text);
  });
}
