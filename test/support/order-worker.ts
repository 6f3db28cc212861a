import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { eventually } from './eventually.ts';
import { cleanEnvironment, ROOT } from './holdfast.ts';

export interface OrderWorker {
  readonly pid: number;
  /** Whether the system has stopped it (`SIGSTOP`). */
  isStopped(): boolean;
  signal(name: NodeJS.Signals): void;
  /** Stops it as a service manager would, and resolves with its exit code. */
  stop(): Promise<number | null>;
  /** Ends it at once, whatever it is doing, and resolves when it is gone. */
  kill(): Promise<void>;
}

/** Starts a process that carries out orders, and waits until it does; what it places is seen by `watch-sends.ts`. */
export async function startOrderWorker(
  env: Readonly<Record<string, string>>,
  /** The checkout whose code it runs. */
  root = ROOT,
): Promise<OrderWorker> {
  const watch = ['--import', import.meta.resolve('./watch-sends.ts')];
  const args = ['--disable-warning=ExperimentalWarning', ...watch, join('workers', 'order-worker.ts')];
  const child = spawn(process.execPath, args, {
    cwd: root,
    env: {
      ...cleanEnvironment(),
      HOLDFAST_STATE: `${env['HOLDFAST_DATA'] ?? join(root, 'data')}-state`,
      // Engines of the tests keep their database in a file.
      TEMPORAL_DURABLE: 'true',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const gone = once(child, 'exit');
  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  await eventually(() => hasEnded() || output.includes('The worker is ready.'), Boolean, {
    withinMs: 60_000,
    what: 'a worker',
  });
  if (hasEnded()) throw new Error(`The worker ended with ${child.exitCode ?? child.signalCode}:\n${output}`);
  return {
    pid: child.pid!,
    isStopped: () => /^\d+ \(.*\) [Tt] /.test(readFileSync(`/proc/${child.pid}/stat`, 'utf8')),
    signal: (name) => void child.kill(name),
    stop: async () => {
      child.kill('SIGTERM');
      await gone;
      return child.exitCode;
    },
    kill: async () => {
      if (hasEnded()) return;
      child.kill('SIGKILL');
      await gone;
    },
  };
}
