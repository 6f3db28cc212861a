// `npm run mutation`: changes one thing at a time in the modules that money and proof rest on, and runs the tests of that
// module each time. What no test notices is told. It takes half an hour, and is no part of CI.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The mutator is large and needed here only: it is fetched when it is run, in this version. */
const STRYKER = '@stryker-mutator/core@10.1.1';
const LEAST_SCORE = 80;
/** Enough to notice; a whole search for every change would take a day. */
const RUNS = '200';

/** Each module with the tests that answer for it. */
const MODULES: Readonly<Record<string, readonly string[]>> = {
  'ingress/prove.ts': ['test/ingress/prove.test.ts'],
  'ingress/standard-webhooks.ts': ['test/ingress/standard-webhooks.test.ts'],
  'activities/verify-keys.ts': ['test/activities/verify-keys.test.ts'],
  'domain/decimal.ts': ['test/domain/decimal.test.ts'],
  'domain/ids.ts': ['test/domain/ids.test.ts'],
  'domain/position.ts': ['test/domain/position.test.ts'],
  'domain/tally.ts': ['test/domain/admission.test.ts'],
  'domain/admission.ts': ['test/domain/admission.test.ts'],
  'domain/check-limits.ts': ['test/domain/check-limits.test.ts'],
  'domain/trading-hours.ts': ['test/domain/trading-hours.test.ts'],
};

interface Report {
  readonly files: Readonly<Record<string, { readonly mutants: readonly Mutant[] }>>;
}

interface Mutant {
  readonly status: string;
  readonly mutatorName: string;
  readonly replacement: string;
  readonly location: { readonly start: { readonly line: number } };
}

const wanted = process.argv.slice(2);
const modules = Object.keys(MODULES).filter((file) => wanted.length === 0 || wanted.includes(file));
if (modules.length === 0 || modules.length < wanted.length) {
  console.error(`Name some of these, or none for all: ${Object.keys(MODULES).join(', ')}`);
  process.exit(2);
}
let [caught, all] = [0, 0];
for (const [index, file] of modules.entries()) {
  console.error(`${index + 1} of ${modules.length}: ${file}`);
  const mutants = mutate(file, MODULES[file]!);
  // What cannot be loaded is no change that anybody could make.
  const counted = mutants.filter(({ status }) => status !== 'CompileError' && status !== 'Ignored');
  const missed = counted.filter(({ status }) => status === 'Survived' || status === 'NoCoverage');
  all += counted.length;
  caught += counted.length - missed.length;
  console.log(`${file}: ${counted.length - missed.length} of ${counted.length} changes noticed`);
  for (const { location, mutatorName, replacement } of missed)
    console.log(`  line ${location.start.line}: ${mutatorName} ${replacement.slice(0, 80).replaceAll('\n', ' ')}`);
}
const score = (caught / all) * 100;
console.log(`Mutation score: ${score.toFixed(1)} % of ${all} changes; at least ${LEAST_SCORE} % is expected.`);
process.exitCode = score >= LEAST_SCORE ? 0 : 1;

function mutate(file: string, tests: readonly string[]): readonly Mutant[] {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-mutation-'));
  try {
    const report = join(folder, 'report.json');
    const settings = {
      mutate: [file],
      testRunner: 'command',
      commandRunner: {
        command: tests.map((test) => `node --disable-warning=ExperimentalWarning ${test}`).join(' && '),
      },
      reporters: ['json', 'progress-append-only'],
      jsonReporter: { fileName: report },
      // Inside, so that the libraries are found from there.
      tempDirName: '.cache/mutation',
      concurrency: 2,
      ignorePatterns: ['/data', '/.cache', '/docs', '/test/chaos', '/test/engine'],
      // Types are stripped when a module is loaded: there is no project to prepare.
      timeoutMS: 3_000,
      tsconfigFile: 'no.tsconfig.json',
    };
    const config = join(folder, 'stryker.json');
    writeFileSync(config, JSON.stringify(settings));
    const env = { ...process.env, HOLDFAST_PROPERTY_RUNS: RUNS, HOLDFAST_PROPERTY_SEED: '1' };
    const { status } = spawnSync('npx', ['--yes', '--package', STRYKER, 'stryker', 'run', config], {
      cwd: join(import.meta.dirname, '..'),
      env,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0) throw new Error(`The mutation of ${file} ended with ${status}.`);
    return (JSON.parse(readFileSync(report, 'utf8')) as Report).files[file]!.mutants;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
