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
import { admit, type Admission } from '../domain/admission.ts';
import { planExit } from '../domain/exit-plan.ts';
import { halted, NEW_STANDING, resumed, whyExitHalted, whyHalted, type Standing } from '../domain/standing.ts';
import { asOf, learned, NEW_TALLY, type Tally } from '../domain/tally.ts';
import { VERIFY_OPTIONS, WATCH_OPTIONS } from './activity-options.ts';
import {
  admitUpdate,
  advanceUpdate,
  haltSignal,
  resumeUpdate,
  STANDING_MEMO,
  tallyQuery,
  type AdmissionBatch,
  type Admissions,
} from './messages.ts';

const { watchAccount } = proxyActivities<Activities>(WATCH_OPTIONS);
const { verifyResume } = proxyActivities<Activities>(VERIFY_OPTIONS);

/**
 * The account as one thing in the engine, whoever serves it: its halts, how far its orders have come, and what limits
 * count. One worker at a time watches it; what it sees travels as the activity's heartbeat, so that a year of watching is
 * one event.
 */
export async function TradingAccount(account: string, carried?: Standing, counted?: Tally): Promise<void> {
  let standing = carried ?? NEW_STANDING;
  let tally = counted ?? NEW_TALLY;
  become(standing);

  // Halting asks for no proof: whoever can reach the engine may stop it. Lifting a halt is signed.
  setHandler(haltSignal, (wanted) => become(halted(standing, wanted, Date.now())));
  setHandler(resumeUpdate, resume);
  setHandler(advanceUpdate, (least) => {
    become({ ...standing, epoch: Math.max(standing.epoch, least) + 1 });
    return standing.epoch;
  });
  setHandler(admitUpdate, admitAll);
  setHandler(tallyQuery, () => tally);

  // Canceling is no signed command, and must not lift a halt.
  return CancellationScope.nonCancellable(async () => {
    const watching = watchAccount({ account });
    const isLong = condition(() => workflowInfo().continueAsNewSuggested);
    await Promise.race([watching, isLong]);
    await condition(allHandlersFinished);
    await makeContinueAsNewFunc<typeof TradingAccount>({ memo: workflowInfo().memo ?? {} })(account, standing, tally);
  });

  /** Here, where it is counted, and nowhere else: whoever asks at the same time is admitted one after the other. */
  function admitAll({ news, requests }: AdmissionBatch): Admissions {
    const now = Date.now();
    tally = news.reduce(learned, asOf(tally, now));
    const halt = whyHalted(account, standing);
    const exitHalt = whyExitHalted(account, standing);
    const admissions = requests.map((request): Admission => {
      const opens = !('exit' in request) || (request.exit === 'reverse' && request.confirms !== true);
      const kept = opens ? halt : exitHalt;
      if (kept !== null) return { kind: 'denied', reason: kept };
      const decided = 'exit' in request ? planExit(tally, request, now) : admit(tally, request, now);
      tally = decided.tally;
      return decided.admission;
    });
    return { admissions, standing };
  }

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
