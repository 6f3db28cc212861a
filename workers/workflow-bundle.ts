import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { bundleWorkflowCode } from '@temporalio/worker';

import type { Config } from '../config/config.ts';

/**
 * What a bundle holds beyond the workflows, as a mark in its name: `encrypted` encodes failures, for an engine whose
 * payloads are encrypted; `witness` hands every decision over to whoever replays.
 */
const KINDS = { plain: '', encrypted: '-encrypted', witness: '-witness' };
type Kind = keyof typeof KINDS;

/** Whether the configuration asks for encrypted payloads. */
export function isEncrypted({ settings }: Config): boolean {
  return settings.PAYLOAD_ENCRYPTION_KEYS !== undefined;
}

/** Client, worker and workflows must convert failures alike. */
export function encodedFailures(root: string): { failureConverterPath: string } {
  return { failureConverterPath: join(root, 'workflows', 'failure-converter.ts') };
}

/**
 * The workflows' code as the engine's library loads it. Bundling costs a second and much memory, so it is done once
 * for each state of the sources, and in a process of its own.
 * @returns the bundle's path
 */
export function workflowBundle(root: string, encrypted: boolean): Promise<string> {
  return cachedBundle(root, encrypted ? 'encrypted' : 'plain');
}

/** The same code with `workflows/replay-witness.ts` around it: for replays, whose values have been decrypted before. */
export function replayBundle(root: string): Promise<string> {
  return cachedBundle(root, 'witness');
}

async function cachedBundle(root: string, kind: Kind): Promise<string> {
  const bundle = join(root, '.cache', 'workflows', `${hashOfSources(root)}${KINDS[kind]}.js`);
  if (existsSync(bundle)) return bundle;
  const builder = spawn(process.execPath, [fileURLToPath(import.meta.url), root, bundle], { stdio: 'inherit' });
  const code = await new Promise<number | null>((resolve, reject) => builder.on('error', reject).on('exit', resolve));
  if (code !== 0) throw new Error(`Bundling the workflows failed (exit code ${code}).`);
  return bundle;
}

/** The bundle depends on these sources, and on the exact library that loads it. */
function hashOfSources(root: string): string {
  const hash = createHash('sha256').update(readFileSync(join(root, 'package-lock.json')));
  for (const folder of ['domain', 'workflows']) {
    for (const name of readdirSync(join(root, folder)).toSorted()) {
      hash.update(name).update(readFileSync(join(root, folder, name)));
    }
  }
  return hash.digest('hex').slice(0, 16);
}

async function build(root: string, bundle: string): Promise<void> {
  const quiet = () => undefined;
  const logger = {
    log: quiet,
    trace: quiet,
    debug: quiet,
    info: quiet,
    warn: quiet,
    error: (message: string) => void process.stderr.write(`${message}\n`),
  };
  const isKind = (kind: Kind): boolean => basename(bundle, '.js').endsWith(KINDS[kind]);
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(root, 'workflows', 'index.ts'),
    logger,
    ...(isKind('encrypted') ? encodedFailures(root) : {}),
    ...(isKind('witness') ? { workflowInterceptorModules: [join(root, 'workflows', 'replay-witness.ts')] } : {}),
  });
  mkdirSync(dirname(bundle), { recursive: true });
  const whole = `${bundle}.${process.pid}`;
  writeFileSync(whole, code);
  renameSync(whole, bundle);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build(process.argv[2]!, process.argv[3]!);
