import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { bundleWorkflowCode } from '@temporalio/worker';

import type { Config } from '../config/config.ts';

/** Marks the bundle that encodes failures, for an engine whose payloads are encrypted. */
const ENCRYPTED = '-encrypted';

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
export async function workflowBundle(root: string, encrypted: boolean): Promise<string> {
  const bundle = join(root, '.cache', 'workflows', `${hashOfSources(root)}${encrypted ? ENCRYPTED : ''}.js`);
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
  const failures = basename(bundle, '.js').endsWith(ENCRYPTED) ? encodedFailures(root) : {};
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(root, 'workflows', 'index.ts'),
    logger,
    ...failures,
  });
  mkdirSync(dirname(bundle), { recursive: true });
  const whole = `${bundle}.${process.pid}`;
  writeFileSync(whole, code);
  renameSync(whole, bundle);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build(process.argv[2]!, process.argv[3]!);
