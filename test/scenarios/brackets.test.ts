import assert from 'node:assert/strict';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { PaperAdapter } from '../../adapters/paper/paper-adapter.ts';
import type { Leg } from '../../domain/leg.ts';
import type { OrderStory } from '../../ingress/order-book.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast, type Reply } from '../support/holdfast.ts';
import type { PaperOrder } from '../support/paper-book.ts';
import { runCommand } from '../support/run-command.ts';

const TOKEN = 'a-token-of-the-trend-0123456789';
/** Its positions in one symbol may come to no more than 1. */
const TIGHT = 'a-token-of-the-tight-0123456789';

/** Each test has a market of its own: whatever price one shows, no other's orders see it. */
const BASES = [
  'AAA',
  'BBB',
  'CCC',
  'DDD',
  'EEE',
  'FFF',
  'GGG',
  'HHH',
  'III',
  'JJJ',
  'KKK',
  'LLL',
  'MMM',
  'NNN',
  'OOO',
  'PPP',
  'QQQ',
];

let holdfast: Holdfast;
before(async () => {
  const funds = ['ETH', 'BTC', ...BASES].map((asset) => `${asset}: "100"`).join(', ');
  const paper = `{ venue: paper, balances: { USDT: "10000000", ${funds} }, limits: { price_collar: "off" } }`;
  const strategies = `{ trend: { token: ${TOKEN} }, tight: { token: ${TIGHT}, limits: { max_position: "1" } } }`;
  holdfast = await Holdfast.start({ config: `accounts: { paper: ${paper} }\nstrategies: ${strategies}\n` });
});
after(() => holdfast?.dispose());

const post = (alert: object, token = TOKEN): Promise<Reply> =>
  holdfast.post({ account: 'paper', ...alert }, { path: `/${token}` });
const tell = (id: string): Promise<OrderStory> => holdfast.operator<OrderStory>(`/orders/${encodeURIComponent(id)}`);
const until = (id: string, is: (story: OrderStory) => boolean, what: string): Promise<OrderStory> =>
  eventually(() => tell(id), is, { what, withinMs: 20_000 });

let ids = 0;
/** An entry at 100, where nothing else is said. */
const enter = (symbol: string, more: object, token = TOKEN): Promise<Reply> =>
  post({ id: `entry-${(ids += 1)}`, symbol, action: 'buy', quantity: '1', price: '100', ...more }, token);

/** Another order brings a price to the paper venue. */
const move = (symbol: string, price: string): Promise<Reply> =>
  post({ id: `move-${(ids += 1)}`, symbol, action: 'buy', quantity: '0.001', price });

/** Another process brings it, while no order may leave here. */
async function showBehindItsBack(symbol: string, price: string): Promise<void> {
  const file = join(holdfast.dataDir, 'data', 'paper-paper.db');
  const other = new PaperAdapter({ file, balances: {}, prices: {} });
  await other.open();
  const order = { symbol, side: 'buy', type: 'market', quantity: '0.001', referencePrice: price } as const;
  await other.place({ ...order, clientOrderId: `web_${(ids += 1)}`, notAfter: Infinity });
  await other.close();
}

const untilGuarded = (id: string, quantity: string): Promise<OrderStory> =>
  until(id, ({ order }) => order.protection?.guarded_quantity === quantity, `protection of ${quantity}`);
const untilOut = (id: string, quantity: string): Promise<OrderStory> =>
  until(id, ({ order }) => order.protection?.exited_quantity === quantity, `an exit of ${quantity}`);
const untilEnded = (id: string): Promise<OrderStory> =>
  until(id, ({ workflow: { status } }) => status === 'completed', 'the end');

/** What the paper book has of an order's legs: name, type, what was filled of it and at which price. */
function legsOf(clientOrderId: string): PaperOrder[] {
  return holdfast.paperBook().orders.filter(({ client_order_id: id }) => id.startsWith(`${clientOrderId}-`));
}
const inShort = ({ client_order_id: id, side, type, status, filled_quantity: filled, average_price: at }: PaperOrder) =>
  [id.split('-')[1], side, type, status, filled, at].filter((part) => part !== null).join(' ');
const exits = (clientOrderId: string): string[] => legsOf(clientOrderId).map(inShort);

