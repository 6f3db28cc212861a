import { setTimeout as sleep } from 'node:timers/promises';

import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

import type { Engine } from '../ingress/engine.ts';
import type { Logger } from '../telemetry/log.ts';
import { EXECUTE_ORDER } from '../workflows/messages.ts';
import { AuditRecord } from './audit-record.ts';

const EVERY_MS = 5_000;
const DEADLINE_MS = 10_000;
/** The engine's lists lag behind: what was closed a little earlier may be listed a little later. */
const OVERLAP_MS = 60_000;

interface Closed {
  readonly workflowId: string;
  readonly runId: string;
  readonly status: { readonly name: string };
  readonly closeTime?: Date;
}

/**
 * Copies the history of every order that is over into the audit record, as the engine stores it: the record outlives the
 * engine's retention, and needs no engine to be read or replayed.
 * @returns what ends it, when what is over by then has been copied
 */
export function exportHistories(engine: Engine, folder: string, log: Logger): () => Promise<void> {
  const record = new AuditRecord(folder);
  const over = new AbortController();
  const exporting = (async () => {
    while (!over.signal.aborted) {
      await sleep(EVERY_MS, undefined, { signal: over.signal }).catch(() => undefined);
      await exportNew(engine, record).catch((error: unknown) => {
        log.warn({ error: String(error) }, 'Histories could not be copied into the audit record; it is tried again.');
      });
    }
  })();
  return async () => {
    over.abort();
    await exporting;
  };
}

async function exportNew(engine: Engine, record: AuditRecord): Promise<void> {
  const { lastClosedAt } = record;
  const since = new Date(lastClosedAt === undefined ? 0 : Date.parse(lastClosedAt) - OVERLAP_MS).toISOString();
  const query = `WorkflowType = '${EXECUTE_ORDER}' AND ExecutionStatus != 'Running' AND CloseTime >= '${since}'`;
  const fresh = await engine.within(DEADLINE_MS, async () => {
    const found: Closed[] = [];
    for await (const run of engine.client.workflow.list({ query })) if (!record.has(run.runId)) found.push(run);
    return found;
  });
  const inOrder = fresh.toSorted((one, other) => Number(one.closeTime) - Number(other.closeTime));
  for (const { workflowId, runId, status, closeTime } of inOrder) {
    const handle = engine.client.workflow.getHandle(workflowId, runId);
    const history = await engine.within(DEADLINE_MS, () => handle.fetchHistory());
    const closed_at = (closeTime ?? new Date(0)).toISOString();
    record.add({ workflow_id: workflowId, run_id: runId, status: status.name, closed_at }, historyToJSON(history));
  }
}
