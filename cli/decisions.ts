import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import type { History } from '@temporalio/common/lib/proto-utils.js';

import type { Commands } from '../workflows/replay-witness.ts';
import { differencesOf, type Difference } from './differences.ts';

/** One thing that a workflow told the engine to do, with its values. */
export interface Decision {
  /** The same for what was recorded and what is decided now. */
  readonly key: string;
  /** In words: `placeOrder (activity 2)`. */
  readonly what: string;
  readonly value: unknown;
}

/** A difference, and in what. */
export interface FoundDifference extends Difference {
  readonly where: string;
}

type Command = Commands[number];
type Event = NonNullable<History['events']>[number];
type Failure = { message?: string | null; encodedAttributes?: Payload | null } | null | undefined;

/**
 * A local activity's arguments are not in the history. These members of them are known all the same, for they are what
 * the workflow was started with: the order, and the first run.
 */
const KNOWN_OF_LOCAL: Readonly<Record<string, readonly string[]>> = {
  checkBeforeTrade: ['signed', 'originalRunId'],
  verifyCommand: ['signed'],
};

const RESULT = 'the result';
const NEXT_RUN = 'what the next run is given';
const FAILURE = 'the failure';
const attributesNumbered = (count: number): string => `search attributes (change ${count})`;
const memoNumbered = (count: number): string => `memo (change ${count})`;
const activity = (type: string, id: string): string => `${type} (activity ${id})`;

/** What a history says that the workflow decided. */
export function recordedDecisions({ events }: History): Decision[] {
  const count = new Map<string, number>();
  const updates = new Map<string, { id: string; name: string }>();
  const started = events?.[0]?.workflowExecutionStartedEventAttributes;
  const given = {
    signed: valuesOf(started?.input?.payloads)[0],
    originalRunId: started?.originalExecutionRunId,
  };
  return (events ?? []).flatMap((event): Decision[] => {
    const { activityTaskScheduledEventAttributes: scheduled, markerRecordedEventAttributes: marker } = event;
    if (scheduled) {
      const what = activity(scheduled.activityType?.name ?? '', scheduled.activityId ?? '');
      return [{ key: what, what, value: argumentsOf(scheduled.input?.payloads) }];
    }
    if (marker?.markerName === 'core_local_activity') {
      const [told] = valuesOf(marker.details?.['data']?.payloads) as [{ activity_type: string; seq: number }];
      const what = activity(told.activity_type, String(told.seq));
      return [{ key: what, what, value: knownOf(told.activity_type, given) }];
    }
    const attributes = event.upsertWorkflowSearchAttributesEventAttributes;
    if (attributes) return [numbered(attributesNumbered, count, attributes.searchAttributes?.indexedFields)];
    const memo = event.workflowPropertiesModifiedEventAttributes;
    if (memo) return [numbered(memoNumbered, count, memo.upsertedMemo?.fields)];
    const accepted = event.workflowExecutionUpdateAcceptedEventAttributes;
    if (accepted) {
      const name = accepted.acceptedRequest?.input?.name ?? '';
      updates.set(String(event.eventId), { id: accepted.protocolInstanceId ?? '', name });
    }
    const answered = event.workflowExecutionUpdateCompletedEventAttributes;
    if (answered) {
      const { id, name } = updates.get(String(answered.acceptedEventId)) ?? { id: '', name: '' };
      const { success, failure } = answered.outcome ?? {};
      const value = failure ? failureOf(failure) : valuesOf(success?.payloads)[0];
      return [{ key: `update ${id}`, what: `the answer to ${name}`, value }];
    }
    return endOf(event);
  });
}

function endOf(event: Event): Decision[] {
  const { workflowExecutionCompletedEventAttributes: completed } = event;
  if (completed) return [{ key: RESULT, what: RESULT, value: valuesOf(completed.result?.payloads)[0] }];
  const failed = event.workflowExecutionFailedEventAttributes;
  if (failed) return [{ key: FAILURE, what: FAILURE, value: failureOf(failed.failure) }];
  const continued = event.workflowExecutionContinuedAsNewEventAttributes;
  if (!continued) return [];
  const value = { arguments: valuesOf(continued.input?.payloads), memo: valuesIn(continued.memo?.fields) };
  return [{ key: NEXT_RUN, what: NEXT_RUN, value }];
}

