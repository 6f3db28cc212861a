import type { Client } from '@temporalio/client';

import type { Answer } from '../domain/answer.ts';
import type { SignedIntent } from '../domain/intent.ts';
import {
  ALERT_MEMO,
  ANSWER_MEMO,
  EXECUTE_ORDER,
  orderQuery,
  SEARCH_ATTRIBUTES,
  UPDATED_MEMO,
  type OrderView,
} from '../workflows/messages.ts';
import { readAnswer } from './await-answer.ts';
import type { Engine } from './engine.ts';
import { decodeFirst, timeOf, type HistoryEvent, type Payload } from './history.ts';
import { Refused } from './refused.ts';
import { tellStory, type StoryEvent } from './story.ts';

const PAGE_SIZE = 50;
const READ_DEADLINE_MS = 5_000;

export interface OrderFilter {
  readonly account?: string | undefined;
  readonly symbol?: string | undefined;
  readonly status?: string | undefined;
  readonly strategy?: string | undefined;
  /** ISO 8601: orders that began then or later. */
  readonly since?: string | undefined;
  /** Where the last page ended. */
  readonly cursor?: string | undefined;
}

export type ListedOrder = Answer & {
  readonly strategy: string;
  readonly created_at: string;
  readonly updated_at: string;
};

export interface OrderStory {
  readonly order: Answer;
  readonly alert: unknown;
  readonly intent: SignedIntent['intent'] | null;
  readonly events: readonly StoryEvent[];
  readonly workflow: { readonly id: string; readonly run_id: string; readonly status: string };
}

/** Orders as the engine remembers them: there is no other record that could disagree. */
export class OrderBook {
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Orders that fit, newest first. */
  async list(filter: OrderFilter): Promise<{ orders: ListedOrder[]; next: string | null }> {
    const { client } = this.#engine;
    const page = await this.#ask(() =>
      client.workflowService.listWorkflowExecutions({
        namespace: client.options.namespace,
        query: queryOf(filter),
        pageSize: PAGE_SIZE,
        ...(filter.cursor === undefined ? {} : { nextPageToken: Buffer.from(filter.cursor, 'base64url') }),
      }),
    );
    const found = await Promise.all((page.executions ?? []).map((execution) => this.#listed(client, execution)));
    const token = page.nextPageToken;
    const next = token?.length ? Buffer.from(token).toString('base64url') : null;
    return { orders: found.filter((order) => order !== undefined), next };
  }

  /** One order's whole story, in order. */
  async tell(workflowId: string): Promise<OrderStory> {
    const { client } = this.#engine;
    const { workflowExecutionInfo: info } = await this.#ask(() =>
      client.workflowService.describeWorkflowExecution({
        namespace: client.options.namespace,
        execution: { workflowId },
      }),
    );
    const runId = info?.execution?.runId ?? '';
    const events = await this.#history(workflowId, runId);
    const signed = await this.#signedIntent(events[0]);
    const read = async (event: HistoryEvent) =>
      signed && readAnswer(client, event, { workflowId, intent: signed.intent });
    const order = (await Promise.all(events.map(read))).findLast((answer) => answer !== undefined);
    const memo = info?.memo?.fields ?? {};
    return {
      order: order ?? (await this.#query(workflowId)),
      alert: memo[ALERT_MEMO] ? await decodeFirst(client, [memo[ALERT_MEMO]]) : null,
      intent: signed?.intent ?? null,
      events: await tellStory(client, events),
      workflow: { id: workflowId, run_id: runId, status: statusName(info?.status) },
    };
  }

  /** The order as its workflow sees it now. */
  async view(workflowId: string): Promise<OrderView> {
    return this.#ask(() => this.#engine.client.workflow.getHandle(workflowId).query(orderQuery));
  }

  /** How many orders of an account, begun before a moment, have an unknown outcome. */
  async countUnknown(account: string, before: string): Promise<number> {
    const { client } = this.#engine;
    const { count } = await this.#ask(() =>
      client.workflowService.countWorkflowExecutions({
        namespace: client.options.namespace,
        query: `${queryOf({ account, status: 'unknown' })} AND ExecutionStatus = 'Running' AND StartTime < ${quoted(before)}`,
      }),
    );
    return Number(count);
  }

