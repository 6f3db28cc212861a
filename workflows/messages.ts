import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import { defineQuery, defineSignal, defineUpdate, type Sinks } from '@temporalio/workflow';

import type { Admission, AdmissionRequest } from '../domain/admission.ts';
import type { MakeWay, Taken } from '../activities/contract.ts';
import type { Answer } from '../domain/answer.ts';
import type { SignedCommand } from '../domain/command.ts';
import type { ExitRequest } from '../domain/exit-plan.ts';
import type { SignedIntent } from '../domain/intent.ts';
import type { OrderState } from '../domain/order-state.ts';
import type { HaltRequest, Standing } from '../domain/standing.ts';
import type { OrderNews, Tally } from '../domain/tally.ts';

/** The workflow type, one execution per alert. */
export const EXECUTE_ORDER = 'ExecuteOrder';

/** The type of the one execution per account. */
export const TRADING_ACCOUNT = 'TradingAccount';

/** The type whose executions only mark that a window of equal alerts is open; it has no code, and ends by its run time-out. */
export const DUPLICATE_WINDOW = 'DuplicateWindow';

export type ExecuteOrder = (signed: SignedIntent, carried?: Carried) => Promise<Answer>;

/** What an order takes along when its history is cut (continue-as-new). */
export interface Carried {
  readonly state: OrderState;
}

/** An order as it stands: what `GET /orders/:id` shows while it lives. */
export interface OrderView {
  readonly answer: Answer;
  /** The loss that a `resolve` would settle, in milliseconds since 1970; null unless the outcome is unknown. */
  readonly lostAt: number | null;
}

export interface AdmissionBatch {
  readonly news: readonly OrderNews[];
  readonly requests: readonly (AdmissionRequest | ExitRequest)[];
}

export interface Admissions {
  /** In the order of the requests. */
  readonly admissions: readonly Admission[];
  readonly standing: Standing;
}

/** What an order tells the process that runs it, beside its history; it is lost when that process dies. */
export interface OrderSinks extends Sinks {
  readonly orders: { changed(answer: Answer): void };
}

/** The type of a refusal that means: not at this moment. */
export const ASK_AGAIN = 'AskAgain';

export const orderQuery = defineQuery<OrderView>('order');
export const cancelUpdate = defineUpdate<Answer, [SignedCommand]>('cancel');
export const resolveUpdate = defineUpdate<Answer, [SignedCommand]>('resolve');

/** From an exit to an order whose position it takes out, or that it cancels. */
export const makeWayUpdate = defineUpdate<Taken, [MakeWay]>('makeWay');

/** To an account's execution. A halt is a signal: it is kept also while no worker is there. */
export const haltSignal = defineSignal<[HaltRequest]>('halt');
export const resumeUpdate = defineUpdate<Standing, [SignedCommand]>('resume');
/** Asks for an epoch above the one that is given, and returns it. */
export const advanceUpdate = defineUpdate<number, [number]>('advance');
/** Asks for several orders at once, and tells first what became of others. */
export const admitUpdate = defineUpdate<Admissions, [AdmissionBatch]>('admit');
export const tallyQuery = defineQuery<Tally>('tally');
/** The member of the memo in which an account publishes how it stands. */
export const STANDING_MEMO = 'standing';

/** The member of the memo in which an order that is not final publishes its answer. */
export const ANSWER_MEMO = 'answer';
/** The member beside it: when that was, in milliseconds since 1970. */
export const UPDATED_MEMO = 'updatedAt';
/** Members of the memo given at the start: what makes two deliveries the same alert, and the alert without its secret. */
export const DIGEST_MEMO = 'digest';
export const ALERT_MEMO = 'alert';

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);

export const SEARCH_ATTRIBUTES = {
  account: keyword('OrderAccount'),
  symbol: keyword('OrderSymbol'),
  side: keyword('OrderSide'),
  status: keyword('OrderStatus'),
  strategy: keyword('OrderStrategy'),
  clientOrderId: keyword('OrderClientId'),
  reason: keyword('OrderReason'),
};
