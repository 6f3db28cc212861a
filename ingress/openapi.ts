import swagger from '@fastify/swagger';
import swaggerUi from '@fastify/swagger-ui';
import type { FastifyInstance } from 'fastify';
import { z } from 'zod';

import { DIFFERENCE_KINDS } from '../domain/reconciliation.ts';

const decimal = z.string().describe('a decimal number, exact');
const reason = z
  .object({ code: z.string(), message: z.string(), fix: z.string().nullable() })
  .describe('why the order did not become what was asked for');

const answer = z.object({
  success: z.boolean(),
  order_id: z.string().nullable().describe("the venue's id; null where there is none"),
  error: z.string().nullable(),
  status: z.enum([
    ...(['pending', 'unknown', 'working', 'partially_filled', 'filled', 'canceled', 'rejected'] as const),
    ...(['denied', 'expired', 'failed', 'dry_run', 'closed', 'noop'] as const),
  ]),
  workflow_id: z.string(),
  client_order_id: z.string(),
  duplicate: z.boolean(),
  account: z.string(),
  symbol: z.string(),
  side: z
    .enum(['buy', 'sell'])
    .nullable()
    .describe('null of an exit until it is known which side takes the position out'),
  order_type: z.enum(['market', 'limit', 'stop', 'stop_limit']),
  quantity: decimal.nullable().describe('null of an exit until it is known what there is to take out'),
  filled_quantity: decimal,
  average_price: decimal.nullable(),
  fee_quantity: decimal
    .describe('what the venue has kept of filled_quantity, as a fee in the asset that was bought')
    .optional(),
  reason: reason.nullable(),
  inferred: z.array(z.string()).describe('what was concluded that the alert did not say'),
  ignored: z.array(z.string()).describe('keys that mean nothing here'),
  protection: z
    .object({
      guarded_quantity: decimal.describe('for how much of it a stop or a target waits at the venue'),
      exited_quantity: decimal.describe('how much of it is out again'),
      exit_average_price: decimal.nullable(),
    })
    .describe('of an order with stop_loss or take_profit, once something of it is filled')
    .optional(),
  exit: z
    .object({
      action: z.enum(['close', 'flatten', 'reverse']),
      own_quantity: decimal.describe('what its own order has traded; filled_quantity has what the others have as well'),
      own_average_price: decimal.nullable(),
      opened_quantity: decimal.describe('of that, what a reverse has opened on the other side'),
      by_orders: z
        .array(z.object({ workflow_id: z.string(), quantity: decimal, average_price: decimal.nullable() }))
        .describe('the orders that had protected what came out, and took it out themselves'),
    })
    .describe('of close, flatten and reverse')
    .optional(),
  links: z.object({ order: z.string(), history: z.string().nullable() }),
});

const number = z.union([z.number(), z.string()]).describe('a number, or a text that is one; kept to the last digit');
const level = z
  .union([number, z.object({ price: number }), z.object({ percent: number })])
  .describe('a price, or "2%" or {"percent": 2}: a distance from the average price of the fills');
const stop = z
  .union([
    level,
    z.object({ price: number, breakeven_after: level }),
    z.object({ percent: number, breakeven_after: level }),
    z.object({ trail_percent: number }),
    z.object({ trail_amount: number }),
  ])
  .describe(
    "a level, which moves to the entry's price after another; or a distance behind the market, which it follows",
  );
const target = z.union([
  z.object({ price: number, quantity_percent: number }),
  z.object({ percent: number, quantity_percent: number }),
]);
const alert = z.object({
  symbol: z.string(),
  action: z.enum(['buy', 'sell', 'close', 'flatten', 'reverse']),
  quantity: number.describe('of close: all of it where it is not there; not of flatten').optional(),
  order_type: z.enum(['market', 'limit', 'stop', 'stop_limit']).optional(),
  price: number.optional(),
  limit_price: number.optional(),
  stop_price: number.optional(),
  time_in_force: z.enum(['gtc', 'ioc', 'fok']).optional(),
  stop_loss: stop.optional(),
  take_profit: z
    .union([level, z.array(target).min(1).max(5)])
    .describe('a level, or up to five with the shares of the position that they take out, 100 % together')
    .optional(),
  confidence: number.optional(),
  account: z.string().optional(),
  id: z.string().optional(),
  time: z.string().describe('ISO 8601 with a zone').optional(),
  secret: z.string().optional(),
});
const haltAlert = z
  .object({
    action: z.literal('halt'),
    account: z.string().describe("all of the strategy's accounts where none is named").optional(),
    reason: z.string().optional(),
    secret: z.string().optional(),
  })
  .describe('of a strategy with may_halt only');
