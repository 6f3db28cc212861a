import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';

import { LiveDesk } from '../support/live-desk.ts';

const LIMITED = { code: -1003, msg: 'Too much request weight used; current limit is 6000.' };
const POOR = { code: -2010, msg: 'Account has insufficient balance for requested action.' };

/** Answers that contradict themselves: the words of a refusal, under a status that promises none, and a booked order. */
const contradictions = {
  'too many requests, under 200': { kind: 'wrong-json', booked: true, json: LIMITED },
  'too many orders, under 200': { kind: 'wrong-json', booked: true, json: { ...LIMITED, code: -1015 } },
  'too many requests, under 503': { kind: 'status-after', status: 503, body: JSON.stringify(LIMITED) },
  'no money, under 200': { kind: 'wrong-json', booked: true, json: POOR },
} as const;

let desk: LiveDesk;
const accounts = Object.keys(contradictions).map((_, index) => `account-${index}`);
before(async () => (desk = await LiveDesk.start({ accounts: [...accounts, 'ahead', 'behind'] })));
after(() => desk?.dispose());

describe('an order that was booked under an answer which contradicts itself is found, and not sent again', () => {
  const rows = Object.entries(contradictions);
  for (const [index, [name, fault]] of rows.entries()) {
    test(name, async () => {
      const alert = { id: `contradiction-${index}`, account: accounts[index]! };
      await desk.failPlacing(alert, fault);
      const { body } = await desk.post(alert);
      const { order } = await desk.untilOver(body.workflow_id);
      const booked = await desk.booked(alert);
      assert.deepEqual(
        { told: order.status, booked: booked.map(({ status }) => status) },
        { told: 'filled', booked: ['FILLED'] },
      );
    });
  }
});

describe('a resting order is followed to its fill when this host’s clock is not the venue’s', () => {
  for (const [account, clockOffsetMs] of [
    ['ahead', -2_000],
    ['behind', 12_000],
  ] as const) {
    test(`the host is ${account} by ${Math.abs(clockOffsetMs)} ms`, async () => {
      await desk.control.change({ clockOffsetMs });
      const alert = { id: `clock-${account}`, account, order_type: 'limit', limit_price: '60000' };
      const { body } = await desk.post(alert);
      assert.equal(body.status, 'working');
      await desk.control.fill({ clientOrderId: body.client_order_id, quantity: '0.01' });
      const { order } = await desk.untilOver(body.workflow_id, 12_000);
      assert.equal(order.status, 'filled');
    });
  }
});
