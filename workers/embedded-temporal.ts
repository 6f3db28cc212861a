import { realpathSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { msToNumber, msToTs, tsToMs } from '@temporalio/common/lib/time.js';
import { type DataFolderLock, diskFault, EngineFault, lockDataFolder } from './data-folder-lock.ts';
import { accepts, freePorts, HOST, isFree } from './loopback-ports.ts';
import { startOf } from './process-table.ts';
import { type Log, stopLeftBehind, TemporalServer } from './temporal-server.ts';

export { EngineFault };

export interface EmbeddedTemporal {
  readonly address: string;
  readonly uiUrl: string;
  stop(): Promise<void>;
}

export interface EmbeddedTemporalOptions {
  cli: string;
  dataDir: string;
  port: number;
  uiPort: number;
  log: Log;
  /** Called each time that a server which was ready is lost; it is started again without further asking. */
  onGone?: (reason: string) => void;
}

/** The dev server's own default is one day, too short for an audit record. */
const RETENTION = '90 days';
const READY_WITHIN_MS = 30_000;
const STOP_GRACE_MS = 10_000;
/** The health protocol's own number. */
const SERVING = 1;
const RESTART_FIRST_MS = 200;
const RESTART_MOST_MS = 5_000;
/** A server that lived this long starts the waits anew. */
const STEADY_AFTER_MS = 10_000;

/** Runs the Temporal dev server on the data folder's SQLite file, which no second server may open meanwhile. */
export async function startEmbeddedTemporal(options: EmbeddedTemporalOptions): Promise<EmbeddedTemporal> {
  const lock = await lockDataFolder(options.dataDir);
  try {
    const dataDir = realpathSync(options.dataDir);
    // Before the choice of ports, because it may hold those that are wanted.
    await stopLeftBehind(join(dataDir, 'temporal.db'), options.log);
    const [port = 0, uiPort = 0] = await freePorts([options.port, options.uiPort], options.log);
    const supervised = new SupervisedServer({ ...options, dataDir, port, uiPort }, lock);
    await supervised.start();
    return supervised;
  } catch (error) {
    lock.release();
    throw error;
  }
}

class SupervisedServer implements EmbeddedTemporal {
  readonly address: string;
  readonly uiUrl: string;
  readonly #options: EmbeddedTemporalOptions;
  readonly #lock: DataFolderLock;
  readonly #db: string;
  readonly #pidFile: string;
  readonly #ending = new AbortController();
  readonly #atExit = () => this.#server?.signal('SIGTERM');
  #server: TemporalServer | undefined;
  #watching: Promise<void> | undefined;
  #stopped: Promise<void> | undefined;

  constructor(options: EmbeddedTemporalOptions, lock: DataFolderLock) {
    this.#options = options;
    this.#lock = lock;
    this.#db = join(options.dataDir, 'temporal.db');
    this.#pidFile = join(options.dataDir, 'temporal.pid');
    this.address = `${HOST}:${options.port}`;
    this.uiUrl = `http://${HOST}:${options.uiPort}`;
  }

  async start(): Promise<void> {
    // An end of this process without stop() leaves no server behind, unless it is killed.
    process.once('exit', this.#atExit);
    try {
      this.#watching = this.#watch(await this.#bringUp());
    } catch (error) {
      await this.stop();
      throw error;
    }
  }

  stop(): Promise<void> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  async #end(): Promise<void> {
    this.#ending.abort();
    await this.#server?.stop(STOP_GRACE_MS);
    await this.#watching;
    try {
      // A script that wraps the CLI may end before the server does.
      await stopLeftBehind(this.#db, this.#options.log);
    } finally {
      process.off('exit', this.#atExit);
      rmSync(this.#pidFile, { force: true });
      this.#lock.release();
    }
  }

  async #watch(first: TemporalServer): Promise<void> {
    const { log, onGone } = this.#options;
    let wait = RESTART_FIRST_MS;
    let server: TemporalServer | undefined = first;
    let reason = '';
    for (;;) {
      const since = Date.now();
      if (server) {
        reason = await server.gone;
        if (!this.#ending.signal.aborted) onGone?.(reason);
      }
      if (this.#ending.signal.aborted) return;
      if (Date.now() - since > STEADY_AFTER_MS) wait = RESTART_FIRST_MS;
      log.error({ reason, lastLines: this.#server?.lastLines, waitMs: wait }, 'The embedded Temporal server is lost');
      await sleep(wait, undefined, { signal: this.#ending.signal }).catch(() => undefined);
      if (this.#ending.signal.aborted) return;
      wait = Math.min(wait * 2, RESTART_MOST_MS);
      server = await this.#bringUp().catch((error: unknown) => {
        reason = messageOf(error);
        return undefined;
      });
    }
  }

  async #bringUp(): Promise<TemporalServer> {
    const { cli, port, uiPort, log } = this.#options;
    // After a loss too: a script that wraps the CLI may have gone without the server itself.
    await stopLeftBehind(this.#db, log);
    const began = Date.now();
    for (const each of [port, uiPort]) {
      if (!(await isFree(each))) throw new EngineFault(`Port ${each} was taken by another process meanwhile.`);
    }
    if (this.#ending.signal.aborted) throw new EngineFault('The server was stopped before it was started.');
    const server = new TemporalServer(cli, this.#db, port, uiPort, log);
    this.#server = server;
    try {
      this.#writePidFile(server.pid);
      await this.#untilReady(server, began + READY_WITHIN_MS);
    } catch (error) {
      await server.stop(STOP_GRACE_MS);
      throw error;
    }
    server.quiet = false;
    const { address, uiUrl } = this;
    log.info({ address, uiUrl, pid: server.pid, ms: Date.now() - began }, 'The embedded Temporal server is ready');
    return server;
  }

  /** For people and tools; what is left behind is found by its command line, which no kill can forestall. */
  #writePidFile(pid: number | undefined): void {
    const { dataDir, port, uiPort } = this.#options;
    const started = pid && startOf(pid);
    try {
      writeFileSync(this.#pidFile, JSON.stringify({ pid, started, port, uiPort, owner: this.#lock.owner }));
    } catch (error) {
      throw diskFault(error, dataDir);
    }
  }

  async #untilReady(server: TemporalServer, deadline: number): Promise<void> {
    let missing = 'it accepts no connection';
    while (Date.now() < deadline && !server.hasGone) {
      if (await accepts(this.#options.port)) {
        const fault = await keepsForLong(this.address).catch(messageOf);
        if (!fault && !server.hasGone) return;
        missing = fault ?? missing;
      }
      await sleep(20);
    }
    const said = () => (server.lastLines ? ` Its last lines: ${server.lastLines}` : ' It printed nothing.');
    if (!server.hasGone) {
      throw new EngineFault(
        `The Temporal server was not ready within ${READY_WITHIN_MS / 1000} s: ${missing}.${said()}`,
      );
    }
    const reason = await server.gone;
    throw (
      storageFault(server.lastLines, this.#options.dataDir) ??
      new EngineFault(`The Temporal server ${this.#options.cli} ended at once (${reason}).${said()}`)
    );
  }
}

/** Undefined when the server answers and keeps closed orders as long as it should, else what is missing. */
async function keepsForLong(address: string): Promise<string | undefined> {
  const connection = await Connection.connect({ address, connectTimeout: '1 second' });
  try {
    return await connection.withDeadline(Date.now() + 2_000, async () => {
      const { status } = await connection.healthService.check({});
      if (status !== SERVING) return 'it does not serve yet';
      const namespace = 'default';
      const retention = async () => {
        const { config } = await connection.workflowService.describeNamespace({ namespace });
        return tsToMs(config?.workflowExecutionRetentionTtl);
      };
      if ((await retention()) === msToNumber(RETENTION)) return undefined;
      const config = { workflowExecutionRetentionTtl: msToTs(RETENTION) };
      await connection.workflowService.updateNamespace({ namespace, config });
      return (await retention()) === msToNumber(RETENTION) ? undefined : 'it does not take over the retention';
    });
  } finally {
    await connection.close();
  }
}

/** What the server says when SQLite cannot write. */
function storageFault(lastLines: string, dataDir: string): EngineFault | undefined {
  const codes = { ENOSPC: /disk is full|no space left/i, EACCES: /unable to open database|readonly database/i };
  const [code] = Object.entries(codes).find(([, said]) => said.test(lastLines)) ?? [];
  return code ? diskFault(Object.assign(new Error(lastLines), { code }), dataDir) : undefined;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