  async #listed(client: Client, execution: Listing): Promise<ListedOrder | undefined> {
    const { workflowId, runId } = execution.execution ?? {};
    if (!workflowId || !runId) return undefined;
    // A run that was reset is history of the run after it: the order is listed once, as it is now.
    if (execution.closeTime && (await this.#latestRun(workflowId)) !== runId) return undefined;
    const order = await this.#answer(
      client,
      workflowId,
      runId,
      execution.memo?.fields?.[ANSWER_MEMO],
      execution.closeTime,
    );
    const strategy = execution.searchAttributes?.indexedFields?.[SEARCH_ATTRIBUTES.strategy.name];
    const created = iso(execution.startTime);
    const changed = execution.memo?.fields?.[UPDATED_MEMO];
    const updated = changed ? new Date(Number(await decodeFirst(client, [changed]))).toISOString() : created;
    return {
      ...order,
      strategy: strategy ? String(await decodeFirst(client, [strategy])) : '',
      created_at: created,
      updated_at: execution.closeTime ? iso(execution.closeTime) : updated,
    };
  }

  /** What an order's answer is now: its result when it is over, what it has published while it lives. */
  async #answer(
    client: Client,
    workflowId: string,
    runId: string,
    published: Payload | null | undefined,
    closeTime: unknown,
  ): Promise<Answer> {
    if (!closeTime && published) return (await decodeFirst(client, [published])) as Answer;
    if (!closeTime) return this.#query(workflowId);
    const events = await this.#history(workflowId, runId);
    const signed = await this.#signedIntent(events[0]);
    const last = events.at(-1);
    const answer = signed && last ? await readAnswer(client, last, { workflowId, intent: signed.intent }) : undefined;
    return answer ?? this.#query(workflowId);
  }

  async #query(workflowId: string): Promise<Answer> {
    return (await this.view(workflowId)).answer;
  }

  async #latestRun(workflowId: string): Promise<string | null | undefined> {
    const { client } = this.#engine;
    const { workflowExecutionInfo: info } = await this.#ask(() =>
      client.workflowService.describeWorkflowExecution({
        namespace: client.options.namespace,
        execution: { workflowId },
      }),
    );
    return info?.execution?.runId;
  }

  async #history(workflowId: string, runId: string): Promise<HistoryEvent[]> {
    const { client } = this.#engine;
    const events: HistoryEvent[] = [];
    let nextPageToken: Uint8Array | null | undefined;
    do {
      const token = nextPageToken;
      const page = await this.#ask(() =>
        client.workflowService.getWorkflowExecutionHistory({
          namespace: client.options.namespace,
          execution: { workflowId, runId },
          ...(token?.length ? { nextPageToken: token } : {}),
        }),
      );
      events.push(...(page.history?.events ?? []));
      nextPageToken = page.nextPageToken;
    } while (nextPageToken?.length);
    return events;
  }

  async #signedIntent(first: HistoryEvent | undefined): Promise<SignedIntent | undefined> {
    const input = first?.workflowExecutionStartedEventAttributes?.input?.payloads;
    const value = (await decodeFirst(this.#engine.client, input)) as Partial<SignedIntent> | undefined;
    return value?.intent === undefined || value.signature === undefined ? undefined : (value as SignedIntent);
  }

  async #ask<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await this.#engine.require(READ_DEADLINE_MS, {}, call);
    } catch (error) {
      if ((error as { code?: unknown }).code === 5) throw new Refused('NOT_FOUND', 'There is no order under this id.');
      throw error;
    }
  }
}

type Listing = NonNullable<
  NonNullable<Awaited<ReturnType<Client['workflowService']['listWorkflowExecutions']>>['executions']>[number]
>;

function queryOf({ account, symbol, status, strategy, since }: OrderFilter): string {
  const equal = (key: { name: string }, value: string | undefined): string[] =>
    value === undefined ? [] : [`${key.name} = ${quoted(value)}`];
  return [
    `WorkflowType = '${EXECUTE_ORDER}'`,
    `ExecutionStatus != 'ContinuedAsNew'`,
    ...equal(SEARCH_ATTRIBUTES.account, account),
    ...equal(SEARCH_ATTRIBUTES.symbol, symbol),
    ...equal(SEARCH_ATTRIBUTES.status, status),
    ...equal(SEARCH_ATTRIBUTES.strategy, strategy),
    ...(since === undefined ? [] : [`StartTime >= ${quoted(since)}`]),
  ].join(' AND ');
}

/** A value inside a list query; it is checked before (see the operator's routes), and quoted all the same. */
const quoted = (value: string): string => `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;

const iso = (time: Listing['startTime']): string => timeOf({ eventTime: time ?? null } as HistoryEvent);

const STATUS_NAMES = ['', 'running', 'completed', 'failed', 'canceled', 'terminated', 'continued_as_new', 'timed_out'];

const statusName = (status: number | null | undefined): string => STATUS_NAMES[status ?? 0] ?? 'running';
