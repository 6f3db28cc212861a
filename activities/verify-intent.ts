import { activityInfo } from '@temporalio/activity';
import type { ActivityExecuteInput, ActivityInboundCallsInterceptor, Next } from '@temporalio/worker';

import { isWithin } from '../domain/leg.ts';
import type { CheckRequest, OfOrder } from './contract.ts';
import { isAfterReset } from './look-first.ts';
import { notProven, type VerifyKeys } from './verify-keys.ts';

/** They belong to no order, and send nothing. */
const OF_ACCOUNTS = ['watchAccount', 'verifyResume'];

/**
 * Stands before every activity: an order that ingress did not sign, or that is copied into another workflow, gets no
 * further than this, whoever can write to the engine.
 */
export class VerifyIntent implements ActivityInboundCallsInterceptor {
  readonly #keys: VerifyKeys;

  constructor(keys: VerifyKeys) {
    this.#keys = keys;
  }

  execute(input: ActivityExecuteInput, next: Next<ActivityInboundCallsInterceptor, 'execute'>): Promise<unknown> {
    const { inWorkflow, workflowExecution, workflowType, activityType } = activityInfo();
    if (OF_ACCOUNTS.includes(activityType)) return next(input);
    const signed = (input.args[0] as Partial<OfOrder> | undefined)?.signed;
    if (typeof signed?.intent !== 'object' || typeof signed.signature?.value !== 'string') {
      throw notProven('The activity was started without a signed order.');
    }
    if (!inWorkflow || workflowType !== 'ExecuteOrder') throw notProven('The activity was started outside an order.');
    const request = input.args[0] as Partial<CheckRequest>;
    const { leg } = request;
    // An order on the other side than the one that was signed can only take out what that one may have brought in.
    if (leg !== undefined && !isWithin(signed.intent, leg)) throw notProven('The leg is not within its order.');
    this.#keys.requireIntent(signed, workflowExecution?.workflowId ?? '', isAfterReset(request));
    return next(input);
  }
}
