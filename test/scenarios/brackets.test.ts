import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import type { OrderStory } from '../../ingress/order-book.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast, type Reply } from '../support/holdfast.ts';

const TOKEN = 'a-token-of-the-trend-0123456789';

let holdfast: Holdfast;
before(async () => {
  const paper = '{ venue: paper, balances: { USDT: "1000000", ETH: "10", BTC: "10" } }';
  holdfast = await Holdfast.start({
    config: `accounts: { paper: ${paper} }\nstrategies: { trend: { token: ${TOKEN} } }\n`,
  });
});
after(() => holdfast?.dispose());

const post = (alert: object): Promise<Reply> => holdfast.post({ account: 'paper', ...alert }, { path: `/${TOKEN}` });
const tell = (id: string): Promise<OrderStory> => holdfast.operator<OrderStory>(`/orders/${encodeURIComponent(id)}`);
const until = (id: string, is: (story: OrderStory) => boolean, what: string): Promise<OrderStory> =>
  eventually(() => tell(id), is, { what, withinMs: 15_000 });

/** Another order brings the price to the paper venue. */
let moves = 0;
const move = (symbol: string, price: string): Promise<Reply> =>
  post({ id: `move-${(moves += 1)}`, symbol, action: 'buy', quantity: '0.001', price });

for (const [name, price, exit] of [
  ['target', '3400', '3400'],
  ['stop', '3610', '3610'],
] as const) {
  test(`case 2 on paper: a sell limit is protected when it is filled, and closed at its ${name}`, async () => {
    const alert = {
      id: `case-2-${name}`,
      symbol: 'ETH/USDT',
      action: 'sell',
      quantity: '0.5',
      order_type: 'limit',
      limit_price: '3500',
    };
    const { body, http } = await post({ ...alert, price: '3500', stop_loss: '3600', take_profit: '3400' });
    assert.deepEqual([http, body.status, body.filled_quantity], [200, 'filled', '0.5']);
    const isGuarded = ({ order }: OrderStory): boolean => order.protection?.guarded_quantity === '0.5';
    await until(body.workflow_id, isGuarded, 'protection');
    await move('ETH/USDT', price);
    const { order, workflow } = await until(
      body.workflow_id,
      ({ workflow: { status } }) => status === 'completed',
      'the end',
    );
    assert.deepEqual([order.status, order.success, order.reason, workflow.status], ['closed', true, null, 'completed']);
    assert.deepEqual(order.protection, { guarded_quantity: '0', exited_quantity: '0.5', exit_average_price: exit });
  });
}
