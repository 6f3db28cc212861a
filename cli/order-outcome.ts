import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import type { History } from '@temporalio/common/lib/proto-utils.js';

import type { Answer } from '../domain/answer.ts';
import { ANSWER_MEMO, EXECUTE_ORDER } from '../workflows/messages.ts';

/**
 * How an order stood at the end of a history in the open: its status, and how its workflow ended if not by itself. Null
 * for what is no order.
 */
export function orderOutcome(history: History): string | null {
  if (history.events?.[0]?.workflowExecutionStartedEventAttributes?.workflowType?.name !== EXECUTE_ORDER) return null;
  const status = lastAnswer(history)?.status ?? 'pending';
  const end = brokenEnd(history);
  return end === null ? status : `${status}, ${end.how}`;
}

/** How a workflow ended that gave no answer, and what the engine says about it; null where it runs, or gave one. */
export function brokenEnd({ events }: History): { how: string; because: string } | null {
  const last = events?.at(-1);
  const failure = last?.workflowExecutionFailedEventAttributes?.failure;
  if (failure) return { how: 'failed', because: failure.cause?.message || failure.message || '' };
  const terminated = last?.workflowExecutionTerminatedEventAttributes;
  if (terminated) return { how: 'terminated', because: terminated.reason ?? '' };
  if (last?.workflowExecutionTimedOutEventAttributes) return { how: 'timed out', because: '' };
  return last?.workflowExecutionCanceledEventAttributes ? { how: 'canceled', because: '' } : null;
}

/** The last answer that a history in the open holds: its result, or what the order has published. */
export function lastAnswer({ events }: History): Answer | undefined {
  const answers = (events ?? []).flatMap((event) => {
    const memo =
      event.workflowPropertiesModifiedEventAttributes?.upsertedMemo ??
      event.workflowExecutionStartedEventAttributes?.memo;
    return [memo?.fields?.[ANSWER_MEMO], event.workflowExecutionCompletedEventAttributes?.result?.payloads?.[0]];
  });
  const found = answers.findLast((payload): payload is Payload => Boolean(payload));
  return found && (defaultPayloadConverter.fromPayload(found) as Answer);
}
