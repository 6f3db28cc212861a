import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { Holdfast, ROOT } from '../support/holdfast.ts';

let holdfast: Holdfast;
// An empty variable counts as not set: here nothing is configured but ports and the folder.
before(async () => (holdfast = await Holdfast.start({ env: { RATE_LIMIT_REQUESTS: '' } })));
after(() => holdfast?.dispose());

const NOTHING_SENT = { success: true, order_id: null, error: null };

test('a market buy with no configuration is a dry run', async () => {
  const body = '{"symbol":"BTC/USDT","action":"buy","order_type":"market","quantity":0.01,"confidence":0.85}';
  await answers(body, 200, NOTHING_SENT);
});

test('a limit sell with stop-loss and take-profit is a dry run', async () => {
  const body =
    '{"symbol":"ETH/USDT","action":"sell","order_type":"limit","quantity":0.5,"price":3500.0,' +
    '"stop_loss":3600.0,"take_profit":3400.0,"confidence":0.75}';
  await answers(body, 200, NOTHING_SENT);
});

test('the least that an alert may say is a dry run at market with the default confidence', async () => {
  const reply = await answers('{"symbol":"BTC/USDT","action":"buy","quantity":0.01}', 200, NOTHING_SENT);
  assert.deepEqual([reply['status'], reply['order_type'], reply['account']], ['dry_run', 'market', 'binance']);
  const story = await holdfast.operator<{ intent: { confidence: string } }>(
    `/orders/${encodeURIComponent(String(reply['workflow_id']))}`,
  );
  assert.equal(story.intent.confidence, '0.7');
});

test('an unknown action is refused in the original’s words', async () => {
  const body = '{"symbol":"BTC/USDT","action":"invalid_action","quantity":0.01}';
  const error = 'Invalid action: invalid_action';
  const reply = await answers(body, 400, { success: false, order_id: null, error });
  assert.equal(reply['code'], 'INVALID_ACTION');
});

test('a missing quantity is refused by name', async () => {
  const reply = await holdfast.post('{\n  "symbol": "BTC/USDT",\n  "action": "buy"\n  }');
  assert.equal(reply.http, 422);
  const { success, order_id, error, code, field } = reply.body;
  assert.deepEqual(
    { success, order_id, code, field },
    { success: false, order_id: null, code: 'MISSING_FIELD', field: 'quantity' },
  );
  assert.match(String(error), /missing field `quantity`/);
});

test('the example script finds all five as they should be, run twice', async () => {
  for (const _time of [1, 2]) {
    const { code, output } = await runExample(holdfast.publicUrl);
    assert.equal(code, 0, output);
    assert.equal(output.match(/^✓/gm)?.length, 5, output);
    assert.match(output, /Invalid action: invalid_action/);
  }
});

test('the example script tells a difference, and an installation that is not there', async (t) => {
  const server = createServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'application/json' }).end('{"success":true,"order_id":"1","error":null}');
  });
  t.after(() => server.close());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  const different = await runExample(address);
  assert.equal(different.code, 1, different.output);
  assert.equal(different.output.match(/^✗/gm)?.length, 5, different.output);

  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  const absent = await runExample(address);
  assert.equal(absent.code, 1, absent.output);
  assert.match(absent.output, /No answer from http/);
});

async function answers(body: string, http: number, expected: object): Promise<Record<string, unknown>> {
  const reply = await holdfast.post(body);
  const { success, order_id, error } = reply.body;
  assert.deepEqual({ http: reply.http, success, order_id, error }, { http, ...expected });
  assert.deepEqual(Object.keys(reply.body).slice(0, 3), ['success', 'order_id', 'error']);
  return reply.body;
}

async function runExample(url: string): Promise<{ code: number | null; output: string }> {
  const flags = ['--disable-warning=ExperimentalWarning'];
  const child = spawn(process.execPath, [...flags, join(ROOT, 'examples', 'original-cases.ts'), url]);
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, output };
}
