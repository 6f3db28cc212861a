import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { OrderStory } from '../../ingress/order-book.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast, type Reply } from '../support/holdfast.ts';
import { runCommand } from '../support/run-command.ts';

// On paper a market's price is the one that its last order has brought.

/** Each test has a market of its own: whatever price one shows, no other's orders see it. */
const BASES = ['AAA', 'BBB', 'CCC', 'DDD', 'EEE', 'FFF'];

let holdfast: Holdfast;
before(async () => {
  const funds = BASES.map((asset) => `${asset}: "100"`).join(', ');
  const paper = `{ venue: paper, balances: { USDT: "10000000", ${funds} }, limits: { price_collar: "off" } }`;
  holdfast = await Holdfast.start({ config: `accounts: { paper: ${paper} }\nstrategies: { trend: {} }\n` });
});
after(() => holdfast?.dispose());

let ids = 0;
const post = (alert: object): Promise<Reply> => holdfast.post({ id: `m-${(ids += 1)}`, account: 'paper', ...alert });
/** One bought at 100, where nothing else is said. */
const enter = (symbol: string, more: object): Promise<Reply> =>
  post({ symbol, action: 'buy', quantity: '1', price: '100', ...more });
/** Another order brings a price to the paper venue. */
const move = (symbol: string, price: string): Promise<Reply> =>
  post({ symbol, action: 'buy', quantity: '0.001', price });

const tell = (id: string): Promise<OrderStory> => holdfast.operator<OrderStory>(`/orders/${encodeURIComponent(id)}`);
const until = (id: string, is: (story: OrderStory) => boolean, what: string): Promise<OrderStory> =>
  eventually(() => tell(id), is, { what, withinMs: 20_000 });
const untilGuarded = (id: string): Promise<OrderStory> =>
  until(id, ({ order }) => order.protection?.guarded_quantity === '1', 'its protection');
const untilEnded = (id: string): Promise<OrderStory> =>
  until(id, ({ workflow: { status } }) => status === 'completed', 'the end');

/** What the paper book has of an order's legs: name, type, state, and where the stop was. */
const legs = (clientOrderId: string): string[] =>
  holdfast
    .paperBook()
    .orders.filter(({ client_order_id: id }) => id.startsWith(`${clientOrderId}-`))
    .map(({ client_order_id: id, type, status, stop_price: stop }) => `${id.split('-')[1]} ${type} ${status} ${stop}`);
const untilBooked = (clientOrderId: string, what: string): Promise<string[]> =>
  eventually(
    async () => legs(clientOrderId),
    (all) => all.includes(what),
    { what, withinMs: 20_000 },
  );

test('a stop follows its market up, in steps of a fifth of its distance, and takes the position out behind it', async () => {
  const { body } = await enter('AAA/USDT', { stop_loss: { trail_amount: 10 } });
  const { workflow_id: id, client_order_id: entry } = body;
  await untilGuarded(id);
  await move('AAA/USDT', '101.9');
  await move('AAA/USDT', '110');
  await untilBooked(entry, 'P0.1 stop working 100');
  await move('AAA/USDT', '105');
  await move('AAA/USDT', '130');
  await untilBooked(entry, 'P0.2 stop working 120');
  await untilGuarded(id);
  await move('AAA/USDT', '119');
  const { order } = await untilEnded(id);
  assert.deepEqual([order.status, order.reason, order.protection?.exit_average_price], ['closed', null, '119']);
  assert.deepEqual(legs(entry), ['P0.0 stop canceled 90', 'P0.1 stop canceled 100', 'P0.2 stop filled 120']);
});

test('a stop follows its market down with what was sold, and its target goes with it', async () => {
  const { body } = await enter('BBB/USDT', { action: 'sell', stop_loss: { trail_percent: 10 }, take_profit: '50' });
  const { workflow_id: id, client_order_id: entry } = body;
  await untilGuarded(id);
  await move('BBB/USDT', '80');
  await untilBooked(entry, 'P0.1 bracket working 88');
  await untilGuarded(id);
  await move('BBB/USDT', '49');
  const { order } = await untilEnded(id);
  assert.deepEqual([order.status, order.reason, order.protection?.exit_average_price], ['closed', null, '50']);
  assert.deepEqual(legs(entry), ['P0.0 bracket canceled 110', 'P0.1 bracket filled 88']);
});

