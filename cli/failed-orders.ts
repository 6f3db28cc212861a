import { WorkflowNotFoundError, type Client } from '@temporalio/client';
import { defaultPayloadConverter, type PayloadCodec } from '@temporalio/common';
import type { History } from '@temporalio/common/lib/proto-utils.js';

import type { Intent, SignedIntent } from '../domain/intent.ts';
import { EXECUTE_ORDER } from '../workflows/messages.ts';
import { decryptHistory } from './decrypt-history.ts';
import { CommandFault } from './exit.ts';
import { fetchHistory } from './histories.ts';
import { brokenEnd, lastAnswer } from './order-outcome.ts';

/** An order whose workflow ended without an answer. */
export interface FailedOrder {
  readonly workflowId: string;
  readonly runId: string;
  /** How its workflow ended: `failed`, `terminated`, `timed out` or `canceled`. */
  readonly ending: string;
  readonly endedAt: string | null;
  /** What the engine says of the end. */
  readonly because: string;
  /** How the order stood, as far as it had told. */
  readonly orderStatus: string;
  readonly intent: Intent | undefined;
  readonly history: History;
}

/** All orders whose latest run ended without an answer, newest first. */
export async function* failedOrders(client: Client, codec: PayloadCodec | undefined): AsyncGenerator<FailedOrder> {
  const endings = "'Failed', 'Terminated', 'TimedOut', 'Canceled'";
  const query = `WorkflowType = '${EXECUTE_ORDER}' AND ExecutionStatus IN (${endings})`;
  const seen = new Set<string>();
  for await (const { workflowId } of client.workflow.list({ query })) {
    if (seen.has(workflowId)) continue;
    seen.add(workflowId);
    // A run that failed and was run again is history of the run after it.
    const order = await ended(client, workflowId, codec);
    if (order.kind === 'failed') yield order.order;
  }
}

/** The order to run again; refuses one whose workflow still runs, or has ended with an answer. */
export async function requireFailed(
  client: Client,
  workflowId: string,
  codec: PayloadCodec | undefined,
): Promise<FailedOrder> {
  const found = await ended(client, workflowId, codec);
  if (found.kind === 'failed') return found.order;
  if (found.kind === 'running') {
    const message = `The order ${workflowId} did not fail: its workflow runs. There is nothing to run again.`;
    throw new CommandFault('STILL_RUNNING', message);
  }
  const message = `The order ${workflowId} did not fail: it ended as ${found.status}, and that is its answer.`;
  throw new CommandFault('COMPLETED', message);
}

type Found = { kind: 'failed'; order: FailedOrder } | { kind: 'running' } | { kind: 'completed'; status: string };

async function ended(client: Client, workflowId: string, codec: PayloadCodec | undefined): Promise<Found> {
  const described = await client.workflow
    .getHandle(workflowId)
    .describe()
    .catch((error: unknown) => {
      if (!(error instanceof WorkflowNotFoundError)) throw error;
      throw new CommandFault('NOT_FOUND', `There is no order under the id ${workflowId}.`);
    });
  const { status, runId, closeTime, type } = described;
  if (type !== EXECUTE_ORDER) throw new CommandFault('NO_ORDER', `The workflow ${workflowId} is no order.`);
  if (status.name === 'RUNNING' || status.name === 'PAUSED') return { kind: 'running' };
  const { history } = await fetchHistory(client, workflowId, runId);
  await decryptHistory(history, codec);
  const orderStatus = lastAnswer(history)?.status ?? 'pending';
  const end = brokenEnd(history);
  if (end === null) return { kind: 'completed', status: orderStatus };
  const order: FailedOrder = {
    workflowId,
    runId,
    ending: end.how,
    endedAt: closeTime?.toISOString() ?? null,
    because: end.because,
    orderStatus,
    intent: intentOf(history),
    history,
  };
  return { kind: 'failed', order };
}

function intentOf({ events }: History): Intent | undefined {
  const input = events?.[0]?.workflowExecutionStartedEventAttributes?.input?.payloads?.[0];
  return input && (defaultPayloadConverter.fromPayload(input) as Partial<SignedIntent> | null)?.intent;
}
