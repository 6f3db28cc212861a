import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';

import type { Figures } from './table.ts';

/** How many orders are in flight at each kill here; a release runs with more, and at the venue's own limits. */
const ORDERS = 16;

test('whatever is killed at whichever step, no order is lost, doubled, mislabelled or late', async (t) => {
  const args = ['--bounds', 'short', '--per-kill', String(ORDERS), '--rigs', '2', '--json'];
  const child = spawn(
    process.execPath,
    ['--disable-warning=ExperimentalWarning', join(import.meta.dirname, 'run.ts'), ...args],
    {
      stdio: ['ignore', 'pipe', 'inherit'],
    },
  );
  t.after(() => child.kill());
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const [code] = (await once(child, 'close')) as [number | null];
  const { seed, kills, trials, violations, unhit, slowestAnswerMs } = JSON.parse(output) as Figures;
  t.diagnostic(`${trials} trials over ${kills} kills, seed ${seed}; the slowest answer took ${slowestAnswerMs} ms`);
  assert.deepEqual([code, violations, unhit], [0, [], []]);
});
