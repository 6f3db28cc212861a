import type { Config } from '../config/config.ts';
import type { AccountReport } from '../domain/account-report.ts';
import { accountId } from '../domain/ids.ts';
import type { Engine } from './engine.ts';
import type { Halts, HaltView } from './halts.ts';
import { decodeFirst, timeOf } from './history.ts';

const READ_DEADLINE_MS = 5_000;
/** A sign of life comes every eight seconds or so; after this long without one, nobody is known to serve the account. */
const STALE_MS = 30_000;

export interface AccountView extends Omit<AccountReport, 'health'> {
  readonly name: string;
  readonly venue: string;
  readonly mode: string;
  /** `unserved` where no worker has shown itself lately. */
  readonly health: AccountReport['health'] | 'unserved';
  /** Why its orders are kept back. */
  readonly halts: readonly Omit<HaltView, 'account'>[];
  /** When a worker last told, in ISO 8601; null where none has. */
  readonly seen_at: string | null;
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
          halts: mine,
          seen_at: null,
        };
      }
      return { name, venue, mode, ...told.report, halts: mine, seen_at: told.at };
    }),
  );
}

/** What the watch over an account last told; undefined where there is none, or not lately. */
async function lastReport(engine: Engine, name: string): Promise<{ report: AccountReport; at: string } | undefined> {
  const { client } = engine;
  const { namespace } = client.options;
  const describe = () =>
    client.workflowService.describeWorkflowExecution({ namespace, execution: { workflowId: accountId(name) } });
  const described = await engine.require(READ_DEADLINE_MS, {}, describe).catch(noneWhereNotFound);
  const watch = described?.pendingActivities?.find(({ activityType }) => activityType?.name === 'watchAccount');
  const at = watch?.lastHeartbeatTime ? timeOf({ eventTime: watch.lastHeartbeatTime }) : undefined;
  if (at === undefined || Date.now() - Date.parse(at) > STALE_MS) return undefined;
  const report = (await decodeFirst(client, watch?.heartbeatDetails?.payloads)) as AccountReport | undefined;
  return report && { report, at };
}

/** NOT_FOUND, by gRPC's numbers. */
const NOT_FOUND = 5;

function noneWhereNotFound(error: unknown): undefined {
  if ((error as { code?: unknown }).code !== NOT_FOUND) throw error;
}
