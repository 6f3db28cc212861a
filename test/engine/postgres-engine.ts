import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';

import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/free-port.ts';
import { ROOT } from '../support/holdfast.ts';
import { Postgres } from './postgres.ts';
import { hasEnded, runProgram } from './run-program.ts';

const SERVICES = ['frontend', 'history', 'matching', 'worker'] as const;
const STORES = { temporal: 'temporal', visibility: 'visibility' } as const;
const NAMESPACE = 'default';
const RETENTION = '90 days';

/** What the embedded server is told too, because the product's time bounds are made for it. */
const DYNAMIC = {
  'history.transferProcessorMaxPollRPS': 2_000,
  'matching.numTaskqueueReadPartitions': 1,
  'matching.numTaskqueueWritePartitions': 1,
};

interface Programs {
  readonly server: string;
  readonly sqlTool: string;
}

/** Built once, which takes minutes; Go tells by itself when there is nothing to do. */
async function buildServer(): Promise<Programs> {
  const folder = join(ROOT, '.cache', 'postgres-engine');
  mkdirSync(folder, { recursive: true });
  const args = ['build', '-buildvcs=false', '-o', `${folder}/`, 'tool'];
  await runProgram('go', args, { cwd: join(ROOT, 'test', 'engine', 'server') });
  return { server: join(folder, 'server'), sqlTool: join(folder, 'sql') };
}

/** A Temporal server over PostgreSQL, as a small installation of several processes has one. */
export class PostgresEngine {
  readonly postgres: Postgres;
  readonly address: string;
  readonly #programs: Programs;
  readonly #folder = mkdtempSync(join(tmpdir(), 'holdfast-engine-'));
  #server: ChildProcess | undefined;
  #log = '';

  private constructor(postgres: Postgres, programs: Programs, ports: readonly number[]) {
    this.postgres = postgres;
    this.#programs = programs;
    this.address = `127.0.0.1:${ports[0]}`;
    const dynamic = Object.entries(DYNAMIC).map(([key, value]) => [key, [{ value }]]);
    writeFileSync(this.#file('dynamic.yaml'), JSON.stringify(Object.fromEntries(dynamic)));
    writeFileSync(this.#file('config.yaml'), JSON.stringify(this.#config(ports)));
  }

  static async start(): Promise<PostgresEngine> {
    const programs = await buildServer();
    const ports = await freePorts(2 * SERVICES.length);
    const engine = new PostgresEngine(await Postgres.start(), programs, ports);
    try {
      for (const store of Object.values(STORES)) await engine.#createStore(store);
      engine.start();
      await engine.#createNamespace();
      return engine;
    } catch (error) {
      await engine.dispose();
      throw error;
    }
  }

  /** Starts it (again) at the same address and on the same data; whether it serves yet is asked elsewhere. */
  start(): void {
    const args = ['--allow-no-auth', '--config-file', this.#file('config.yaml'), 'start'];
    const server = spawn(this.#programs.server, args, { cwd: this.#folder, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [server.stdout, server.stderr]) {
      stream.on('data', (chunk: Buffer) => (this.#log = (this.#log + chunk.toString()).slice(-8_000)));
    }
    this.#server = server;
  }

  async kill(): Promise<void> {
    const server = this.#server;
    if (server === undefined || hasEnded(server)) return;
    const gone = once(server, 'exit');
    server.kill('SIGKILL');
    await gone;
  }

  async dispose(): Promise<void> {
    await this.kill();
    await this.postgres.dispose();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10 });
  }

  #file(name: string): string {
    return join(this.#folder, name);
  }

  async #createStore(name: string): Promise<void> {
    const { port, user } = this.postgres;
    const where = ['--plugin', 'postgres12_pgx', '--endpoint', '127.0.0.1', '--port', String(port), '--user', user];
    const tool = (...args: readonly string[]): Promise<void> =>
      runProgram(this.#programs.sqlTool, [...where, '--database', name, ...args]);
    await tool('create-database', '--defaultdb', 'postgres');
    await tool('setup-schema', '--version', '0.0');
    await tool('update-schema', '--schema-name', `postgresql/v12/${name}`);
  }

  /** Unlike the CLI's server, this one has no namespace until somebody asks for one. */
  async #createNamespace(): Promise<void> {
    const server = this.#server!;
    const connect = async (): Promise<Connection | undefined> =>
      hasEnded(server) ? undefined : Connection.connect({ address: this.address, connectTimeout: '1 second' });
    const connection = await eventually(connect, () => true, { withinMs: 60_000, what: 'the engine' });
    if (connection === undefined) throw new Error(`The engine ended at once:\n${this.#log}`);
    try {
      const namespace = { namespace: NAMESPACE, workflowExecutionRetentionPeriod: msToTs(RETENTION) };
      const register = (): Promise<unknown> => connection.workflowService.registerNamespace(namespace);
      await eventually(register, () => true, { withinMs: 30_000, what: 'the namespace' });
      // The parts of the server hear of it one after another.
      const isKnown = (): Promise<unknown> => connection.operatorService.listSearchAttributes({ namespace: NAMESPACE });
      await eventually(isKnown, () => true, { withinMs: 30_000, what: 'the namespace everywhere' });
    } finally {
      await connection.close();
    }
  }

  #config(ports: readonly number[]): object {
    const { port, user } = this.postgres;
    const store = (databaseName: string): object => ({
      sql: {
        pluginName: 'postgres12_pgx',
        databaseName,
        connectAddr: `127.0.0.1:${port}`,
        connectProtocol: 'tcp',
        user,
        maxConns: 20,
        maxIdleConns: 20,
        maxConnLifetime: '1h',
      },
    });
    const services = SERVICES.map((name, i) => {
      const rpc = { grpcPort: ports[2 * i], membershipPort: ports[2 * i + 1], bindOnLocalHost: true };
      return [name, { rpc }];
    });
    return {
      log: { stdout: true, level: 'error' },
      persistence: {
        defaultStore: STORES.temporal,
        visibilityStore: STORES.visibility,
        numHistoryShards: 4,
        datastores: Object.fromEntries(Object.values(STORES).map((name) => [name, store(name)])),
      },
      global: { membership: { maxJoinDuration: '30s', broadcastAddress: '127.0.0.1' } },
      services: Object.fromEntries(services),
      clusterMetadata: {
        enableGlobalNamespace: false,
        failoverVersionIncrement: 10,
        masterClusterName: 'active',
        currentClusterName: 'active',
        clusterInformation: {
          active: { enabled: true, initialFailoverVersion: 1, rpcName: 'frontend', rpcAddress: this.address },
        },
      },
      dcRedirectionPolicy: { policy: 'noop' },
      dynamicConfigClient: { filepath: this.#file('dynamic.yaml'), pollInterval: '60s' },
    };
  }
}
