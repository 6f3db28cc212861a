import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, globSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/free-port.ts';
import { hasEnded, runProgram } from './run-program.ts';

/** PostgreSQL refuses to run as root; this user is on every system. */
const NOBODY = 65_534;
/** All that concerns durability is as PostgreSQL has it by default. */
const SETTINGS = { listen_addresses: '127.0.0.1', unix_socket_directories: '', max_connections: '200' };

/** PostgreSQL with a folder and a port of its own, never the system's service. */
export class Postgres {
  readonly port: number;
  readonly user = 'temporal';
  readonly #programs: string;
  readonly #folder = mkdtempSync(join(tmpdir(), 'holdfast-postgres-'));
  readonly #as = process.getuid?.() === 0 ? { uid: NOBODY, gid: NOBODY } : {};
  #server: ChildProcess | undefined;
  #log = '';

  private constructor(programs: string, port: number) {
    this.#programs = programs;
    this.port = port;
    if (this.#as.uid !== undefined) chownSync(this.#folder, this.#as.uid, this.#as.gid);
  }

  static async start(): Promise<Postgres> {
    const [port = 0] = await freePorts(1);
    const postgres = new Postgres(programsFolder(), port);
    try {
      await postgres.#run(
        'initdb',
        '--auth',
        'trust',
        '--username',
        postgres.user,
        '--encoding',
        'UTF8',
        '--no-locale',
      );
      await postgres.start();
      return postgres;
    } catch (error) {
      await postgres.dispose();
      throw error;
    }
  }

  /** Starts it (again), and waits until it takes connections: after an immediate stop it recovers from its log first. */
  async start(): Promise<void> {
    const settings = Object.entries({ ...SETTINGS, port: this.port }).flatMap(([name, to]) => ['-c', `${name}=${to}`]);
    const server = spawn(join(this.#programs, 'postgres'), ['-D', this.#data, ...settings], {
      ...this.#as,
      cwd: this.#folder,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#server = server;
    server.stderr.on('data', (chunk: Buffer) => (this.#log = (this.#log + chunk.toString()).slice(-8_000)));
    const asked = ['--quiet', '--host', '127.0.0.1', '--port', String(this.port)];
    const takesConnections = (): Promise<boolean> =>
      runProgram(join(this.#programs, 'pg_isready'), asked).then(
        () => true,
        () => false,
      );
    await eventually(async () => hasEnded(server) || (await takesConnections()), Boolean, {
      withinMs: 30_000,
      everyMs: 20,
      what: 'PostgreSQL',
    });
    if (hasEnded(server)) throw new Error(`PostgreSQL ended at once:\n${this.#log}`);
  }

  /** Ends it without a word to its clients and with nothing tidied up, as a power failure would. */
  async stopImmediately(): Promise<void> {
    const server = this.#server;
    if (server === undefined || hasEnded(server)) return;
    const gone = once(server, 'exit');
    await this.#run('pg_ctl', '--mode', 'immediate', 'stop');
    await gone;
  }

  async dispose(): Promise<void> {
    await this.stopImmediately();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 10 });
  }

  get #data(): string {
    return join(this.#folder, 'data');
  }

  async #run(program: string, ...args: readonly string[]): Promise<void> {
    const options = { ...this.#as, cwd: this.#folder };
    await runProgram(join(this.#programs, program), ['--pgdata', this.#data, ...args], options);
  }
}

const NEEDED = ['initdb', 'pg_ctl', 'pg_isready', 'postgres'];

/** Debian keeps the programs of a server beside its version, and off `PATH`. */
function programsFolder(): string {
  const onPath = (process.env['PATH'] ?? '').split(delimiter);
  const byVersion = globSync('/usr/lib/postgresql/*/bin').toSorted((a, b) => versionOf(b) - versionOf(a));
  const hasAll = (folder: string): boolean => NEEDED.every((name) => existsSync(join(folder, name)));
  const found = [...onPath, ...byVersion].find((folder) => folder !== '' && hasAll(folder));
  if (found === undefined) throw new Error('There is no PostgreSQL server here (apt-get install postgresql).');
  return found;
}

const versionOf = (folder: string): number => Number(/(\d+)\D*$/.exec(folder)?.[1] ?? 0);
