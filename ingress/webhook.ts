import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Config } from '../config/config.ts';
import { parseAlert, type Refusal } from '../domain/alert.ts';
import { isSettled } from '../domain/answer.ts';
import { isLoopback } from '../domain/loopback.ts';
import { isJsonObject, toPlainJson, type ExactJson } from '../domain/json-number.ts';
import type { Logger } from '../telemetry/log.ts';
import { metrics } from '../telemetry/metrics.ts';
import { awaitAnswer } from './await-answer.ts';
import type { Engine } from './engine.ts';
import { formIntent, type SigningKey } from './form-intent.ts';
import type { Links, Linked } from './links.ts';
import { Prover, unproven, type Evidence, type Standing } from './prove.ts';
import { readJson } from './read-json.ts';
import { Refused } from './refused.ts';
import { openWindow, startOrder } from './start-order.ts';

/** Every answer is out by 2.5 s: TradingView hangs up after three. What is left is for writing the answer. */
const START_DEADLINE_MS = 2_300;

/** Headers by which a proxy speaks for somebody else. */
const FORWARDING_HEADERS = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'x-forwarded-host', 'x-forwarded-proto'];

export interface WebhookDeps {
  readonly config: Config;
  readonly engine: Engine;
  readonly signingKey: SigningKey;
  readonly links: Links;
  readonly log: Logger;
}

export type WebhookHandler = (request: FastifyRequest, reply: FastifyReply) => Promise<unknown>;

/** `POST /webhook/tradingview`: proves the sender, understands the alert, starts the order, and answers. */
export function webhookHandler(deps: WebhookDeps): WebhookHandler {
  const prover = new Prover(deps.config.strategies);
  return async (request, reply) => {
    const begun = performance.now();
    const receivedAt = Date.now();
    let strategy = '';
    try {
      const body = request.body instanceof Buffer ? request.body : Buffer.alloc(0);
      const standing = prover.judge(evidenceOf(request), body);
      if (standing.candidates.length === 1) strategy = standing.candidates[0]!;
      const json = readBody(body, standing);
      strategy = prover.settle(standing, secretOf(json));
      const { answer, duplicate } = await handle(deps, { json, strategy, receivedAt, begun });
      metrics.alerts.inc({ strategy, result: answer.status });
      const { workflow_id, account, symbol, status } = answer;
      deps.log.info({ workflow_id, account, symbol, status, duplicate }, 'Alert answered.');
      return await reply.code(isSettled(answer.status) ? 200 : 202).send(answer);
    } catch (error) {
      if (error instanceof Refused) metrics.alerts.inc({ strategy, result: error.code });
      throw error;
    } finally {
      metrics.answer.observe((performance.now() - begun) / 1000);
    }
  };
}

async function handle(
  { config, engine, signingKey, links }: WebhookDeps,
  { json, strategy, receivedAt, begun }: { json: ExactJson; strategy: string; receivedAt: number; begun: number },
): Promise<{ answer: Linked; duplicate: boolean }> {
  const left = (): number => begun + START_DEADLINE_MS - performance.now();
  const parsed = parseAlert(json);
  if (!parsed.ok) throw refusal(parsed.refusals);
  const { signed, digest } = await formIntent(parsed.alert, {
    others: toPlainJson(parsed.others),
    strategy,
    receivedAt,
    config,
    signingKey,
    openWindow: (name, hash) => openWindow(engine, name, hash, left()),
  });
  const alert = toPlainJson(withoutSecret(json));
  const started = await startOrder(engine, signed, { digest, alert }, left());
  const duplicate = started === 'duplicate';
  const told = await awaitAnswer(engine, signed.intent, begun + config.settings.ANSWER_BUDGET_MS);
  return { answer: links.onto({ ...told, duplicate }), duplicate };
}

function evidenceOf(request: FastifyRequest): Evidence {
  const { token } = request.params as { token?: string };
  const signature = request.headers['x-webhook-signature'];
  const forwarded = FORWARDING_HEADERS.some((header) => request.headers[header] !== undefined);
  return {
    token,
    signature: Array.isArray(signature) ? signature.join(',') : signature,
    isLocal: !forwarded && isLoopback(request.socket.remoteAddress ?? ''),
  };
}

function readBody(body: Buffer, { trusted }: Standing): ExactJson {
  try {
    return readJson(body);
  } catch (error) {
    throw trusted ? error : unproven('The alert has no proof of its sender.');
  }
}

function secretOf(json: ExactJson): string | undefined {
  const secret = isJsonObject(json) ? json['secret'] : undefined;
  return typeof secret === 'string' ? secret : undefined;
}

/** What is stored of an alert: everything but its proof. */
function withoutSecret(json: ExactJson): ExactJson {
  if (!isJsonObject(json)) return json;
  const { secret: _secret, ...rest } = json;
  return rest;
}

function refusal(refusals: readonly [Refusal, ...Refusal[]]): Refused {
  const [{ code, message, field }] = refusals;
  const issues = refusals.map((one) => ({ path: one.field ?? '', code: one.code, message: one.message }));
  return new Refused(code, message, { ...(field === null ? {} : { field }), issues });
}
