import type { Command } from 'commander';

import { replayBundle } from '../workers/workflow-bundle.ts';
import { decryptHistory } from './decrypt-history.ts';
import { inWords } from './differences.ts';
import { EXIT, UsageFault } from './exit.ts';
import { namedSources, queriedSources, type HistorySource } from './histories.ts';
import { Installation } from './installation.ts';
import { orderOutcome } from './order-outcome.ts';
import { Replayer, type Replayed } from './replayer.ts';

/** After this many histories a person who waits is told how far it is. */
const PROGRESS_EVERY = 50;

const HELP = `
Each history is replayed against the code of this installation. It is the same when the code takes the same steps with
the same values: what activities are given, what is published and listed, what updates and the order itself answer.
Files are histories as \`temporal workflow show -w ID -o json\` prints them; a folder is every .json file in it.

Exit codes: 0 all the same, 1 something differs or cannot be replayed, 2 usage, 78 configuration.`;

interface Options {
  readonly query?: string;
  readonly json?: true;
}

/** One history's line of the report. */
interface Line {
  readonly source: string;
  readonly workflow_id: string | null;
  /** How the order stood at the end of the history. */
  readonly order_status: string | null;
  readonly verdict: Replayed['verdict'] | 'unreadable';
  readonly differences: Replayed['differences'];
  readonly problem: string | null;
}

export function addReplay(program: Command): void {
  program
    .command('replay')
    .description('Replay histories against the code, and say what it would do otherwise today.')
    .argument('[HISTORY...]', 'files, folders of files, or workflow ids')
    .option('--query <QUERY>', "what fits a list query, such as OrderStatus = 'filled'")
    .option('--json', 'the report as JSON')
    .addHelpText('after', HELP)
    .action(async (names: string[], options: Options) => {
      process.exitCode = await replay(names, options);
    });
}

async function replay(names: readonly string[], { query, json }: Options): Promise<number> {
  if (names.length === 0 && query === undefined) {
    throw new UsageFault('Name a file, a folder or a workflow id, or give a --query.');
  }
  const installation = new Installation();
  const replayer = new Replayer(await replayBundle(installation.root));
  const lines: Line[] = [];
  try {
    for await (const source of sourcesOf(names, query, installation)) {
      const line = await replayOne(source, replayer, installation);
      lines.push(line);
      if (!json) process.stdout.write(`${lineInWords(line)}\n`);
      if (lines.length % PROGRESS_EVERY === 0) process.stderr.write(`${lines.length} histories replayed…\n`);
    }
  } finally {
    await replayer.close();
    await installation.close();
  }
  const same = lines.filter(({ verdict }) => verdict === 'same').length;
  const summary = { replayed: lines.length, same, other: lines.length - same };
  if (json) process.stdout.write(`${JSON.stringify({ histories: lines, ...summary }, null, 2)}\n`);
  else process.stdout.write(`${lines.length} replayed: ${same} the same, ${summary.other} not.\n`);
  return summary.other === 0 ? EXIT.ok : EXIT.failed;
}

async function* sourcesOf(
  names: readonly string[],
  query: string | undefined,
  installation: Installation,
): AsyncGenerator<HistorySource> {
  yield* namedSources(names, async () => (await installation.engine()).client);
  if (query !== undefined) yield* queriedSources(query, (await installation.engine()).client);
}

async function replayOne(source: HistorySource, replayer: Replayer, { codec }: Installation): Promise<Line> {
  try {
    const { workflowId, history } = await source.read();
    const outcome = orderOutcome(await decryptHistory(history, codec));
    const told = await replayer.replay(workflowId, history);
    return { source: source.name, workflow_id: workflowId, order_status: outcome, ...told };
  } catch (error) {
    // A history that cannot be read says nothing about the code, and is no reason not to look at the others.
    const problem = error instanceof Error ? error.message : String(error);
    const nothing = { workflow_id: null, order_status: null, verdict: 'unreadable', differences: [] } as const;
    return { source: source.name, ...nothing, problem };
  }
}

function lineInWords({ source, workflow_id, order_status, verdict, differences, problem }: Line): string {
  const words = {
    same: 'same',
    differs: 'differs',
    nondeterministic: `other steps than recorded (${problem})`,
    broken: `cannot be replayed (${problem})`,
    unreadable: `cannot be read: ${problem}`,
  };
  const details = differences.map((difference) => `\n  ${difference.where}, ${inWords(difference)}`).join('');
  const from = workflow_id === null || workflow_id === source ? '' : `(${source})`;
  return `${[workflow_id ?? source, order_status, words[verdict], from].filter(Boolean).join('  ')}${details}`;
}