for (const [name, price, exit] of [
  ['target', '3400', '3400'],
  ['stop', '3610', '3610'],
] as const) {
  test(`case 2 on paper: a sell limit is protected when it is filled, and closed at its ${name}`, async () => {
    const alert = { action: 'sell', quantity: '0.5', order_type: 'limit', limit_price: '3500', price: '3500' };
    const { body, http } = await enter('ETH/USDT', { ...alert, stop_loss: '3600', take_profit: '3400' });
    assert.deepEqual([http, body.status, body.filled_quantity], [200, 'filled', '0.5']);
    await untilGuarded(body.workflow_id, '0.5');
    await move('ETH/USDT', price);
    const { order, workflow } = await untilEnded(body.workflow_id);
    assert.deepEqual([order.status, order.success, order.reason, workflow.status], ['closed', true, null, 'completed']);
    assert.deepEqual(order.protection, { guarded_quantity: '0', exited_quantity: '0.5', exit_average_price: exit });
    assert.deepEqual(exits(body.client_order_id), [`P0.0 buy bracket filled 0.5 ${exit}`]);
  });
}

test('levels in percent are distances from the average fill', async () => {
  const limit = { order_type: 'limit', limit_price: '110' };
  const { body } = await enter('AAA/USDT', { ...limit, stop_loss: '2%', take_profit: { percent: 4 } });
  assert.equal(body.average_price, '100');
  await untilGuarded(body.workflow_id, '1');
  await move('AAA/USDT', '103.99');
  await move('AAA/USDT', '98.01');
  assert.deepEqual(exits(body.client_order_id), ['P0.0 sell bracket working 0']);
  await move('AAA/USDT', '104');
  const { order } = await untilEnded(body.workflow_id);
  assert.deepEqual([order.status, order.protection?.exit_average_price], ['closed', '104']);
});

test('each target closes its part, and the stop what is left', async () => {
  const take_profit = [
    { percent: 2, quantity_percent: 50 },
    { percent: 4, quantity_percent: 30 },
    { price: '110', quantity_percent: 20 },
  ];
  const { body } = await enter('BBB/USDT', { stop_loss: { percent: 1.5 }, take_profit });
  const { workflow_id: id, client_order_id: entry } = body;
  await untilGuarded(id, '1');
  await move('BBB/USDT', '102');
  const half = await untilOut(id, '0.5');
  assert.deepEqual(
    [half.order.status, half.order.protection?.guarded_quantity, half.workflow.status],
    ['filled', '0.5', 'running'],
  );
  await move('BBB/USDT', '105');
  await untilOut(id, '0.8');
  await move('BBB/USDT', '98');
  const { order } = await untilEnded(id);
  // (0.5 × 102 + 0.3 × 104 + 0.2 × 98) / 1
  assert.deepEqual(order.protection, { guarded_quantity: '0', exited_quantity: '1', exit_average_price: '101.8' });
  assert.deepEqual([order.status, order.reason], ['closed', null]);
  assert.deepEqual(exits(entry).toSorted(), [
    'P0.0 sell bracket filled 0.5 102',
    'P1.0 sell bracket filled 0.3 104',
    'P2.0 sell bracket filled 0.2 98',
  ]);
});

test('a stop alone, and a target alone', async () => {
  const stop = await enter('CCC/USDT', { stop_loss: '95' });
  await untilGuarded(stop.body.workflow_id, '1');
  const target = await enter('CCC/USDT', { take_profit: '5%' });
  await untilGuarded(target.body.workflow_id, '1');
  assert.deepEqual(
    [...exits(stop.body.client_order_id), ...exits(target.body.client_order_id)],
    ['P0.0 sell stop working 0', 'P0.0 sell limit working 0'],
  );
  await move('CCC/USDT', '105');
  const { order } = await untilEnded(target.body.workflow_id);
  assert.deepEqual([order.status, order.protection?.exit_average_price], ['closed', '105']);
  assert.equal((await tell(stop.body.workflow_id)).order.status, 'filled');
  await move('CCC/USDT', '94');
  const stopped = await untilEnded(stop.body.workflow_id);
  assert.deepEqual([stopped.order.status, stopped.order.protection?.exit_average_price], ['closed', '94']);
});

