import { proxyActivities } from '@temporalio/workflow';

import type { Activities } from '../activities/contract.ts';
import { WATCH_OPTIONS } from './activity-options.ts';

const { watchAccount } = proxyActivities<Activities>(WATCH_OPTIONS);

/**
 * The account as one thing in the engine, whoever serves it: one worker at a time watches it. What it sees travels as
 * the activity's heartbeat, and when it dies another takes over, so that a year of watching is one event of history.
 */
export async function TradingAccount(account: string): Promise<void> {
  await watchAccount({ account });
}
