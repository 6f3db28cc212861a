import type { Command } from 'commander';

import type { HaltView } from '../ingress/halts.ts';
import { UsageFault } from './exit.ts';
import { askOperator } from './operator.ts';

interface Options {
  readonly scope?: string;
  readonly reason?: string;
  readonly restored?: true;
  readonly json?: true;
}

/** `holdfast halt` and `holdfast resume`: keep orders back, and let them go again. */
export function addHalt(program: Command): void {
  program
    .command('halt')
    .description('Keep orders back: of an account, or of all. In force everywhere when it comes back.')
    .argument('[ACCOUNT]', 'all accounts where none is named')
    .option('--scope <SCOPE>', 'entries: what opens or enlarges a position; all: exits too', 'entries')
    .option('--reason <TEXT>', 'told to whoever sends an alert meanwhile')
    .option('--json', 'the halts as JSON')
    .action(async (account: string | undefined, { scope, reason, json }: Options) => {
      if (scope !== 'entries' && scope !== 'all') throw new UsageFault(`--scope is entries or all, not ${scope}.`);
      await change('/halt', { account, scope, reason }, json);
    });
  program
    .command('resume')
    .description('Lift the halts of an account, or of all.')
    .argument('[ACCOUNT]', 'all accounts where none is named')
    .option('--restored', 'ENGINE_RESTORED too: you have compared with the venue')
    .option('--json', 'the halts that are left, as JSON')
    .action(async (account: string | undefined, { restored, json }: Options) =>
      change('/resume', { account, restored }, json),
    );
}

async function change(path: string, wish: object, json: true | undefined): Promise<void> {
  const { halts } = await askOperator<{ halts: HaltView[] }>(path, 'POST', JSON.stringify(wish));
  if (json === true) process.stdout.write(`${JSON.stringify({ halts }, null, 2)}\n`);
  else if (halts.length === 0) process.stdout.write('Nothing is halted.\n');
  for (const { account, scope, code, since, reason } of json === true ? [] : halts) {
    process.stdout.write(`${account}  ${scope}  ${code}  since ${since}  ${reason}\n`);
  }
}
