import { CancellationScope, condition, proxyActivities, workflowInfo } from '@temporalio/workflow';

import type { Activities, MakeWay, Taken } from '../activities/contract.ts';
import type { EntryIntent, SignedIntent } from '../domain/intent.ts';
import { exitOf } from '../domain/leg.ts';
import { isFinal, isResting, observed, type OrderState } from '../domain/order-state.ts';
import { reason, type Reason } from '../domain/reason.ts';
import { NOTHING_TRADED } from '../domain/way-out.ts';
import { whatFailureTells } from './activity-failure.ts';
import { CANCEL_OPTIONS, CHECK_LEG_OPTIONS, VERIFY_OPTIONS } from './activity-options.ts';
import type { Wanted } from './wanted.ts';

const { cancelForExit } = proxyActivities<Activities>(CANCEL_OPTIONS);
const { checkBeforeTrade } = proxyActivities<Activities>(CHECK_LEG_OPTIONS);
const { verifyExit } = proxyActivities<Activities>(VERIFY_OPTIONS);

/** An order that an exit wants something of. */
export interface Asked {
  readonly signed: SignedIntent<EntryIntent>;
  readonly wanted: Wanted;
  readonly state: () => OrderState;
  readonly become: (next: OrderState) => void;
}

/** Makes way for an exit: cancels what is left of the order, or takes out what it protects. */
export async function makeWayFor(asked: Asked, { exit, exitId, what, quantity }: MakeWay): Promise<Taken> {
  const { signed, wanted } = asked;
  await verifyExit({ signed, exit, exitId });
  if (what === 'cancel') {
    await cancelWhatIsLeft(asked, exit, exitId);
    return { ...NOTHING_TRADED, last: null };
  }
  return wanted.take(quantity, exit.intent, async (part, share): Promise<Reason | null> => {
    const leg = exitOf(signed.intent, { part, generation: 0, quantity: share, notAfter: exit.intent.notAfter });
    const { originalExecutionRunId: originalRunId, startTime } = workflowInfo();
    const request = { signed, leg, originalRunId, startedAt: startTime.getTime() };
    // After a reset the check looks at the venue, and may not know yet what was sent: that refuses nothing.
    const check = await checkBeforeTrade(request).catch(notChecked);
    return 'reason' in check ? check.reason : null;
  });
}

async function cancelWhatIsLeft(asked: Asked, exit: MakeWay['exit'], exitId: string): Promise<void> {
  const { signed, state, become } = asked;
  await condition(() => state().status !== 'pending' && state().status !== 'unknown');
  if (!isResting(state())) return;
  const asking = new CancellationScope();
  const over = condition(() => isFinal(state())).then(() => null);
  const venueOrderId = state().venueOrderId ?? '';
  const canceling = asking.run(() => cancelForExit({ signed, exit, exitId, venueOrderId }));
  const seen = await Promise.race([canceling, over]);
  asking.cancel();
  if (seen !== null) become(observed(state(), seen));
}

/** What cannot be checked is not given up: the protection stays, and the exit is told so. */
function notChecked(failure: unknown): { readonly reason: Reason } {
  const tells = whatFailureTells(failure);
  if (tells.kind !== 'unknown') return tells;
  return { reason: reason('EXIT_NOT_CHECKED', tells.evidence, 'Nothing was canceled. Send it again.') };
}
