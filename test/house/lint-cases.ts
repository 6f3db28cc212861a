// What the linter must refuse and what it must let through: each arrow and each ban is broken here once.

export interface LintCase {
  name: string;
  file: string;
  source: string;
  /** The complete list of what the linter must say about the file. */
  fires: string[];
}

const refused = (rule: string, name: string, file: string, source: string): LintCase => {
  return { name: `refused: ${name}`, file, source, fires: [rule] };
};
const accepted = (name: string, file: string, source: string): LintCase => {
  return { name: `accepted: ${name}`, file, source, fires: [] };
};

function words(list: string): string[] {
  return list.split(' ');
}

const imports = 'eslint(no-restricted-imports)';
const floating = 'typescript(no-floating-promises)';
const misused = 'typescript(no-misused-promises)';
const exhaustive = 'typescript(switch-exhaustiveness-check)';

/** The module that every folder of the cases holds, for the others to import. */
export const targetSource =
  'export type Value = number; export const value = 1; export const submit = async (id: string): Promise<string> => id;';

// Arrows, written down a second time and independently of the configuration.
const outsideTheProduct = words('examples bench scripts test');
const productFolders = words('domain ingress workflows activities adapters workers config telemetry cli');
const theProduct = [...productFolders, 'types', 'deploy', 'docs'];
export const topFolders = [...theProduct, ...outsideTheProduct];

/** The two modules of workflows/ that ingress may import are cases of their own. */
export const arrows: Record<string, { to: string[]; typesOnly?: string }> = {
  domain: { to: ['domain'] },
  workflows: { to: ['workflows', 'domain'], typesOnly: 'activities' },
  ingress: { to: ['ingress', 'domain', 'telemetry'], typesOnly: 'config' },
  activities: { to: ['activities', 'domain', 'adapters', 'telemetry'] },
  adapters: { to: ['adapters', 'domain'] },
  'adapters/ccxt': { to: ['adapters', 'domain'] },
  telemetry: { to: ['telemetry', 'domain'] },
  config: { to: ['config', 'domain'] },
  workers: { to: theProduct },
  cli: { to: theProduct },
};

const valueForms: Record<string, (path: string) => string> = {
  import: (path) => `import { value } from '${path}'; export const v = value;`,
  'bare-import': (path) => `import '${path}';`,
  'namespace-import': (path) => `import * as all from '${path}'; export const v = all.value;`,
  're-export': (path) => `export { value } from '${path}';`,
  're-export-all': (path) => `export * from '${path}';`,
  'dynamic-import': (path) => `export const load = (): Promise<unknown> => import('${path}');`,
};
const typeForms: Record<string, (path: string) => string> = {
  'type-import': (path) => `import type { Value } from '${path}'; export const v: Value = 1;`,
  'type-re-export': (path) => `export type { Value } from '${path}';`,
};

function* arrowCases(): Generator<LintCase> {
  for (const [folder, { to, typesOnly }] of Object.entries(arrows)) {
    for (const inner of ['', '/inner/deep']) {
      const up = '../'.repeat(`${folder}${inner}`.split('/').length);
      for (const target of topFolders) {
        for (const [form, source] of Object.entries({ ...valueForms, ...typeForms })) {
          const ok = to.includes(target) || (target === typesOnly && form in typeForms);
          const name = `${folder}${inner} -> ${target} by ${form}`;
          const file = `${folder}${inner}/arrow-${target}-${form}.ts`;
          const text = source(`${up}${target}/target.ts`);
          yield ok ? accepted(name, file, text) : refused(imports, name, file, text);
        }
      }
    }
    for (const [i, path] of ['./target.ts', './inner/target.ts', '../target.ts'].entries()) {
      const file = `${folder}/${path.startsWith('..') ? 'inner/' : ''}neighbour-${i}.ts`;
      yield accepted(`${folder} -> its own ${path}`, file, `export * from '${path}';`);
    }
    const up = '../'.repeat(folder.split('/').length);
    const detours = `${up}domain/../test ./inner/../${up}test ./${up}test ${up}/test ${up}t%65st /opt/x file:///opt/x`;
    for (const [i, start] of words(detours).entries()) {
      const path = `${start}/target.ts`;
      yield refused(imports, `${folder} -> ${path}`, `${folder}/detour-${i}.ts`, `import '${path}';`);
    }
  }
  for (const wanted of ['messages.ts', 'task-queues.ts']) {
    const source = (path: string): string => `import { value } from '${path}'; export const v = value;`;
    yield accepted(`ingress -> workflows/${wanted}`, `ingress/a-${wanted}`, source(`../workflows/${wanted}`));
    yield accepted(`ingress/inner -> ${wanted}`, `ingress/inner/a-${wanted}`, source(`../../workflows/${wanted}`));
    yield refused(imports, `ingress -> ${wanted} deeper`, `ingress/b-${wanted}`, source(`../workflows/x/${wanted}`));
  }
}

