import type { AdapterLookup } from '../adapters/venue-adapter.ts';
import type { Lookup } from '../domain/outcome.ts';
import { beating } from './beating.ts';
import type { FindRequest } from './contract.ts';
import { accountOf, ticketOf, type Desk } from './desk.ts';
import { startEngineClock } from './engine-time.ts';
import { askAgain } from './not-sent.ts';

/** Asks the venue once what became of a lost order; each retry asks again, until it is found or proven absent. */
export async function findOrder(desk: Desk, request: FindRequest): Promise<Exclude<Lookup, { kind: 'cannot_tell' }>> {
  const { lostAt, askedBy, clockOffsetMs } = request;
  const { clientOrderId, symbol, type } = ticketOf(request);
  const { adapter } = accountOf(desk, request.signed.intent);
  const now = startEngineClock()();
  const offset = clockOffsetMs === undefined ? {} : { clockOffsetMs };
  const hint = { clientOrderId, symbol, type, lostAt, now, ...offset };
  const look = await beating(() => adapter.find(hint)).catch(cannotAsk);
  if (look.kind === 'found') return look;
  if (look.kind === 'cannot_tell') throw askAgain(look.why, look.retryAfterMs);
  return { kind: 'absent', absence: { runId: askedBy, proof: look.proof } };
}

function cannotAsk(error: unknown): Extract<AdapterLookup, { kind: 'cannot_tell' }> {
  return { kind: 'cannot_tell', why: error instanceof Error ? error.message : String(error) };
}
