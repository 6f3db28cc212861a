import { randomUUID } from 'node:crypto';

import type { Client } from '@temporalio/client';
import type { Command } from 'commander';

import type { Answer } from '../domain/answer.ts';
import { replayBundle } from '../workers/workflow-bundle.ts';
import { inWords } from './differences.ts';
import { CommandFault, EXIT, UsageFault } from './exit.ts';
import { failedOrders, requireFailed, type FailedOrder } from './failed-orders.ts';
import { Installation } from './installation.ts';
import { Replayer } from './replayer.ts';
import { resetPoint, type ResetPoint } from './reset-point.ts';
import { awaitOutcome, isKnown } from './rerun-outcome.ts';

const WAIT_S = 60;

const HELP = `
For orders whose workflow failed, timed out or was terminated; without an id they are listed. The run is taken up again
from the last step that it completed, under the code of this installation, which is replayed first. The venue is asked
before anything is sent, so that it stays one order. One past its deadline would only be looked for, and is refused.

Exit codes: 0 run again and answered, 1 refused, failed or not answered in time, 2 usage, 78 configuration.`;

interface Options {
  readonly reason: string;
  readonly wait: string;
  readonly afterDeadline?: true;
  readonly json?: true;
}

const note = (line: string): void => void process.stderr.write(`${line}\n`);
const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);

export function addRerun(program: Command): void {
  program
    .command('rerun')
    .description('Run an order again whose workflow failed; without an id, list those that did.')
    .argument('[WORKFLOW_ID]', 'such as order:trend:42')
    .option('--reason <TEXT>', 'kept in the history of the new run', 'holdfast rerun')
    .option('--after-deadline', 'also when it is too late to send the order: then it is only looked for at the venue')
    .option('--wait <SECONDS>', 'how long to wait for its answer', String(WAIT_S))
    .option('--json', 'the list, or the answer, as JSON')
    .addHelpText('after', HELP)
    .action(async (workflowId: string | undefined, options: Options) => {
      const installation = new Installation();
      try {
        const command =
          workflowId === undefined ? list(installation, options) : rerun(installation, workflowId, options);
        process.exitCode = await command;
      } finally {
        await installation.close();
      }
    });
}

async function list(installation: Installation, { json }: Options): Promise<number> {
  const { client } = await installation.engine();
  const found: FailedOrder[] = [];
  for await (const order of failedOrders(client, installation.codec)) {
    found.push(order);
    if (json) continue;
    const late = isLate(order) ? 'past its deadline' : 'may still be sent';
    const words = [order.workflowId, `${order.ending} ${order.endedAt}`, order.orderStatus, late, order.because];
    process.stdout.write(`${words.filter(Boolean).join('  ')}\n`);
  }
  if (json) print({ failed: found.map(listed) });
  else if (found.length === 0) note('No order has failed.');
  else note(`${found.length} failed. To run one again: npm run holdfast -- rerun WORKFLOW_ID`);
  return EXIT.ok;
}

function listed(order: FailedOrder): unknown {
  const { workflowId, runId, ending, endedAt, because, orderStatus, intent } = order;
  return {
    workflow_id: workflowId,
    run_id: runId,
    workflow_status: ending,
    ended_at: endedAt,
    because,
    order_status: orderStatus,
    not_after: intent === undefined ? null : new Date(intent.notAfter).toISOString(),
    past_deadline: isLate(order),
  };
}

async function rerun(installation: Installation, workflowId: string, options: Options): Promise<number> {
  const { reason, wait, afterDeadline, json } = options;
  if (!/^\d{1,6}$/.test(wait)) throw new UsageFault(`--wait is a number of seconds, not ${wait}.`);
  const { client, namespace } = await installation.engine();
  const order = await requireFailed(client, workflowId, installation.codec);
  if (isLate(order) && !afterDeadline) throw new CommandFault('PAST_DEADLINE', tooLate(order));
  const point = resetPoint(order.history);
  if (point === undefined)
    throw new CommandFault('NOT_RESET', `The history of ${workflowId} holds no step to go back to.`);
  await requireReplay(installation, workflowId, point);
  const runId = await reset(client, namespace, order, point, reason);
  note(`${workflowId} runs again as ${runId}, from event ${String(point.eventId)} of ${order.runId}.`);
  const withinMs = Number(wait) * 1_000;
  const answer = await awaitOutcome({ client, codec: installation.codec, workflowId, runId, point, note, withinMs });
  const runs = { run_id: runId, previous_run_id: order.runId, reset_to: Number(point.eventId) };
  if (json) print({ workflow_id: workflowId, ...runs, order: answer });
  else if (answer !== null) process.stdout.write(`${answerInWords(answer)}\n`);
  if (isKnown(answer)) return EXIT.ok;
  note(`${workflowId} goes on, and is not answered after ${wait} s; look at it in the Web UI.`);
  return EXIT.failed;
}

function isLate({ intent }: FailedOrder): boolean {
  return intent !== undefined && Date.now() >= intent.notAfter;
}

function tooLate({ workflowId, intent }: FailedOrder): string {
  const at = new Date(intent!.notAfter).toISOString();
  const consequence = 'It would be looked for at the venue, and followed if it is there, but never sent.';
  return `The order ${workflowId} is past its deadline (${at}). ${consequence} To have that, add --after-deadline.`;
}

/** The new run begins by replaying what the old one has recorded: code that cannot do that would be stuck there. */
async function requireReplay(installation: Installation, workflowId: string, { kept }: ResetPoint): Promise<void> {
  const replayer = new Replayer(await replayBundle(installation.root));
  const { verdict, problem, differences } = await replayer.replay(workflowId, kept);
  await replayer.close();
  for (const difference of differences) note(`Decided otherwise now: ${difference.where}, ${inWords(difference)}`);
  if (verdict === 'same' || verdict === 'differs') return;
  const message = `The code of this installation does not go along with the history of ${workflowId}: ${problem}`;
  throw new CommandFault('NONDETERMINISTIC', message);
}

async function reset(
  client: Client,
  namespace: string,
  { workflowId, runId }: FailedOrder,
  { eventId }: ResetPoint,
  reason: string,
): Promise<string> {
  try {
    const answer = await client.workflowService.resetWorkflowExecution({
      namespace,
      workflowExecution: { workflowId, runId },
      workflowTaskFinishEventId: eventId,
      reason,
      requestId: randomUUID(),
    });
    return answer.runId ?? '';
  } catch (error) {
    const message = `The engine did not reset ${workflowId}: ${error instanceof Error ? error.message : String(error)}`;
    throw new CommandFault('NOT_RESET', message);
  }
}

function answerInWords(answer: Answer): string {
  const { workflow_id, status, order_id, filled_quantity, quantity, average_price, reason } = answer;
  const parts = [
    workflow_id,
    status,
    order_id === null ? '' : `order ${order_id}`,
    `${filled_quantity} of ${quantity ?? 'what is held'} filled`,
    average_price === null ? '' : `at ${average_price}`,
    reason === null ? '' : reason.message,
  ];
  return parts.filter(Boolean).join('  ');
}
