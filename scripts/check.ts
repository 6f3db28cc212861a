// Everything that reads the code without running it. All of it runs even if some of it fails, because whoever repairs
// a change wants to see everything that is wrong with it at once.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface Check {
  name: string;
  tool: string;
  args: string[];
}

const root = join(import.meta.dirname, '..');
const checks: Check[] = [
  { name: 'format', tool: 'prettier', args: ['--check', '.'] },
  { name: 'types', tool: 'typescript', args: process.stdout.isTTY ? ['--pretty'] : [] },
  { name: 'lint', tool: 'oxlint', args: ['--type-aware', '--deny-warnings'] },
  // The entries of knip.json name files that a checkout may not have, which is no fault of the code.
  { name: 'unused code', tool: 'knip', args: ['--no-progress', '--no-config-hints'] },
];

const failed: { name: string; output: string }[] = [];
for (const { name, tool, args } of checks) {
  const startedAt = performance.now();
  const { ok, output } = await run(tool, args);
  if (!ok) failed.push({ name, output });
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(1);
  console.log(`${ok ? '✔' : '✖'} ${name.padEnd(12)} ${seconds.padStart(5)} s  ${[tool, ...args].join(' ')}`);
}
for (const { name, output } of failed) console.log(`\n--- ${name} ---\n${output.trim()}`);
console.log(
  failed.length === 0
    ? '\nAll checks passed.'
    : `\n${failed.length} of ${checks.length} checks failed: ${failed.map(({ name }) => name).join(', ')}.`,
);
process.exitCode = failed.length === 0 ? 0 : 1;

function run(tool: string, args: string[]): Promise<{ ok: boolean; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [binary(tool), ...args], { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (chunk: string) => (output += chunk));
    }
    child.on('error', (error) => resolve({ ok: false, output: output + error.message }));
    child.on('close', (code, signal) => {
      resolve({ ok: code === 0, output: signal ? `${output}\nEnded by ${signal}.` : output });
    });
  });
}

/** The tool's own program: going through npx would cost a second each and could pick another version. */
function binary(tool: string): string {
  const folder = join(root, 'node_modules', tool);
  const { bin } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    bin: string | Record<string, string>;
  };
  const path = typeof bin === 'string' ? bin : (bin[tool] ?? Object.values(bin)[0]);
  if (path === undefined) throw new Error(`The package ${tool} has no program to run.`);
  return join(folder, path);
}
