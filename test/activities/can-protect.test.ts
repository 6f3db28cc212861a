import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cannotProtect } from '../../activities/can-protect.ts';
import type { Account } from '../../activities/desk.ts';
import type { Capabilities, OrderTicket, Plan } from '../../adapters/venue-adapter.ts';
import type { Intent } from '../../domain/intent.ts';
import { reason } from '../../domain/reason.ts';
import { anIntent } from '../support/an-intent.ts';

const READY: Plan = { kind: 'ready', notes: [] };
const refused = (code: string): Plan => ({ kind: 'refused', reason: reason(code, 'So it is.') });

/** What the entry's check says where the venue is so, and which orders it was asked for. */
async function judge(
  intent: Partial<Intent>,
  capabilities: Partial<Capabilities>,
  { plan = READY, hasPrices = true }: { plan?: Plan; hasPrices?: boolean } = {},
): Promise<{ code: string | null; message: string; asked: readonly OrderTicket[] }> {
  const asked: OrderTicket[] = [];
  const adapter = {
    capabilities: { brackets: false, dryRun: false, ...capabilities },
    plan: async (ticket: OrderTicket) => {
      asked.push(ticket);
      return plan;
    },
    ...(hasPrices ? { lastPrice: async () => null } : {}),
  };
  const account = { name: 'desk', adapter } as unknown as Account;
  const because = await cannotProtect(account, {
    signed: { intent: anIntent(intent), signature: { key: '', value: '' } },
  });
  return { code: because?.code ?? null, message: because?.message ?? '', asked };
}

const STOP = { stopLoss: { price: '90' } };
const TRAIL = { stopLoss: { trailPercent: '2' } };

test('an entry is denied only where its way out can neither rest nor be watched', async () => {
  const none = { hasPrices: false };
  const rows: [Partial<Intent>, Partial<Capabilities>, Parameters<typeof judge>[2], string | null][] = [
    [{}, {}, none, null],
    [STOP, { brackets: true }, none, null],
    [STOP, { dryRun: true }, none, null],
    [STOP, {}, {}, null],
    [STOP, {}, none, 'BRACKET_UNSUPPORTED'],
    // What moves is watched, whatever rests.
    [TRAIL, { brackets: true }, none, 'BRACKET_UNSUPPORTED'],
    [TRAIL, { brackets: true }, {}, null],
    [{ stopLoss: { price: '90', breakevenAfter: { percent: '1' } } }, { brackets: true }, none, 'BRACKET_UNSUPPORTED'],
    [STOP, {}, { plan: refused('VENUE_CANNOT_TAKE_IT') }, 'BRACKET_UNSUPPORTED'],
    // How much is too little is judged elsewhere.
    [STOP, {}, { plan: refused('QUANTITY_BELOW_MINIMUM') }, null],
  ];
  for (const [intent, capabilities, venue, expected] of rows) {
    assert.equal(
      (await judge(intent, capabilities, venue)).code,
      expected,
      JSON.stringify([intent, capabilities, venue]),
    );
  }
});

test('the venue is asked whether it takes the market order that would take the position out, and says why not', async () => {
  const { asked, message } = await judge({ side: 'sell', ...STOP }, {}, { plan: refused('VENUE_CANNOT_TAKE_IT') });
  assert.deepEqual(
    asked.map(({ side, type, quantity }) => [side, type, quantity]),
    [['buy', 'market', anIntent().quantity]],
  );
  assert.match(message, /The account desk cannot protect .* So it is\./);
});
