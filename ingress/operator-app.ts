import { createHash, timingSafeEqual } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { WorkflowNotFoundError, WorkflowUpdateFailedError } from '@temporalio/client';
import type { PayloadCodec } from '@temporalio/common';
import { fastify, type FastifyInstance, type FastifyRequest } from 'fastify';

import type { Config } from '../config/config.ts';
import type { Answer } from '../domain/answer.ts';
import type { Command } from '../domain/command.ts';
import { parseIsoTime } from '../domain/iso-time.ts';
import type { Logger } from '../telemetry/log.ts';
import { METRICS_CONTENT_TYPE, metrics, metricsText } from '../telemetry/metrics.ts';
import { ASK_AGAIN } from '../workflows/messages.ts';
import { countDifferences, readAccounts } from './account-book.ts';
import { serveCodec } from './codec-endpoint.ts';
import type { Engine } from './engine.ts';
import { explain } from './explain.ts';
import { clientErrorHandler, CONTENT_TYPES, frameworkErrors, handleFaults } from './fault-replies.ts';
import { signCommand, type SigningKey } from './form-intent.ts';
import { Halts, readHaltWish, readResumeWish } from './halts.ts';
import type { Links } from './links.ts';
import { serveDocument } from './openapi.ts';
import { OrderBook, type OrderFilter } from './order-book.ts';
import { readVerdict } from './read-verdict.ts';
import { Refused } from './refused.ts';

/** How long an answer waits for an order to be canceled. */
const CANCEL_BUDGET_MS = 10_000;
const ASK_AGAIN_MS = 100;

export interface OperatorDeps {
  readonly config: Config;
  readonly engine: Engine;
  readonly signingKey: SigningKey;
  readonly links: Links;
  readonly log: Logger;
  /** Where the engine's library serves its own metrics; they join ours on one page. */
  readonly libraryMetricsUrl: string;
  readonly version: string;
  /** Reads what the engine stores, where that is encrypted. */
  readonly codec: PayloadCodec | undefined;
  /** From where the Temporal Web UI asks to have it read. */
  readonly uiOrigin: string | null;
}

const FILTERS: Readonly<Record<keyof OrderFilter, RegExp>> = {
  account: /^[a-z0-9_-]{1,32}$/,
  symbol: /^[\x21-\x7e]{1,64}$/,
  status: /^[a-z_]{1,32}$/,
  strategy: /^[a-z0-9_-]{1,32}$/,
  since: /^[^]{1,40}$/,
  cursor: /^[A-Za-z0-9_-]{1,4096}$/,
};

