import {
  allHandlersFinished,
  CancellationScope,
  condition,
  makeContinueAsNewFunc,
  proxyActivities,
  setHandler,
  upsertMemo,
  workflowInfo,
} from '@temporalio/workflow';

import type { Activities } from '../activities/contract.ts';
import type { SignedCommand } from '../domain/command.ts';
import { halted, NEW_STANDING, resumed, type Standing } from '../domain/standing.ts';
import { VERIFY_OPTIONS, WATCH_OPTIONS } from './activity-options.ts';
import { advanceUpdate, haltSignal, resumeUpdate, STANDING_MEMO } from './messages.ts';

const { watchAccount } = proxyActivities<Activities>(WATCH_OPTIONS);
const { verifyResume } = proxyActivities<Activities>(VERIFY_OPTIONS);

/**
 * The account as one thing in the engine, whoever serves it: its halts, and how far its orders have come. One worker at
 * a time watches it; what it sees travels as the activity's heartbeat, so that a year of watching is one event.
 */
export async function TradingAccount(account: string, carried?: Standing): Promise<void> {
  let standing = carried ?? NEW_STANDING;
  become(standing);

  // Halting asks for no proof: whoever can reach the engine may stop it. Lifting a halt is signed.
  setHandler(haltSignal, (wanted) => become(halted(standing, wanted, Date.now())));
  setHandler(resumeUpdate, resume);
  setHandler(advanceUpdate, (least) => {
    become({ ...standing, epoch: Math.max(standing.epoch, least) + 1 });
    return standing.epoch;
  });

  // Canceling is no signed command, and must not lift a halt.
  return CancellationScope.nonCancellable(async () => {
    const watching = watchAccount({ account });
    const isLong = condition(() => workflowInfo().continueAsNewSuggested);
    await Promise.race([watching, isLong]);
    await condition(allHandlersFinished);
    await makeContinueAsNewFunc<typeof TradingAccount>({ memo: workflowInfo().memo ?? {} })(account, standing);
  });

  async function resume(command: SignedCommand): Promise<Standing> {
    await verifyResume({ command });
    if (command.command.kind === 'resume') become(resumed(standing, command.command.halts));
    return standing;
  }

  function become(next: Standing): void {
    standing = next;
    upsertMemo({ [STANDING_MEMO]: standing });
  }
}
