// `npm run prove:fsync`: whether an alert is on disk before its 2xx answer. Starts the product, watches the system calls
// of its engine with strace, and sends alerts one after another. What counts for an alert is a completed fsync or
// fdatasync of the very file into which the engine has written that alert's id before, all of it between POST and answer:
// no other file, no sync of earlier work, and none that was still under way. Ends with 1 when an alert has none, and with
// 2 where nothing can be watched.
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';

import { eventually } from '../test/support/eventually.ts';
import { Holdfast } from '../test/support/holdfast.ts';
import { LIMITS_OFF } from '../test/support/limits-off.ts';

const { values } = parseArgs({
  options: {
    alerts: { type: 'string', default: '50' },
    'warm-up': { type: 'string', default: '10' },
    json: { type: 'boolean', default: false },
  },
});
/** Longer than a page of the database, so that no id in a page is cut off. */
const SHOWN_BYTES = 8_192;
const CONFIG =
  `accounts: { paper: { venue: paper, limits: ${LIMITS_OFF} } }\n` +
  'strategies: { prove: { body_secret: some-secret-of-a-proof } }\n';

interface Alert {
  readonly id: string;
  /** Microseconds since 1970, as strace tells the time. */
  readonly posted: number;
  readonly answered: number;
}

/** A write to the engine's database or a sync of it, which has succeeded. */
interface Call {
  readonly file: string;
  readonly begun: number;
  readonly ended: number;
  /** What was written, as strace shows it; undefined of a sync. */
  readonly written: string | undefined;
}

/** Nothing was proved, and nothing refuted. */
class CannotWatch extends Error {}

try {
  const proof = await prove(count(values.alerts, 1), count(values['warm-up'], 0));
  if (values.json) console.log(JSON.stringify(proof));
  else print(proof);
  process.exitCode = proof.none.length === 0 ? 0 : 1;
} catch (error) {
  if (!(error instanceof CannotWatch)) throw error;
  console.error(error.message);
  process.exitCode = 2;
}

function count(text: string, least: number): number {
  if (/^\d+$/.test(text) && Number(text) >= least) return Number(text);
  throw new CannotWatch(`A number of alerts is a whole number of at least ${least}, not "${text}".`);
}

type Proof = ReturnType<typeof judge>;

async function prove(alerts: number, warmUp: number): Promise<Proof> {
  const found = process.platform === 'linux' && spawnSync('strace', ['--version']).status === 0;
  if (!found) {
    throw new CannotWatch(
      'There is no strace here. It runs on Linux; to get it: apt-get install strace (or dnf, apk).',
    );
  }
  const holdfast = await Holdfast.start({ config: CONFIG });
  try {
    const trace = join(holdfast.dataDir, 'engine.strace');
    const database = join(realpathSync(join(holdfast.dataDir, 'data')), 'temporal.db');
    const run = randomBytes(4).toString('hex');
    for (let n = 0; n < warmUp; n++) await send(holdfast, `warm-${run}-${n}`);
    const strace = await watch(holdfast.enginePid(), [database, `${database}-wal`], trace);
    const sent: Alert[] = [];
    try {
      for (let n = 0; n < alerts; n++) sent.push(await send(holdfast, `sync-${run}-${String(n).padStart(6, '0')}`));
    } finally {
      const gone = strace.exitCode === null && strace.signalCode === null ? once(strace, 'exit') : undefined;
      // It lets go of the engine, and writes out what it holds.
      strace.kill('SIGINT');
      await gone;
    }
    return judge(sent, await read(trace));
  } finally {
    await holdfast.dispose();
  }
}

