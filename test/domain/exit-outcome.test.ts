import assert from 'node:assert/strict';
import { test } from 'node:test';

import { exitOver, notCarriedOut } from '../../domain/exit-outcome.ts';
import { NEW_ORDER, type OrderState } from '../../domain/order-state.ts';
import { reason } from '../../domain/reason.ts';
import { NOTHING_TRADED, tradedBy, type LastTry, type Traded, type WayOut } from '../../domain/way-out.ts';

const traded = (quantity: string, averagePrice = '100'): Traded => ({ quantity, averagePrice });

function after(own: Traded, entries: readonly Traded[] = [], quantity = '2'): OrderState {
  const byEntry = entries.map((one) => ({ ...one, workflowId: 'order:trend:e' }));
  const wayOut: WayOut = { side: 'sell', quantity, own, opened: '0', entries: byEntry };
  return { ...NEW_ORDER, wayOut };
}

const last = (status: LastTry['status'], code: string | null = null): LastTry => ({
  status,
  reason: code === null ? null : reason(code, `It is ${code}.`, 'Do this.'),
});
const DUST = last('denied', 'QUANTITY_BELOW_MINIMUM');

const rows: readonly [string, OrderState, LastTry | null, string, string | null][] = [
  ['all of it by its own order', after(traded('2')), last('filled'), 'filled', null],
  ['all of it by several', after(traded('1.5'), [traded('0.5')]), last('canceled', 'OTHER'), 'filled', null],
  ['a part', after(traded('1.5')), last('canceled'), 'canceled', 'NOT_ALL_OUT'],
  ['a part, with a word of the venue', after(traded('1.5')), last('rejected', 'NO_FUNDS'), 'canceled', 'NO_FUNDS'],
  ['nothing, refused by the venue', after(NOTHING_TRADED), last('rejected', 'NO_FUNDS'), 'rejected', 'NO_FUNDS'],
  ['nothing, too late', after(NOTHING_TRADED), last('expired', 'NEVER_SENT'), 'expired', 'NEVER_SENT'],
  ['nothing, and nobody says why', after(NOTHING_TRADED), null, 'canceled', 'NOT_ALL_OUT'],
  ['all but dust', after(traded('1.99999')), DUST, 'filled', null],
  ['dust alone', after(NOTHING_TRADED, [], '0.000001'), DUST, 'noop', 'FLAT'],
];
for (const [name, state, why, status, code] of rows) {
  test(`an exit that took out: ${name}`, () => {
    const end = exitOver(state, why);
    assert.deepEqual([end.status, end.reason?.code ?? null], [status, code]);
  });
}

test('what stays is told with both numbers', () => {
  assert.match(exitOver(after(traded('1.5')), null).reason!.message, /^Of 2 0\.5 did not come out/);
  assert.match(exitOver(after(traded('1.99999')), DUST).notes.join(), /^0\.00001 stays/);
});

test('several orders are one price', () => {
  const { wayOut } = after(traded('1', '100'), [traded('3', '104'), NOTHING_TRADED], '4');
  assert.deepEqual(tradedBy(wayOut!), { quantity: '4', averagePrice: '103' });
});

test('an exit that finds nothing is no fault; one that is refused is told as that', () => {
  const because = reason('FLAT', 'Nothing is held.');
  assert.equal(notCarriedOut({ kind: 'flat', reason: because, notes: [] }).status, 'noop');
  assert.equal(notCarriedOut({ kind: 'denied', reason: because }).status, 'denied');
  assert.equal(notCarriedOut({ kind: 'expired', reason: because }).status, 'expired');
  assert.equal(notCarriedOut({ kind: 'dry_run' }).status, 'dry_run');
});
