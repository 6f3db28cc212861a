import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import type { OrderStory } from '../../ingress/order-book.ts';
import { eventually } from '../support/eventually.ts';
import { eventsOf, parseHistory, valueIn, type HistoryJson } from '../support/history.ts';
import { Holdfast, type Reply } from '../support/holdfast.ts';
import { WITHOUT_LIMITS } from '../support/limits-off.ts';

// Everything is killed at once, again and again, shortly after alerts came in; then it is started again. What was
// answered must be there and go on; nothing may be there twice. The paper book, on disk, is the oracle. A round does
// not wait for the recovery of the one before: its orders are killed again on their way.
//
// A SIGKILL takes the processes and not the machine: what the system still holds in its memory for the disk survives.

const ROUNDS = 50;
const ALERTS_PER_ROUND = 3;
/** So often it is left alone until every order has its outcome: none is to grow too old to be sent by being killed. */
const ROUNDS_UNTIL_REST = 17;
/** The last moment after the POST at which everything is killed; the rounds spread evenly up to it. */
const LATEST_MS = 300;

interface Sent {
  readonly alert: { readonly id: string; readonly quantity: string; readonly order_type: 'market' | 'limit' };
  /** What came back; undefined where the connection died first. */
  reply: Reply | undefined;
}

let holdfast: Holdfast;
before(async () => (holdfast = await Holdfast.start({ config: WITHOUT_LIMITS })));
after(() => holdfast?.dispose());

const sent: Sent[] = [];

/** The next alert. Its quantity is its own, so that the book tells orders apart by that too. */
function nextAlert(): Sent {
  const number = sent.length + 1;
  const isLimit = number % ALERTS_PER_ROUND === 0;
  const alert = {
    id: `kill-${number}`,
    account: 'paper',
    symbol: 'BTC/USDT',
    action: 'buy',
    quantity: `0.00${1_000 + number}`,
    ...(isLimit ? ({ order_type: 'limit', limit_price: '60000' } as const) : ({ order_type: 'market' } as const)),
  };
  const entry: Sent = { alert, reply: undefined };
  sent.push(entry);
  return entry;
}

async function post(entry: Sent): Promise<void> {
  entry.reply = await holdfast.post(entry.alert).catch(() => undefined);
}

/** The same moments in every run, in an order that mixes early and late. */
const moments = Array.from({ length: ROUNDS }, (_, round) => (((round * 17) % ROUNDS) * LATEST_MS) / (ROUNDS - 1));

const workflowIdOf = ({ alert }: Sent): string => `order:default:${alert.id}`;

/** An order as it stands; undefined where there is none. */
async function tell(entry: Sent): Promise<OrderStory | undefined> {
  const response = await fetch(`${holdfast.operatorUrl}/orders/${encodeURIComponent(workflowIdOf(entry))}`);
  if (response.status === 404) return undefined;
  assert.equal(response.status, 200);
  return (await response.json()) as OrderStory;
}

const isUnderWay = (status: string | undefined): boolean => status === 'pending' || status === 'unknown';

/** How an order stands once it is not under way any more; undefined where there is none. */
const settled = (entry: Sent): Promise<OrderStory | undefined> =>
  eventually(
    () => tell(entry),
    (story) => !isUnderWay(story?.order.status),
    { withinMs: 100_000, everyMs: 200, what: `an outcome of ${entry.alert.id}` },
  );

test('killed again and again, it loses nothing that it answered, and places nothing twice', async (t) => {
  let kills = 0;
  for (const [round, moment] of moments.entries()) {
    const posts = Array.from({ length: ALERTS_PER_ROUND }, nextAlert).map(post);
    await sleep(moment);
    assert.ok(!holdfast.hasEnded, `it ended by itself: ${holdfast.output.slice(-1_000)}`);
    await holdfast.killAll();
    kills += 1;
    await Promise.all(posts);
    // Now and then it is killed while it starts, too.
    if (round % 10 === 9) {
      const starting = holdfast.start().catch(() => undefined);
      await sleep(moment * 3);
      await holdfast.killAll();
      kills += 1;
      await starting;
    }
    await holdfast.start();
    if (round % ROUNDS_UNTIL_REST === ROUNDS_UNTIL_REST - 1) for (const entry of sent) await settled(entry);
  }

  const answered = sent.filter(({ reply }) => reply !== undefined && reply.http < 300);
  const refused = sent.filter(({ reply }) => reply !== undefined && reply.http >= 300);
  const unanswered = sent.filter(({ reply }) => reply === undefined);
  const lost: string[] = [];
  let recovered = 0;
  let lookedUp = 0;
  let expired = 0;
  for (const entry of sent) {
    const story = await settled(entry);
    if (story?.events.some(({ kind }) => kind.startsWith('findOrder'))) lookedUp += 1;
    if (story !== undefined && isTooOld(entry, story)) expired += 1;
    if (entry.reply === undefined && story !== undefined) recovered += 1;
    if (entry.reply !== undefined && entry.reply.http < 300) lost.push(...differences(entry, story));
  }
  const doubled = await doubles();
  const counts = {
    kills,
    answered: answered.length,
    unanswered: unanswered.length,
    recovered,
    'looked up': lookedUp,
    expired,
  };
  t.diagnostic(
    Object.entries({ ...counts, refused: refused.length, doubled: doubled.length, lost: lost.length })
      .map(([name, count]) => `${name} ${count}`)
      .join(', '),
  );
  assert.deepEqual(lost, []);
  assert.deepEqual(doubled, []);
  // What cannot be answered with certainty is answered 503, and nothing else is.
  assert.deepEqual(
    refused.map(({ reply }) => reply?.http).filter((http) => http !== 503),
    [],
  );
  assert.ok(answered.length > 0 && unanswered.length > 0, 'some kills came before the answer, and some after it');
});

