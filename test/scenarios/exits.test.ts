import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { OrderStory } from '../../ingress/order-book.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast, type Reply } from '../support/holdfast.ts';
import type { PaperOrder } from '../support/paper-book.ts';

const TREND = 'a-token-of-the-trend-0123456789';
const OTHER = 'a-token-of-the-other-0123456789';
const SLOW = 'a-token-of-the-slow-0123456789';

let holdfast: Holdfast;
before(async () => {
  const paper =
    '{ venue: paper, balances: { USDT: "10000000", BTC: "5", ETH: "100" }, limits: { price_collar: "off" } }';
  const idle =
    '{ venue: paper, balances: { USDT: "1000" }, limits: { orders_per_minute: "off", max_open_orders: "off" } }';
  const slow = `{ token: ${SLOW}, limits: { orders_per_minute: 1, max_quantity: "1" } }`;
  holdfast = await Holdfast.start({
    config: `accounts: { paper: ${paper}, idle: ${idle} }
strategies: { trend: { token: ${TREND} }, other: { token: ${OTHER} }, slow: ${slow} }
`,
    env: { RATE_LIMIT_REQUESTS: '60' },
  });
});
after(() => holdfast?.dispose());

let ids = 0;
const post = (alert: object, token = TREND): Promise<Reply> =>
  holdfast.post({ account: 'paper', id: `alert-${(ids += 1)}`, ...alert }, { path: `/${token}` });
const tell = (id: string): Promise<OrderStory> => holdfast.operator<OrderStory>(`/orders/${encodeURIComponent(id)}`);
const orders = (clientOrderId: string): PaperOrder[] =>
  holdfast.paperBook().orders.filter(({ client_order_id: id }) => id.startsWith(clientOrderId));
const inShort = ({ client_order_id: id, side, type, status, filled_quantity: filled }: PaperOrder): string =>
  [id.split('-')[1] ?? 'entry', side, type, status, filled].join(' ');
const untilGuarded = (id: string, quantity: string): Promise<OrderStory> =>
  eventually(
    () => tell(id),
    ({ order }) => order.protection?.guarded_quantity === quantity,
    { what: 'protection', withinMs: 20_000 },
  );

test('close sells what was bought, once, and closing again does nothing', async () => {
  const symbol = 'AAA/USDT';
  await post({ symbol, action: 'buy', quantity: '2', price: '100' });
  const { body } = await post({ symbol, action: 'close', price: '110' });
  assert.deepEqual(
    [body.status, body.side, body.quantity, body.filled_quantity, body.average_price],
    ['filled', 'sell', '2', '2', '110'],
    JSON.stringify(body),
  );
  assert.deepEqual(orders(body.client_order_id).map(inShort), ['E0.0 sell market filled 2']);
  const again = await post({ symbol, action: 'close', price: '110' });
  assert.deepEqual([again.http, again.body.status, again.body.success, again.body.error], [200, 'noop', true, null]);
  assert.equal(orders(again.body.client_order_id).length, 0);
});

test('close buys back what was sold', async () => {
  const symbol = 'ES';
  await post({ symbol, action: 'sell', quantity: '3', price: '4420' });
  const { body } = await post({ symbol, action: 'close', price: '4400' });
  assert.deepEqual([body.status, body.side, body.filled_quantity], ['filled', 'buy', '3'], JSON.stringify(body));
});

test('a part is closed, more than there is never', async () => {
  const symbol = 'BBB/USDT';
  await post({ symbol, action: 'buy', quantity: '2', price: '100' });
  const part = await post({ symbol, action: 'close', quantity: '0.5', price: '100' });
  assert.deepEqual([part.body.status, part.body.filled_quantity], ['filled', '0.5']);
  const { body } = await post({ symbol, action: 'close', quantity: '1.6', price: '100' });
  assert.deepEqual([body.status, body.reason?.code], ['denied', 'THROUGH_ZERO']);
  assert.match(body.reason!.message, /1\.6.*1\.5/);
  assert.equal(orders(body.client_order_id).length, 0);
});

