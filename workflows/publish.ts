import { proxySinks, setCurrentDetails, upsertMemo, upsertSearchAttributes } from '@temporalio/workflow';

import type { Answer } from '../domain/answer.ts';
import type { Intent } from '../domain/intent.ts';
import { inWords } from '../domain/in-words.ts';
import type { OrderState } from '../domain/order-state.ts';
import { ANSWER_MEMO, SEARCH_ATTRIBUTES, UPDATED_MEMO, type OrderSinks } from './messages.ts';

const { orders } = proxySinks<OrderSinks>();

/** A change of an order: what it was, what it is, and what its sender is told. */
export interface Change {
  readonly intent: Intent;
  readonly before: OrderState;
  readonly now: OrderState;
  readonly answer: Answer;
  /** Whether the workflow ends with it: then its result is the answer. */
  readonly isLast: boolean;
}

/** Makes a change seen in the list of orders, in the Web UI and by the process that runs it, within the same step. */
export function publish({ intent, before, now, answer, isLast }: Change): void {
  const isOfOrder = now.status !== before.status || now.filledQuantity !== before.filledQuantity;
  const isNewReason = now.reason?.code !== before.reason?.code;
  if (!isOfOrder && now.exits === before.exits && now.wayOut === before.wayOut) return;
  orders.changed(answer);
  // What is found by its value changes with the order; each step of its legs would tell the same once more.
  if (isOfOrder || isNewReason) {
    upsertSearchAttributes([
      { key: SEARCH_ATTRIBUTES.status, value: now.status },
      ...(now.wayOut === undefined ? [] : [{ key: SEARCH_ATTRIBUTES.side, value: now.wayOut.side }]),
      ...(now.reason === null ? [] : [{ key: SEARCH_ATTRIBUTES.reason, value: now.reason.code }]),
    ]);
  }
  setCurrentDetails(inWords(intent, now));
  // Until then the memo holds the answer, which a list returns at once.
  if (!isLast) upsertMemo({ [ANSWER_MEMO]: answer, [UPDATED_MEMO]: Date.now() });
}
