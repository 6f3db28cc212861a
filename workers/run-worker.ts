import { basename } from 'node:path';

import { Worker } from '@temporalio/worker';

import type { Desk } from '../activities/desk.ts';
import { createActivities } from '../activities/index.ts';
import { VerifyIntent } from '../activities/verify-intent.ts';
import type { Logger } from '../telemetry/log.ts';
import { ORDERS_QUEUE } from '../workflows/task-queues.ts';
import type { EngineConnection } from './connect.ts';
import { watchAccounts } from './watch-accounts.ts';

/** Longer than any venue call: an order that is on its way comes to its end before the process does. */
const SHUTDOWN_GRACE_MS = 30_000;

export interface RunningWorker {
  isWorking(): boolean;
  /** Takes no new work, finishes what is under way, and ends. */
  stop(): Promise<void>;
  /** Settles when the worker has ended; rejects when it ended by a fault. */
  readonly ended: Promise<void>;
}

/** Runs orders and their activities until it is told to stop. */
export async function runWorker(
  engine: EngineConnection,
  desk: Desk,
  bundle: string,
  log: Logger,
): Promise<RunningWorker> {
  const { connection, namespace, dataConverter } = engine;
  const worker = await Worker.create({
    connection,
    namespace,
    dataConverter,
    taskQueue: ORDERS_QUEUE,
    workflowBundle: { codePath: bundle },
    // Every step of a history names the code that took it: the hash of the workflows' sources, which names the bundle.
    buildId: basename(bundle, '.js'),
    activities: createActivities(desk),
    interceptors: { activity: [() => ({ inbound: new VerifyIntent(desk.keys) })] },
    // An eager start needs a free slot that no poller holds: many more slots than pollers.
    maxConcurrentWorkflowTaskExecutions: 100,
    maxConcurrentActivityTaskExecutions: 200,
    workflowTaskPollerBehavior: { type: 'simple-maximum', maximum: 5 },
    activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 5 },
    maxCachedWorkflows: 500,
    // A dead worker's own queue is waited for this long before another one takes its orders over.
    stickyQueueScheduleToStartTimeout: 1_000,
    shutdownGraceTime: SHUTDOWN_GRACE_MS,
  });
  const ended = worker.run();
  ended.catch((error: unknown) => log.fatal({ error: String(error) }, 'The worker ended by a fault.'));
  await watchAccounts(engine, desk.accounts.keys());
  return {
    isWorking: () => worker.getState() === 'RUNNING',
    stop: async () => {
      desk.stopping.abort();
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await ended.catch(() => undefined);
    },
    ended,
  };
}
