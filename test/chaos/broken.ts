// `npm run chaos:broken`: shows that the proof can fail. Each of these builds lacks one of the things on which the
// promise rests; the same run that passes for the product must find it out.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

interface Change {
  readonly file: string;
  readonly from: string;
  readonly to: string;
}

const BUILDS: Readonly<Record<string, readonly Change[]>> = {
  'the look-up is skipped: what was lost is taken for absent': [
    {
      file: 'activities/find-order.ts',
      from: 'await beating(() => adapter.find(hint)).catch(cannotAsk)',
      to: "await Promise.resolve<AdapterLookup>({ kind: 'absent', proof: `not asked of ${adapter.constructor.name}` }).catch(cannotAsk)",
    },
    {
      file: 'activities/look-first.ts',
      from: '...(await account.adapter.find({ clientOrderId, symbol, lostAt: lostAt ?? now, now }))',
      to: "...(await Promise.resolve<AdapterLookup>({ kind: 'absent', proof: `${clientOrderId} ${symbol} ${lostAt ?? now} ${account.name}` }))",
    },
  ],
  'absence is concluded early: what is not shown yet is taken for absent': [
    {
      file: 'adapters/ccxt/ccxt-adapter.ts',
      from: 'const found = await this.#lookUp(clientOrderId, symbol);',
      to: "const found = await this.#lookUp(clientOrderId, symbol);\n    if (found === undefined && this.#bound !== null) return { kind: 'absent', proof: 'not shown' };",
    },
  ],
  'the timestamp is not pinned: a request carries the time at which it was signed': [
    {
      file: 'activities/place-order.ts',
      from: 'timestamp: Math.floor(activityInfo().currentAttemptScheduledTimestampMs + clockOffsetMs)',
      to: 'timestamp: Math.floor(Date.now() + clockOffsetMs)',
    },
  ],
};

const ROOT = join(import.meta.dirname, '..', '..');
const NOT_COPIED = /[/\\](node_modules|data|\.git|\.cache)$/;

let passed = 0;
for (const [name, changes] of Object.entries(BUILDS)) {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-broken-'));
  try {
    cpSync(ROOT, folder, { recursive: true, filter: (path) => !NOT_COPIED.test(path) });
    for (const shared of ['node_modules', '.cache']) symlinkSync(join(ROOT, shared), join(folder, shared));
    for (const change of changes) apply(folder, change);
    console.error(`\n${name}`);
    const args = [
      '--disable-warning=ExperimentalWarning',
      join(folder, 'test', 'chaos', 'run.ts'),
      '--bounds',
      'short',
    ];
    const { status, stdout } = spawnSync(process.execPath, [...args, ...process.argv.slice(2)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const lines = stdout.toString().split('\n');
    console.log(`${name}\n  exit code ${status}; ${lines.find((line) => line.includes('violations:')) ?? 'no result'}`);
    if (status === 0) passed += 1;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
console.log(passed === 0 ? 'Each broken build was found out.' : `${passed} of the broken builds were not found out.`);
process.exitCode = passed === 0 ? 0 : 1;

function apply(folder: string, { file, from, to }: Change): void {
  const path = join(folder, file);
  const source = readFileSync(path, 'utf8');
  if (source.split(from).length !== 2) throw new Error(`${file} does not hold this exactly once: ${from}`);
  writeFileSync(
    path,
    source.replace(from, () => to),
  );
}
