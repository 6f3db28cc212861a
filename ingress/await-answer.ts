import type { Client } from '@temporalio/client';

import { isSettled, type Answer } from '../domain/answer.ts';
import { answerOf } from '../domain/answer.ts';
import type { Intent } from '../domain/intent.ts';
import { NEW_ORDER } from '../domain/order-state.ts';
import { reason } from '../domain/reason.ts';
import { ANSWER_MEMO } from '../workflows/messages.ts';
import type { Engine } from './engine.ts';
import { decodeFirst, type HistoryEvent } from './history.ts';

/** An order that has been started: its workflow, and what it is about. */
export interface StartedOrder {
  readonly workflowId: string;
  readonly intent: Intent;
}

/**
 * Follows an order's history until it holds an answer that need not be waited for any longer: the result of an order
 * that is final, or what an order that rests has published. A second delivery reads the same history, and so gets the
 * first answer. What is known when the time is up is returned as it stands.
 */
export async function awaitAnswer(engine: Engine, order: StartedOrder, untilMs: number): Promise<Answer> {
  const { client } = engine;
  let known: Answer = answerOf(order.workflowId, order.intent, NEW_ORDER);
  let nextPageToken: Uint8Array | undefined;
  let runId: string | undefined;
  while (performance.now() < untilMs) {
    const page = await engine
      .within(untilMs - performance.now(), () =>
        client.workflowService.getWorkflowExecutionHistory({
          namespace: client.options.namespace,
          execution: { workflowId: order.workflowId, ...(runId === undefined ? {} : { runId }) },
          waitNewEvent: true,
          ...(nextPageToken === undefined ? {} : { nextPageToken }),
        }),
      )
      // The order exists: whatever keeps us from reading it (also a key that is missing) is no reason to tell its sender anything but "pending".
      .catch(() => undefined);
    if (page === undefined) return known;
    for (const event of page.history?.events ?? []) {
      const told = await readAnswer(client, event, order).catch(() => undefined);
      if (told === undefined) continue;
      known = told;
      if (isSettled(told.status)) return told;
    }
    const continued = page.history?.events?.at(-1)?.workflowExecutionContinuedAsNewEventAttributes?.newExecutionRunId;
    runId = continued ?? runId;
    nextPageToken = continued || !page.nextPageToken?.length ? undefined : page.nextPageToken;
    if (nextPageToken === undefined && !continued) return known;
  }
  return known;
}

/** The answer that one event of a history holds, if it holds one. */
export async function readAnswer(
  client: Client,
  event: HistoryEvent,
  { workflowId, intent }: StartedOrder,
): Promise<Answer | undefined> {
  // An order whose history was cut begins its next one with the answer that it had.
  const memo =
    event.workflowPropertiesModifiedEventAttributes?.upsertedMemo ??
    event.workflowExecutionStartedEventAttributes?.memo;
  const published = memo?.fields?.[ANSWER_MEMO];
  if (published) return (await decodeFirst(client, [published])) as Answer;
  const result = event.workflowExecutionCompletedEventAttributes?.result?.payloads;
  if (result) return (await decodeFirst(client, result)) as Answer;
  const broken = brokenBy(event);
  if (broken === undefined) return undefined;
  const because = reason(
    'ORDER_BROKEN',
    `The order's workflow ${broken}.`,
    'Look at its history; nothing is sent again.',
  );
  return answerOf(workflowId, intent, { ...NEW_ORDER, status: 'failed', reason: because });
}

function brokenBy(event: HistoryEvent): string | undefined {
  if (event.workflowExecutionFailedEventAttributes) return 'failed';
  if (event.workflowExecutionTimedOutEventAttributes) return 'timed out';
  if (event.workflowExecutionCanceledEventAttributes) return 'was canceled';
  if (event.workflowExecutionTerminatedEventAttributes) return 'was terminated';
  return undefined;
}
