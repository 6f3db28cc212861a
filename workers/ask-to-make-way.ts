import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';

import type { MakeWay, Taken } from '../activities/contract.ts';
import { askAgain } from '../activities/not-sent.ts';
import { NOTHING_TRADED } from '../domain/way-out.ts';
import { reason } from '../domain/reason.ts';
import type { Engine } from '../ingress/engine.ts';
import { ASK_AGAIN, makeWayUpdate } from '../workflows/messages.ts';

/** Within the time of one attempt; the next one meets the same question. */
const DEADLINE_MS = 50_000;

/**
 * Asks an order to make way for an exit. The question bears the exit's name, so that asking it again waits for the same
 * answer. Undefined where the order is over: then nothing of it is left.
 */
export async function askToMakeWay(engine: Engine, workflowId: string, wanted: MakeWay): Promise<Taken | undefined> {
  const handle = engine.client.workflow.getHandle(workflowId);
  const updateId = `${wanted.what} ${wanted.exitId}`;
  try {
    return await engine.within(DEADLINE_MS, () => handle.executeUpdate(makeWayUpdate, { args: [wanted], updateId }));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    const { cause } = error;
    if (cause instanceof ApplicationFailure && cause.type === ASK_AGAIN) throw askAgain(cause.message, 250);
    const message = `The order ${workflowId} did not make way: ${cause?.message ?? error.message}`;
    return { ...NOTHING_TRADED, last: { status: 'denied', reason: reason('NOT_GIVEN_UP', message) } };
  }
}
