import { setTimeout as sleep } from 'node:timers/promises';

import { WorkflowNotFoundError } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

import type { Engine } from '../ingress/engine.ts';
import type { Logger } from '../telemetry/log.ts';
import { EXECUTE_ORDER } from '../workflows/messages.ts';
import { AuditRecord } from './audit-record.ts';

const EVERY_MS = 5_000;
const DEADLINE_MS = 10_000;
/** The first time there may be months of them. */
const LIST_DEADLINE_MS = 60_000;
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
  const record = openRecord(folder, log);
  if (record === undefined) return () => Promise.resolve();
  const over = new AbortController();
  const exporting = (async () => {
    while (!over.signal.aborted) {
      await sleep(EVERY_MS, undefined, { signal: over.signal }).catch(() => undefined);
      await exportNew(engine, record, log).catch((error: unknown) => {
        log.warn({ error: String(error) }, 'Histories could not be copied into the audit record; it is tried again.');
      });
    }
  })();
  return async () => {
    over.abort();
    await exporting;
  };
}

/** A record that cannot be read is somebody's to look at, and no reason not to trade. */
function openRecord(folder: string, log: Logger): AuditRecord | undefined {
  try {
    return new AuditRecord(folder);
  } catch (error) {
    log.error(
      { folder, error: String(error) },
      'The audit record cannot be read, and nothing is added to it. Move it away.',
    );
    return undefined;
  }
}

async function exportNew(engine: Engine, record: AuditRecord, log: Logger): Promise<void> {
  const { lastClosedAt } = record;
  const since = new Date(lastClosedAt === undefined ? 0 : Date.parse(lastClosedAt) - OVERLAP_MS).toISOString();
  const query = `WorkflowType = '${EXECUTE_ORDER}' AND ExecutionStatus != 'Running' AND CloseTime >= '${since}'`;
  const fresh = await engine.within(LIST_DEADLINE_MS, async () => {
    const found: Closed[] = [];
    for await (const run of engine.client.workflow.list({ query })) if (!record.has(run.runId)) found.push(run);
    return found;
  });
  const inOrder = fresh.toSorted((one, other) => Number(one.closeTime) - Number(other.closeTime));
  for (const { workflowId, runId, status, closeTime } of inOrder) {
    const handle = engine.client.workflow.getHandle(workflowId, runId);
    const history = await engine.within(DEADLINE_MS, () => handle.fetchHistory()).catch(noneWhereGone);
    if (history === undefined) log.warn({ workflowId, runId }, 'A history was gone before it was copied.');
    else {
      const closed_at = (closeTime ?? new Date(0)).toISOString();
      record.add({ workflow_id: workflowId, run_id: runId, status: status.name, closed_at }, historyToJSON(history));
    }
  }
}

/** What retention has removed since it was listed will not come back. */
function noneWhereGone(error: unknown): undefined {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}