const haltAnswer = z.object({
  success: z.literal(true),
  order_id: z.null(),
  error: z.null(),
  status: z.enum(['halted', 'pending']),
  accounts: z.array(z.string()),
  scope: z.literal('entries'),
  reason: reason.nullable(),
  ignored: z.array(z.string()),
});

const problem = z
  .object({
    success: z.literal(false),
    order_id: z.null(),
    error: z.string(),
    type: z.string(),
    title: z.string(),
    status: z.int().describe('the HTTP status'),
    detail: z.string(),
    instance: z.string(),
    code: z.string(),
    field: z.string().optional(),
    issues: z.array(z.object({ path: z.string(), code: z.string(), message: z.string() })).optional(),
    workflow_id: z.string().optional(),
  })
  .describe('RFC 9457');

const listed = answer.extend({ strategy: z.string(), created_at: z.string(), updated_at: z.string() });
const story = z.object({
  order: answer,
  alert: z.unknown().describe('the alert as it was sent, without its secret'),
  intent: z.unknown().describe('what was understood, and signed'),
  events: z.array(z.object({ at: z.string(), kind: z.string(), detail: z.unknown() })),
  workflow: z.object({ id: z.string(), run_id: z.string(), status: z.string() }),
});
const halt = z.object({
  scope: z.enum(['entries', 'all']),
  code: z.enum(['HALTED', 'ENGINE_RESTORED']),
  since: z.string(),
  reason: z.string(),
});
const account = z.object({
  name: z.string(),
  venue: z.string(),
  mode: z.string().describe('live, sandbox, demo, dry_run or paper'),
  health: z.enum(['ok', 'unreachable', 'unserved']).describe('unserved: no worker has shown itself lately'),
  problem: z.string().nullable(),
  breaker: z.enum(['closed', 'half_open', 'open']).nullable(),
  balances: z.record(z.string(), decimal).nullable().describe('what it holds in all, by asset'),
  positions: z
    .record(z.string(), z.object({ quantity: decimal, average_price: decimal }))
    .nullable()
    .describe('what its own orders have come to, by symbol, where limits count them'),
  halts: z.array(halt),
  differences: z
    .array(
      z.object({
        kind: z.enum(DIFFERENCE_KINDS),
        order: z.string().describe("the client order id; the venue's own id where the order is not ours"),
        symbol: z.string(),
        detail: z.string(),
      }),
    )
    .describe('what the engine and the venue hold differently, found twice; the first twenty'),
  difference_count: z.int().describe('how many there are in all'),
  reconciled_at: z.string().nullable().describe('when the two were last compared'),
  seen_at: z.string().nullable().describe('when a worker last told'),
});
const verdict = z.object({
  outcome: z.enum(['absent', 'rejected', 'filled', 'canceled']),
  venue_order_id: z.string().optional(),
  filled_quantity: decimal.optional(),
  average_price: decimal.optional(),
  note: z.string().describe('how it was found out'),
});

const schema = (type: z.ZodType): object => {
  const { $schema: _dialect, ...json } = z.toJSONSchema(type, { target: 'draft-2020-12' });
  return json;
};
const ref = (name: string): object => ({ $ref: `#/components/schemas/${name}` });
const either = (...names: string[]): object => ({ schema: { anyOf: names.map(ref) } });
const json = (name: string): object => ({ content: { 'application/json': { schema: ref(name) } } });
const ok = (description: string, name: string): object => ({ 200: { description, ...json(name) } });
const refusals = {
  default: { description: 'refused', content: { 'application/problem+json': { schema: ref('Problem') } } },
};
const orderId = { name: 'workflowId', in: 'path', required: true, schema: { type: 'string' } };
const filters = ['account', 'symbol', 'status', 'strategy', 'since', 'cursor'].map((name) => ({
  name,
  in: 'query',
  required: false,
  schema: { type: 'string' },
}));
const webhook = {
  post: {
    summary: 'Send an alert',
    requestBody: { required: true, content: { 'application/json': either('Alert', 'HaltAlert'), 'text/plain': {} } },
    responses: {
      200: { description: 'the outcome is known', content: { 'application/json': either('Answer', 'HaltAnswer') } },
      202: {
        description: 'it is under way (pending), or its fate is being asked for (unknown)',
        content: { 'application/json': either('Answer', 'HaltAnswer') },
      },
      ...refusals,
    },
  },
};

