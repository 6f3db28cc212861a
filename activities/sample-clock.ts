import { beating } from './beating.ts';
import type { ClockRequest } from './contract.ts';
import { accountOf, type Desk } from './desk.ts';
import { startEngineClock } from './engine-time.ts';
import { isAfterReset } from './look-first.ts';
import { askAgain, notSent } from './not-sent.ts';

/** The first reading opens the connection, and is late by that; the later ones are not. */
const READINGS = 3;

const RETRY_MS = 1_000;

/** Reads the venue's clock against the engine's; this host's own clock has no part in it. */
export function sampleClock(desk: Desk, request: ClockRequest): Promise<{ offsetMs: number }> {
  return beating(() => sample(desk, request));
}

async function sample(desk: Desk, request: ClockRequest): Promise<{ offsetMs: number }> {
  // After a reset an earlier run may have sent the order; otherwise it waits for this, and has not left.
  const afterReset = isAfterReset(request);
  const notYet = afterReset ? askAgain : notSent;
  const { adapter, clock, name } = accountOf(desk, request.signed.intent, afterReset);
  const engineNow = startEngineClock();
  try {
    for (let reading = 0; reading < READINGS; reading++) {
      const askedAt = engineNow();
      const venueNow = await adapter.now?.();
      if (venueNow !== undefined) clock.add(venueNow - askedAt);
    }
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw notYet(`The clock of the account ${name} cannot be read: ${why}`, RETRY_MS);
  }
  const offsetMs = clock.best();
  if (offsetMs === undefined) throw notYet(`The account ${name} has no clock.`, RETRY_MS);
  return { offsetMs };
}
