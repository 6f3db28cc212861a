import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineFault } from './data-folder-lock.ts';
import { HOST } from './loopback-ports.ts';
import { runningProcesses } from './process-table.ts';

export interface Log {
  info(o: object, m: string): void;
  warn(o: object, m: string): void;
  error(o: object, m: string): void;
}

const LEFT_BEHIND_GRACE_MS = 5_000;
const LAST_LINES = 12;

const KEYWORDS = ['Account', 'Symbol', 'Side', 'Status', 'Strategy', 'ClientId', 'Reason'].map(
  (name) => `Order${name}`,
);

/** The beginning of every command line of ours, which tells our servers from one started by hand on the same file. */
const onDatabase = (db: string) => ['server', 'start-dev', '--db-filename', db, '--sqlite-pragma', 'journal_mode=wal'];

const SETTINGS = [
  ['--ip', HOST],
  // An acknowledged alert is on disk before its answer; the default of WAL is not enough for that.
  ['--sqlite-pragma', 'synchronous=full'],
  // The default of 20 a second makes every hop wait up to 50 ms, as the dev server has only one shard.
  ['--dynamic-config-value', 'history.transferProcessorMaxPollRPS=2000'],
  // List entries come up to half a second later, and the server's CPU time per order falls by a third.
  ['--dynamic-config-value', 'history.visibilityProcessorMaxPollRPS=2'],
  ['--dynamic-config-value', 'matching.numTaskqueueReadPartitions=1'],
  ['--dynamic-config-value', 'matching.numTaskqueueWritePartitions=1'],
  ['--dynamic-config-value', 'system.forceSearchAttributesCacheRefreshOnRead=false'],
  ['--ui-disable-news-fetch'],
  ['--log-level', 'error'],
  ...KEYWORDS.map((name) => ['--search-attribute', `${name}=Keyword`]),
].flat();

/** One run of the Temporal dev server as a child process. */
export class TemporalServer {
  /** Resolves with the reason, however the run ends. */
  readonly gone: Promise<string>;
  hasGone = false;
  /** While it comes up or goes down it complains about its own parts that are not there. */
  quiet = true;
  readonly #child: ChildProcess;
  readonly #lastLines: string[] = [];

  constructor(cli: string, db: string, port: number, uiPort: number, log: Log) {
    const args = [...onDatabase(db), '--port', String(port), '--ui-port', String(uiPort), ...SETTINGS];
    // A process group of its own keeps the terminal's Ctrl-C away: the worker has to drain while the server is there.
    const options = { detached: true, windowsHide: true, env: serverEnv() };
    this.#child = spawn(cli, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
    const { stdout, stderr } = this.#child;
    if (stdout) createInterface(stdout).on('line', (line) => this.#keep(line));
    if (stderr) {
      createInterface(stderr).on('line', (line) => {
        this.#keep(line);
        if (!this.quiet) log.warn({ line }, 'The embedded Temporal server reports an error');
      });
    }
    this.gone = this.#untilGone();
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get lastLines(): string {
    return this.#lastLines.join('\n');
  }

  signal(name: 'SIGTERM' | 'SIGKILL'): void {
    const { pid } = this.#child;
    this.quiet = true;
    if (this.hasGone || !pid) return;
    // The whole group, because the command may be a script that wraps the CLI.
    if (process.platform === 'win32') this.#child.kill(name);
    else trySignal(-pid, name);
  }

  async stop(graceMs: number): Promise<void> {
    this.signal('SIGTERM');
    const grace = new AbortController();
    const late = sleep(graceMs, undefined, { signal: grace.signal }).then(() => this.signal('SIGKILL'));
    await Promise.race([this.gone, late.catch(() => undefined)]);
    grace.abort();
    await this.gone;
  }

  #keep(line: string): void {
    // The banner is no news.
    if (line.trim() && !line.startsWith('Temporal ')) this.#lastLines.push(line);
    if (this.#lastLines.length > LAST_LINES) this.#lastLines.shift();
  }

  async #untilGone(): Promise<string> {
    const child = this.#child;
    const closed = new Promise((done) => child.once('close', done));
    const reason = await new Promise<string>((done) => {
      child.once('error', (error) => done(error.message));
      child.once('exit', (code, signal) => done(signal ? `ended by ${signal}` : `exit code ${code}`));
    });
    this.hasGone = true;
    // Its last lines may still be on their way, unless a process that it started holds the pipe open.
    await Promise.race([closed, sleep(200)]);
    return reason;
  }
}

/** Ends what a killed run of ours left on a database, and returns when it is gone. */
export async function stopLeftBehind(db: string, log: Log): Promise<void> {
  const killAt = Date.now() + LEFT_BEHIND_GRACE_MS;
  const told = new Set<number>();
  for (;;) {
    const { ours, foreign } = serversOn(db);
    if (foreign) {
      throw new EngineFault(
        `A Temporal server that Holdfast did not start (process ${foreign}) runs on ${db}. ` +
          'Stop it, or set HOLDFAST_DATA to another folder.',
      );
    }
    if (ours.length === 0) return;
    for (const pid of ours) {
      if (!told.has(pid)) log.warn({ pid }, 'A Temporal server left behind by an earlier run is stopped');
      if (Date.now() > killAt) trySignal(pid, 'SIGKILL');
      else if (!told.has(pid)) trySignal(pid, 'SIGTERM');
      told.add(pid);
    }
    await sleep(50);
  }
}

function serversOn(db: string): { ours: number[]; foreign: number | undefined } {
  const mark = ` ${onDatabase(db).join(' ')} `;
  const servers = runningProcesses().filter(
    ({ command }) => / start-dev /.test(command) && command.includes(` ${db} `),
  );
  const ours = servers.filter(({ command }) => command.includes(mark)).map(({ pid }) => pid);
  return { ours, foreign: servers.find(({ pid }) => !ours.includes(pid))?.pid };
}

function trySignal(pid: number, name: 'SIGTERM' | 'SIGKILL'): void {
  try {
    process.kill(pid, name);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== 'ESRCH') throw error;
  }
}

/** TEMPORAL_* is meant for clients, and the server needs to ask nobody for a newer version. */
function serverEnv(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_'));
  return { ...Object.fromEntries(kept), TEMPORAL_VERSION_CHECK_DISABLED: '1' };
}
