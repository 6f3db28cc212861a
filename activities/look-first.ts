import { activityInfo } from '@temporalio/activity';

import type { AdapterLookup } from '../adapters/venue-adapter.ts';
import type { CheckRequest } from './contract.ts';
import type { Account, Desk } from './desk.ts';
import { startEngineClock } from './engine-time.ts';

/** A first placement is scheduled within this time of its alert's receipt; a later one may be somebody's second run. */
const FRESH_MS = 2_000;

/**
 * Whether the venue may have this order already, so that it is asked before anything is sent: after a reset, when the
 * placement comes too late to be surely the first, or when this very process has sent it.
 */
export function mayBeThere(desk: Desk, { signed, originalRunId, absence }: CheckRequest): boolean {
  const { workflowExecution, scheduledTimestampMs, isLocal } = activityInfo();
  const runId = workflowExecution?.runId;
  // A proof from another run says nothing here: the run that found it may have sent the order on the strength of it.
  if (absence !== undefined && absence.runId === runId) return false;
  // A check is scheduled by this host's clock, which may be wrong; the placement after it looks for itself.
  const late = !isLocal && scheduledTimestampMs - signed.intent.receivedAt > FRESH_MS;
  return originalRunId !== runId || late || desk.sent.has(signed.intent.clientOrderId);
}

/** Asks the venue, as for an order that was lost at this moment: an earlier request may still be on its way. */
export async function lookFirst(account: Account, { signed }: CheckRequest): Promise<AdapterLookup> {
  const { clientOrderId, symbol } = signed.intent;
  const now = startEngineClock()();
  try {
    return await account.adapter.find({ clientOrderId, symbol, lostAt: now, now });
  } catch (error) {
    return { kind: 'cannot_tell', why: error instanceof Error ? error.message : String(error) };
  }
}
