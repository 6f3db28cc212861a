import { activityInfo } from '@temporalio/activity';

import type { CommandRequest } from './contract.ts';
import type { Desk } from './desk.ts';

/** Throws unless the command is signed, and is about this order. */
export async function verifyCommand(desk: Desk, { command }: CommandRequest): Promise<void> {
  desk.keys.requireCommand(command, activityInfo().workflowExecution!.workflowId);
}
