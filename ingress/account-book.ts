import type { Config } from '../config/config.ts';
import type { AccountReport, AccountSight } from '../domain/account-report.ts';
import type { DecimalString } from '../domain/decimal.ts';
import { accountId } from '../domain/ids.ts';
import { DIFFERENCE_KINDS, NEVER_RECONCILED, type Difference } from '../domain/reconciliation.ts';
import { own, WHOLE } from '../domain/tally.ts';
import { tallyQuery } from '../workflows/messages.ts';
import { metrics } from '../telemetry/metrics.ts';
import type { Engine } from './engine.ts';
import type { Halts, HaltView } from './halts.ts';
import { decodeFirst, timeOf } from './history.ts';

const READ_DEADLINE_MS = 5_000;
const POSITIONS_DEADLINE_MS = 2_000;
/** A sign of life comes every eight seconds or so; after this long without one, nobody is known to serve the account. */
const STALE_MS = 30_000;

export interface AccountView extends Omit<AccountSight, 'health'> {
  readonly name: string;
  readonly venue: string;
  readonly mode: string;
  /** `unserved` where no worker has shown itself lately. */
  readonly health: AccountSight['health'] | 'unserved';
  /** What its own orders have come to, by symbol, where limits count them; null where that is not known. */
  readonly positions: Readonly<Record<string, PositionView>> | null;
  /** Why its orders are kept back. */
  readonly halts: readonly Omit<HaltView, 'account'>[];
  /** What the engine and the venue hold differently: the first few, and how many there are in all. */
  readonly differences: readonly Difference[];
  readonly difference_count: number;
  /** When the two were last compared, in ISO 8601; null where they were not. */
  readonly reconciled_at: string | null;
  /** When a worker last told, in ISO 8601; null where none has. */
  readonly seen_at: string | null;
}

/** Below zero where more was sold than bought; the price is what a unit has cost on average. */
export interface PositionView {
  readonly quantity: DecimalString;
  readonly average_price: DecimalString;
}

/** Accounts as the workers that serve them see them. What they see comes through the engine, wherever they are. */
export async function readAccounts(engine: Engine, { accounts }: Config, halts: Halts): Promise<AccountView[]> {
  const all = await halts.list();
  return Promise.all(
    Object.entries(accounts).map(async ([name, account]): Promise<AccountView> => {
      const { venue } = account;
      const mode = account.venue === 'ccxt' ? account.mode : 'paper';
      const mine = all.filter((halt) => halt.account === name).map(({ account: _account, ...halt }) => halt);
      const told = await lastReport(engine, name);
      if (told === undefined) {
        const problem = 'No worker that serves this account has shown itself lately.';
        return {
          name,
          venue,
          mode,
          health: 'unserved',
          problem,
          breaker: null,
          balances: null,
          positions: null,
          halts: mine,
          differences: [],
          difference_count: 0,
          reconciled_at: null,
          seen_at: null,
        };
      }
      const { report, at } = told;
      const { health, problem, breaker, balances, differences, counts, reconciledAt } = report;
      const sight = { health, problem, breaker, balances };
      return {
        name,
        venue,
        mode,
        ...sight,
        positions: await readPositions(engine, name),
        halts: mine,
        differences,
        difference_count: Object.values(counts).reduce((sum, count) => sum + count, 0),
        reconciled_at: reconciledAt === null ? null : new Date(reconciledAt).toISOString(),
        seen_at: at,
      };
    }),
  );
}

async function readPositions(engine: Engine, name: string): Promise<Record<string, PositionView> | null> {
  const ask = () => engine.client.workflow.getHandle(accountId(name)).query(tallyQuery);
  const tally = await engine.within(POSITIONS_DEADLINE_MS, ask).catch(() => null);
  if (tally === null) return null;
  const held = Object.entries(own(tally.traded, WHOLE)?.positions ?? {});
  return Object.fromEntries(
    held.map(([symbol, { quantity, averagePrice }]) => [symbol, { quantity, average_price: averagePrice }]),
  );
}

/**
 * Takes over what the workers have found, for whoever scrapes this process: a worker has no page of its own. What nobody
 * tells of is not shown.
 */
export async function countDifferences(engine: Engine, { accounts }: Config): Promise<void> {
  await Promise.all(
    Object.keys(accounts).map(async (account) => {
      const told = await lastReport(engine, account).catch(() => undefined);
      const isCompared = told !== undefined && told.report.reconciledAt !== null;
      for (const kind of DIFFERENCE_KINDS) {
        if (isCompared) metrics.differences.set({ account, kind }, told.report.counts[kind] ?? 0);
        else metrics.differences.remove({ account, kind });
      }
    }),
  );
}

/** What the watch over an account last told; undefined where there is none, or not lately. */
export async function lastReport(
  engine: Engine,
  name: string,
): Promise<{ report: AccountReport; at: string } | undefined> {
  const { client } = engine;
  const { namespace } = client.options;
  const describe = () =>
    client.workflowService.describeWorkflowExecution({ namespace, execution: { workflowId: accountId(name) } });
  const described = await engine.require(READ_DEADLINE_MS, {}, describe).catch(noneWhereNotFound);
  const watch = described?.pendingActivities?.find(({ activityType }) => activityType?.name === 'watchAccount');
  const at = watch?.lastHeartbeatTime ? timeOf({ eventTime: watch.lastHeartbeatTime }) : undefined;
  if (at === undefined || Date.now() - Date.parse(at) > STALE_MS) return undefined;
  const told = (await decodeFirst(client, watch?.heartbeatDetails?.payloads)) as AccountReport | undefined;
  // A worker of the version before compares nothing.
  return told && { report: { ...NEVER_RECONCILED, ...told }, at };
}

/** NOT_FOUND, by gRPC's numbers. */
const NOT_FOUND = 5;

function noneWhereNotFound(error: unknown): undefined {
  if ((error as { code?: unknown }).code !== NOT_FOUND) throw error;
}
