import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { runCommand, type Ran } from '../support/run-command.ts';

const aKey = (id: string): string => `${id}:${randomBytes(32).toString('base64')}`;
const PAYLOAD_ENCRYPTION_KEYS = `${aKey('new')},${aKey('old')}`;
const ALERT = { account: 'paper', symbol: 'BTC/USDT', action: 'buy', quantity: '0.01' };
const LIMIT = { ...ALERT, order_type: 'limit', limit_price: '61000' };

let holdfast: Holdfast;
before(async () => (holdfast = await Holdfast.start({ env: { PAYLOAD_ENCRYPTION_KEYS } })));
after(() => holdfast?.dispose());

function command(args: readonly string[], keys: string | undefined = PAYLOAD_ENCRYPTION_KEYS): Promise<Ran> {
  const address = { TEMPORAL_ADDRESS: holdfast.temporalAddress };
  return runCommand(args, keys === undefined ? address : { ...address, PAYLOAD_ENCRYPTION_KEYS: keys });
}

async function exported(workflowId: string): Promise<string> {
  const file = join(holdfast.dataDir, 'exported.json');
  writeFileSync(file, await holdfast.history(workflowId));
  return file;
}

test('encrypted histories replay the same, from the engine and from a file', async () => {
  await holdfast.post({ ...ALERT, id: 'filled' });
  await holdfast.post({ ...LIMIT, id: 'canceled' });
  await holdfast.operator('/orders/order%3Adefault%3Acanceled/cancel', { method: 'POST' });
  const file = await exported('order:default:canceled');
  const { code, stdout } = await command(['replay', 'order:default:filled', 'order:default:canceled', file]);
  const lines = stdout.trimEnd().split('\n');
  assert.equal(lines[0], 'order:default:filled  filled  same');
  assert.equal(lines[1], 'order:default:canceled  canceled  same');
  assert.equal(lines.at(-1), '3 replayed: 3 the same, 0 not.');
  assert.equal(code, 0);
});

test('without the key, and with a stranger’s, the command says which one is missing', async () => {
  const file = await exported('order:default:filled');
  const none = await runCommand(['replay', file]);
  assert.match(none.stdout, /cannot be read: The history is encrypted, and .* no PAYLOAD_ENCRYPTION_KEYS\./);
  assert.equal(none.code, 1);
  const other = await command(['replay', file], aKey('other'));
  assert.match(other.stdout, /cannot be read: The payload key new is not configured/);
  assert.equal(other.code, 1);
});

test('an encrypted order that was terminated is listed, and runs again', async () => {
  await holdfast.post({ ...LIMIT, id: 'resting' });
  const workflowId = 'order:default:resting';
  await holdfast.temporal('workflow', 'terminate', '--workflow-id', workflowId, '--reason', 'by mistake');
  const { stdout } = await eventually(
    () => command(['rerun']),
    (list) => list.stdout.includes(workflowId),
    { what: 'the order in the list' },
  );
  assert.match(stdout, /^order:default:resting {2}terminated \S+Z {2}working {2}may still be sent {2}by mistake\n$/);
  const { code, stdout: answer } = await command(['rerun', workflowId]);
  assert.match(answer, /^order:default:resting {2}working {2}order paper-\d+ {2}0 of 0\.01 filled\n$/);
  assert.equal(code, 0);
});