/** What the code decides now: the commands of each of its steps, in order. */
export function decisionsOf(commands: Commands): Decision[] {
  const count = new Map<string, number>();
  return commands.flatMap((command): Decision[] => {
    const { scheduleActivity: scheduled, scheduleLocalActivity: local, updateResponse: update } = command;
    if (scheduled) {
      const what = activity(scheduled.activityType ?? '', scheduled.activityId ?? '');
      return [{ key: what, what, value: argumentsOf(scheduled.arguments) }];
    }
    if (local) {
      const what = activity(local.activityType ?? '', String(local.seq));
      return [{ key: what, what, value: knownOf(local.activityType ?? '', argumentsOf(local.arguments)) }];
    }
    const attributes = command.upsertWorkflowSearchAttributes;
    if (attributes) return [numbered(attributesNumbered, count, attributes.searchAttributes?.indexedFields)];
    const memo = command.modifyWorkflowProperties;
    if (memo) return [numbered(memoNumbered, count, memo.upsertedMemo?.fields)];
    if (update?.completed || update?.rejected) {
      const value = update.rejected ? failureOf(update.rejected) : valuesOf([update.completed!])[0];
      return [{ key: `update ${update.protocolInstanceId}`, what: 'the answer to an update', value }];
    }
    return endNow(command);
  });
}

function endNow(command: Command): Decision[] {
  const { completeWorkflowExecution: completed, failWorkflowExecution: failed } = command;
  if (completed) return [{ key: RESULT, what: RESULT, value: valuesOf(completed.result && [completed.result])[0] }];
  if (failed) return [{ key: FAILURE, what: FAILURE, value: failureOf(failed.failure) }];
  const continued = command.continueAsNewWorkflowExecution;
  if (!continued) return [];
  const value = { arguments: valuesOf(continued.arguments), memo: valuesIn(continued.memo) };
  return [{ key: NEXT_RUN, what: NEXT_RUN, value }];
}

/**
 * Where the code decides something else than was recorded. What it decides beyond the end of the history is no
 * difference; what it does not decide any more is one, unless the replay broke off.
 */
export function compare(recorded: readonly Decision[], now: readonly Decision[], isWhole: boolean): FoundDifference[] {
  const decided = new Map(now.map((decision) => [decision.key, decision]));
  return recorded.flatMap(({ key, what, value }) => {
    const again = decided.get(key);
    if (again === undefined && !isWhole) return [];
    return differencesOf(value, again?.value).map((difference) => ({ where: what, ...difference }));
  });
}

function knownOf(activityType: string, request: unknown): Record<string, unknown> {
  const members = KNOWN_OF_LOCAL[activityType] ?? [];
  return Object.fromEntries(members.map((name) => [name, (request as Record<string, unknown> | undefined)?.[name]]));
}

/** An activity has one argument; should it get more, they are compared as a list. */
function argumentsOf(payloads: readonly Payload[] | null | undefined): unknown {
  const values = valuesOf(payloads);
  return values.length === 1 ? values[0] : values;
}

function numbered(
  name: (count: number) => string,
  counts: Map<string, number>,
  fields: Readonly<Record<string, Payload>> | null | undefined,
): Decision {
  const count = (counts.get(name(0)) ?? 0) + 1;
  counts.set(name(0), count);
  return { key: name(count), what: name(count), value: valuesIn(fields) };
}

const valueOf = (payload: Payload): unknown => defaultPayloadConverter.fromPayload(payload);

const valuesOf = (payloads: readonly Payload[] | null | undefined): unknown[] => (payloads ?? []).map(valueOf);

function valuesIn(fields: Readonly<Record<string, Payload>> | null | undefined): Record<string, unknown> {
  return Object.fromEntries(Object.entries(fields ?? {}).map(([name, payload]) => [name, valueOf(payload)]));
}

/** The message of a failure: a stack tells of the machine it was on. */
function failureOf(failure: Failure): unknown {
  const hidden = failure?.encodedAttributes ? (valueOf(failure.encodedAttributes) as { message?: string }) : undefined;
  return { message: hidden?.message ?? failure?.message ?? '' };
}
