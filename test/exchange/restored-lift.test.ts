import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import type { AccountView } from '../../ingress/account-book.ts';
import { eventually } from '../support/eventually.ts';
import { LiveDesk, type Alert } from '../support/live-desk.ts';

// An engine that was put back from a copy goes on by itself where the venue shows no order that it has forgotten.

let desk: LiveDesk;
before(async () => (desk = await LiveDesk.start({ env: { RECONCILE_INTERVAL: '2' } })));
after(() => desk?.dispose());

const data = (): string => join(desk.holdfast.dataDir, 'data');
const copy = (): string => join(desk.holdfast.dataDir, 'copy');

async function account(): Promise<AccountView> {
  const { accounts } = await desk.holdfast.operator<{ accounts: AccountView[] }>('/accounts');
  return accounts[0]!;
}
const codes = ({ halts }: AccountView): string[] => halts.map(({ code }) => code);

const until = (what: string, isSo: (account: AccountView) => boolean): Promise<AccountView> =>
  eventually(account, isSo, { withinMs: 90_000, everyMs: 200, what });

async function filled(alert: Alert): Promise<string> {
  const { body } = await desk.post(alert);
  assert.equal((await desk.untilOver(body.workflow_id)).order.status, 'filled');
  return body.client_order_id;
}

/** Stops, copies, lives on for a while, and is put back as it was. */
async function putBack(meanwhile: () => Promise<unknown>): Promise<void> {
  await desk.holdfast.stop();
  rmSync(copy(), { recursive: true, force: true });
  cpSync(data(), copy(), { recursive: true });
  await desk.holdfast.start();
  await meanwhile();
  await desk.holdfast.stop();
  rmSync(data(), { recursive: true });
  cpSync(copy(), data(), { recursive: true });
  await desk.holdfast.start();
}

test('a restored engine that knows every order at the venue resumes by itself, and a person’s halt stays', async () => {
  await filled({ id: 'known' });
  await putBack(() => Promise.resolve());
  await until('the halt', (now) => codes(now).includes('ENGINE_RESTORED'));
  await desk.holdfast.operator('/halt', { method: 'POST' });
  const { halts } = await until('its end', (now) => !codes(now).includes('ENGINE_RESTORED'));
  assert.deepEqual(
    halts.map(({ code }) => code),
    ['HALTED'],
  );
  assert.match(desk.holdfast.output, /ENGINE_RESTORED is lifted/);
  const denied = await desk.post({ id: 'while-halted' });
  assert.deepEqual([denied.body.status, denied.body.reason?.code], ['denied', 'HALTED']);
  await desk.holdfast.operator('/resume', { method: 'POST' });
  await filled({ id: 'goes-on' });
});

test('a restored engine that has forgotten an order stays halted, and says which order it is', async () => {
  let forgotten = '';
  await putBack(async () => (forgotten = await filled({ id: 'forgotten' })));
  const { halts } = await until('the halt', (now) => codes(now).includes('ENGINE_RESTORED'));
  const since = Date.parse(halts[0]!.since);
  const isTold = ({ differences }: AccountView): boolean => differences.some(({ order }) => order === forgotten);
  // So late that a halt without a stranger would have been lifted by then.
  const isLate = ({ reconciled_at: at }: AccountView): boolean => Date.parse(at ?? '') > since + 45_000;
  const late = await until('a late comparison', (now) => isTold(now) && isLate(now));
  assert.deepEqual(codes(late), ['ENGINE_RESTORED']);
  assert.equal(late.differences.find(({ order }) => order === forgotten)!.kind, 'stranger');
  // Its alert comes again, and finds it: then there is nothing left that the engine does not know.
  const { body } = await desk.post({ id: 'forgotten' });
  assert.equal((await desk.untilOver(body.workflow_id)).order.status, 'filled');
  assert.equal((await desk.booked({ id: 'forgotten' })).length, 1);
  await until('its end', (now) => codes(now).length === 0);
  await filled({ id: 'after' });
});