test('an entry that rests is protected when it is filled, and not before; one that is canceled never was', async () => {
  const resting = { order_type: 'limit', limit_price: '90', stop_loss: '10%', take_profit: '10%' };
  const { body } = await enter('DDD/USDT', resting);
  assert.deepEqual([body.status, body.protection], ['working', undefined]);
  const other = await enter('DDD/USDT', { ...resting, limit_price: '80' });
  assert.deepEqual(exits(body.client_order_id), []);
  await move('DDD/USDT', '89');
  await untilGuarded(body.workflow_id, '1');
  await move('DDD/USDT', '99');
  const { order } = await untilEnded(body.workflow_id);
  assert.deepEqual([order.status, order.average_price, order.protection?.exit_average_price], ['closed', '90', '99']);
  await holdfast.operator(`/orders/${encodeURIComponent(other.body.workflow_id)}/cancel`, { method: 'POST' });
  const canceled = await untilEnded(other.body.workflow_id);
  assert.deepEqual([canceled.order.status, canceled.order.protection], ['canceled', undefined]);
  assert.deepEqual(exits(other.body.client_order_id), []);
});

for (const [how, symbol, end] of [
  ['stopped', 'EEE/USDT', () => holdfast.stop()],
  ['killed with its engine', 'FFF/USDT', () => holdfast.killAll()],
] as const) {
  test(`${how} while one position is protected and another entry rests: each is taken out once`, async () => {
    const bracket = { stop_loss: '5%', take_profit: '5%' };
    const held = await enter(symbol, bracket);
    await untilGuarded(held.body.workflow_id, '1');
    const resting = await enter(symbol, { ...bracket, order_type: 'limit', limit_price: '98' });
    assert.equal(resting.body.status, 'working');
    await end();
    await holdfast.start();
    await move(symbol, '97');
    await untilGuarded(resting.body.workflow_id, '1');
    await move(symbol, '105');
    const ended = await Promise.all([held, resting].map(({ body }) => untilEnded(body.workflow_id)));
    assert.deepEqual(
      ended.map(({ order }) => [order.status, order.average_price, order.protection?.exit_average_price]),
      [
        ['closed', '100', '105'],
        ['closed', '98', '102.9'],
      ],
    );
    assert.deepEqual(exits(held.body.client_order_id), ['P0.0 sell bracket filled 1 105']);
    assert.deepEqual(exits(resting.body.client_order_id), ['P0.0 sell bracket filled 1 102.9']);
  });
}

// Longer than a stop may take that is on its way: then it is sent anew, under the next generation of its id.
for (const [symbol, forMs, leg] of [
  ['GGG/USDT', 0, 'P0.0'],
  ['OOO/USDT', 31_000, 'P0.1'],
] as const) {
  test(`killed right after the fill, for ${forMs} ms: protected once, and closed once`, async () => {
    const { body } = await enter(symbol, { stop_loss: '5%', take_profit: '5%' });
    await holdfast.killAll();
    // A process that dies after its answer may have protected already.
    const isOpen = exits(body.client_order_id).length === 0;
    await sleep(forMs);
    await holdfast.start();
    await untilGuarded(body.workflow_id, '1');
    await move(symbol, '94');
    const { order } = await untilEnded(body.workflow_id);
    assert.deepEqual([order.status, order.reason], ['closed', null]);
    assert.deepEqual(exits(body.client_order_id), [`${isOpen ? leg : 'P0.0'} sell bracket filled 1 94`]);
  });
}

test('protection that would trigger at once: the position is closed at the market, and the story says why', async () => {
  const resting = { order_type: 'limit', limit_price: '90', stop_loss: '89' };
  const { body } = await enter('HHH/USDT', resting);
  // The price falls through the entry and its stop in one step.
  await move('HHH/USDT', '85');
  const { order, events } = await untilEnded(body.workflow_id);
  assert.deepEqual([order.status, order.success, order.reason?.code], ['closed', true, 'PROTECTION_FAILED']);
  assert.match(order.reason!.message, /protection \(stop 89\) of 1: A stop to sell at 89 would trigger at once/);
  assert.deepEqual(order.protection, { guarded_quantity: '0', exited_quantity: '1', exit_average_price: '85' });
  assert.deepEqual(exits(body.client_order_id), ['E0.1 sell market filled 1 85']);
  assert.match(JSON.stringify(events), /STOP_WOULD_TRIGGER/);
});

