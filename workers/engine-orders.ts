import { createHash } from 'node:crypto';

import { WorkflowNotFoundError, type WorkflowExecutionInfo } from '@temporalio/client';

import type { Comparing } from '../activities/desk.ts';
import type { Config } from '../config/config.ts';
import { BASE32, deploymentTag, entryIdOf } from '../domain/ids.ts';
import type { EngineOrder } from '../domain/reconciliation.ts';
import type { Engine } from '../ingress/engine.ts';
import type { Logger } from '../telemetry/log.ts';
import { EXECUTE_ORDER, SEARCH_ATTRIBUTES } from '../workflows/messages.ts';

const DEADLINE_MS = 10_000;
const IDS_AT_ONCE = 50;
const ASKED_AT_ONCE = 20;
/** What no list query has to be careful with; an id of another shape is none that the engine has given. */
const OUR_SHAPE = new RegExp(`^[${BASE32}]+$`);

/** The engine's side of comparing an account with its venue. */
export function comparingOf(engine: Engine, account: string, { settings }: Config, log: Logger): Comparing {
  return {
    tag: deploymentTag(settings.HOLDFAST_DEPLOYMENT, (text) => createHash('sha256').update(text).digest()),
    everyMs: settings.RECONCILE_INTERVAL * 1_000,
    ordersUnder: (ids, sure) => ordersUnder(engine, ids, sure),
    resting: () => restingOrders(engine, account),
    onChange: (change, { kind, order, symbol, detail }) => {
      const what = { account, kind, order, symbol, detail };
      if (change === 'new') log.warn(what, 'The engine and the venue differ.');
      else log.info(what, 'The engine and the venue differ in this no longer.');
    },
    onTrouble: (why) => log.warn({ account, error: why }, 'The account could not be compared with its venue.'),
  };
}

/**
 * The engine's orders under client order ids, a leg's being under its entry's; those that it does not know are not in it.
 * @param sure whether each is asked for where its history is: a cluster keeps its lists in a database of their own, which
 * may remember what was lost with the other
 */
export async function ordersUnder(
  engine: Engine,
  ids: readonly string[],
  sure: boolean,
): Promise<Map<string, EngineOrder>> {
  const known = new Map<string, EngineOrder>();
  const askable = [...new Set(ids.map(entryIdOf))].filter((id) => OUR_SHAPE.test(id));
  for (const some of inGroups(askable, IDS_AT_ONCE)) {
    const wanted = some.map((id) => `'${id}'`).join(', ');
    for (const order of await list(engine, `${SEARCH_ATTRIBUTES.clientOrderId.name} IN (${wanted})`)) {
      const other = known.get(order.clientOrderId);
      if (other === undefined || tellsMore(order, other)) known.set(order.clientOrderId, order);
    }
  }
  if (!sure) return known;
  for (const some of inGroups([...known.values()], ASKED_AT_ONCE)) {
    await Promise.all(
      some.map(async ({ clientOrderId, workflowId }) => {
        if (!(await isThere(engine, workflowId))) known.delete(clientOrderId);
      }),
    );
  }
  return known;
}

function restingOrders(engine: Engine, account: string): Promise<EngineOrder[]> {
  const { account: ofAccount, status } = SEARCH_ATTRIBUTES;
  const isResting = `ExecutionStatus = 'Running' AND ${status.name} IN ('working', 'partially_filled')`;
  return list(engine, `${ofAccount.name} = '${account}' AND ${isResting}`);
}

function list(engine: Engine, which: string): Promise<EngineOrder[]> {
  const query = `WorkflowType = '${EXECUTE_ORDER}' AND ExecutionStatus != 'ContinuedAsNew' AND ${which}`;
  return engine.within(DEADLINE_MS, async () => {
    const orders: EngineOrder[] = [];
    for await (const run of engine.client.workflow.list({ query })) orders.push(orderOf(run));
    return orders;
  });
}

function orderOf({ workflowId, status, typedSearchAttributes }: WorkflowExecutionInfo): EngineOrder {
  return {
    clientOrderId: typedSearchAttributes.get(SEARCH_ATTRIBUTES.clientOrderId) ?? '',
    workflowId,
    symbol: typedSearchAttributes.get(SEARCH_ATTRIBUTES.symbol) ?? '',
    status: typedSearchAttributes.get(SEARCH_ATTRIBUTES.status) ?? 'pending',
    isRunning: status.name === 'RUNNING',
  };
}

/** After a reset an order has several runs: the one that goes on counts, else one that came to its end. */
function tellsMore(one: EngineOrder, other: EngineOrder): boolean {
  const rank = ({ isRunning, status }: EngineOrder): number =>
    isRunning ? 2 : Number(['filled', 'canceled', 'closed'].includes(status));
  return rank(one) > rank(other);
}

async function isThere(engine: Engine, workflowId: string): Promise<boolean> {
  try {
    await engine.within(DEADLINE_MS, () => engine.client.workflow.getHandle(workflowId).describe());
    return true;
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return false;
    throw error;
  }
}

function inGroups<T>(all: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(all.length / size) }, (_, index) =>
    all.slice(index * size, (index + 1) * size),
  );
}
