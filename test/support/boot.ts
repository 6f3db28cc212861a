import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';

import { cleanEnvironment, ROOT, temporalCli } from './holdfast.ts';

export interface Ending {
  /** Null when it did not end by itself in time, and was killed. */
  readonly code: number | null;
  readonly output: string;
}

export interface BootOptions {
  readonly env: Readonly<Record<string, string>>;
  /** Which of the product's programs. */
  readonly entry?: string;
  /** The user to run as; only root can choose another. */
  readonly uid?: number;
  readonly withinMs?: number;
  /** What happens to it meanwhile. */
  readonly meanwhile?: (child: ChildProcess, output: () => string) => Promise<void>;
}

/** Starts one of the product's programs that is expected to end by itself, and waits for that. */
export async function boot(options: BootOptions): Promise<Ending> {
  const { env, entry = 'all-in-one', uid, withinMs = 20_000, meanwhile } = options;
  const cli = await temporalCli();
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', join('workers', `${entry}.ts`)], {
    cwd: ROOT,
    env: { ...cleanEnvironment(), TEMPORAL_CLI: cli, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const timer = setTimeout(() => child.kill('SIGKILL'), withinMs);
  const ended = new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject));
  const [code] = await Promise.all([ended, meanwhile?.(child, () => output)]);
  clearTimeout(timer);
  return { code, output };
}