test('a protected position is taken out by the order that protects it, and nothing waits afterwards', async () => {
  const symbol = 'CCC/USDT';
  const entry = await post({ symbol, action: 'buy', quantity: '2', price: '100', stop_loss: '90', take_profit: '120' });
  await untilGuarded(entry.body.workflow_id, '2');
  const { body } = await post({ symbol, action: 'close', price: '105' });
  assert.deepEqual(
    [body.status, body.filled_quantity, body.exit?.own_quantity],
    ['filled', '2', '0'],
    JSON.stringify(body),
  );
  assert.deepEqual(orders(entry.body.client_order_id).map(inShort), [
    'entry buy market filled 2',
    'P0.0 sell bracket canceled 0',
    'E0.1 sell market filled 2',
  ]);
  const story = await eventually(
    () => tell(entry.body.workflow_id),
    ({ workflow }) => workflow.status === 'completed',
  );
  assert.deepEqual([story.order.status, story.order.protection?.exited_quantity], ['closed', '2']);
});

test('what is left of a protected position is protected again', async () => {
  const symbol = 'DDD/USDT';
  const entry = await post({ symbol, action: 'buy', quantity: '2', price: '100', stop_loss: '90', take_profit: '120' });
  await untilGuarded(entry.body.workflow_id, '2');
  const { body } = await post({ symbol, action: 'close', quantity: '0.5', price: '105' });
  assert.deepEqual([body.status, body.filled_quantity], ['filled', '0.5'], JSON.stringify(body));
  await untilGuarded(entry.body.workflow_id, '1.5');
});

test('of several targets all give up what a close wants', async () => {
  const symbol = 'EEE/USDT';
  const half = [110, 120].map((price) => ({ price, quantity_percent: 50 }));
  const entry = await post({ symbol, action: 'buy', quantity: '2', price: '100', stop_loss: '90', take_profit: half });
  await untilGuarded(entry.body.workflow_id, '2');
  const { body } = await post({ symbol, action: 'close', price: '105' });
  assert.deepEqual([body.status, body.filled_quantity], ['filled', '2'], JSON.stringify(body));
  const open = orders(entry.body.client_order_id).filter(({ status }) => status === 'working');
  assert.deepEqual(open, []);
});

test('what is protected and what is not come out by one close', async () => {
  const symbol = 'FFF/USDT';
  const entry = await post({ symbol, action: 'buy', quantity: '2', price: '100', stop_loss: '90' });
  await untilGuarded(entry.body.workflow_id, '2');
  await post({ symbol, action: 'buy', quantity: '1', price: '102' });
  const { body } = await post({ symbol, action: 'close', price: '105' });
  assert.deepEqual(
    [body.status, body.filled_quantity, body.exit?.own_quantity],
    ['filled', '3', '1'],
    JSON.stringify(body),
  );
});

test('flatten cancels what waits, and close does not', async () => {
  const symbol = 'GGG/USDT';
  await post({ symbol, action: 'buy', quantity: '1', price: '100' });
  const waiting = await post({
    symbol,
    action: 'buy',
    quantity: '1',
    order_type: 'limit',
    limit_price: '80',
    price: '100',
  });
  assert.equal(waiting.body.status, 'working');
  const close = await post({ symbol, action: 'close', price: '100' });
  assert.deepEqual([close.body.status, close.body.filled_quantity], ['filled', '1'], JSON.stringify(close.body));
  assert.equal((await tell(waiting.body.workflow_id)).order.status, 'working');
  const flatten = await post({ symbol, action: 'flatten', price: '100' });
  assert.equal(flatten.body.status, 'noop', JSON.stringify(flatten.body));
  const story = await eventually(
    () => tell(waiting.body.workflow_id),
    ({ order }) => order.status !== 'working',
  );
  assert.equal(story.order.status, 'canceled');
});

test('reverse closes, then opens the other side', async () => {
  const symbol = 'ES';
  await post({ symbol, action: 'buy', quantity: '2', price: '4420' });
  const { body } = await post({ symbol, action: 'reverse', quantity: '1', price: '4430' });
  assert.deepEqual(
    [body.status, body.side, body.filled_quantity, body.exit?.opened_quantity],
    ['filled', 'sell', '3', '1'],
    JSON.stringify(body),
  );
  assert.deepEqual(orders(body.client_order_id).map(inShort), [
    'E0.0 sell market filled 2',
    'E1.0 sell market filled 1',
  ]);
  const back = await post({ symbol, action: 'close', price: '4430' });
  assert.deepEqual([back.body.side, back.body.filled_quantity], ['buy', '1'], JSON.stringify(back.body));
  const flat = await post({ symbol, action: 'reverse', quantity: '1', price: '4430' });
  assert.deepEqual([flat.body.status, flat.body.reason?.code], ['denied', 'FLAT'], JSON.stringify(flat.body));
});

