import { WorkflowExecutionAlreadyStartedError, WorkflowNotFoundError } from '@temporalio/client';

import type { Json } from '../domain/canonical-json.ts';
import { windowId } from '../domain/ids.ts';
import { titleOf } from '../domain/in-words.ts';
import { isExit } from '../domain/intent.ts';
import { metrics } from '../telemetry/metrics.ts';
import {
  ALERT_MEMO,
  DIGEST_MEMO,
  DUPLICATE_WINDOW,
  EXECUTE_ORDER,
  SEARCH_ATTRIBUTES,
  type ExecuteOrder,
} from '../workflows/messages.ts';
import { ORDERS_QUEUE, WINDOWS_QUEUE } from '../workflows/task-queues.ts';
import type { Engine } from './engine.ts';
import type { FormedIntent } from './form-intent.ts';
import { Refused } from './refused.ts';

/** A process that dies with a first step in its hands holds the order up for this long. */
const TASK_TIMEOUT_MS = 4_000;

/**
 * Opens the window of an alert without id and time, or finds the one that an equal alert has opened; its run id is
 * part of the order's id. The engine ends the window by itself, with nobody at work.
 */
export async function openWindow(
  engine: Engine,
  { strategy, hash, windowMs }: { strategy: string; hash: string; windowMs: number },
  deadlineMs: number,
): Promise<string> {
  const handle = await engine.require(deadlineMs, {}, () =>
    engine.client.workflow.start(DUPLICATE_WINDOW, {
      workflowId: windowId(strategy, hash),
      taskQueue: WINDOWS_QUEUE,
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      workflowRunTimeout: windowMs,
    }),
  );
  return handle.firstExecutionRunId;
}

/**
 * Starts the order, once for ever under its id. Returns whether this delivery was the first; a later one with other
 * content is refused (ALERT_CONFLICT).
 */
export async function startOrder(
  engine: Engine,
  { workflowId, signed: { intent, signature }, digest }: FormedIntent,
  alert: Json,
  deadlineMs: number,
): Promise<'started' | 'duplicate'> {
  const start = () =>
    engine.client.workflow.start<ExecuteOrder>(EXECUTE_ORDER, {
      workflowId,
      taskQueue: ORDERS_QUEUE,
      args: [{ intent, signature }],
      requestEagerStart: true,
      workflowIdReusePolicy: 'REJECT_DUPLICATE',
      workflowIdConflictPolicy: 'FAIL',
      workflowTaskTimeout: TASK_TIMEOUT_MS,
      memo: { [DIGEST_MEMO]: digest, [ALERT_MEMO]: alert },
      staticSummary: titleOf(intent),
      typedSearchAttributes: [
        { key: SEARCH_ATTRIBUTES.account, value: intent.account },
        { key: SEARCH_ATTRIBUTES.symbol, value: intent.symbol },
        // Which side an exit takes is known when it is.
        ...(isExit(intent) ? [] : [{ key: SEARCH_ATTRIBUTES.side, value: intent.side }]),
        { key: SEARCH_ATTRIBUTES.status, value: 'pending' },
        { key: SEARCH_ATTRIBUTES.strategy, value: intent.strategy },
        { key: SEARCH_ATTRIBUTES.clientOrderId, value: intent.clientOrderId },
      ],
    });
  try {
    const handle = await engine.require(deadlineMs, { workflow_id: workflowId }, start);
    metrics.eagerStarts.inc({ eager: String(handle.eagerlyStarted) });
    return 'started';
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    await requireSameContent(engine, workflowId, digest);
    return 'duplicate';
  }
}

/** One id means one alert: a second one under it is a fault of the sender, and worth showing in its log. */
async function requireSameContent(engine: Engine, workflowId: string, digest: string): Promise<void> {
  try {
    const { memo } = await engine.within(500, () => engine.client.workflow.getHandle(workflowId).describe());
    if (memo?.[DIGEST_MEMO] === digest) return;
  } catch (error) {
    // The order exists and may not be answered with a 5xx; its answer comes from its history, which is read next.
    if (!(error instanceof WorkflowNotFoundError)) return;
    throw error;
  }
  const message = 'This id was used for an alert with other content; give every alert an id of its own.';
  throw new Refused('ALERT_CONFLICT', message, { workflow_id: workflowId });
}
