import { activityInfo } from '@temporalio/activity';

import type { AdapterLookup, OrderTicket } from '../adapters/venue-adapter.ts';
import type { Standing } from '../domain/standing.ts';
import type { CheckRequest } from './contract.ts';
import { ticketOf, type Account, type Desk } from './desk.ts';
import { startEngineClock } from './engine-time.ts';
import { notSent } from './not-sent.ts';

/** A first placement is scheduled within this time of its alert's receipt; a later one may be somebody's second run. */
const FRESH_MS = 2_000;

/** Ingress starts an order within this time of its receipt, or not at all. */
const BEGUN_MS = 5_000;

/** What looking came to, and whether the venue has answered at all. */
type Look = AdapterLookup & { readonly answered: boolean };

const RETRY_MS = 500;

/** Whether this activity is not surely part of the order's first run: then an earlier one may have sent the order. */
export function isAfterReset({ originalRunId }: Partial<CheckRequest>): boolean {
  return originalRunId === undefined || originalRunId !== activityInfo().workflowExecution?.runId;
}

/** Whether a history that began at this moment was begun by somebody later than by ingress. */
export const isBegunAgain = (receivedAt: number, startedAt: number | undefined): boolean =>
  startedAt !== undefined && startedAt - receivedAt > BEGUN_MS;

/** Whether an earlier run may have placed legs of this order: after a reset, or in a history that somebody began again. */
export function mayComeAfterAnother(request: CheckRequest): boolean {
  const { signed, startedAt } = request;
  return isAfterReset(request) || isBegunAgain(signed.intent.receivedAt, startedAt);
}

/**
 * Whether the venue may have this order already, so that it is asked before anything is sent: after a reset, when the
 * placement comes too late to be surely the first, or when this very process has sent it.
 */
function mayBeThere(desk: Desk, request: CheckRequest, { clientOrderId }: OrderTicket): boolean {
  const { signed, absence, leg } = request;
  const { workflowExecution, scheduledTimestampMs, isLocal } = activityInfo();
  // A proof from another run says nothing here: the run that found it may have sent the order on the strength of it.
  if (absence !== undefined && absence.runId === workflowExecution?.runId) return false;
  // A check is scheduled by this host's clock, which may be wrong; the placement after it looks for itself.
  // A leg comes when its entry is filled: it is no less the first for that, unless its history was begun by somebody later.
  const { receivedAt } = signed.intent;
  const late = leg === undefined && !isLocal && scheduledTimestampMs - receivedAt > FRESH_MS;
  return mayComeAfterAnother(request) || late || desk.sent.has(clientOrderId);
}

/**
 * Looks where the venue may have the order; null where it surely has not. An engine that was restored has forgotten
 * orders: what it sent before then has long arrived, or never will.
 */
export async function lookWhereInDoubt(
  desk: Desk,
  account: Account,
  request: CheckRequest,
  standing: Standing | undefined,
): Promise<Look | null> {
  const ticket = ticketOf(request);
  if (mayBeThere(desk, request, ticket)) return lookFirst(account, ticket);
  // Protection is not kept back for that, nor is a way out.
  if (standing === undefined && request.leg !== undefined) return null;
  // Without knowing whether it was restored, nothing can be said, and nothing has left.
  if (standing === undefined) throw notSent(`How the account ${account.name} stands is not known.`, RETRY_MS);
  if (standing.restoredAt === null) return null;
  const look = await lookFirst(account, ticket, standing.restoredAt);
  // A venue that can prove no absence has been asked all the same; and a person has said that it is as the engine has it.
  const isSilent = look.kind === 'cannot_tell' && look.answered && !account.adapter.capabilities.provesAbsence;
  return isSilent ? null : look;
}

/**
 * Asks the venue as for an order that was lost at a moment of the engine's time. Without one it is this moment: an
 * earlier request may still be on its way.
 */
export async function lookFirst(
  account: Account,
  { clientOrderId, symbol, type }: OrderTicket,
  lostAt: number | null = null,
): Promise<Look> {
  const now = startEngineClock()();
  try {
    return {
      ...(await account.adapter.find({ clientOrderId, symbol, type, lostAt: lostAt ?? now, now })),
      answered: true,
    };
  } catch (error) {
    return { kind: 'cannot_tell', why: error instanceof Error ? error.message : String(error), answered: false };
  }
}
