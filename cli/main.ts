import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Command, CommanderError } from 'commander';

import { CONFIG_EXIT_CODE, ConfigFault } from '../config/fault.ts';
import { addAudit } from './audit.ts';
import { addDoctor } from './doctor.ts';
import { addExplain } from './explain.ts';
import { CommandFault, EXIT, UsageFault } from './exit.ts';
import { addHalt } from './halt.ts';
import { addOrders } from './orders.ts';
import { addReplay } from './replay.ts';
import { addRerun } from './rerun.ts';
import { addSend } from './send.ts';
import { addSetup } from './setup.ts';

const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '..', 'package.json'), 'utf8')) as {
  version: string;
};

const program = new Command('holdfast')
  .description('Looks at orders, and runs them again. Data goes to stdout, notes to stderr.')
  .version(version)
  .exitOverride();
addAudit(program);
addDoctor(program);
addExplain(program);
addHalt(program);
addOrders(program);
addReplay(program);
addRerun(program);
addSend(program);
addSetup(program);

// Whoever reads only the first lines of a report closes the pipe, which is no fault.
process.stdout.on('error', () => undefined);
try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = exitCodeOf(error);
}
// The engine's library holds a process open that has used it for nothing; by now everything is said that there is to say.
for (const stream of [process.stdout, process.stderr]) await new Promise((resolve) => stream.write('', resolve));
process.exit();

/** Says what went wrong, in a sentence; what commander has found wrong it has said itself. */
function exitCodeOf(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`${message}\n`);
  if (error instanceof CommandFault && process.argv.includes('--json')) {
    process.stdout.write(`${JSON.stringify({ error: { code: error.code, message } }, null, 2)}\n`);
  }
  if (error instanceof ConfigFault) return CONFIG_EXIT_CODE;
  return error instanceof UsageFault ? EXIT.usage : EXIT.failed;
}