test('a halt leaves protection in place and lets it close; what is filled under it is protected too', async (t) => {
  const bracket = { stop_loss: '5%', take_profit: '5%' };
  const held = await enter('III/USDT', bracket);
  await untilGuarded(held.body.workflow_id, '1');
  const resting = await enter('III/USDT', { ...bracket, order_type: 'limit', limit_price: '98' });
  const asJson = { method: 'POST', headers: { 'content-type': 'application/json' } };
  await holdfast.operator('/halt', { ...asJson, body: JSON.stringify({ account: 'paper', scope: 'all' }) });
  t.after(async () => {
    await holdfast.operator('/resume', { ...asJson, body: JSON.stringify({ account: 'paper' }) });
    await eventually(
      () => move('III/USDT', '100'),
      ({ body }) => body.status === 'filled',
      { what: 'the halt’s end' },
    );
  });
  const denied = await enter('III/USDT', {});
  assert.deepEqual([denied.body.status, denied.body.reason?.code], ['denied', 'HALTED']);
  assert.deepEqual(exits(held.body.client_order_id), ['P0.0 sell bracket working 0']);
  await showBehindItsBack('III/USDT', '97');
  await untilGuarded(resting.body.workflow_id, '1');
  await showBehindItsBack('III/USDT', '93');
  for (const { body } of [held, resting]) {
    const { order } = await untilEnded(body.workflow_id);
    assert.deepEqual([order.status, order.reason, order.protection?.exit_average_price], ['closed', null, '93']);
    assert.equal(exits(body.client_order_id).length, 1);
  }
});

test('a stop or target on the wrong side of the entry, or at it, is denied with both numbers, and nothing is sent', async () => {
  const rows: [object, string][] = [
    [{ stop_loss: '101' }, 'stop_loss 101 of a buy must be below its price 100'],
    [{ stop_loss: '100' }, 'stop_loss 100 of a buy must be below its price 100'],
    [{ take_profit: '99' }, 'take_profit 99 of a buy must be above its price 100'],
    [{ take_profit: '100' }, 'take_profit 100 of a buy must be above its price 100'],
    [{ action: 'sell', stop_loss: '99' }, 'stop_loss 99 of a sell must be above its price 100'],
    [{ action: 'sell', take_profit: '101' }, 'take_profit 101 of a sell must be below its price 100'],
    [
      {
        take_profit: [
          { percent: 1, quantity_percent: 50 },
          { price: 99, quantity_percent: 50 },
        ],
      },
      'take_profit 99 of a buy must be above its price 100',
    ],
    [{ order_type: 'limit', limit_price: '90', stop_loss: '95' }, 'stop_loss 95 of a buy must be below its price 90'],
  ];
  for (const [change, expected] of rows) {
    const { http, body } = await enter('JJJ/USDT', change);
    assert.deepEqual([http, body.status, body.reason?.code], [200, 'denied', 'BRACKET_WRONG_SIDE']);
    assert.ok(body.reason!.message.includes(expected), body.reason!.message);
  }
  assert.deepEqual(
    holdfast.paperBook().orders.filter(({ symbol }) => symbol === 'JJJ/USDT'),
    [],
  );
});

test('a position that is out again makes room under max_position', async () => {
  const bracket = { stop_loss: '5%', take_profit: '5%' };
  const first = await enter('KKK/USDT', bracket, TIGHT);
  await untilGuarded(first.body.workflow_id, '1');
  const second = await enter('KKK/USDT', bracket, TIGHT);
  assert.deepEqual([second.body.status, second.body.reason?.code], ['denied', 'POSITION_OVER_LIMIT']);
  await move('KKK/USDT', '94');
  await untilEnded(first.body.workflow_id);
  const third = await enter('KKK/USDT', { ...bracket, price: '94' }, TIGHT);
  assert.equal(third.body.status, 'filled');
});

test("an order's page tells each step of its legs", async () => {
  const { body } = await enter('LLL/USDT', { take_profit: '5%' });
  await untilGuarded(body.workflow_id, '1');
  await move('LLL/USDT', '105');
  const { events, order } = await untilEnded(body.workflow_id);
  assert.deepEqual(
    events.map(({ kind, detail }) => (kind === 'status' ? `status ${String(detail)}` : kind)),
    [
      'received',
      'checkBeforeTrade',
      'placeOrder_scheduled',
      'placeOrder',
      'status filled',
      'checkBeforeTrade_scheduled',
      'checkBeforeTrade',
      'placeOrder_scheduled',
      'placeOrder',
      'followOrder_scheduled',
      'followOrder',
      'status closed',
      'finished',
    ],
  );
  const [entry, leg] = events.filter(({ kind }) => kind === 'placeOrder_scheduled').map(({ detail }) => detail);
  assert.equal(entry, null);
  const { notAfter: _when, ...asked } = leg as Leg;
  assert.deepEqual(asked, {
    name: 'protection',
    part: 0,
    generation: 0,
    side: 'sell',
    type: 'limit',
    quantity: '1',
    limitPrice: '105',
  });
  assert.equal(order.status, 'closed');
});

