import { activityInfo } from '@temporalio/activity';

import { NotSent, type OrderTicket } from '../adapters/venue-adapter.ts';
import { isExit } from '../domain/intent.ts';
import type { Placement } from '../domain/outcome.ts';
import { reason } from '../domain/reason.ts';
import { whyHalted } from '../domain/standing.ts';
import { askAdmission } from './ask-admission.ts';
import { beating } from './beating.ts';
import type { PlaceRequest } from './contract.ts';
import { accountOf, entryOf, ticketOf, type Account, type Desk } from './desk.ts';
import { startEngineClock } from './engine-time.ts';
import { isAfterReset, lookFirst, lookWhereInDoubt } from './look-first.ts';
import { notSent } from './not-sent.ts';
import { notAsPlanned } from './plan-exit.ts';
import { supersededBy } from './superseded.ts';

const RETRY_MS = 500;

/**
 * Sends the order once. Every outcome is a value; the one thing thrown is *not sent*, which only the adapter can know.
 * Cancellation, a pause, a reset and a stopping worker are not looked at: an order that is on its way stays on its way.
 */
export function placeOrder(desk: Desk, request: PlaceRequest): Promise<Placement> {
  return beating(() => place(desk, request));
}

async function place(desk: Desk, request: PlaceRequest): Promise<Placement> {
  const { intent } = request.signed;
  const account = accountOf(desk, intent, isAfterReset(request));
  const ticket = ticketOf(request);
  const engineNow = startEngineClock();
  const before = await account.standing();
  const look = await lookWhereInDoubt(desk, account, request, before);
  if (look?.kind === 'found') return { kind: 'accepted', order: look.order };
  if (look?.kind === 'cannot_tell') return { kind: 'unknown', evidence: look.why };
  // A proof of absence, or a venue's word, lets an order go; a look costs little, and catches what contradicts them.
  if (look === null && (request.absence !== undefined || desk.turnedAway.has(ticket.clientOrderId))) {
    const again = await lookFirst(account, ticket);
    if (again.kind === 'found') return { kind: 'accepted', order: again.order };
  }
  if (engineNow() >= ticket.notAfter) return expired(intent.receivedAt, ticket.notAfter, engineNow());
  // What takes a position out is not counted, and no halt keeps it: protection stays in place.
  if (request.leg !== undefined) {
    // Whoever comes with a proof has been told by the check, after that: here the request would grow old meanwhile.
    const looks = request.absence === undefined;
    const otherwise = isExit(intent)
      ? await notAsPlanned(desk, account, request)
      : looks
        ? await supersededBy(account, request)
        : null;
    if (otherwise !== null) return otherwise;
    if (engineNow() >= ticket.notAfter) return expired(intent.receivedAt, ticket.notAfter, engineNow());
    return send(desk, account, request, ticket);
  }
  const admission = await askAdmission(desk, account, entryOf(request));
  if (admission.kind === 'denied') return admission;
  // Without fresh knowledge of its halts nothing leaves, and nothing is denied either.
  const standing = await account.standing();
  const isAsBefore = standing !== undefined && standing.restoredAt === (before?.restoredAt ?? null);
  if (!isAsBefore) throw notSent(`Whether the account ${account.name} is halted is not known.`, RETRY_MS);
  const halt = whyHalted(account.name, standing);
  if (halt !== null) return { kind: 'denied', reason: halt };
  if (engineNow() >= intent.notAfter) return expired(intent.receivedAt, intent.notAfter, engineNow());
  const placement = await send(desk, account, request, ticket);
  return placement.kind === 'accepted' && admission.notes.length > 0
    ? { ...placement, notes: admission.notes }
    : placement;
}

/** From here on only the adapter can say that nothing left. */
async function send(desk: Desk, account: Account, request: PlaceRequest, ticket: OrderTicket): Promise<Placement> {
  const { clientOrderId } = ticket;
  try {
    remember(desk.sent, clientOrderId);
    account.hasSent = true;
    const placement = await account.adapter.place(ticket, windowOf(request));
    if (placement.kind === 'outside_window') account.clock.distrust();
    if (placement.kind === 'accepted' && placement.order.bookedAt !== undefined) {
      account.clock.add(placement.order.bookedAt - activityInfo().currentAttemptScheduledTimestampMs);
    }
    return placement;
  } catch (error) {
    if (error instanceof NotSent) {
      desk.sent.delete(clientOrderId);
      if (error.turnedAway) remember(desk.turnedAway, clientOrderId);
      throw notSent(error.message, error.retryAfterMs);
    }
    return { kind: 'unknown', evidence: error instanceof Error ? error.message : String(error) };
  }
}

/** Longer than any entry may wait to be sent; by then every placement under the id comes late, and looks first anyway. */
const REMEMBERED_MS = 600_000;

function remember(ids: Set<string>, id: string): void {
  ids.add(id);
  setTimeout(() => ids.delete(id), REMEMBERED_MS).unref();
}

/**
 * The time that the request carries is when the engine scheduled this attempt, by the venue's clock: however long the
 * bytes are held up on their way, the venue can tell that they are old.
 */
function windowOf({ clockOffsetMs }: PlaceRequest): { timestamp: number } | null {
  if (clockOffsetMs === undefined) return null;
  return { timestamp: Math.floor(activityInfo().currentAttemptScheduledTimestampMs + clockOffsetMs) };
}

function expired(receivedAt: number, notAfter: number, now: number): Placement {
  const age = ((now - receivedAt) / 1000).toFixed(1);
  const limit = ((notAfter - receivedAt) / 1000).toFixed(1);
  const message = `The order was ${age} s old before it could be sent; the limit is ${limit} s.`;
  return { kind: 'expired', reason: reason('TOO_LATE_TO_SEND', message, 'Nothing was sent. Send the alert again.') };
}
