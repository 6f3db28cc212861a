import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { arrows, bannedGlobals, lintCases, targetSource, topFolders } from './lint-cases.ts';

// A rule that silently stopped firing looks exactly like clean code. The cases live in a copy of the folder tree outside
// the repository, so that neither they nor their remains disturb a lint, format or test run of the real one.

interface Config {
  rules: Record<string, unknown>;
  overrides: {
    files: string[];
    rules: {
      'typescript/no-restricted-imports'?: [string, { patterns: { message: string }[] }];
      'no-restricted-globals'?: [string, ...{ name: string }[]];
    };
  }[];
}

interface Diagnostic {
  code: string;
  message: string;
  help?: string;
  filename: string;
  labels: { span: { offset: number } }[];
}

const root = join(import.meta.dirname, '..', '..');
const config = JSON.parse(readFileSync(join(root, '.oxlintrc.json'), 'utf8')) as Config;
const diagnostics = new Map<string, Diagnostic[]>();

before(() => {
  const tree = mkdtempSync(join(tmpdir(), 'holdfast-lint-'));
  try {
    for (const file of ['.oxlintrc.json', 'tsconfig.json', 'package.json']) cpSync(join(root, file), join(tree, file));
    symlinkSync(join(root, 'node_modules'), join(tree, 'node_modules'), 'junction');
    const targets = topFolders.map((folder) => `${folder}/target.ts`);
    for (const file of [...targets, 'workflows/messages.ts', 'workflows/task-queues.ts']) {
      write(join(tree, file), targetSource);
    }
    for (const { file, source } of lintCases) write(join(tree, file), source);
    for (const found of lint(tree)) {
      const file = found.filename.replaceAll('\\', '/');
      diagnostics.set(file, [...(diagnostics.get(file) ?? []), found]);
    }
  } finally {
    rmSync(tree, { recursive: true, force: true });
  }
});

function write(path: string, source: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, source, { flag: 'wx' });
}

function lint(tree: string): Diagnostic[] {
  const oxlint = join(root, 'node_modules', 'oxlint', 'bin', 'oxlint');
  const args = [oxlint, '--type-aware', '--format', 'json', '.'];
  const run = spawnSync(process.execPath, args, { cwd: tree, encoding: 'utf8', maxBuffer: 2 ** 28, timeout: 60_000 });
  assert.ok(
    run.stdout.startsWith('{'),
    `The linter gave no report: ${run.stdout}${run.stderr}${String(run.error ?? '')}`,
  );
  return (JSON.parse(run.stdout) as { diagnostics: Diagnostic[] }).diagnostics;
}

/** One code for each place: two patterns may refuse the same import. */
function codes(found: Diagnostic[]): string[] {
  return [...Map.groupBy(found, ({ code, labels }) => `${code} ${labels[0]?.span.offset}`).values()].flatMap(
    ([first]) => first?.code ?? [],
  );
}

describe('the linter', () => {
  const groups = Map.groupBy(lintCases, ({ name }) => (name.includes(' by ') ? name.replace(/ by .*/, '') : name));
  for (const [name, cases] of groups) {
    test(name, () => {
      const says = cases.map(({ file }) => [file, codes(diagnostics.get(file) ?? [])]);
      assert.deepEqual(
        says,
        cases.map(({ file, fires }) => [file, fires]),
      );
    });
  }

  test('says nothing about the modules that the cases import', () => {
    const known = new Set(lintCases.map(({ file }) => file));
    assert.deepEqual(
      [...diagnostics.keys()].filter((file) => !known.has(file)),
      [],
    );
  });
});

describe('the cases cover the configuration', () => {
  test('every rule that it names fires somewhere', () => {
    const fired = new Set([...diagnostics.values()].flat().map(({ code }) => code.replace(/^.*\((.*)\)$/, '$1')));
    const named = Object.keys(config.rules).map((rule) => rule.replace(/^.*\//, ''));
    assert.deepEqual(
      named.filter((rule) => !fired.has(rule)),
      [],
    );
  });

  test('every pattern of every folder fires in that folder', () => {
    const silent = config.overrides.flatMap(({ files, rules }) => {
      const patterns = rules['typescript/no-restricted-imports']?.[1].patterns ?? [];
      const prefixes = files.map((glob) => glob.replace('**', ''));
      const found = [...diagnostics].filter(([file]) => prefixes.some((prefix) => file.startsWith(prefix)));
      const said = new Set(found.flatMap(([, list]) => list.map(({ help }) => help)));
      return patterns
        .filter(({ message }) => !said.has(message))
        .map(({ message }) => `${files.join(' ')}: ${message}`);
    });
    assert.deepEqual(silent, []);
  });

  test('every banned global has a case', () => {
    const banned = config.overrides.flatMap(({ files, rules }) => {
      const [, ...globals] = rules['no-restricted-globals'] ?? ['off'];
      return globals.map(({ name }) => `${files.join(' ')}: ${name}`);
    });
    const tried = Object.entries(bannedGlobals).flatMap(([folder, names]) =>
      names.map((name) => `${folder}/**: ${name}`),
    );
    assert.deepEqual(banned.toSorted(), tried.toSorted());
  });

  test('every folder with code is named by the arrows', () => {
    const withCode = globSync('*/**/*.ts', { cwd: root, exclude: ['node_modules', 'dist', '.cache', 'data'] });
    const folders = new Set(withCode.map((file) => file.split(/[\\/]/)[0] ?? ''));
    assert.deepEqual(
      [...folders].filter((folder) => !topFolders.includes(folder)),
      [],
    );
    assert.deepEqual(
      Object.keys(arrows).filter((folder) => !config.overrides.some(({ files }) => files.includes(`${folder}/**`))),
      [],
    );
  });
});
