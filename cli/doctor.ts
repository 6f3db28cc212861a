import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Command } from 'commander';

import { loadConfig, type Config } from '../config/config.ts';
import { CONFIG_EXIT_CODE, ConfigFault } from '../config/fault.ts';
import { checkAccounts } from './doctor/check-accounts.ts';
import { checkEngine } from './doctor/check-engine.ts';
import { checkDataFolder, checkKeys, checkNode, checkPorts, checkStateFolder } from './doctor/check-host.ts';
import { checkHalts, checkIngress, checkStrategies } from './doctor/check-orders.ts';
import { askHealth } from './doctor/public-listener.ts';
import { faultsOf, ok, type Check, type Verdict } from './doctor/verdict.ts';
import { EXIT } from './exit.ts';
import { rootFolder } from './root-folder.ts';

/** In the order in which they are told. */
const CHECKS: Readonly<Record<string, Check>> = {
  data: checkDataFolder,
  state: checkStateFolder,
  keys: checkKeys,
  ports: checkPorts,
  engine: checkEngine,
  ingress: checkIngress,
  strategies: checkStrategies,
  halts: checkHalts,
  accounts: checkAccounts,
};

const WORDS = { ok: 'ok', not_checked: 'not checked', warning: 'warning', fault: 'fault' };

/** `holdfast doctor`: whether an installation is well, running or not. */
export function addDoctor(program: Command): void {
  program
    .command('doctor')
    .description('Whether this installation is well, running or not. Sends no order, changes nothing.')
    .option('--json', 'what was found as JSON')
    .action(async ({ json }: { json?: true }) => {
      const verdicts = await examine();
      const faults = verdicts.filter(({ level }) => level === 'fault');
      const warnings = verdicts.filter(({ level }) => level === 'warning').length;
      if (json === true) {
        process.stdout.write(`${JSON.stringify({ ok: faults.length === 0, checks: verdicts }, null, 2)}\n`);
      } else {
        for (const one of verdicts) process.stdout.write(inLines(one));
        process.stderr.write(`${counted(faults.length, 'fault')}, ${counted(warnings, 'warning').toLowerCase()}.\n`);
      }
      const isConfig = faults.some(({ path }) => path !== null);
      process.exitCode = isConfig ? CONFIG_EXIT_CODE : faults.length > 0 ? EXIT.failed : EXIT.ok;
    });
}

async function examine(): Promise<Verdict[]> {
  const root = rootFolder();
  const { version, engines } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    version: string;
    engines: { node: string };
  };
  const node = checkNode(engines.node);
  let config: Config;
  try {
    config = loadConfig(process.env, root, process.cwd());
  } catch (error) {
    if (!(error instanceof ConfigFault)) throw error;
    return [node, ...faultsOf('config', error)];
  }
  const { file, accounts, strategies } = config;
  const counts = `${counted(Object.keys(accounts).length, 'account')}, ${counted(Object.keys(strategies).length, 'strategy')}`;
  const read = ok('config', `${file ?? 'There is no file, the defaults hold'}: ${counts}.`);
  const patient = { config, root, version, health: await askHealth(config) };
  const found = await Promise.all(
    // One check that breaks hides nothing of another.
    Object.entries(CHECKS).map(async ([name, check]) => {
      try {
        return await check(patient);
      } catch (error) {
        return faultsOf(name, error);
      }
    }),
  );
  return [node, read, ...found.flat()];
}

/** What a venue or an alert has said may be part of it, and must not steer the terminal. */
function inLines({ level, check, path, message, fix }: Verdict): string {
  const what = path === null ? check : `${check}: ${path}`;
  const lines = [
    `${WORDS[level].padEnd(11)}  ${what}: ${message}`,
    ...(fix === null ? [] : [`${' '.repeat(13)}${fix}`]),
  ];
  return lines.map((line) => `${line.replace(/\p{Cc}+/gu, ' ')}\n`).join('');
}

function counted(count: number, what: string): string {
  const many = what.endsWith('y') ? `${what.slice(0, -1)}ies` : `${what}s`;
  return `${count === 0 ? 'No' : count} ${count === 1 ? what : many}`;
}
