// Runs the tests under test/, or those whose path contains one of the arguments: `npm test -- test/domain`.
// Arguments that start with a dash go to Node: `npm test -- --test-name-pattern=duplicate`.
import { spawn } from 'node:child_process';
import { globSync } from 'node:fs';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

const root = join(import.meta.dirname, '..');
const args = process.argv.slice(2);
const options = args.filter((arg) => arg.startsWith('-'));
const filters = args.filter((arg) => !arg.startsWith('-')).map((arg) => arg.replaceAll('\\', '/').replace(/^\.\//, ''));

const everyFile = globSync('test/**/*.test.ts', { cwd: root }).map((file) => file.replaceAll('\\', '/'));
const files = everyFile.filter((file) => filters.length === 0 || filters.some((filter) => file.includes(filter)));
if (files.length === 0) {
  // Node would run nothing and call it a success.
  console.error(`No test matches ${filters.join(' ') || 'test/**/*.test.ts'} (of ${everyFile.length} test files).`);
  process.exit(1);
}

const concurrency = process.env['HOLDFAST_TEST_CONCURRENCY'] ?? '2';
console.log(`Running ${files.length} of ${everyFile.length} test files, ${concurrency} at a time.`);
const nodeArgs = [
  '--test',
  '--disable-warning=ExperimentalWarning',
  '--test-reporter=spec',
  `--test-concurrency=${concurrency}`,
  '--test-timeout=600000',
  ...options,
  ...files.toSorted(),
];
const colour = process.stdout.isTTY ? { FORCE_COLOR: '1' } : {};
const child = spawn(process.execPath, nodeArgs, {
  cwd: root,
  env: { ...process.env, ...colour, NODE_ENV: 'test' },
  stdio: ['ignore', 'pipe', 'inherit'],
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => child.kill(signal));

// After a failure the reporter ends with the failures. The counts are held back, to close the output either way.
const counts: string[] = [];
let unfinished = '';
child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
  const lines = (unfinished + chunk).split('\n');
  unfinished = lines.pop() ?? '';
  for (const line of lines) {
    const isCount = /^ℹ (tests|suites|pass|fail|cancelled|skipped|todo|duration_ms) [\d.]+$/;
    if (isCount.test(stripVTControlCharacters(line))) counts.push(line);
    else process.stdout.write(`${line}\n`);
  }
});
child.on('close', (code, signal) => {
  console.log([unfinished, ...counts].join('\n'));
  if (signal) console.log(`The run was ended by ${signal}.`);
  process.exitCode = code ?? 1;
});
