import { activityInfo } from '@temporalio/activity';

import type { OfOrder } from './contract.ts';
import { accountOf, type Desk } from './desk.ts';
import { askAgain } from './not-sent.ts';

/** Reads the venue's clock against the engine's; this host's own clock has no part in it. */
export async function sampleClock(desk: Desk, { signed }: OfOrder): Promise<{ offsetMs: number }> {
  const { adapter, clock, name } = accountOf(desk, signed.intent);
  const venueNow = await adapter.now?.();
  if (venueNow === undefined) throw askAgain(`The account ${name} has no clock to read.`);
  clock.add(venueNow - activityInfo().currentAttemptScheduledTimestampMs);
  return { offsetMs: clock.best()! };
}
