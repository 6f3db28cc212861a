import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, test } from 'node:test';

import { deploymentTag } from '../../domain/ids.ts';
import type { AccountView } from '../../ingress/account-book.ts';
import { placeByHand } from '../support/by-hand.ts';
import { eventually } from '../support/eventually.ts';
import { LiveDesk } from '../support/live-desk.ts';

// What is at the venue and what the engine believes are compared all the time; nothing at the venue is changed by it.

const TAG = deploymentTag('local', (text) => createHash('sha256').update(text).digest());

let desk: LiveDesk;
before(async () => (desk = await LiveDesk.start({ env: { RECONCILE_INTERVAL: '2' } })));
after(() => desk?.dispose());

async function account(): Promise<AccountView> {
  const { accounts } = await desk.holdfast.operator<{ accounts: AccountView[] }>('/accounts');
  return accounts.find(({ name }) => name === 'binance')!;
}

/** The account once it is told to differ in an order, or in it no more. */
const until = (order: string, isThere: boolean): Promise<AccountView> =>
  eventually(account, ({ differences }) => differences.some((one) => one.order === order) === isThere, {
    withinMs: 60_000,
    everyMs: 200,
    what: `${order} ${isThere ? 'among' : 'gone from'} the differences`,
  });

async function differenceOf(order: string): Promise<AccountView['differences'][number]> {
  return (await until(order, true)).differences.find((one) => one.order === order)!;
}

/** What the metric says of a kind, as a scraper sees it. */
async function metric(kind: string): Promise<number | undefined> {
  const page = await (await fetch(`${desk.holdfast.operatorUrl}/metrics`)).text();
  const line = new RegExp(`^holdfast_differences\\{account="binance",kind="${kind}"\\} (\\d+)$`, 'm').exec(page);
  return line === null ? undefined : Number(line[1]);
}

/** The log lines about an order, by their sentence. */
const logged = (order: string): string[] =>
  desk.holdfast.output
    .split('\n')
    .filter((line) => line.includes(`"order":"${order}"`))
    .map((line) => (JSON.parse(line) as { msg: string }).msg);

/** Until the account has been compared so many times more. */
async function comparisons(count: number): Promise<void> {
  const seen = new Set<string | null>();
  await eventually(
    async () => seen.add((await account()).reconciled_at).size,
    (size) => size > count,
    {
      withinMs: 90_000,
      everyMs: 200,
      what: `${count} comparisons`,
    },
  );
}

async function resting(id: string): Promise<{ workflowId: string; clientOrderId: string }> {
  const { body } = await desk.post({ id, order_type: 'limit', limit_price: '60000' });
  await desk.untilStatus(body.workflow_id, 'working');
  return { workflowId: body.workflow_id, clientOrderId: body.client_order_id };
}

test('an order that was placed by hand is told, never touched, and gone from the list when it is gone', async () => {
  const order = await placeByHand(desk.venue);
  const id = String(order.orderId);
  const difference = await differenceOf(id);
  assert.deepEqual([difference.kind, difference.symbol], ['manual', 'BTC/USDT']);
  assert.match(difference.detail, new RegExp(order.clientOrderId));
  assert.equal(await metric('manual'), 1);
  await comparisons(2);
  const { requests } = await desk.control.ledger();
  assert.deepEqual(
    requests.filter(({ method }) => method === 'DELETE'),
    [],
  );
  assert.equal((await desk.control.orders(order.clientOrderId))[0]!.status, 'NEW');
  await desk.control.cancel({ orderId: order.orderId });
  const { difference_count: count } = await until(id, false);
  assert.deepEqual([count, await metric('manual')], [0, 0]);
  assert.deepEqual(logged(id), [
    'The engine and the venue differ.',
    'The engine and the venue differ in this no longer.',
  ]);
});

test('an order under our tag that the engine has never seen is told, open or over', async () => {
  const open = `${TAG}${'0'.repeat(23)}`;
  const over = `${TAG}${'1'.repeat(23)}`;
  await placeByHand(desk.venue, { newClientOrderId: open });
  await placeByHand(desk.venue, { newClientOrderId: over, price: '68000' });
  assert.equal((await differenceOf(open)).kind, 'stranger');
  assert.equal((await differenceOf(over)).kind, 'stranger');
  await eventually(
    () => metric('stranger'),
    (count) => count === 2,
    { what: 'the metric' },
  );
  assert.equal((await desk.control.orders(open))[0]!.status, 'NEW');
  await desk.control.cancel({ clientOrderId: open });
});

test('the end of an order that a person has canceled at the venue is taken over without a difference', async () => {
  const { workflowId, clientOrderId } = await resting('canceled-there');
  await comparisons(2);
  await desk.control.cancel({ clientOrderId });
  assert.equal((await desk.untilOver(workflowId)).order.status, 'canceled');
  await comparisons(6);
  assert.deepEqual(logged(clientOrderId), []);
});

test('an order whose watch was ended is told while it is open, and when it is filled after all', async () => {
  const { workflowId, clientOrderId } = await resting('ended-from-outside');
  await desk.holdfast.temporal('workflow', 'terminate', '--workflow-id', workflowId);
  const { kind, detail } = await differenceOf(clientOrderId);
  assert.equal(kind, 'orphaned');
  assert.match(detail, new RegExp(workflowId));
  assert.equal((await desk.control.orders(clientOrderId))[0]!.status, 'NEW');
  await desk.control.fill({ clientOrderId, quantity: '0.01' });
  await eventually(
    () => metric('unbooked'),
    (count) => count === 1,
    { withinMs: 60_000, what: 'the unbooked fill' },
  );
  assert.equal((await differenceOf(clientOrderId)).kind, 'unbooked');
});

test('an order that the venue has forgotten is told as missing', async () => {
  const { clientOrderId } = await resting('forgotten-there');
  await desk.control.reset();
  const { kind } = await differenceOf(clientOrderId);
  assert.equal(kind, 'missing');
  assert.equal(await metric('missing'), 1);
});
