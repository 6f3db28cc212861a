import { basename } from 'node:path';

import { Worker, type InjectedSinks } from '@temporalio/worker';

import { createActivities } from '../activities/index.ts';
import { VerifyIntent } from '../activities/verify-intent.ts';
import type { VerifyKeys } from '../activities/verify-keys.ts';
import type { Config } from '../config/config.ts';
import { loosenedLimits } from '../config/loosened-limits.ts';
import { Engine } from '../ingress/engine.ts';
import type { Logger } from '../telemetry/log.ts';
import type { OrderSinks } from '../workflows/messages.ts';
import { ORDERS_QUEUE } from '../workflows/task-queues.ts';
import { AccountGate } from './account-gate.ts';
import { requireDurableEngine, warnOfAccounts } from './account-safety.ts';
import type { EngineConnection } from './connect.ts';
import { openDesk } from './desk.ts';
import { guardAccounts } from './guard-accounts.ts';
import { Standings } from './standings.ts';

/** Longer than any venue call: an order that is on its way comes to its end before the process does. */
const SHUTDOWN_GRACE_MS = 30_000;

export interface RunningWorker {
  isWorking(): boolean;
  /** Takes no new work, finishes what is under way, and ends. */
  stop(): Promise<void>;
  /** Settles when the worker has ended; rejects when it ended by a fault. */
  readonly ended: Promise<void>;
}

export interface WorkerOptions {
  readonly config: Config;
  readonly engine: EngineConnection;
  readonly keys: VerifyKeys;
  /** The path of the workflows' bundle. */
  readonly bundle: string;
  readonly log: Logger;
  /** Whether the engine is a child of this process, which keeps it in a file. */
  readonly isEmbedded: boolean;
}

/** Opens the accounts, and runs orders and their activities until it is told to stop. */
export async function runWorker(options: WorkerOptions): Promise<RunningWorker> {
  const { config, engine, keys, bundle, log, isEmbedded } = options;
  const { connection, namespace, dataConverter, client } = engine;
  if (!isEmbedded) await requireDurableEngine(config, connection);
  const engineInTime = new Engine(client, connection, log);
  const standings = new Standings(engineInTime, config.dataDir);
  const names = Object.keys(config.accounts);
  const gates = new Map(names.map((name) => [name, new AccountGate(engineInTime, name, standings)]));
  const desk = await openDesk(config, keys, log, standings, engineInTime, gates);
  for (const loosened of loosenedLimits(config)) log.warn(loosened);
  await Promise.all([...desk.accounts.keys()].map((account) => standings.introduce(account)));
  const worker = await Worker.create({
    connection,
    namespace,
    dataConverter,
    taskQueue: ORDERS_QUEUE,
    workflowBundle: { codePath: bundle },
    // Every step of a history names the code that took it: the hash of the workflows' sources, which names the bundle.
    buildId: basename(bundle, '.js'),
    activities: createActivities(desk),
    sinks: {
      orders: { changed: { fn: (_, answer) => gates.get(answer.account)?.learn(answer) } },
    } satisfies InjectedSinks<OrderSinks>,
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
  const unguard = guardAccounts({ config, engine: engineInTime, desk, standings, log });
  const unwatch = warnOfAccounts({ config, engine, isEmbedded, log });
  return {
    isWorking: () => worker.getState() === 'RUNNING',
    stop: async () => {
      unguard();
      unwatch();
      desk.stopping.abort();
      if (worker.getState() === 'RUNNING') worker.shutdown();
      await ended.catch(() => undefined);
      await desk.close();
    },
    ended,
  };
}