// Packages.
const uses = (path: string): string => `import * as all from '${path}'; export const v: unknown = all;`;

function* packageCases(): Generator<LintCase> {
  const either = 'node:fs fs node:crypto node:timers/promises zod @temporalio/activity @temporalio/worker holdfast';
  const byFolder = {
    domain: `${either} @temporalio/workflow @temporalio/common decimal.js/decimal.mjs x/decimal.js ../package.json`,
    workflows: `${either} @temporalio/workflow/lib/x @temporalio/common/lib/x x/@temporalio/common decimal.js`,
  };
  for (const [folder, paths] of Object.entries(byFolder)) {
    for (const [i, path] of words(paths).entries()) {
      yield refused(imports, `${folder} -> ${path}`, `${folder}/package-${i}.ts`, `import '${path}';`);
    }
  }
  yield accepted('domain -> decimal.js', 'domain/decimal.ts', uses('decimal.js'));
  yield accepted('workflows -> Temporal', 'workflows/temporal.ts', uses('@temporalio/workflow'));
  yield accepted('workflows -> Temporal types', 'workflows/temporal-common.ts', uses('@temporalio/common'));
  yield accepted('adapters -> any other package', 'adapters/other-packages.ts', `import 'node:crypto'; ${uses('zod')}`);

  const bans = {
    ccxt: words('ingress activities adapters adapters/paper telemetry config workers cli'),
    undici: words('ingress activities adapters adapters/paper telemetry config'),
    'prom-client': [...Object.keys(arrows), 'telemetry/inner', ...outsideTheProduct],
  };
  for (const [name, folders] of Object.entries(bans)) {
    for (const folder of folders) {
      yield refused(imports, `${folder} -> ${name}`, `${folder}/package-${name}.ts`, uses(name));
    }
  }
  yield accepted('adapters/ccxt -> ccxt', 'adapters/ccxt/client.ts', uses('ccxt'));
  yield accepted('adapters/ccxt -> undici', 'adapters/ccxt/agent.ts', uses('undici'));
  // One file, since its name decides: prom-client and domain/ pass, and no other line does.
  const forbidden = topFolders.filter((folder) => !arrows['telemetry']?.to.includes(folder));
  const paths = ['ccxt', 'undici', './x/../target.ts', ...forbidden.map((folder) => `../${folder}/target.ts`)];
  const lines = paths.map((path) => `import '${path}';`).join(' ');
  yield {
    ...accepted('telemetry/metrics.ts -> prom-client and domain only', 'telemetry/metrics.ts', uses('prom-client')),
    source: `${uses('prom-client')} import '../domain/target.ts'; ${lines}`,
    fires: paths.map(() => imports),
  };
}

// Clock, randomness, I/O.
const bannedInBoth = words(
  'process fetch WebSocket XMLHttpRequest EventSource crypto performance setInterval clearInterval setImmediate ' +
    'clearImmediate Buffer require module globalThis global self window',
);
export const bannedGlobals: Record<string, string[]> = {
  domain: ['Date', 'setTimeout', 'clearTimeout', 'queueMicrotask', ...bannedInBoth],
  workflows: bannedInBoth,
};

function* purityCases(): Generator<LintCase> {
  for (const [folder, names] of Object.entries(bannedGlobals)) {
    for (const name of names) {
      const source = `export const v: unknown = ${name};`;
      yield refused('eslint(no-restricted-globals)', `${name} in ${folder}`, `${folder}/global-${name}.ts`, source);
    }
    for (const [i, expression] of ['Math.random()', `Math['random']()`].entries()) {
      const source = `export const v = ${expression};`;
      yield refused(
        'eslint(no-restricted-properties)',
        `${expression} in ${folder}`,
        `${folder}/random-${i}.ts`,
        source,
      );
    }
    const taken = 'const { random } = Math; export const v = random();';
    yield refused('eslint(no-restricted-properties)', `${taken} in ${folder}`, `${folder}/random-taken.ts`, taken);
  }
  const date = 'export const v = [Date.now(), new Date(0)];';
  yield {
    ...refused('', 'a clock in domain', 'domain/clock.ts', date),
    fires: Array(2).fill('eslint(no-restricted-globals)'),
  };
  yield accepted('a clock in workflows, where Temporal replays it', 'workflows/clock.ts', date);
  yield accepted(
    'the bans end at the folder',
    'test/domain/x.ts',
    `import 'node:fs'; ${date} export const p = process;`,
  );
}

// Promises, types, modules, consoles.
const proxied = (binding: string, body: string): string =>
  `import { proxyActivities } from '@temporalio/workflow'; import type * as activities from '../activities/target.ts';
   const ${binding} = proxyActivities<typeof activities>({ startToCloseTimeout: '1s' });
   export async function run(): Promise<unknown> { ${body} return 1; }`;
