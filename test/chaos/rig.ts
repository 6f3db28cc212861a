import { spawn, type ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Connection } from '@temporalio/client';

import { startEmbeddedTemporal, type EmbeddedTemporal } from '../../workers/embedded-temporal.ts';
import { runningProcesses } from '../../workers/process-table.ts';
import { startSimulator, type Simulator } from '../simulators/binance-spot/start-simulator.ts';
import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/free-port.ts';
import { startSlowLine, type SlowLine } from '../support/slow-line.ts';
import { cleanEnvironment, ROOT, temporalCli } from '../support/holdfast.ts';
import type { Outage } from './cover.ts';
import type { Arm, Hit } from './kill-at.ts';
import type { Victim } from './plan.ts';

/** A venue's limits in milliseconds: how long it believes a timestamp, how long its engine may take, and a margin. */
export interface Bound {
  readonly windowMs: number;
  readonly engineMs: number;
  readonly marginMs: number;
}

export const SECRET = 'the secret of the strategy';
/** How far behind the clock of one of the two workers is, in windows: what is stamped by it the venue still believes. */
const SLOW_WINDOWS = 0.6;
/** A process that ends so many times while it starts is broken. */
const STARTS_MOST = 3;
const FAKETIME = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find(existsSync);

/** Milliseconds since 1970 by this machine's clock. */
export interface RigOutage extends Outage {
  /** Whether a worker stood still, while the others went on. */
  readonly isFreeze: boolean;
}

interface Part {
  readonly entry: 'ingress' | 'order-worker';
  readonly env: Readonly<Record<string, string>>;
  /** How it reaches the engine, where that can be cut. */
  readonly line?: SlowLine;
  child: ChildProcess | undefined;
}

/** The whole system as separate processes: engine, ingress, two workers, the venue. Any of them can be killed. */
export class Rig {
  readonly folder: string;
  readonly venue: Simulator;
  readonly publicUrl: string;
  readonly operatorUrl: string;
  /** How many seconds the clock of one of the workers is behind. */
  readonly slowS: number;
  /** When something was dead or stood still, in the order in which it was. */
  readonly outages: RigOutage[] = [];
  readonly #engine: EmbeddedTemporal;
  readonly #ingress: Part;
  readonly #workers: readonly Part[];
  #output = '';

