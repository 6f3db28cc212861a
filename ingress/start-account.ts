import { WorkflowNotFoundError, type Client, type WorkflowStartOptions } from '@temporalio/client';

import { accountId } from '../domain/ids.ts';
import { NEW_STANDING, type Standing } from '../domain/standing.ts';
import { STANDING_MEMO } from '../workflows/messages.ts';
import { ORDERS_QUEUE } from '../workflows/task-queues.ts';

/** How the account's one execution is started. One that was ended from outside goes on as it stood: its halts are not lifted so. */
export function startOfAccount(account: string, standing: Standing) {
  return {
    workflowId: accountId(account),
    taskQueue: ORDERS_QUEUE,
    args: [account, standing],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    memo: { [STANDING_MEMO]: standing },
    staticSummary: `account ${account}`,
  } satisfies WorkflowStartOptions;
}

/** How the account stood when the engine last had it. */
export async function lastStanding(client: Client, account: string): Promise<Standing> {
  try {
    const { memo } = await client.workflow.getHandle(accountId(account)).describe();
    return (memo?.[STANDING_MEMO] as Standing | undefined) ?? NEW_STANDING;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return NEW_STANDING;
    throw error;
  }
}