const switchOver = (rest: string): string =>
  `export function run(s: 'open' | 'filled'): number { switch (s) { case 'open': return 1; ${rest} }`;
const nodeTest = (body: string): string =>
  `import assert from 'node:assert/strict'; import { describe, it, suite, test } from 'node:test';
   test('a', async () => {}); describe('b', () => { it('c', async () => {}); }); suite('d', () => { ${body} });`;

function* promiseCases(): Generator<LintCase> {
  const forgotten = 'a forgotten await on';
  yield refused(floating, `${forgotten} a proxied activity`, 'workflows/p1.ts', proxied('{ submit }', `submit('x');`));
  yield refused(floating, `${forgotten} a proxy's member`, 'workflows/p2.ts', proxied('acts', `acts.submit('x');`));
  yield accepted('an awaited activity', 'workflows/p3.ts', proxied('{ submit }', `await submit('x');`));
  const plain = 'async function send(): Promise<void> {} export function run(): void { send(); }';
  yield refused(floating, `${forgotten} a plain function`, 'adapters/p4.ts', plain);
  const rejects = nodeTest('assert.rejects(async () => {});');
  yield refused(floating, `${forgotten} an assertion`, 'test/p5.test.ts', rejects);
  yield accepted('tests need no await', 'test/p6.test.ts', nodeTest('assert.ok(true);'));
  const callback = 'export const run = (list: number[]): void => list.forEach(async () => {});';
  yield refused(misused, 'an async callback nobody waits for', 'activities/p7.ts', callback);
  const condition = proxied('{ submit }', `if (submit('x')) return 2;`);
  yield refused(misused, 'a promise as a condition', 'workflows/p8.ts', condition);
  const value = 'export async function run(n: number): Promise<number> { return await n; }';
  yield refused('typescript(await-thenable)', 'an await on a plain value', 'activities/p9.ts', value);
}

function* moduleCases(): Generator<LintCase> {
  yield refused(exhaustive, 'a switch that forgets a state', 'domain/m1.ts', switchOver('} return 2;'));
  yield refused(exhaustive, 'a default that hides a state', 'domain/m2.ts', switchOver('default: return 2; }'));
  yield refused('typescript(no-explicit-any)', 'any', 'domain/m3.ts', 'export const run = (x: any): unknown => x;');
  const types = 'typescript(consistent-type-imports)';
  const asValue = `import { Value } from './target.ts'; export const v: Value = 1;`;
  yield refused(types, 'a type imported as a value', 'domain/m4.ts', asValue);
  const hidden = `export type V = import('../workflows/target.ts').Value;`;
  yield refused(types, 'an arrow inside an import() type', 'domain/m5.ts', hidden);
  const inline = `import { type Value } from '../activities/target.ts'; export const v: Value = 1;`;
  const sideEffects = 'typescript(no-import-type-side-effects)';
  yield refused(sideEffects, 'an inline type import, which loads the module', 'workflows/m6.ts', inline);
  const mixed = `import { type Value, value } from '../activities/target.ts'; export const v: Value = value;`;
  yield refused(imports, 'a value among the types of activities', 'workflows/m7.ts', mixed);
  const required = `export const v: unknown = require('node:fs');`;
  yield refused('typescript(no-require-imports)', 'require', 'adapters/m8.ts', required);
  const computed = 'export const load = (name: string): Promise<unknown> => import(`../${name}/target.ts`);';
  yield refused('import(no-dynamic-require)', 'a computed import', 'workers/m9.ts', computed);
  const cycle = `import { b } from './cycle-b.ts'; export const a = (): unknown => b;`;
  yield refused('import(no-cycle)', 'a cycle', 'domain/cycle-a.ts', cycle);
  const back = `export { a as b } from './cycle-a.ts';`;
  yield refused('import(no-cycle)', 'its other half, a re-export', 'domain/cycle-b.ts', back);
}

function* consoleCases(): Generator<LintCase> {
  const talkers = ['scripts', 'cli', 'examples', 'bench', 'test/simulators/venue'].map((folder) => `${folder}/talk.ts`);
  for (const file of [...talkers, 'workers/all-in-one.ts']) {
    yield accepted(`a console in ${file}`, file, `console.log('x');`);
  }
  for (const folder of [...productFolders.filter((name) => name !== 'cli'), 'test']) {
    yield refused('eslint(no-console)', `a console in ${folder}`, `${folder}/talk.ts`, `console.log('x');`);
  }
}

function* ignoredCases(): Generator<LintCase> {
  for (const folder of ['dist', 'data', '.cache', 'examples/node_modules']) {
    yield accepted(`anything in ${folder}, which nobody wrote here`, `${folder}/x.ts`, 'export const v: any = 1;');
  }
}

export const lintCases: LintCase[] = [
  arrowCases(),
  packageCases(),
  purityCases(),
  promiseCases(),
  moduleCases(),
  consoleCases(),
  ignoredCases(),
].flatMap((cases) => [...cases]);
