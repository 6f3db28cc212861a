import { setTimeout as sleep } from 'node:timers/promises';

import type { Client } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';

import { isSettled, type Answer } from '../domain/answer.ts';
import { decryptHistory } from './decrypt-history.ts';
import { CommandFault } from './exit.ts';
import { fetchHistory } from './histories.ts';
import { brokenEnd, lastAnswer } from './order-outcome.ts';
import type { ResetPoint } from './reset-point.ts';

const ASK_EVERY_MS = 500;

interface Rerun {
  readonly client: Client;
  readonly codec: PayloadCodec | undefined;
  readonly workflowId: string;
  readonly runId: string;
  readonly point: ResetPoint;
  readonly withinMs: number;
  readonly note: (line: string) => void;
}

/** Whether an order's answer need not be waited for any longer. */
export const isKnown = (answer: Answer | null): boolean => answer !== null && isSettled(answer.status);

/** Follows a new run until it has an answer, or the time is up: then what it has told by then, if anything. */
export async function awaitOutcome(rerun: Rerun): Promise<Answer | null> {
  const { client, codec, workflowId, runId, point, note, withinMs } = rerun;
  const until = performance.now() + withinMs;
  let told = '';
  for (;;) {
    const { history } = await fetchHistory(client, workflowId, runId);
    const events = (await decryptHistory(history, codec)).events ?? [];
    const end = brokenEnd(history);
    if (end !== null)
      throw new CommandFault('FAILED_AGAIN', `The order ${workflowId} ${end.how} again: ${end.because}`);
    // What the run before has published is this run's word only once it has taken a step of its own.
    const isTakenUp = events.some(
      ({ eventId, workflowTaskCompletedEventAttributes: step }) => step && Number(eventId) > Number(point.eventId),
    );
    const answer = isTakenUp ? (lastAnswer(history) ?? null) : null;
    if (isKnown(answer)) return answer;
    const state = answer?.status ?? (isTakenUp ? 'pending' : 'waiting for a worker');
    if (state !== told) note(`${workflowId}: ${state}`);
    told = state;
    if (performance.now() >= until) return answer;
    await sleep(ASK_EVERY_MS);
  }
}
