import { readFileSync } from 'node:fs';

import type { Command } from 'commander';

import type { Explanation } from '../ingress/explain.ts';
import { UsageFault } from './exit.ts';
import { askOperator } from './operator.ts';

/** `holdfast explain`: what an alert would do. */
export function addExplain(program: Command): void {
  program
    .command('explain')
    .description('What an alert would do; sends nothing.')
    .argument('<FILE>', 'the alert; - for standard input')
    .option('--strategy <NAME>', 'whose alert it is; the first of the configuration where none is named')
    .option('--json', 'all of it as JSON')
    .action(explainAlert);
}

/** Says what the alert in a file would do; one that cannot be understood is an exit code of 1. */
export async function explainAlert(
  file: string,
  { strategy, json }: { readonly strategy?: string | undefined; readonly json?: true | undefined },
): Promise<void> {
  const query = strategy === undefined ? '' : `?strategy=${encodeURIComponent(strategy)}`;
  const told = await askOperator<Explanation>(`/explain${query}`, 'POST', readAlert(file));
  if (json === true) process.stdout.write(`${JSON.stringify(told, null, 2)}\n`);
  else for (const line of inLines(told)) process.stdout.write(`${line}\n`);
  if (!told.understood) process.exitCode = 1;
}

/** An alert as it is written, to the last digit. */
export function readAlert(file: string): Buffer {
  try {
    return readFileSync(file === '-' ? 0 : file);
  } catch (error) {
    throw new UsageFault(`The alert ${file} cannot be read (${(error as NodeJS.ErrnoException).code}).`);
  }
}

function inLines({ sentence, reason, alert, issues }: Explanation): string[] {
  return [
    ...(sentence === null ? [] : [sentence]),
    ...(reason === null ? [] : [`  It would not be sent: ${reason.message} ${reason.fix ?? ''}`.trimEnd()]),
    ...(alert?.inferred ?? []).map((what) => `  ${what}`),
    ...(alert?.ignored ?? []).map((key) => `  ignored: ${key}`),
    ...issues.map(({ path, message }) => `  ${path || 'the alert'}: ${message}`),
  ];
}
