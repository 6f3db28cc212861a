import type { OfOrder } from './contract.ts';
import { accountOf, type Desk } from './desk.ts';
import { startEngineClock } from './engine-time.ts';
import { askAgain } from './not-sent.ts';

/** The first reading opens the connection, and is late by that; the later ones are not. */
const READINGS = 3;

/** Reads the venue's clock against the engine's; this host's own clock has no part in it. */
export async function sampleClock(desk: Desk, { signed }: OfOrder): Promise<{ offsetMs: number }> {
  const { adapter, clock, name } = accountOf(desk, signed.intent);
  const engineNow = startEngineClock();
  for (let reading = 0; reading < READINGS; reading++) {
    const askedAt = engineNow();
    const venueNow = await adapter.now?.();
    if (venueNow === undefined) throw askAgain(`The account ${name} has no clock to read.`);
    clock.add(venueNow - askedAt);
  }
  return { offsetMs: clock.best()! };
}