test('a price that only the alert knows is enough to protect and to close', async () => {
  const { body } = await enter('MMM/USDT', { price: '7', stop_loss: '6.5', take_profit: '8' });
  await untilGuarded(body.workflow_id, '1');
  await move('MMM/USDT', '8.5');
  const { order } = await untilEnded(body.workflow_id);
  assert.deepEqual([order.status, order.protection?.exit_average_price], ['closed', '8']);
});

test('the same alert again while its position is protected is the same order, and so are its legs', async () => {
  const alert = { id: 'twice', stop_loss: '5%', take_profit: '5%' };
  const { body } = await enter('NNN/USDT', alert);
  await untilGuarded(body.workflow_id, '1');
  const again = await enter('NNN/USDT', alert);
  assert.deepEqual(
    [again.body.duplicate, again.body.status, again.body.workflow_id],
    [true, 'filled', body.workflow_id],
  );
  await move('NNN/USDT', '105');
  await untilEnded(body.workflow_id);
  const last = await enter('NNN/USDT', alert);
  assert.deepEqual([last.http, last.body.duplicate], [200, true]);
  assert.deepEqual(exits(body.client_order_id), ['P0.0 sell bracket filled 1 105']);
});

async function reset(id: string): Promise<void> {
  const first = ['--type', 'FirstWorkflowTask', '--reason', 'a test'];
  await holdfast.temporal('workflow', 'reset', '--workflow-id', id, ...first);
}

test('a reset of a protected order, and of a closed one, places nothing a second time', async () => {
  const { body } = await enter('PPP/USDT', { stop_loss: '5%', take_profit: '5%' });
  await untilGuarded(body.workflow_id, '1');
  await reset(body.workflow_id);
  await untilGuarded(body.workflow_id, '1');
  assert.deepEqual(exits(body.client_order_id), ['P0.0 sell bracket working 0']);
  await move('PPP/USDT', '105');
  const once = await untilEnded(body.workflow_id);
  await reset(body.workflow_id);
  const isNew = ({ workflow }: OrderStory): boolean => workflow.run_id !== once.workflow.run_id;
  await until(body.workflow_id, isNew, 'the next run');
  const twice = await untilEnded(body.workflow_id);
  assert.deepEqual(twice.order, once.order);
  assert.deepEqual(exits(body.client_order_id), ['P0.0 sell bracket filled 1 105']);
});

test('a reset of an order whose protection was refused does not protect what is closed already', async () => {
  const { body } = await enter('QQQ/USDT', { order_type: 'limit', limit_price: '90', stop_loss: '89' });
  await move('QQQ/USDT', '85');
  const once = await untilEnded(body.workflow_id);
  // By now the venue would take the stop.
  await move('QQQ/USDT', '95');
  await reset(body.workflow_id);
  const isNew = ({ workflow }: OrderStory): boolean => workflow.run_id !== once.workflow.run_id;
  await until(body.workflow_id, isNew, 'the next run');
  const { order } = await untilEnded(body.workflow_id);
  assert.deepEqual([order.status, order.protection], ['closed', once.order.protection]);
  assert.deepEqual(exits(body.client_order_id), ['E0.1 sell market filled 1 85']);
});

test('the history of every order here that is over replays against the code, down to its values', async () => {
  const { orders } = await holdfast.operator<{ orders: { workflow_id: string }[] }>('/orders?status=closed');
  assert.ok(orders.length > 0);
  const listed = orders.map(({ workflow_id: id }) => id);
  const { code, stdout } = await runCommand(['replay', ...listed], { TEMPORAL_ADDRESS: holdfast.temporalAddress });
  assert.equal(code, 0, stdout);
  assert.match(stdout, new RegExp(`${listed.length} replayed: ${listed.length} the same, 0 not`));
});
