// `npm run bench`: our whole path, with limits that are counted and without, beside a bare eager workflow, on the same
// engine and the same venue, in turns. Prints one table and one line of JSON. A run with an error, or with another number
// of orders at the venue, is void.
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { cpus, release } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { Agent, request } from 'undici';

import { freePorts } from '../test/support/free-port.ts';
import { Holdfast } from '../test/support/holdfast.ts';
import { LIMITS_OFF } from '../test/support/limits-off.ts';
import { startSimulator } from '../test/simulators/binance-spot/start-simulator.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    orders: { type: 'string', default: '300' },
    rate: { type: 'string', default: '20' },
  },
});
const [rounds, orders, rate] = [Number(values.rounds), Number(values.orders), Number(values.rate)];
const SECRET = 'bench-secret-bench-secret';
const WARM_UP = 200;

interface Subject {
  readonly name: string;
  readonly send: (id: string) => Promise<number>;
}

const agent = new Agent({ connections: 64 });
const simulator = await startSimulator({ orderLimit: 0, weightLimit: 0 });
await simulator.control.setBalances({ USDT: '100000000000', BTC: '1000' });
const accountWith = (limits: string): string =>
  `{ venue: ccxt, exchange: binance, mode: live, api_key: demo-key, api_secret: demo-secret, http_origin: '${simulator.origin}', limits: ${limits} }`;
/** Limits that are counted, and never reached here. */
const COUNTED = '{ price_collar: off, orders_per_minute: 1000000, max_open_orders: 1000000, max_position: "1000000" }';
const holdfast = await Holdfast.start({
  env: { RATE_LIMIT_REQUESTS: '1000000' },
  config: `accounts:
  binance: ${accountWith(LIMITS_OFF)}
  counted: ${accountWith(COUNTED)}
strategies: { bench: { hmac_secret: ${SECRET} } }
`,
});
const [barePort] = await freePorts(1);
const bareArgs = [
  join(import.meta.dirname, 'bare-engine.ts'),
  holdfast.temporalAddress,
  simulator.origin,
  String(barePort),
];
const bare = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', ...bareArgs], {
  stdio: ['ignore', 'pipe', 'inherit'],
});
await once(bare.stdout, 'data');

const post = async (url: string, body: string, headers: Record<string, string>): Promise<number> => {
  const answer = await request(url, {
    method: 'POST',
    body,
    headers: { 'content-type': 'application/json', ...headers },
    dispatcher: agent,
  });
  const { status } = (await answer.body.json()) as { status?: string };
  if (answer.statusCode !== 200 || status !== 'filled') throw new Error(`${answer.statusCode} ${status}`);
  return answer.statusCode;
};
const sendTo =
  (account: string) =>
  (id: string): Promise<number> => {
    const body = JSON.stringify({ id, account, symbol: 'BTC/USDT', action: 'buy', quantity: '0.001' });
    const signature = createHmac('sha256', SECRET).update(body).digest('hex');
    return post(`${holdfast.publicUrl}/webhook/tradingview`, body, { 'x-webhook-signature': signature });
  };
const subjects: Subject[] = [
  { name: 'Holdfast, limits counted', send: sendTo('counted') },
  { name: 'Holdfast', send: sendTo('binance') },
  {
    name: 'bare workflow',
    send: (id) => post(`http://127.0.0.1:${barePort}/`, JSON.stringify({ id, quantity: '0.001' }), {}),
  },
];

let sent = 0;
const errors: string[] = [];
const medians = new Map<string, number[]>(subjects.map(({ name }) => [name, []]));
const all = new Map<string, number[]>(subjects.map(({ name }) => [name, []]));
try {
  for (const subject of subjects) await run(subject, WARM_UP);
  for (let round = 1; round <= rounds; round++) {
    const first = round % subjects.length;
    for (const subject of [...subjects.slice(first), ...subjects.slice(0, first)]) {
      const times = await run(subject, orders);
      medians.get(subject.name)!.push(percentile(times, 50));
      all.get(subject.name)!.push(...times);
      const [p50, p99] = [percentile(times, 50), percentile(times, 99)].map((ms) => ms.toFixed(1));
      process.stderr.write(`round ${round} of ${rounds}: ${subject.name} p50 ${p50} ms, p99 ${p99} ms\n`);
    }
  }
  const booked = (await simulator.control.ledger()).orders.length;
  report(booked);
} finally {
  bare.kill();
  await holdfast.dispose();
  await simulator.stop();
  await agent.close();
}

/** An open loop: each order is due at its time, whatever became of the ones before; latency counts from when it was due. */
async function run({ name, send }: Subject, count: number): Promise<number[]> {
  const times: number[] = [];
  const begun = performance.now();
  const under: Promise<void>[] = [];
  for (let n = 0; n < count; n++) {
    // Jitter: a fixed grid locks in phase with the engine's own limiter.
    const due = begun + ((n + Math.random()) * 1000) / rate;
    await sleep(Math.max(due - performance.now(), 0));
    const id = `B${(sent++).toString(36).padStart(8, '0')}${process.pid}`;
    under.push(
      send(id).then(
        () => void times.push(performance.now() - due),
        (error: unknown) => void errors.push(`${name}: ${String(error)}`),
      ),
    );
  }
  await Promise.all(under);
  return times;
}

function percentile(times: readonly number[], p: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? Number.NaN;
}

function report(booked: number): void {
  const middle = subjects.map(({ name }) => percentile(medians.get(name)!, 50)) as [number, number, number];
  const [counted, ours, base] = middle;
  const rows = subjects.map(({ name }) => {
    const times = all.get(name)!;
    const cells = [50, 90, 99, 100].map((p) => percentile(times, p).toFixed(1));
    return `| ${[name, ...cells, (percentile(medians.get(name)!, 50) / base).toFixed(2)].join(' | ')} |`;
  });
  console.log(
    '| path | p50 ms | p90 | p99 | max | median of medians, to bare |\n| --- | --- | --- | --- | --- | --- |',
  );
  console.log(rows.join('\n'));
  const isVoid = errors.length > 0 || booked !== sent;
  const conditions = { node: process.version, kernel: release(), cpu: cpus()[0]?.model, cores: cpus().length };
  const settings = { rounds, orders, rate, fsync: 'SQLite, WAL, synchronous=full' };
  console.log(
    JSON.stringify({
      ...conditions,
      ...settings,
      sent,
      booked,
      errors: errors.length,
      void: isVoid,
      ratio: ours / base,
      counting: counted / ours,
    }),
  );
  if (!isVoid) return;
  console.error(
    `This run is void: ${errors.length} errors (${errors[0] ?? 'none'}), ${booked} orders booked of ${sent} sent.`,
  );
  process.exitCode = 1;
}
