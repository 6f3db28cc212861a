import type { Client } from '@temporalio/client';

import type { Leg } from '../domain/leg.ts';
import { decodeFirst, timeOf, type HistoryEvent, type Payload } from './history.ts';

/** One step of an order's life, as a person reads it. */
export interface StoryEvent {
  /** ISO 8601. */
  readonly at: string;
  readonly kind: string;
  readonly detail: unknown;
}

/** Tells an order's history in the field's words; steps that only the engine cares for are left out. */
export async function tellStory(client: Client, events: readonly HistoryEvent[]): Promise<StoryEvent[]> {
  const scheduled = new Map<string, string>();
  const told = await Promise.all(
    events.map(async (event) => {
      const step = await tell(client, event, scheduled);
      return step === undefined ? undefined : { at: timeOf(event), kind: step.kind, detail: step.detail };
    }),
  );
  return told.filter((step) => step !== undefined);
}

type Step = { kind: string; detail: unknown } | undefined;

async function tell(client: Client, event: HistoryEvent, scheduled: Map<string, string>): Promise<Step> {
  const read = (payloads: Payload[] | null | undefined): Promise<unknown> => decodeFirst(client, payloads);
  const begun = event.activityTaskScheduledEventAttributes;
  if (begun) {
    const name = begun.activityType?.name ?? 'activity';
    scheduled.set(String(event.eventId), name);
    const request = (await read(begun.input?.payloads)) as { readonly leg?: Leg } | undefined;
    return { kind: `${name}_scheduled`, detail: request?.leg ?? null };
  }
  const done = event.activityTaskCompletedEventAttributes;
  if (done) return { kind: nameOf(scheduled, done), detail: await read(done.result?.payloads) };
  const failed = event.activityTaskFailedEventAttributes;
  if (failed) return { kind: `${nameOf(scheduled, failed)}_failed`, detail: failed.failure?.message ?? null };
  const timedOut = event.activityTaskTimedOutEventAttributes;
  if (timedOut) return { kind: `${nameOf(scheduled, timedOut)}_lost`, detail: timedOut.failure?.message ?? null };
  const marker = event.markerRecordedEventAttributes;
  if (marker?.markerName === 'core_local_activity') {
    const { activity_type: type } = (await read(marker.details?.['data']?.payloads)) as { activity_type?: string };
    const failure = marker.failure?.message;
    return { kind: type ?? 'check', detail: failure ?? (await read(marker.details?.['result']?.payloads)) ?? null };
  }
  if (event.workflowExecutionStartedEventAttributes) return { kind: 'received', detail: null };
  const update = event.workflowExecutionUpdateAcceptedEventAttributes?.acceptedRequest?.input;
  if (update) return { kind: `${update.name}_asked`, detail: null };
  const published = event.upsertWorkflowSearchAttributesEventAttributes?.searchAttributes?.indexedFields;
  if (published?.['OrderStatus']) return { kind: 'status', detail: await read([published['OrderStatus']]) };
  return ending(event);
}

function ending(event: HistoryEvent): Step {
  if (event.workflowExecutionCompletedEventAttributes) return { kind: 'finished', detail: null };
  const failure = event.workflowExecutionFailedEventAttributes?.failure?.message;
  if (failure) return { kind: 'broken', detail: failure };
  if (event.workflowExecutionTerminatedEventAttributes) return { kind: 'terminated', detail: null };
  if (event.workflowExecutionContinuedAsNewEventAttributes) return { kind: 'continued_as_new', detail: null };
  return undefined;
}

function nameOf(scheduled: Map<string, string>, { scheduledEventId }: { scheduledEventId?: unknown }): string {
  return scheduled.get(String(scheduledEventId)) ?? 'activity';
}
