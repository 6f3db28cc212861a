import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';

import { eventually } from '../support/eventually.ts';
import { LiveDesk } from '../support/live-desk.ts';

let desk: LiveDesk;
before(async () => {
  desk = await LiveDesk.start({ proof: 'ordering: serial' });
  await desk.control.setBalances({ USDT: '1000000', BTC: '10', ETH: '100' });
  await desk.warm();
});
after(() => desk?.dispose());

test('orders of a strategy that asks for turns go out one after the other, as their alerts came', async () => {
  const [first, second, third] = [{ id: 'first' }, { id: 'second' }, { id: 'third' }];
  await desk.failPlacing(first, { kind: 'late' });
  const posted = [desk.post(first)];
  await desk.untilHeld(first);
  for (const alert of [second, third]) {
    posted.push(desk.post(alert));
    // Each has asked for its turn before the next one comes.
    await eventually(
      () => desk.holdfast.temporal('workflow', 'describe', '--workflow-id', `order:trend:${alert.id}`),
      (told) => told.includes('It is not its turn in BTC/USDT'),
      { what: `${alert.id} waiting` },
    );
  }
  const other = await desk.post({ id: 'other-market', symbol: 'ETH/USDT', quantity: '0.1' });
  assert.equal(other.body.status, 'filled', 'another market waits for nobody');
  assert.deepEqual([await desk.sends(second), await desk.sends(third)], [[], []]);
  await desk.release(first);
  await Promise.all(posted);
  const ends = [];
  for (const { id } of [first, second, third]) ends.push((await desk.untilOver(`order:trend:${id}`)).order.status);
  assert.deepEqual(ends, ['filled', 'filled', 'filled']);
  const booked = (await desk.control.orders()).map(({ clientOrderId }) => desk.sent.get(clientOrderId)?.id);
  assert.deepEqual(
    booked.filter((id) => ['first', 'second', 'third'].includes(id ?? '')),
    ['first', 'second', 'third'],
  );
});

test('in the end the venue has booked what was told, and nothing else', async () => {
  await desk.reconcile();
});
