import type { History } from '@temporalio/common/lib/proto-utils.js';

type Event = NonNullable<History['events']>[number];
type EventId = NonNullable<Event['eventId']>;
type Failure = NonNullable<Event['workflowExecutionFailedEventAttributes']>['failure'];

/** Where a run that ended without an answer is taken up again. */
export interface ResetPoint {
  /** The workflow task whose decisions are made anew; what was recorded before it stays. */
  readonly eventId: EventId;
  /** The history that the code must still agree with, for the new run to go on from it. */
  readonly kept: History;
}

/**
 * The last workflow task that was completed before the end: everything that is known of the order by then is kept, and
 * what was under way is begun anew. An order that failed because an activity did goes back to the task that scheduled
 * this activity: from any later one the same failure would be delivered again. Where no task was completed it is the
 * first one; an earlier run may have sent the order all the same. Undefined for what is no whole history.
 */
export function resetPoint(history: History): ResetPoint | undefined {
  const events = history.events ?? [];
  const failed = events.at(-1)?.workflowExecutionFailedEventAttributes;
  const scheduling = failed ? taskThatScheduled(events, failed.failure) : undefined;
  const task = scheduling ?? events.findLast((event) => event.workflowTaskCompletedEventAttributes);
  if (!task?.eventId) {
    // An eager start writes the task's beginning together with the order's, and the engine cuts between writes only.
    const first =
      events.find((event) => event.workflowTaskStartedEventAttributes) ??
      events.find((event) => event.workflowTaskScheduledEventAttributes);
    return first?.eventId ? { eventId: first.eventId.add(1), kept: history } : undefined;
  }
  // The decision that failed the order is expected to come out otherwise now; what was decided before it is not.
  const kept = failed ? { events: events.slice(0, events.indexOf(task)) } : history;
  return { eventId: task.eventId, kept };
}

function taskThatScheduled(events: readonly Event[], failure: Failure): Event | undefined {
  const eventAt = (id: EventId | null | undefined): Event | undefined =>
    id ? events.find(({ eventId }) => String(eventId) === String(id)) : undefined;
  for (let cause = failure; cause; cause = cause.cause) {
    const scheduled = eventAt(cause.activityFailureInfo?.scheduledEventId);
    const task = eventAt(scheduled?.activityTaskScheduledEventAttributes?.workflowTaskCompletedEventId);
    if (task) return task;
  }
  return undefined;
}
