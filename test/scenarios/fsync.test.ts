import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { ROOT, temporalCli } from '../support/holdfast.ts';

interface Proof {
  readonly alerts: number;
  readonly watched: { readonly writes: number; readonly syncs: number };
  readonly syncs_after_own_write: { readonly min: number; readonly median: number };
  readonly none: readonly string[];
}

interface Ran {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const ALERTS = 6;
/** The script's own word for "nothing can be watched here". */
const CANNOT_WATCH = 2;

async function prove(env: Readonly<Record<string, string>> = {}): Promise<Ran> {
  const args = [join('scripts', 'prove-fsync.ts'), '--alerts', String(ALERTS), '--warm-up', '2', '--json'];
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (stdout += chunk));
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => (stderr += chunk));
  const code = await new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject));
  return { code, stdout, stderr };
}

/** A command that starts the engine with another setting of its database. */
async function engineWith(t: TestContext, synchronous: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-fsync-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const program = join(folder, 'temporal');
  const lines = ['#!/bin/bash', `exec '${await temporalCli()}' "\${@/#synchronous=full/synchronous=${synchronous}}"`];
  writeFileSync(program, `${lines.join('\n')}\n`, { mode: 0o755 });
  return program;
}

test('every alert is on disk before it is answered', async (t) => {
  const { code, stdout, stderr } = await prove();
  if (code === CANNOT_WATCH) return t.skip(stderr.trim());
  assert.equal(code, 0, stderr + stdout);
  const proof = JSON.parse(stdout) as Proof;
  assert.deepEqual([proof.alerts, proof.none], [ALERTS, []]);
  assert.ok(proof.syncs_after_own_write.min >= 1);
  t.diagnostic(`syncs of each alert: ${JSON.stringify(proof.syncs_after_own_write)}`);
});

for (const synchronous of ['normal', 'off']) {
  test(`an engine that answers before its disk does is found out (synchronous=${synchronous})`, async (t) => {
    const { code, stdout, stderr } = await prove({ TEMPORAL_CLI: await engineWith(t, synchronous) });
    if (code === CANNOT_WATCH) return t.skip(stderr.trim());
    assert.equal(code, 1, stderr + stdout);
    const proof = JSON.parse(stdout) as Proof;
    assert.ok(proof.watched.writes > ALERTS, 'what it writes is seen all the same');
    assert.ok(proof.none.length > 0, stdout);
  });
}