/** Serves the document at `/openapi.json`, and its pages at `/docs`. */
export function serveDocument(app: FastifyInstance, version: string): void {
  const document = openApiDocument(version);
  // The plugin serves version 3.1 as it is; its types stop at 3.0.
  void app.register(swagger, { mode: 'static', specification: { document: document as never } });
  void app.register(swaggerUi, { routePrefix: '/docs' });
  app.get('/openapi.json', async () => document);
}

/** Both listeners in OpenAPI 3.1; a copy is kept in `docs/openapi.json`. */
export function openApiDocument(version: string): object {
  return {
    openapi: '3.1.0',
    info: { title: 'Holdfast', version, license: { name: 'Apache-2.0', identifier: 'Apache-2.0' } },
    servers: [
      { url: 'http://127.0.0.1:4700', description: 'the public listener: webhooks, health' },
      { url: 'http://127.0.0.1:4701', description: "the operator's listener: everything else" },
    ],
    paths: {
      '/webhook/tradingview': webhook,
      '/webhook/tradingview/{token}': {
        ...webhook,
        parameters: [{ name: 'token', in: 'path', required: true, schema: { type: 'string' } }],
      },
      '/health': { get: { summary: 'Whether the process lives', responses: { 200: { description: 'it does' } } } },
      '/ready': {
        get: {
          summary: 'Whether it can take alerts',
          responses: { 200: { description: 'it can' }, 503: { description: 'it cannot; the body says which part' } },
        },
      },
      '/orders': {
        get: {
          summary: 'Orders, newest first',
          parameters: filters,
          responses: { ...ok('a page', 'Orders'), ...refusals },
        },
      },
      '/orders/{workflowId}': {
        get: {
          summary: 'The whole story of an order',
          parameters: [orderId],
          responses: { ...ok('it', 'Story'), ...refusals },
        },
      },
      '/orders/{workflowId}/cancel': {
        post: {
          summary: 'Cancel an order',
          parameters: [orderId],
          responses: { ...ok('how it ended', 'Answer'), ...refusals },
        },
      },
      '/orders/{workflowId}/resolve': {
        post: {
          summary: 'Say what became of an order whose venue cannot tell; sends nothing',
          parameters: [orderId],
          requestBody: { required: true, ...json('Verdict') },
          responses: { ...ok('how it ended', 'Answer'), ...refusals },
        },
      },
      '/accounts': {
        get: {
          summary: 'How each account stands, as the workers see it',
          responses: { ...ok('all of them', 'Accounts'), ...refusals },
        },
      },
      '/halt': {
        get: { summary: 'What is halted', responses: { ...ok('all halts', 'Halts'), ...refusals } },
        post: {
          summary: 'Halt an account, or all; in force within a second everywhere',
          requestBody: { required: false, ...json('HaltWish') },
          responses: { ...ok('all halts', 'Halts'), ...refusals },
        },
      },
      '/resume': {
        post: {
          summary: 'Lift the halts of an account, or of all',
          requestBody: { required: false, ...json('ResumeWish') },
          responses: { ...ok('the halts that are left', 'Halts'), ...refusals },
        },
      },
      '/explain': {
        post: {
          summary: 'What an alert would do; sends nothing',
          parameters: [{ name: 'strategy', in: 'query', required: false, schema: { type: 'string' } }],
          requestBody: { required: true, ...json('Alert') },
          responses: { 200: { description: 'what was understood' }, ...refusals },
        },
      },
      '/metrics': { get: { summary: 'Prometheus text', responses: { 200: { description: 'the metrics' } } } },
      '/openapi.json': { get: { summary: 'This document', responses: { 200: { description: 'it' } } } },
    },
    components: {
      schemas: {
        Alert: schema(alert),
        HaltAlert: schema(haltAlert),
        HaltAnswer: schema(haltAnswer),
        Answer: schema(answer),
        Problem: schema(problem),
        Orders: schema(z.object({ orders: z.array(listed), next: z.string().nullable() })),
        Story: schema(story),
        Halts: schema(z.object({ halts: z.array(halt.extend({ account: z.string() })) })),
        HaltWish: schema(
          z.object({
            account: z.string().optional(),
            scope: z.enum(['entries', 'all']).optional(),
            reason: z.string().optional(),
          }),
        ),
        ResumeWish: schema(z.object({ account: z.string().optional(), restored: z.boolean().optional() })),
        Accounts: schema(z.object({ accounts: z.array(account) })),
        Verdict: schema(verdict),
      },
    },
  };
}