/** The operator's listener: what happened, and what a person may do about it. Never exposed with the public one. */
export function buildOperatorApp(deps: OperatorDeps): FastifyInstance {
  const { config, engine, links } = deps;
  const orders = new OrderBook(engine);
  const halts = new Halts(engine, config, deps.signingKey);
  const app = fastify({
    logger: false,
    frameworkErrors,
    clientErrorHandler,
    requestTimeout: 10_000,
    forceCloseConnections: true,
  });
  handleFaults(app, deps.log);
  const token = config.settings.OPERATOR_TOKEN;
  if (token !== undefined)
    app.addHook('onRequest', async (request) => requireToken(token, request.headers.authorization));

  app.addHook('onRequest', async (request) => requireOwnPage(request, deps.uiOrigin));
  serveDocument(app, deps.version);
  if (deps.codec !== undefined) serveCodec(app, deps.codec, deps.uiOrigin);
  app.get('/orders', async (request) => {
    const page = await orders.list(readFilter(request.query as Record<string, unknown>));
    return { orders: page.orders.map((order) => links.onto(order)), next: page.next };
  });
  app.get<{ Params: { id: string } }>('/orders/:id', async (request) => {
    const story = await orders.tell(request.params.id);
    return { ...story, order: links.onto(story.order) };
  });
  app.post<{ Params: { id: string } }>('/orders/:id/cancel', async (request) => {
    const workflowId = request.params.id;
    const canceled = await command(deps, { kind: 'cancel', workflowId, at: Date.now() });
    if (canceled !== undefined) return links.onto(canceled);
    // An order that is over has nothing to cancel; how it ended is the answer. One that has only begun meanwhile has.
    const { order, workflow } = await orders.tell(workflowId);
    if (workflow.status !== 'running') return links.onto(order);
    return links.onto((await command(deps, { kind: 'cancel', workflowId, at: Date.now() })) ?? order);
  });
  app.post<{ Params: { id: string } }>('/orders/:id/resolve', async (request) => {
    const workflowId = request.params.id;
    const { verdict, note } = readVerdict(request.body);
    const { lostAt } = await orders.view(workflowId);
    if (lostAt === null)
      throw new Refused('BAD_REQUEST', 'The outcome of this order is not unknown; there is nothing to resolve.');
    const resolved = await command(deps, { kind: 'resolve', workflowId, at: Date.now(), lostAt, verdict, note });
    return links.onto(resolved ?? (await orders.tell(workflowId)).order);
  });
  app.get('/accounts', async () => ({ accounts: await readAccounts(engine, config, halts) }));
  app.get('/halt', async () => ({ halts: await halts.list() }));
  app.post('/halt', async (request) => ({ halts: await halts.halt(readHaltWish(request.body)) }));
  app.post('/resume', async (request) => ({ halts: await halts.resume(readResumeWish(request.body)) }));
  // The alert is read as the webhook reads it, down to the last digit.
  void app.register(async (scope) => {
    scope.removeAllContentTypeParsers();
    scope.addContentTypeParser(CONTENT_TYPES, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    scope.post<{ Querystring: { strategy?: string }; Body: Buffer }>('/explain', async (request) => {
      const strategy = request.query.strategy ?? Object.keys(config.strategies)[0]!;
      return explain(request.body ?? Buffer.alloc(0), { strategy, config, signingKey: deps.signingKey });
    });
  });
  app.get('/metrics', async (_request, reply) => {
    await countUnresolved(orders, Object.keys(config.accounts));
    await countDifferences(engine, config);
    const [ours, library] = await Promise.all([metricsText(), readLibraryMetrics(deps.libraryMetricsUrl)]);
    return reply.type(METRICS_CONTENT_TYPE).send(`${ours}\n${library}`);
  });
  return app;
}

/** Signs a person's command, and waits for the order's answer to it; undefined when the order is over. */
async function command(
  deps: OperatorDeps,
  wanted: Command,
  until = performance.now() + CANCEL_BUDGET_MS,
): Promise<Answer | undefined> {
  const { engine, signingKey } = deps;
  const signed = signCommand(wanted, signingKey);
  try {
    const handle = engine.client.workflow.getHandle(wanted.workflowId);
    return await engine.require(
      CANCEL_BUDGET_MS,
      {},
      () => handle.executeUpdate<Answer, [typeof signed]>(wanted.kind, { args: [signed] }),
      'The command has no answer yet. If it was taken on it will be carried out; look at the order.',
    );
  } catch (error) {
    if (isNotNow(error) && performance.now() < until) {
      await sleep(ASK_AGAIN_MS);
      return command(deps, wanted, until);
    }
    if (error instanceof WorkflowNotFoundError) return undefined;
    if (!(error instanceof WorkflowUpdateFailedError)) throw error;
    if (isNotNow(error)) throw new Refused('UNAVAILABLE', error.cause?.message ?? 'Not at this moment.');
    throw new Refused('BAD_REQUEST', error.cause?.message ?? 'The order refused the command.');
  }
}

/** Whether an order refuses a command for this moment only. */
const isNotNow = (error: unknown): boolean =>
  error instanceof WorkflowUpdateFailedError && (error.cause as { type?: unknown } | undefined)?.type === ASK_AGAIN;

/**
 * A page from anywhere can have a browser on this machine post here without asking first. What is not sent by a page is
 * not held up, and the engine's own page may have its payloads decrypted.
 */
function requireOwnPage({ method, headers }: FastifyRequest, uiOrigin: string | null): void {
  if (method === 'GET' || method === 'HEAD' || method === 'OPTIONS') return;
  const { origin } = headers;
  if (origin === undefined || origin === uiOrigin || origin === `http://${headers.host}`) return;
  throw new Refused('CROSS_SITE', 'A page of another origin may not command this listener.');
}

function readFilter(query: Record<string, unknown>): OrderFilter {
  for (const [name, value] of Object.entries(query)) {
    const shape = Object.hasOwn(FILTERS, name) ? FILTERS[name as keyof OrderFilter] : undefined;
    if (shape === undefined) {
      throw new Refused(
        'BAD_REQUEST',
        `Unknown parameter "${name.slice(0, 40)}"; use ${Object.keys(FILTERS).join(', ')}.`,
      );
    }
    if (typeof value !== 'string' || !shape.test(value)) {
      throw new Refused('BAD_REQUEST', `The parameter "${name}" cannot be used as it is.`);
    }
  }
  const filter = query as OrderFilter;
  if (filter.since === undefined) return filter;
  const since = parseIsoTime(filter.since);
  if (since === undefined)
    throw new Refused('BAD_REQUEST', 'Write "since" as a time with its zone: 2026-11-24T09:00:00Z.');
  return { ...filter, since: new Date(since).toISOString() };
}

/** Compares digests: they have one length, and differ from each other in no telling way. */
function requireToken(token: string, authorization: string | undefined): void {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  if (timingSafeEqual(digest(`Bearer ${token}`), digest(authorization ?? ''))) return;
  throw new Refused('NOT_AUTHORIZED', 'Send the operator token: "authorization: Bearer …".');
}

/** How long an unknown outcome may take to clear up by itself before somebody should look. */
const UNRESOLVED_AFTER_MS = 60_000;

async function countUnresolved(orders: OrderBook, accounts: readonly string[]): Promise<void> {
  const before = new Date(Date.now() - UNRESOLVED_AFTER_MS).toISOString();
  for (const account of accounts) {
    // An engine that cannot be asked leaves the last count; that it is gone shows elsewhere on the page.
    const count = await orders.countUnknown(account, before).catch(() => undefined);
    if (count !== undefined) metrics.unresolvedOrders.set({ account }, count);
  }
}

/** The page is worth having without the library's part, so its absence fails nothing. */
async function readLibraryMetrics(url: string): Promise<string> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(1_000) });
    return await response.text();
  } catch {
    return '';
  }
}
