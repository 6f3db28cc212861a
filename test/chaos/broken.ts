// `npm run chaos:broken`: shows that the proof can fail. Each of these builds lacks one of the things on which the
// promise rests; the same run that passes for the product must find it out.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { VIOLATIONS, type Violation } from './oracle.ts';
import type { Figures } from './table.ts';

interface Change {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const NOT_TAKEN_BACK = 'a protection is not taken back before the next one is placed';
const BUILDS: Readonly<Record<string, readonly Change[]>> = {
  'the look-up is skipped: what was lost is taken for absent': [
    {
      file: 'activities/find-order.ts',
      from: 'await beating(() => adapter.find(hint)).catch(cannotAsk)',
      to: "await Promise.resolve<AdapterLookup>({ kind: 'absent', proof: `not asked of ${adapter.constructor.name}` }).catch(cannotAsk)",
    },
    {
      file: 'activities/look-first.ts',
      from: '...(await account.adapter.find({ clientOrderId, symbol, type, lostAt: lostAt ?? now, now }))',
      to: "...(await Promise.resolve<AdapterLookup>({ kind: 'absent', proof: `${clientOrderId} ${symbol} ${type} ${lostAt ?? now} ${account.name}` }))",
    },
  ],
  'absence is concluded early: what is not shown yet is taken for absent': [
    {
      file: 'adapters/ccxt/ccxt-adapter.ts',
      from: 'const found = await this.#lookUp(hint);',
      to: "const found = await this.#lookUp(hint);\n    if (found === undefined && this.#bound !== null) return { kind: 'absent', proof: 'not shown' };",
    },
  ],
  'the timestamp is not pinned: a request carries the time at which it was signed': [
    {
      file: 'activities/place-order.ts',
      from: 'timestamp: Math.floor(activityInfo().currentAttemptScheduledTimestampMs + clockOffsetMs)',
      to: 'timestamp: Math.floor(Date.now() + clockOffsetMs)',
    },
  ],
  [NOT_TAKEN_BACK]: [
    {
      file: 'workflows/hold-leg.ts',
      from: "become(observed(state, await withdrawLeg({ signed, leg, venueOrderId: state.venueOrderId ?? '' })));",
      to: "if (state.venueOrderId === '') become(observed(state, await withdrawLeg({ signed, leg, venueOrderId: '' })));",
    },
    {
      file: 'workflows/hold-leg.ts',
      from: "return { state, hasWaited, isWithdrawn: state.status === 'canceled' };",
      to: 'return { state, hasWaited, isWithdrawn: true };',
    },
  ],
};
/** What shows with positions only. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  [NOT_TAKEN_BACK]: ['--brackets', '--only', 'as the rest of the entry is filled'],
};

const ROOT = join(import.meta.dirname, '..', '..');
const NOT_COPIED = /[/\\](node_modules|data|\.git|\.cache)$/;

let missed = 0;
for (const [name, changes] of Object.entries(BUILDS)) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-broken-'));
  try {
    cpSync(ROOT, folder, { recursive: true, filter: (path) => !NOT_COPIED.test(path) });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    for (const change of changes) apply(folder, change);
    console.error(`\n${name}`);
    const found = violationsOf(folder, ARGUMENTS[name] ?? process.argv.slice(2));
    console.log(`${name}\n  ${inWords(found)}`);
    if (found === undefined || found.length === 0) missed += 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
console.log(missed === 0 ? 'Each broken build was found out.' : `${missed} of the broken builds were not found out.`);
process.exitCode = missed === 0 ? 0 : 1;

/** What the run finds wrong with a build; undefined where it came to no result, which proves nothing. */
function violationsOf(folder: string, more: readonly string[]): readonly Violation[] | undefined {
  const run = join(folder, 'test', 'chaos', 'run.ts');
  const args = ['--disable-warning=ExperimentalWarning', run, '--bounds', 'short', '--json', ...more];
  const { stdout } = spawnSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  try {
    return (JSON.parse(stdout.toString()) as Figures).violations;
  } catch {
    return undefined;
  }
}

function inWords(violations: readonly Violation[] | undefined): string {
  if (violations === undefined) return 'the run came to no result';
  return VIOLATIONS.map((kind) => `${violations.filter((one) => one.kind === kind).length} ${kind}`).join(', ');
}

function apply(folder: string, { file, from, to }: Change): void {
  const path = join(folder, file);
  const source = readFileSync(path, 'utf8');
  if (source.split(from).length !== 2) throw new Error(`${file} does not hold this exactly once: ${from}`);
  writeFileSync(
    path,
    source.replace(from, () => to),
  );
}