test('senders that were not answered send again, and every alert is one order or says why it is none', async () => {
  for (const entry of sent) if (entry.reply === undefined || entry.reply.http >= 300) await post(entry);
  const missing: string[] = [];
  let expired = 0;
  for (const entry of sent) {
    const story = await settled(entry);
    missing.push(...differences(entry, story));
    if (story !== undefined && isTooOld(entry, story)) expired += 1;
  }
  assert.deepEqual(missing, []);
  assert.deepEqual(await doubles(), []);
  const { orders, balances } = holdfast.paperBook();
  assert.equal(orders.length, sent.length - expired);
  // Each fill was paid for once.
  const millionths = (amount: string): number => Math.round(Number(amount) * 1e6);
  const bought = orders.reduce((sum, order) => sum + millionths(order.filled_quantity), 0);
  assert.equal(millionths(balances['BTC']!), millionths('1') + bought);
});

test('after a fill that came while nobody looked, every resting order goes on to its end', async () => {
  const booked = holdfast.paperBook().orders;
  const resting = booked.filter(({ status }) => status === 'working').map(({ quantity }) => Number(quantity));
  const entries = sent.filter(({ alert }) => resting.includes(Number(alert.quantity)));
  assert.ok(entries.length > 0 && entries.length === resting.length);
  const price = { id: 'price', account: 'paper', symbol: 'BTC/USDT', action: 'buy', quantity: '0.001', price: '59000' };
  await holdfast.post(price);
  await holdfast.killAll();
  await holdfast.start();
  for (const entry of entries) {
    await eventually(
      () => tell(entry),
      (story) => story?.order.status === 'filled' && story.workflow.status === 'completed',
      { withinMs: 60_000, everyMs: 200, what: `the fill of ${entry.alert.id}` },
    );
  }
  assert.equal(holdfast.paperBook().orders.length, booked.length + 1);
  assert.equal(await holdfast.stop(), 0);
});

const isOutcome = (reply: Reply | undefined): boolean =>
  reply?.body.status === 'filled' || reply?.body.status === 'working';

/** An order that was killed on its way for longer than its alert is good for is not sent any more, and says so. */
function isTooOld({ reply }: Sent, { order }: OrderStory): boolean {
  // What was told to be at the venue cannot be too late to be sent. A resend gets the first answer, so it may say so.
  return order.status === 'expired' && order.reason?.code === 'TOO_LATE_TO_SEND' && !isOutcome(reply);
}

/** In what an order that was acknowledged is not as it should be. */
function differences(entry: Sent, story: OrderStory | undefined): string[] {
  const { alert, reply } = entry;
  if (story === undefined) return [`${alert.id} was answered ${reply?.body.status} and is not there`];
  const wanted = alert.order_type === 'limit' ? 'working' : 'filled';
  const { status, order_id, quantity, client_order_id } = story.order;
  const booked = holdfast.paperBook().orders.filter((order) => order.client_order_id === client_order_id);
  if (isTooOld(entry, story)) return booked.length === 0 ? [] : [`${alert.id} is expired, and in the book`];
  return [
    ...(status === wanted ? [] : [`${alert.id} is ${status}, not ${wanted}`]),
    ...(Number(quantity) === Number(alert.quantity) ? [] : [`${alert.id} is about ${quantity}, not ${alert.quantity}`]),
    ...(booked.length === 1 && booked[0]?.status === wanted
      ? []
      : [`${alert.id} is in the book ${booked.length} times`]),
    ...(reply?.body.status === wanted && reply.body.order_id !== order_id ? [`${alert.id} has another venue id`] : []),
  ];
}

/** Orders that are there twice, or that were sent again with no proof that they were not there. */
async function doubles(): Promise<string[]> {
  const found: string[] = [];
  const { orders } = holdfast.paperBook();
  const alertOf = new Map(sent.map(({ alert }) => [Number(alert.quantity), alert.id]));
  const seen = new Set<string>();
  for (const order of orders) {
    const id = alertOf.get(Number(order.quantity));
    if (id === undefined || seen.has(id)) found.push(`${id ?? 'something else'} is in the book again (${order.seq})`);
    if (id !== undefined) seen.add(id);
  }
  for (const entry of sent) {
    const story = await tell(entry);
    if (story === undefined) continue;
    const sendings = story.events.filter(({ kind }) => kind === 'placeOrder_scheduled').length;
    // Only what was sent more than once needs a look at the whole history.
    const history = sendings < 2 ? undefined : parseHistory(await holdfast.history(workflowIdOf(entry)));
    if (history !== undefined) found.push(...unprovenSendings(entry, history));
  }
  return found;
}

function unprovenSendings({ alert }: Sent, history: HistoryJson): string[] {
  const named =
    (name: string) =>
    (event: unknown): boolean =>
      JSON.stringify(event).includes(`"name":"${name}"`);
  const scheduled = eventsOf(history, 'ACTIVITY_TASK_SCHEDULED');
  const sendings = scheduled.filter(named('placeOrder')).length;
  const lookups = new Set(scheduled.filter(named('findOrder')).map(({ eventId }) => eventId));
  const proofs = eventsOf(history, 'ACTIVITY_TASK_COMPLETED').filter((event) => {
    const { scheduledEventId } = event['activityTaskCompletedEventAttributes'] as { scheduledEventId: string };
    return (
      lookups.has(scheduledEventId) && (valueIn(event, 'result') as { kind?: string } | undefined)?.kind === 'absent'
    );
  }).length;
  return sendings <= proofs + 1 ? [] : [`${alert.id} was sent ${sendings} times on ${proofs} proofs of absence`];
}
