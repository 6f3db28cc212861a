import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { Linked } from '../../ingress/links.ts';
import { runningProcesses } from '../../workers/process-table.ts';
import { findTemporalCli } from '../../workers/temporal-cli.ts';
import { eventually } from './eventually.ts';
import { freePorts } from './free-port.ts';
import { readPaperBook, type PaperBook } from './paper-book.ts';

export const ROOT = join(import.meta.dirname, '..', '..');

/** The Temporal CLI that the tests use: the same that the product would find. */
export function temporalCli(): Promise<string> {
  return findTemporalCli({ env: process.env, cacheDir: join(ROOT, '.cache'), note: () => undefined });
}

export interface Reply {
  readonly http: number;
  readonly type: string;
  /** An answer or a problem: tests say which members they expect. */
  readonly body: Linked & { readonly code?: string; readonly field?: string; readonly [member: string]: unknown };
}

export interface HoldfastOptions {
  /** `holdfast.yaml`, as text. */
  readonly config?: string;
  readonly env?: Readonly<Record<string, string>>;
  /** Which of the product's programs answers: all of it in one, unless only a part is wanted. */
  readonly entry?: 'all-in-one' | 'ingress';
}

/** The whole product as separate processes, on free ports and a data folder of its own. */
export class Holdfast {
  readonly dataDir = mkdtempSync(join(tmpdir(), 'holdfast-test-'));
  readonly #options: HoldfastOptions;
  readonly #ports: readonly number[];
  readonly #cli: string;
  #process: ChildProcess | undefined;
  #output = '';

  private constructor(options: HoldfastOptions, ports: readonly number[], cli: string) {
    this.#options = options;
    this.#ports = ports;
    this.#cli = cli;
  }

  static async start(options: HoldfastOptions = {}): Promise<Holdfast> {
    const holdfast = new Holdfast(options, await freePorts(4), await temporalCli());
    try {
      await holdfast.start();
      return holdfast;
    } catch (error) {
      await holdfast.dispose();
      throw error;
    }
  }

  get publicUrl(): string {
    return `http://127.0.0.1:${this.#ports[0]}`;
  }

  get operatorUrl(): string {
    return `http://127.0.0.1:${this.#ports[1]}`;
  }

  get temporalAddress(): string {
    return this.#options.env?.['TEMPORAL_ADDRESS'] ?? `127.0.0.1:${this.#ports[2]}`;
  }