test('a stop moves to the entry’s price once, and not back', async () => {
  const { body } = await enter('CCC/USDT', { stop_loss: { percent: 5, breakeven_after: '3%' }, take_profit: '20%' });
  const { workflow_id: id, client_order_id: entry } = body;
  await untilGuarded(id);
  await move('CCC/USDT', '102.9');
  assert.deepEqual(legs(entry), ['P0.0 bracket working 95']);
  await move('CCC/USDT', '103');
  await untilBooked(entry, 'P0.1 bracket working 100');
  await untilGuarded(id);
  await move('CCC/USDT', '110');
  await move('CCC/USDT', '101');
  await move('CCC/USDT', '99');
  const { order } = await untilEnded(id);
  assert.deepEqual([order.status, order.protection?.exit_average_price], ['closed', '99']);
  assert.deepEqual(legs(entry), ['P0.0 bracket canceled 95', 'P0.1 bracket filled 100']);
});

test('a stop that was following goes on after the death of everything', async () => {
  const { body } = await enter('DDD/USDT', { stop_loss: { trail_percent: 10 } });
  const { workflow_id: id, client_order_id: entry } = body;
  await untilGuarded(id);
  await move('DDD/USDT', '120');
  await untilBooked(entry, 'P0.1 stop working 108');
  await holdfast.killAll();
  await holdfast.start();
  await untilGuarded(id);
  await move('DDD/USDT', '150');
  await untilBooked(entry, 'P0.2 stop working 135');
  await untilGuarded(id);
  await move('DDD/USDT', '130');
  const { order } = await untilEnded(id);
  assert.deepEqual([order.status, order.protection?.exit_average_price], ['closed', '130']);
});

test('each part has a stop of its own that follows, and each is taken out once', async () => {
  const take_profit = [
    { percent: 10, quantity_percent: 50 },
    { percent: 50, quantity_percent: 50 },
  ];
  const { body } = await enter('EEE/USDT', { stop_loss: { trail_amount: 20 }, take_profit });
  const { workflow_id: id, client_order_id: entry } = body;
  await untilGuarded(id);
  await move('EEE/USDT', '105');
  await untilBooked(entry, 'P0.1 bracket working 85');
  await untilBooked(entry, 'P1.1 bracket working 85');
  await untilGuarded(id);
  await move('EEE/USDT', '112');
  await until(id, ({ order }) => order.protection?.exited_quantity === '0.5', 'the first target');
  await untilBooked(entry, 'P1.2 bracket working 92');
  await move('EEE/USDT', '91');
  const { order } = await untilEnded(id);
  assert.deepEqual([order.status, order.protection?.exited_quantity], ['closed', '1']);
  const filled = legs(entry).filter((leg) => leg.includes('filled'));
  assert.deepEqual(filled.toSorted(), ['P0.1 bracket filled 85', 'P1.2 bracket filled 92']);
});

test('a stop that could never be where it is asked for is denied with both numbers, and nothing is sent', async () => {
  const rows: [object, string][] = [
    [{ stop_loss: { trail_amount: 100 } }, 'trail_amount 100 of a buy must be less than its price 100'],
    [{ stop_loss: { percent: 2, breakeven_after: 99 } }, 'breakeven_after 99 of a buy must be above its price 100'],
  ];
  for (const [change, expected] of rows) {
    const { http, body } = await enter('FFF/USDT', change);
    assert.deepEqual([http, body.status, body.reason?.code], [200, 'denied', 'BRACKET_WRONG_SIDE']);
    assert.ok(body.reason!.message.includes(expected), body.reason!.message);
  }
  const refused = await enter('FFF/USDT', { stop_loss: { trail_amount: 1, price: 95 } });
  assert.equal(refused.http, 422);
  assert.match(JSON.stringify(refused.body), /stop_loss.*has \\"price\\" beside \\"trail_amount\\"/);
  assert.deepEqual(
    holdfast.paperBook().orders.filter(({ symbol }) => symbol === 'FFF/USDT'),
    [],
  );
});

test('the history of every order here that is over replays against the code, down to its values', async () => {
  const { orders } = await holdfast.operator<{ orders: { workflow_id: string }[] }>('/orders?status=closed');
  assert.ok(orders.length > 3);
  const listed = orders.map(({ workflow_id: id }) => id);
  const { code, stdout } = await runCommand(['replay', ...listed], { TEMPORAL_ADDRESS: holdfast.temporalAddress });
  assert.equal(code, 0, stdout);
  assert.match(stdout, new RegExp(`${listed.length} replayed: ${listed.length} the same, 0 not`));
});
