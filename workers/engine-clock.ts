import { setTimeout as sleep } from 'node:timers/promises';

import type { ConnectionLike } from '@temporalio/client';

import type { ClockReading } from '../adapters/ccxt/inspect-account.ts';
import { accountId } from '../domain/ids.ts';

/** Longer than the time between two signs of life of a watch over an account. */
const SIGN_WITHIN_MS = 15_000;
const LOOK_EVERY_MS = 200;
const DEADLINE_MS = 3_000;

/**
 * The engine's clock, compared with this host's. The engine tells its time to nobody, but it writes down when the watch
 * over an account last gave a sign of life: one that is new came between two looks of ours. Nothing is changed for it.
 * @returns undefined where no worker watches the account
 */
export async function readEngineClock(
  { connection, namespace }: { connection: ConnectionLike; namespace: string },
  account: string,
  over?: AbortSignal,
): Promise<ClockReading | undefined> {
  const lastSign = async (): Promise<number | undefined> => {
    const execution = { workflowId: accountId(account) };
    const { pendingActivities } = await connection.withDeadline(Date.now() + DEADLINE_MS, () =>
      connection.workflowService.describeWorkflowExecution({ namespace, execution }),
    );
    const watch = pendingActivities?.find(({ activityType }) => activityType?.name === 'watchAccount');
    const { seconds, nanos } = watch?.lastHeartbeatTime ?? {};
    return seconds == null ? undefined : Number(seconds) * 1_000 + (nanos ?? 0) / 1_000_000;
  };
  const until = performance.now() + SIGN_WITHIN_MS;
  let lookedAt = Date.now();
  const first = await lastSign();
  while (performance.now() < until && over?.aborted !== true) {
    await sleep(LOOK_EVERY_MS, undefined, { signal: over }).catch(() => undefined);
    const begun = Date.now();
    const sign = await lastSign();
    const ended = Date.now();
    if (sign !== undefined && sign !== first) {
      return { aheadMs: Math.round(sign - (lookedAt + ended) / 2), withinMs: Math.ceil((ended - lookedAt) / 2) };
    }
    lookedAt = begun;
  }
  return undefined;
}