  /** Everything that the processes have printed so far. */
  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#process!.pid!;
  }

  /** Whether it does not run: not started yet, ended by itself, or killed. */
  get hasEnded(): boolean {
    return this.#process === undefined || this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  /** Starts it (again) on the same ports and data, and waits until it is ready. */
  async start(): Promise<void> {
    const { config, env, entry = 'all-in-one' } = this.#options;
    const file = join(this.dataDir, 'holdfast.yaml');
    if (config !== undefined) writeFileSync(file, config);
    this.#process = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', `workers/${entry}.ts`], {
      cwd: ROOT,
      env: {
        ...cleanEnvironment(),
        TEMPORAL_CLI: this.#cli,
        HOLDFAST_DATA: join(this.dataDir, 'data'),
        HOLDFAST_STATE: join(this.dataDir, 'state'),
        PORT: String(this.#ports[0]),
        OPERATOR_PORT: String(this.#ports[1]),
        TEMPORAL_PORT: String(this.#ports[2]),
        TEMPORAL_UI_PORT: String(this.#ports[3]),
        // Engines of the tests keep their database in a file.
        TEMPORAL_DURABLE: 'true',
        // Tests send more alerts in a minute than a strategy may; the limit has tests of its own.
        RATE_LIMIT_REQUESTS: '1000000',
        ...(config === undefined ? {} : { HOLDFAST_CONFIG: file }),
        ...env,
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const child = this.#process;
    child.stdout?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    child.stderr?.on('data', (chunk: Buffer) => (this.#output += chunk.toString()));
    const isReady = async (): Promise<boolean> => this.hasEnded || (await fetch(`${this.publicUrl}/ready`)).ok;
    await eventually(isReady, Boolean, { withinMs: 60_000, what: 'readiness' });
    if (this.hasEnded) throw new Error(`Holdfast ended with ${child.exitCode ?? child.signalCode}:\n${this.#output}`);
  }

  /** Posts an alert, as JSON or as the very text given. */
  async post(
    alert: unknown,
    { path = '', headers = {} }: { path?: string; headers?: Record<string, string> } = {},
  ): Promise<Reply> {
    const sending = fetch(`${this.publicUrl}/webhook/tradingview${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof alert === 'string' ? alert : JSON.stringify(alert),
    });
    const response = await sending.catch((cause: unknown) => {
      const { exitCode, signalCode } = this.#process!;
      const state = `exit code ${exitCode}, signal ${signalCode}`;
      throw new Error(`No answer from Holdfast (${state}), which said last: ${this.#output.slice(-2_000)}`, { cause });
    });
    const type = response.headers.get('content-type') ?? '';
    return { http: response.status, type, body: (await response.json()) as Reply['body'] };
  }

  /** Asks the operator's listener for JSON. */
  async operator<T>(path: string, init: RequestInit = {}): Promise<T> {
    const response = await fetch(`${this.operatorUrl}${path}`, init);
    return (await response.json()) as T;
  }

  /** Runs the real `temporal` command against this installation's engine, and returns what it printed. */
  async temporal(...args: string[]): Promise<string> {
    const child = spawn(this.#cli, [...args, '--address', this.temporalAddress], { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const code = await new Promise((resolve) => child.on('close', resolve));
    if (code !== 0) throw new Error(`temporal ${args.join(' ')} ended with ${String(code)}: ${errors}${output}`);
    return output;
  }

  /** What the command line's `workflow show` prints of a history, as it is; of the latest run unless one is named. */
  async history(workflowId: string, runId?: string): Promise<string> {
    const run = runId === undefined ? [] : ['--run-id', runId];
    return this.temporal('workflow', 'show', '--workflow-id', workflowId, ...run, '--output', 'json');
  }

  /** What the paper account has booked, read from its file. */
  paperBook(account = 'paper'): PaperBook {
    return readPaperBook(join(this.dataDir, 'data', `paper-${account}.db`));
  }

  /** Kills everything at once, the engine too, with no chance to tidy up. */
  async killAll(): Promise<void> {
    // A process that has ended has no pid any more: by now that may be somebody else's.
    if (this.hasEnded) return;
    const exited = this.ended();
    for (const pid of [this.enginePid(), this.pid]) if (pid !== undefined) tryKill(pid, 'SIGKILL');
    await exited;
  }

  /** Sends the process a signal; the engine, which has a process group of its own, does not get it. */
  signal(name: NodeJS.Signals): void {
    if (!this.hasEnded) tryKill(this.pid, name);
  }

  /** Stops it as a service manager would; returns the exit code. */
  async stop(): Promise<number | null> {
    this.signal('SIGTERM');
    return this.ended();
  }

  /** Ends it at once, whatever is left of it, and removes its folder. Stopping in good order is a test of its own. */
  async dispose(): Promise<void> {
    await this.killAll();
    for (const { pid, command } of runningProcesses()) if (command.includes(this.dataDir)) tryKill(pid, 'SIGKILL');
    rmSync(this.dataDir, { recursive: true, force: true, maxRetries: 10 });
  }

  /** Resolves with the exit code once the process has ended; null when a signal ended it. */
  ended(): Promise<number | null> {
    if (this.hasEnded) return Promise.resolve(this.#process?.exitCode ?? null);
    return new Promise((resolve) => this.#process!.once('exit', resolve));
  }

  /** The engine's process: a child whose command line names our database; undefined while there is none. */
  enginePid(): number | undefined {
    const children = readProc(`${this.pid}/task/${this.pid}/children`).trim().split(' ').map(Number);
    return children.find((pid) => pid > 0 && readProc(`${pid}/cmdline`).includes('temporal.db'));
  }
}

function readProc(name: string): string {
  try {
    return readFileSync(`/proc/${name}`, 'utf8');
  } catch {
    // The process has ended meanwhile.
    return '';
  }
}

function tryKill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It is gone already, which is what was wanted.
  }
}

/** The environment without anything that would configure the product. */
export function cleanEnvironment(): NodeJS.ProcessEnv {
  const ours = /^(HOLDFAST_|TEMPORAL_|OPERATOR_|INTENT_|WEBHOOK_|EXCHANGE_|PORT$|HOST$|LOG_LEVEL$|MIN_CONFIDENCE$)/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !ours.test(name)));
}
