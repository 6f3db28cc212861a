import { createServer, type AddressInfo } from 'node:net';

import { DefaultLogger, Runtime, type LogEntry } from '@temporalio/worker';

import type { Logger } from './log.ts';

const LATENCY_MS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_500, 10_000];

/**
 * Sets up the engine's library, once per process and before anything else of it: its log lines join ours, and its
 * metrics are served on a loopback port, from which `/metrics` takes them along.
 * @returns the URL of the library's metrics
 */
export async function installRuntime(log: Logger): Promise<string> {
  const port = await freePort();
  Runtime.install({
    logger: new DefaultLogger('WARN', (entry) => forward(log, entry)),
    // The process decides when to stop, and in which order.
    shutdownSignals: [],
    telemetryOptions: {
      logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } },
      metrics: {
        prometheus: {
          bindAddress: `127.0.0.1:${port}`,
          countersTotalSuffix: true,
          useSecondsForDurations: true,
          histogramBucketOverrides: { workflow_task_schedule_to_start_latency: LATENCY_MS.map((ms) => ms / 1000) },
        },
      },
    },
  });
  return `http://127.0.0.1:${port}/metrics`;
}

function forward(log: Logger, { level, message, meta }: LogEntry): void {
  const write = { TRACE: log.trace, DEBUG: log.debug, INFO: log.info, WARN: log.warn, ERROR: log.error }[level];
  const { workflowId, runId, activityType, attempt, error } = meta ?? {};
  const problem = error instanceof Error ? error.message : undefined;
  write.call(log, { workflow_id: workflowId, run_id: runId, activity: activityType, attempt, error: problem }, message);
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