  private constructor(
    folder: string,
    venue: Simulator,
    engine: EmbeddedTemporal,
    lines: readonly SlowLine[],
    ports: readonly number[],
    bound: Bound,
  ) {
    this.folder = folder;
    this.venue = venue;
    this.#engine = engine;
    this.publicUrl = `http://127.0.0.1:${ports[0]}`;
    this.operatorUrl = `http://127.0.0.1:${ports[1]}`;
    const config = join(folder, 'holdfast.yaml');
    writeFileSync(config, configFor(venue.origin, bound));
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const shared = {
      TEMPORAL_ADDRESS: engine.address,
      TEMPORAL_DURABLE: 'true',
      HOLDFAST_CONFIG: config,
      HOLDFAST_STATE: join(folder, 'state'),
      HOLDFAST_LAUNCHER_PID: String(process.pid),
      RATE_LIMIT_REQUESTS: '1000000',
      CIRCUIT_BREAKER_THRESHOLD: '20',
      CIRCUIT_BREAKER_TIMEOUT: '1',
      LOG_LEVEL: 'info',
    };
    const signing = { INTENT_SIGNING_KEY: String(privateKey.export({ type: 'pkcs8', format: 'pem' })) };
    const listening = { PORT: String(ports[0]), OPERATOR_PORT: String(ports[1]) };
    this.#ingress = part('ingress', { ...shared, ...signing, ...listening, HOLDFAST_DATA: join(folder, 'ingress') });
    const verifying = { ...shared, INTENT_VERIFY_KEYS: String(publicKey.export({ type: 'spki', format: 'pem' })) };
    this.slowS = FAKETIME === undefined ? 0 : (bound.windowMs * SLOW_WINDOWS) / 1_000;
    const behind = { LD_PRELOAD: FAKETIME ?? '', FAKETIME: `-${this.slowS}s`, FAKETIME_DONT_FAKE_MONOTONIC: '1' };
    this.#workers = lines.map((line, index) => {
      const clock = index === 1 && this.slowS > 0 ? behind : {};
      const own = { TEMPORAL_ADDRESS: line.address, HOLDFAST_DATA: join(folder, `worker-${index}`) };
      return part('order-worker', { ...verifying, ...clock, ...own }, line);
    });
  }

  static async start(bound: Bound): Promise<Rig> {
    const folder = mkdtempSync(join(tmpdir(), 'holdfast-chaos-'));
    const { windowMs: recvWindow, engineMs } = bound;
    const venue = await startSimulator({ recvWindow, engineMs, orderLimit: 0, weightLimit: 0 });
    await venue.control.setBalances({ USDT: '100000000000', BTC: '100000' });
    const [port = 0, uiPort = 0, ...ports] = await freePorts(4);
    const quiet = { info: () => undefined, warn: () => undefined, error: () => undefined };
    const engine = await startEmbeddedTemporal({ cli: await temporalCli(), dataDir: folder, port, uiPort, log: quiet });
    const lines = [await startSlowLine(engine.address), await startSlowLine(engine.address)];
    const rig = new Rig(folder, venue, engine, lines, ports, bound);
    await rig.revive();
    return rig;
  }

  /** What the processes complained of. */
  get output(): string {
    return this.#output;
  }

  /** Starts every process that does not run, and waits until all of them work: the engine starts itself again. */
  async revive(): Promise<void> {
    const parts = [this.#ingress, ...this.#workers].filter(isGone).map((one) => this.#launch(one));
    await Promise.all([this.#untilEngineServes(), ...parts]);
  }

  /** Has the victims die or stand still at a point. They all are told: the first to come there is the one. */
  arm(victim: Victim, arm: Arm | null): void {
    // One that dies meanwhile hears nothing, and need not.
    for (const { child } of this.#of(victim)) child?.send(arm ?? (null as never), () => undefined);
  }

  /** Sends a signal to the victims, wherever they are; returns when, in milliseconds of this machine's uptime. */
  strike(victim: Victim, signal: NodeJS.Signals): number {
    // Of two workers one: the other goes on.
    const parts = victim === 'worker' ? this.#workers.slice(0, 1) : this.#of(victim);
    for (const { child } of parts) child?.kill(signal);
    if (victim === 'engine' || victim === 'everything') for (const pid of this.#enginePids()) process.kill(pid, signal);
    return uptimeMs();
  }

  /** Resolves when a process that was killed is gone. */
  async untilGone(victim: Victim, { pid }: Pick<Hit, 'pid'> = { pid: 0 }): Promise<void> {
    const isMeant = ({ child }: Part): boolean => pid === 0 || child?.pid === pid;
    const killed = this.#of(victim).filter(isMeant);
    const some = pid === 0 && victim === 'worker' ? killed.slice(0, 1) : killed;
    await eventually(() => some.every(isGone), Boolean, { what: 'the end of a process that was killed' });
  }

  /** Ends what a worker has under way with the engine, which then counts on it no longer. */
  cutOff({ pid }: Hit): void {
    this.#workers.find(({ child }) => child?.pid === pid)?.line?.cut();
  }

  /** Lets a process go on that stands still. */
  thaw({ pid }: Hit): void {
    const worker = this.#workers.find(({ child }) => child?.pid === pid);
    worker?.line?.mend();
    if (worker !== undefined) process.kill(pid, 'SIGCONT');
  }

  isReady(): Promise<boolean> {
    return fetch(`${this.publicUrl}/ready`, { signal: AbortSignal.timeout(2_000) }).then(
      ({ ok }) => ok,
      () => false,
    );
  }

  async dispose(): Promise<void> {
    for (const { child } of [this.#ingress, ...this.#workers]) child?.kill('SIGKILL');
    for (const { line } of this.#workers) line?.stop();
    await this.#engine.stop();
    await this.venue.stop();
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 10 });
  }

  async #untilEngineServes(): Promise<void> {
    const asks = async (): Promise<boolean> => {
      const connection = await Connection.connect({ address: this.#engine.address, connectTimeout: 1_000 });
      try {
        await connection.withDeadline(Date.now() + 1_000, () =>
          connection.workflowService.describeNamespace({ namespace: 'default' }),
        );
        return true;
      } finally {
        await connection.close();
      }
    };
    await eventually(asks, Boolean, { withinMs: 60_000, what: 'the engine' });
  }

  #of(victim: Victim): readonly Part[] {
    if (victim === 'engine') return [];
    if (victim === 'everything') return [this.#ingress, ...this.#workers];
    return victim === 'ingress' ? [this.#ingress] : this.#workers;
  }

  #enginePids(): number[] {
    const database = join(this.folder, 'temporal.db');
    return runningProcesses()
      .filter(({ command }) => command.includes(database))
      .map(({ pid }) => pid);
  }

  /** As a supervisor does: one that ends by itself, because the engine is not up yet, is started again. */
  async #launch(one: Part): Promise<void> {
    for (let start = 1; ; start += 1) {
      const output = await this.#start(one);
      if (!isGone(one)) return;
      if (start === STARTS_MOST)
        throw new Error(`The ${one.entry} ended with ${one.child?.exitCode ?? one.child?.signalCode}:\n${output}`);
    }
  }

  /** Returns what it has said, when it is up or gone. */
  async #start(one: Part): Promise<string> {
    if (one.child !== undefined && one.child.exitCode === null && one.child.signalCode === null)
      await once(one.child, 'exit');
    const preload = ['--import', import.meta.resolve('./kill-at.ts')];
    const args = ['--disable-warning=ExperimentalWarning', ...preload, join('workers', `${one.entry}.ts`)];
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      env: { ...cleanEnvironment(), ...one.env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    one.child = child;
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (chunk: Buffer) => {
        output = (output + chunk.toString()).slice(-10_000);
        this.#output = (this.#output + chunk.toString()).slice(-20_000);
      });
    }
    const isUp = (): Promise<boolean> | boolean =>
      isGone(one) || (one.entry === 'ingress' ? this.isReady() : /worker is ready/i.test(output));
    await eventually(isUp, Boolean, { withinMs: 60_000, what: one.entry });
    return output;
  }
}

/** Milliseconds since this machine started: one clock for all processes, which nobody sets. */
export const uptimeMs = (): number => Number(process.hrtime.bigint() / 1_000_000n);

/** What was noted down at the kills, in order. */
export function readHits(file: string): Hit[] {
  if (!existsSync(file)) return [];
  return readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Hit);
}

const part = (entry: Part['entry'], env: Part['env'], line?: SlowLine): Part => ({
  entry,
  env,
  ...(line === undefined ? {} : { line }),
  child: undefined,
});

const isGone = ({ child }: Part): boolean =>
  child === undefined || child.exitCode !== null || child.signalCode !== null;

/** Counted, and never reached: each order asks its account before it is sent. */
const COUNTED = '{ price_collar: off, orders_per_minute: 1000000, max_open_orders: 1000000 }';

function configFor(origin: string, { windowMs, engineMs, marginMs }: Bound): string {
  return `accounts:
  binance:
    venue: ccxt
    exchange: binance
    mode: live
    api_key: demo-key
    api_secret: demo-secret
    http_origin: ${origin}
    simulated_bound: { window_ms: ${windowMs}, engine_ms: ${engineMs}, margin_ms: ${marginMs} }
    limits: ${COUNTED}
strategies:
  chaos: { body_secret: '${SECRET}' }
`;
}
