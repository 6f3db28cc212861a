/** A history as the command line prints it: events as JSON, payloads as they are stored. */
export interface HistoryJson {
  readonly events: readonly HistoryEventJson[];
}

export interface HistoryEventJson {
  readonly eventId: string;
  readonly eventType: string;
  readonly [attributes: string]: unknown;
}

interface Payload {
  readonly data: string;
}

export const parseHistory = (text: string): HistoryJson => JSON.parse(text) as HistoryJson;

/** The value that an event's attributes hold under a name: what an order was started with, what an activity returned. */
export function valueIn(event: HistoryEventJson | undefined, member: string): unknown {
  const attributes = Object.entries(event ?? {}).find(([name]) => name.endsWith('EventAttributes'))?.[1];
  const payloads = (attributes as Record<string, { payloads?: Payload[] }> | undefined)?.[member]?.payloads;
  return payloads?.[0] === undefined ? undefined : JSON.parse(Buffer.from(payloads[0].data, 'base64').toString());
}

export const eventsOf = ({ events }: HistoryJson, type: string): HistoryEventJson[] =>
  events.filter(({ eventType }) => eventType === `EVENT_TYPE_${type}`);

/** What the workflow returned; undefined while it runs. */
export const resultOf = (history: HistoryJson): unknown =>
  valueIn(eventsOf(history, 'WORKFLOW_EXECUTION_COMPLETED')[0], 'result');

/** The same history as if an activity had never been: its events are gone, and the others numbered without a gap. */
export function withoutActivity(history: HistoryJson, name: string): HistoryJson {
  const scheduled = eventsOf(history, 'ACTIVITY_TASK_SCHEDULED').filter((event) =>
    JSON.stringify(event).includes(name),
  );
  const ids = new Set(scheduled.map(({ eventId }) => eventId));
  const kept = history.events.filter((event) => !ids.has(event.eventId) && !ids.has(scheduledBy(event)));
  const renumbered = new Map(kept.map(({ eventId }, index) => [eventId, String(index + 1)]));
  const isReference = /[eE]ventId$/;
  const rename = (key: string, value: unknown): unknown =>
    isReference.test(key) && typeof value === 'string' ? (renumbered.get(value) ?? value) : value;
  return JSON.parse(JSON.stringify({ events: kept }), rename) as HistoryJson;
}

function scheduledBy(event: HistoryEventJson): string {
  const { activityTaskStartedEventAttributes: started, activityTaskCompletedEventAttributes: completed } = event;
  return ((started ?? completed) as { scheduledEventId?: string } | undefined)?.scheduledEventId ?? '';
}
