import { setTimeout as sleep } from 'node:timers/promises';

import type { Config } from '../config/config.ts';
import { isSameHalt, restoredHalt } from '../domain/reconciliation.ts';
import type { Logger } from '../telemetry/log.ts';
import { lastReport } from './account-book.ts';
import type { Engine } from './engine.ts';
import type { Halts } from './halts.ts';

const EVERY_MS = 5_000;

export interface LiftOptions {
  readonly config: Config;
  readonly engine: Engine;
  readonly halts: Halts;
  readonly log: Logger;
}

/**
 * Lifts a halt for `ENGINE_RESTORED` once the account's worker has listed the venue's orders under our tag and found that the
 * engine knows each of them; no other halt. Here, because going on is signed, and workers hold no key that could sign.
 * @returns what ends it
 */
export function liftRestored(options: LiftOptions): () => void {
  const over = new AbortController();
  void (async () => {
    while (!over.signal.aborted) {
      for (const account of Object.keys(options.config.accounts)) {
        // An engine that is gone says so elsewhere, and a halt that was not lifted is looked at again.
        await liftWhereCleared(options, account).catch(() => undefined);
      }
      await sleep(EVERY_MS, undefined, { signal: over.signal }).catch(() => undefined);
    }
  })();
  return () => over.abort();
}

/**
 * The worker names the halt that stood before it asked the venue anything, by its number and its time: one that came later,
 * or again in an engine that was put back once more, is another one. So no two clocks are compared.
 */
async function liftWhereCleared({ engine, halts, log }: LiftOptions, account: string): Promise<void> {
  const halt = restoredHalt(await halts.standing(account));
  if (halt === null) return;
  const told = await lastReport(engine, account);
  if (!isSameHalt(halt, told?.report.clears ?? null)) return;
  await halts.lift(account, [halt.id]);
  log.warn(
    { account, halt: halt.id },
    'ENGINE_RESTORED is lifted: the venue was listed, and the engine knows each order of this installation there.',
  );
}
