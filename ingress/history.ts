import type { Client } from '@temporalio/client';

type History = Awaited<ReturnType<Client['workflowService']['getWorkflowExecutionHistory']>>['history'];

export type HistoryEvent = NonNullable<NonNullable<NonNullable<History>['events']>[number]>;

export type Payload = NonNullable<
  NonNullable<NonNullable<HistoryEvent['workflowExecutionStartedEventAttributes']>['input']>['payloads']
>[number];

/** The first value of what the engine holds, through the same codecs as everything else; undefined where there is none. */
export async function decodeFirst(client: Client, payloads: Payload[] | null | undefined): Promise<unknown> {
  let decoded = payloads ?? [];
  const { payloadCodecs, payloadConverter } = client.options.loadedDataConverter;
  for (const codec of payloadCodecs.toReversed()) decoded = await codec.decode(decoded);
  return decoded[0] === undefined ? undefined : payloadConverter.fromPayload(decoded[0]);
}

/** The time of an event, in ISO 8601. */
export function timeOf({ eventTime }: HistoryEvent): string {
  const seconds = Number(eventTime?.seconds ?? 0);
  return new Date(seconds * 1000 + Math.floor((eventTime?.nanos ?? 0) / 1_000_000)).toISOString();
}
