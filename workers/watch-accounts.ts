import { accountId } from '../domain/ids.ts';
import { TRADING_ACCOUNT } from '../workflows/messages.ts';
import { ORDERS_QUEUE } from '../workflows/task-queues.ts';
import type { EngineConnection } from './connect.ts';

/** Sees to it that each account has its one execution in the engine; whichever worker comes first starts it. */
export async function watchAccounts({ client }: EngineConnection, accounts: Iterable<string>): Promise<void> {
  const starting = [...accounts].map((account) =>
    client.workflow.start(TRADING_ACCOUNT, {
      workflowId: accountId(account),
      taskQueue: ORDERS_QUEUE,
      args: [account],
      workflowIdReusePolicy: 'ALLOW_DUPLICATE',
      workflowIdConflictPolicy: 'USE_EXISTING',
      staticSummary: `account ${account}`,
    }),
  );
  await Promise.all(starting);
}