test('what another strategy holds, and what was there before, nobody closes', async () => {
  const symbol = 'BTC/USDT';
  await post({ symbol, action: 'buy', quantity: '1', price: '100' }, OTHER);
  const { body } = await post({ symbol, action: 'close', price: '100' });
  assert.equal(body.status, 'noop');
  assert.match(body.reason!.message, /6.*did not bring in/);
  const own = await post({ symbol, action: 'close', price: '100' }, OTHER);
  assert.deepEqual([own.body.status, own.body.filled_quantity], ['filled', '1']);
});

test('two closes at once take out no more than there is', async () => {
  const symbol = 'HHH/USDT';
  await post({ symbol, action: 'buy', quantity: '2', price: '100' });
  const both = await Promise.all([1, 2, 3].map(() => post({ symbol, action: 'close', price: '100' })));
  const ends = await Promise.all(
    both.map(({ body }) =>
      eventually(
        () => tell(body.workflow_id),
        ({ workflow }) => workflow.status === 'completed',
      ),
    ),
  );
  assert.deepEqual(ends.map(({ order }) => order.status).toSorted(), ['filled', 'noop', 'noop']);
  assert.equal(holdfast.paperBook().balances['HHH'], '0');
});

test('a close right behind its buy waits for it', async () => {
  const symbol = 'III/USDT';
  const buy = post({ symbol, action: 'buy', quantity: '2', price: '100' });
  await eventually(async () => orders('').some((order) => order.symbol === symbol), Boolean, { everyMs: 5 });
  const close = await post({ symbol, action: 'close', price: '100' });
  const story = await eventually(
    () => tell(close.body.workflow_id),
    ({ workflow }) => workflow.status === 'completed',
  );
  assert.deepEqual([story.order.status, story.order.filled_quantity], ['filled', '2'], JSON.stringify(story.order));
  await buy;
});

test('a stop-loss on a close is denied by name, and nothing is canceled', async () => {
  const symbol = 'JJJ/USDT';
  const entry = await post({ symbol, action: 'buy', quantity: '2', price: '100', stop_loss: '90' });
  await untilGuarded(entry.body.workflow_id, '2');
  const { body } = await post({ symbol, action: 'close', price: '100', stop_loss: '90' });
  assert.deepEqual([body.status, body.reason?.code], ['denied', 'BRACKET_ON_EXIT']);
  assert.equal((await tell(entry.body.workflow_id)).order.protection?.guarded_quantity, '2');
});

test('a halt of entries lets a close pass, a halt of everything refuses it and leaves the stop', async () => {
  const symbol = 'KKK/USDT';
  const halt = (path: string, body: object): Promise<unknown> =>
    holdfast.operator(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ account: 'paper', ...body }),
    });
  const entry = await post({ symbol, action: 'buy', quantity: '2', price: '100', stop_loss: '90' });
  await untilGuarded(entry.body.workflow_id, '2');
  await halt('/halt', { scope: 'all' });
  const refused = await post({ symbol, action: 'close', quantity: '1', price: '100' });
  assert.deepEqual([refused.body.status, refused.body.reason?.code], ['denied', 'HALTED']);
  assert.equal((await tell(entry.body.workflow_id)).order.protection?.guarded_quantity, '2');
  await halt('/resume', {});
  await halt('/halt', { scope: 'entries' });
  const turned = await post({ symbol, action: 'reverse', quantity: '1', price: '100' });
  assert.deepEqual([turned.body.status, turned.body.reason?.code], ['denied', 'HALTED']);
  const closed = await post({ symbol, action: 'close', price: '100' });
  assert.deepEqual([closed.body.status, closed.body.filled_quantity], ['filled', '2'], JSON.stringify(closed.body));
  await halt('/resume', {});
});

test('the rules by which an order is let in do not keep it in', async () => {
  const symbol = 'LLL/USDT';
  const old = new Date(Date.now() - 3_600_000).toISOString();
  await post({ symbol, action: 'buy', quantity: '1', price: '100' }, SLOW);
  const second = await post({ symbol, action: 'buy', quantity: '1', price: '100' }, SLOW);
  assert.equal(second.body.reason?.code, 'ORDERS_PER_MINUTE', JSON.stringify(second.body));
  const { body } = await post({ symbol, action: 'close', price: '100', confidence: 0.1, time: old }, SLOW);
  assert.deepEqual([body.status, body.filled_quantity], ['filled', '1'], JSON.stringify(body));
});

test('what is not counted is not closed by guessing', async () => {
  const { body } = await post({ account: 'idle', symbol: 'BTC/USDT', action: 'close', price: '100' });
  assert.deepEqual([body.status, body.reason?.code], ['denied', 'POSITION_NOT_COUNTED']);
});
