import { activityInfo } from '@temporalio/activity';

import type { ResumeRequest } from './contract.ts';
import type { Desk } from './desk.ts';

/** Throws unless the command is signed, and is about this account. */
export async function verifyResume(desk: Desk, { command }: ResumeRequest): Promise<void> {
  desk.keys.requireCommand(command, activityInfo().workflowExecution!.workflowId);
}