/** Starts strace on a process and all its threads, and waits until it has got hold of them. */
async function watch(pid: number | undefined, files: readonly string[], trace: string): Promise<ChildProcess> {
  if (pid === undefined) throw new Error('The engine does not run.');
  const calls = 'trace=fsync,fdatasync,write,pwrite64,pwritev';
  const only = files.flatMap((file) => ['-P', file]);
  const args = ['-f', '-ttt', '-T', '-y', '-s', String(SHOWN_BYTES), '-e', calls, ...only, '-o', trace];
  const strace = spawn('strace', [...args, '-p', String(pid)], { stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  strace.stderr.setEncoding('utf8').on('data', (chunk: string) => (said += chunk));
  const hasEnded = (): boolean => strace.exitCode !== null;
  await eventually(() => hasEnded() || said.includes(' attached'), Boolean, { what: 'strace at the engine' });
  if (!hasEnded()) return strace;
  throw new CannotWatch(
    `strace may not watch the engine. Run this as root, or with CAP_SYS_PTRACE (in a container: --cap-add=SYS_PTRACE). ` +
      `It said: ${said.trim()}`,
  );
}

/** The clock has whole milliseconds only; both ends are rounded to the inside of the time that the sender waited. */
async function send(holdfast: Holdfast, id: string): Promise<Alert> {
  const alert = { id, symbol: 'BTC/USDT', action: 'buy', quantity: '0.001', secret: 'some-secret-of-a-proof' };
  const posted = (Date.now() + 1) * 1_000;
  const { http, body } = await holdfast.post(alert);
  const answered = Date.now() * 1_000;
  if (http < 200 || http > 299) throw new Error(`The alert ${id} was answered ${http}: ${JSON.stringify(body)}`);
  return { id, posted, answered };
}

/** A call is one line, or two when another thread's call came in between. */
async function read(trace: string): Promise<Call[]> {
  const calls: Call[] = [];
  const unfinished = new Map<string, string>();
  for await (const line of createInterface({ input: createReadStream(trace, 'latin1') })) {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const cut = rest.indexOf(' <unfinished ...>');
    const resumed = /^[\d.]+ <\.\.\. \w+ resumed>/.exec(rest);
    if (cut >= 0) unfinished.set(thread, rest.slice(0, cut));
    else calls.push(...callOf(resumed ? `${unfinished.get(thread)}${rest.slice(resumed[0].length)}` : rest));
  }
  return calls;
}

function callOf(text: string): Call[] {
  const [, seconds, name, file = '', args] = /^([\d.]+) (\w+)\(\d+<([^>]*)>(.*)$/.exec(text) ?? [];
  const [, took] = /\) += \d+ <([\d.]+)>$/.exec(text) ?? [];
  if (took === undefined) return [];
  const begun = Math.round(Number(seconds) * 1e6);
  const ended = begun + Math.round(Number(took) * 1e6);
  return [{ file, begun, ended, written: name?.endsWith('sync') ? undefined : args }];
}

function judge(alerts: readonly Alert[], calls: readonly Call[]) {
  const writes = calls.filter(({ written }) => written !== undefined);
  const syncs = calls.filter(({ written }) => written === undefined);
  const each = alerts.map(({ id, posted, answered }) => {
    const meanwhile = syncs.filter(({ begun, ended }) => begun >= posted && ended <= answered);
    const own = writes.filter(({ written, begun }) => begun >= posted && written?.includes(id));
    const covers = (sync: Call): boolean => own.some(({ file, ended }) => file === sync.file && ended <= sync.begun);
    const first = meanwhile.find(covers);
    return {
      id,
      answer_ms: (answered - posted) / 1_000,
      syncs: meanwhile.length,
      syncs_after_own_write: meanwhile.filter(covers).length,
      on_disk_ms: first === undefined ? null : (first.ended - posted) / 1_000,
    };
  });
  return {
    alerts: each.length,
    watched: { writes: writes.length, syncs: syncs.length, files: [...new Set(syncs.map(({ file }) => file))] },
    syncs: spread(each.map(({ syncs: n }) => n)),
    syncs_after_own_write: spread(each.map(({ syncs_after_own_write: n }) => n)),
    on_disk_ms: spread(each.flatMap(({ on_disk_ms: ms }) => ms ?? [])),
    answer_ms: spread(each.map(({ answer_ms: ms }) => ms)),
    none: each.filter(({ syncs_after_own_write: n }) => n === 0).map(({ id }) => id),
    each,
  };
}

interface Spread {
  readonly min: number | null;
  readonly median: number | null;
  readonly max: number | null;
}

function spread(numbers: readonly number[]): Spread {
  const sorted = numbers.toSorted((a, b) => a - b);
  const at = (index: number): number | null => sorted[index] ?? null;
  return { min: at(0), median: at(Math.floor(sorted.length / 2)), max: at(sorted.length - 1) };
}

function print(proof: Proof): void {
  const row = (name: string, { min, median, max }: Spread): string =>
    `| ${name} | ${[min, median, max].map((n) => n ?? '-').join(' | ')} |`;
  console.log(`| Of ${proof.alerts} alerts, each | min | median | max |\n| --- | --- | --- | --- |`);
  console.log(row('syncs of the database from POST to answer', proof.syncs));
  console.log(row("those after the alert's own write", proof.syncs_after_own_write));
  console.log(row('ms from POST to the end of the first of those', proof.on_disk_ms));
  console.log(row('ms from POST to answer, slowed by strace', proof.answer_ms));
  const [first] = proof.none;
  const named = first === undefined ? '' : `, the first of them ${first}`;
  console.log(`Alerts with no sync after their own write: ${proof.none.length}${named}`);
}
