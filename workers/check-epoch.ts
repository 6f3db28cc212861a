import { setTimeout as sleep } from 'node:timers/promises';

import { WorkflowNotFoundError } from '@temporalio/client';

import { accountId, entryIdOf } from '../domain/ids.ts';
import type { ListedOrder } from '../domain/reconciliation.ts';
import type { Standing } from '../domain/standing.ts';
import type { Engine } from '../ingress/engine.ts';
import { advanceUpdate, haltSignal, STANDING_MEMO } from '../workflows/messages.ts';
import { ordersUnder } from './engine-orders.ts';
import type { EpochFile } from './epoch-file.ts';

const DEADLINE_MS = 10_000;
const LISTS_LAG_MS = 3_000;

export interface EpochCheck {
  readonly engine: Engine;
  readonly file: EpochFile;
  readonly account: string;
  /** The venue's open and recent orders that carry our tag. */
  readonly listOurs: () => Promise<readonly ListedOrder[]>;
}

/**
 * Finds out whether the engine has forgotten orders that an account has placed: because its data were put back from a
 * copy, or are gone. Then entries are halted until reconciliation or a person has compared. Run before the account's first order, and
 * from time to time: an engine elsewhere may be put back under running workers.
 * @param rises whether the epoch is to rise: at a start, and after orders went out
 * @returns why the account is halted now; undefined when it is not, or was before
 */
export async function checkEpoch(check: EpochCheck, rises: boolean): Promise<string | undefined> {
  const { engine, account, file } = check;
  // The file first: it is written after the engine, and so is never ahead of an engine that is read later.
  const inFile = file.read();
  const inEngine = (await readStanding(engine, account))?.epoch ?? 0;
  const why = inFile === undefined ? await strangersInWords(check) : isBehind(inEngine, inFile);
  if (why !== undefined) {
    const halt = { code: 'ENGINE_RESTORED', scope: 'entries', reason: why } as const;
    await engine.within(DEADLINE_MS, () => handleOf(engine, account).signal(haltSignal, halt));
  }
  const isSettled = why === undefined && !rises;
  file.write(isSettled ? inEngine : await advance(engine, account, inFile ?? 0));
  return why;
}

/** Has the engine's epoch rise above both. In the engine first: a file that is ahead would look like one that has forgotten. */
function advance(engine: Engine, account: string, least: number): Promise<number> {
  return engine.within(DEADLINE_MS, () => handleOf(engine, account).executeUpdate(advanceUpdate, { args: [least] }));
}

const handleOf = (engine: Engine, account: string) => engine.client.workflow.getHandle(accountId(account));

async function readStanding(engine: Engine, account: string): Promise<Standing | undefined> {
  try {
    const { memo } = await engine.within(DEADLINE_MS, () => handleOf(engine, account).describe());
    return memo?.[STANDING_MEMO] as Standing | undefined;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return undefined;
    throw error;
  }
}

function isBehind(inEngine: number, inFile: number): string | undefined {
  if (inEngine >= inFile) return undefined;
  const what = inEngine === 0 ? 'has no memory of this account' : `stands at ${inEngine}`;
  return `its orders have come to epoch ${inFile}, and the engine ${what}: its data were put back from a copy, or are gone.`;
}

/** Without a file to compare with, the venue is asked: an order of ours that the engine does not know tells the same. */
async function strangersInWords(check: EpochCheck): Promise<string | undefined> {
  const seen = await strangersAmong(check, await check.listOurs());
  if (seen.length === 0) return undefined;
  // The engine's lists lag behind a little: an order that was just placed may not be in them yet.
  await sleep(LISTS_LAG_MS);
  const strangers = await strangersAmong(check, seen);
  if (strangers.length === 0) return undefined;
  const shown = strangers
    .slice(0, 5)
    .map(({ clientOrderId, symbol, status }) => `${clientOrderId} ${symbol} ${status}`);
  return `the venue has ${strangers.length} orders of this installation that the engine does not know: ${shown.join(', ')}.`;
}

/** Orders of ours at the venue that no workflow of the engine knows. */
async function strangersAmong({ engine }: EpochCheck, orders: readonly ListedOrder[]): Promise<ListedOrder[]> {
  const ids = orders.map(({ clientOrderId }) => clientOrderId);
  const known = await ordersUnder(engine, ids, true);
  return orders.filter(({ clientOrderId }) => !known.has(entryIdOf(clientOrderId)));
}
