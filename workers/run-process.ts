import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

import { loadConfig, type Config } from '../config/config.ts';
import { CONFIG_EXIT_CODE, ConfigFault } from '../config/fault.ts';
import { createLog, type Logger } from '../telemetry/log.ts';
import { installRuntime } from '../telemetry/runtime.ts';

/** How often a process looks whether whoever started it is still there. */
const PARENT_CHECK_MS = 1_000;
/** After this long a stop that has not come to its end is not waited for any more. */
const STOP_MS = 45_000;

export interface ProcessContext {
  readonly config: Config;
  readonly root: string;
  readonly version: string;
  readonly log: Logger;
  readonly libraryMetricsUrl: string;
  /** Says what is to be undone when the process stops; the last thing started is stopped first. */
  readonly onStop: (step: () => Promise<void>) => void;
  /** Ends the process, with an exit code that says that something broke. */
  readonly fail: (error: unknown) => void;
}

/**
 * Runs one of the product's processes: reads the configuration, starts, and stops in good order when it is told to,
 * or when the process that started it is gone. Faults end it with a sentence and an exit code.
 */
export async function runProcess(start: (context: ProcessContext) => Promise<void>): Promise<void> {
  const root = rootFolder();
  const undo: (() => Promise<void>)[] = [];
  let stopping: Promise<void> | undefined;

  const stop = (exitCode: number): Promise<void> =>
    (stopping ??= (async () => {
      setTimeout(() => process.exit(exitCode || 1), STOP_MS).unref();
      for (const step of undo.toReversed()) await step().catch(complain);
      process.exit(exitCode);
    })());
  const fail = (error: unknown): void => {
    complain(error);
    void stop(error instanceof ConfigFault ? CONFIG_EXIT_CODE : 1);
  };
  // A terminal's Ctrl-C arrives twice, from the terminal and from the launcher: the second changes nothing.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void stop(0));
  stopWithLauncher(() => void stop(0));
  // A closed terminal takes stdout with it; what is written then is lost, and must not end the process halfway.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);
  process.on('unhandledRejection', fail);

  try {
    const config = loadConfig(process.env, root, process.cwd());
    const log = createLog(config.settings.LOG_LEVEL);
    const libraryMetricsUrl = await installRuntime(log);
    const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string };
    await start({ config, root, version, log, libraryMetricsUrl, onStop: (step) => undo.push(step), fail });
  } catch (error) {
    fail(error);
  }
}

/** A launcher that is killed outright takes nobody with it; so each process watches for its end. */
function stopWithLauncher(stop: () => void): void {
  const launcher = Number(process.env['HOLDFAST_LAUNCHER_PID']);
  if (!Number.isInteger(launcher) || launcher < 2) return;
  const timer = setInterval(() => {
    try {
      process.kill(launcher, 0);
    } catch {
      clearInterval(timer);
      stop();
    }
  }, PARENT_CHECK_MS);
  timer.unref();
}

function complain(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message}\n`);
  if (process.env['LOG_LEVEL'] === 'debug' && error instanceof Error) process.stderr.write(`${error.stack}\n`);
}

/** The folder of `package.json`: above the sources, or above `dist`. */
function rootFolder(): string {
  let folder = import.meta.dirname;
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}
