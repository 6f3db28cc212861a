import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { BooksView } from './control.ts';
import type { ArmedRule, FaultRule } from './faults.ts';
import type { HeldRequest } from './held-requests.ts';
import type { LedgerContents, RequestRecord } from './ledger.ts';
import type { Settings } from './settings.ts';
import type { Balance, Market, Order } from './state.ts';
import type { RulesPatch } from './symbols.ts';

export type { BooksView } from './control.ts';
export type { ArmedRule, FaultRule } from './faults.ts';
export type { RequestRecord } from './ledger.ts';
export type { Balance, Fill, Market, Order } from './state.ts';

export type ControlSettings = Omit<Settings, 'apiKey' | 'apiSecret'>;

export interface SimulatorOptions extends Partial<Settings> {
  /** Kept when the simulator stops; without it a temporary one is made and removed. */
  data?: string;
}

export interface LedgerView extends LedgerContents {
  readonly requests: RequestRecord[];
}

export type WhichOrder = { orderId: number } | { clientOrderId: string };

export interface Control {
  settings(): Promise<ControlSettings>;
  change(settings: Partial<ControlSettings>): Promise<ControlSettings>;
  price(symbol: string, price: string, book?: { bid?: string; ask?: string; average?: string | null }): Promise<Market>;
  liquidity(symbol: string, quantity: string | null): Promise<Market>;
  symbol(symbol: string, change: { status?: Market['status']; rules?: RulesPatch }): Promise<Market>;
  balances(): Promise<Balance[]>;
  setBalances(amounts: Record<string, string>): Promise<Balance[]>;
  fault(rule: FaultRule): Promise<ArmedRule>;
  faults(): Promise<ArmedRule[]>;
  clearFaults(): Promise<void>;
  held(): Promise<HeldRequest[]>;
  release(clientOrderId?: string): Promise<number>;
  ledger(sinceRequest?: number): Promise<LedgerView>;
  orders(clientOrderId?: string): Promise<Order[]>;
  /** The orders, lists and trades whose client ids begin with one of these. */
  books(under: readonly string[]): Promise<BooksView>;
  fill(which: WhichOrder & { quantity: string; price?: string }): Promise<Order>;
  expire(which: WhichOrder): Promise<Order>;
  cancel(which: WhichOrder): Promise<Order>;
  /** Everything as it was at the first start: books, prices, balances, settings, faults. */
  reset(): Promise<void>;
}

export interface Simulator {
  readonly origin: string;
  readonly port: number;
  readonly controlPort: number;
  readonly data: string;
  readonly control: Control;
  /** Resolves once the process is gone. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** On the same ports and books; kills it first when it still runs. */
  restart(): Promise<void>;
  stop(): Promise<void>;
}

const MAIN = fileURLToPath(new URL('main.ts', import.meta.url));

const FLAGS: Partial<Record<keyof Settings, string>> = {
  recvWindow: '--recv-window',
  recvWindowMax: '--recv-window-max',
  engineMs: '--engine-ms',
  readLagMs: '--read-lag-ms',
  clockOffsetMs: '--clock-offset-ms',
  commissionRate: '--commission-rate',
  weightLimit: '--weight-limit',
  orderLimit: '--order-limit',
  apiKey: '--api-key',
  apiSecret: '--api-secret',
};

export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const data = options.data ?? (await mkdtemp(join(tmpdir(), 'binance-spot-')));
  const flags = Object.entries(FLAGS).flatMap(([name, flag]) => {
    const value = options[name as keyof Settings];
    // One word, since a negative clock offset would otherwise be taken for a flag.
    return value === undefined ? [] : [`${flag}=${String(value)}`];
  });
  let running = await launch(data, 0, 0, flags);
  const { port, controlPort } = running;

  const kill = async (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> => {
    const { child } = running;
    if (child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  };
  return {
    origin: `http://127.0.0.1:${port}`,
    port,
    controlPort,
    data,
    control: controlClient(`http://127.0.0.1:${controlPort}`),
    kill,
    restart: async () => {
      await kill();
      running = await launch(data, port, controlPort, flags);
    },
    stop: async () => {
      await kill('SIGTERM');
      if (options.data === undefined) await rm(data, { recursive: true, force: true });
    },
  };
}

interface Running {
  readonly child: ChildProcess;
  readonly port: number;
  readonly controlPort: number;
}

async function launch(data: string, port: number, controlPort: number, flags: readonly string[]): Promise<Running> {
  const args = [MAIN, `--port=${port}`, `--control-port=${controlPort}`, `--data=${data}`, '--exit-with-parent'];
  // Standard input stays open for as long as this process lives: its end is the simulator's end.
  const child = spawn(process.execPath, [...args, ...flags], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  const [line] = (await Promise.race([
    once(lines, 'line'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`the simulator ended before it was ready (exit code ${String(code)})`);
    }),
  ])) as [string];
  const ready = JSON.parse(line) as { port: number; controlPort: number };
  return { child, port: ready.port, controlPort: ready.controlPort };
}

function controlClient(origin: string): Control {
  const ask = async <T>(method: string, path: string, body?: unknown): Promise<T> => {
    const response = await fetch(`${origin}${path}`, {
      method,
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path} of the simulator's control port: ${text}`);
    return JSON.parse(text) as T;
  };
  return {
    settings: () => ask('GET', '/settings'),
    change: (settings) => ask('POST', '/settings', settings),
    price: (symbol, price, book) => ask('POST', '/price', { symbol, price, ...book }),
    liquidity: (symbol, quantity) => ask('POST', '/liquidity', { symbol, quantity }),
    symbol: (symbol, change) => ask('POST', '/symbol', { symbol, ...change }),
    balances: () => ask('GET', '/balances'),
    setBalances: (amounts) => ask('POST', '/balances', amounts),
    fault: (rule) => ask('POST', '/faults', rule),
    faults: () => ask('GET', '/faults'),
    clearFaults: async () => void (await ask('DELETE', '/faults')),
    held: () => ask('GET', '/held'),
    release: async (clientOrderId) => {
      const { released } = await ask<{ released: number }>('POST', '/release', { clientOrderId });
      return released;
    },
    ledger: (sinceRequest = 0) => ask('GET', `/ledger?sinceRequest=${sinceRequest}`),
    orders: (clientOrderId) =>
      ask(
        'GET',
        clientOrderId === undefined ? '/orders' : `/orders?clientOrderId=${encodeURIComponent(clientOrderId)}`,
      ),
    books: (under) =>
      ask('GET', `/books?${new URLSearchParams(under.map((id): [string, string] => ['under', id])).toString()}`),
    fill: (which) => ask('POST', '/orders/fill', which),
    expire: (which) => ask('POST', '/orders/expire', which),
    cancel: (which) => ask('POST', '/orders/cancel', which),
    reset: async () => void (await ask('POST', '/reset')),
  };
}
