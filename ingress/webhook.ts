import { isIP } from 'node:net';

import type { FastifyReply, FastifyRequest } from 'fastify';

import type { Config } from '../config/config.ts';
import { parseAlert, type Alert, type ParsedAlert, type Refusal } from '../domain/alert.ts';
import { isSettled } from '../domain/answer.ts';
import { isJsonObject, toPlainJson, type ExactJson } from '../domain/json-number.ts';
import { isLoopback } from '../domain/loopback.ts';
import type { Logger } from '../telemetry/log.ts';
import { metrics } from '../telemetry/metrics.ts';
import { takeStep } from '../telemetry/steps.ts';
import { awaitAnswer } from './await-answer.ts';
import type { Engine } from './engine.ts';
import { formIntent, type SigningKey } from './form-intent.ts';
import type { Gate } from './gate.ts';
import { carryOutHalt, planHalt, type HaltAnswer, type HaltPlan } from './halt-alert.ts';
import { Halts } from './halts.ts';
import { keepSecretsOut, secretsOf } from './keep-secrets-out.ts';
import type { Linked, Links } from './links.ts';
import { Prover, unproven, type Evidence, type Standing } from './prove.ts';
import { readJson } from './read-json.ts';
import { Refused } from './refused.ts';
import { webhookHeaders } from './standard-webhooks.ts';
import { openWindow, startOrder } from './start-order.ts';

/** Every answer is out by 2.5 s: TradingView hangs up after three. What is left is for writing the answer. */
const START_DEADLINE_MS = 2_300;

/**
 * Headers by which a proxy speaks for somebody else, and those that a browser adds: a page from anywhere can make a
 * browser on this machine post to it.
 */
const NOT_LOCAL_HEADERS = (
  'forwarded x-forwarded-for x-real-ip x-forwarded-host x-forwarded-proto ' + 'origin referer sec-fetch-site'
).split(' ');

export interface WebhookDeps {
  readonly config: Config;
  readonly engine: Engine;
  readonly gate: Gate;
  readonly signingKey: SigningKey;
  readonly links: Links;
  readonly log: Logger;
}

/** An alert on its way in: what is known of it so far. */
interface Arrival {
  readonly body: Buffer;
  readonly evidence: Evidence;
  /** The peer's address; a trusted proxy's word for it where one is configured. */
  readonly address: string;
  /** Milliseconds since 1970. */
  readonly receivedAt: number;
  /** The same moment, by a clock that never steps. */
  readonly begun: number;
}

/** `POST /webhook/tradingview`: proves the sender, understands the alert, starts the order, and answers. */
export function webhookHandler(deps: WebhookDeps) {
  const prover = new Prover(deps.config.strategies);
  const secrets = secretsOf(deps.config.strategies);
  const halts = new Halts(deps.engine, deps.config, deps.signingKey);
  return async (request: FastifyRequest, reply: FastifyReply): Promise<unknown> => {
    const arrival = arrivalOf(request);
    let strategy = '';
    try {
      deps.gate.enter();
      try {
        const proven = prove(deps, prover, arrival);
        strategy = proven.strategy;
        const json = keepSecretsOut(proven.json, secrets);
        const plan = planHalt(json, strategy, deps.config.strategies[strategy]!);
        if (plan !== undefined) return await halt(deps, halts, arrival, { strategy, plan }, reply);
        const answer = await carryOut(deps, arrival, { strategy, json });
        metrics.alerts.inc({ strategy, result: answer.status });
        const { workflow_id, account, symbol, status, duplicate } = answer;
        deps.log.info({ workflow_id, account, symbol, status, duplicate }, 'Alert answered.');
        return await reply.code(isSettled(answer.status) ? 200 : 202).send(answer);
      } finally {
        deps.gate.leave();
      }
    } catch (error) {
      if (error instanceof Refused) {
        metrics.alerts.inc({ strategy, result: error.code });
        deps.log.info({ strategy, code: error.code, address: arrival.address }, 'Alert refused.');
      }
      throw error;
    } finally {
      metrics.answer.observe((performance.now() - arrival.begun) / 1000);
    }
  };
}

/** From the cheapest check to the dearest; a stranger learns nothing but that it is one. */
function prove(
  { gate }: WebhookDeps,
  prover: Prover,
  { body, evidence, address }: Arrival,
): { strategy: string; json: ExactJson } {
  gate.requireAddress(address);
  try {
    const standing = prover.judge(evidence, body);
    const json = readBody(body, standing);
    const strategy = prover.settle(standing, secretOf(json));
    gate.requireAddressOf(strategy, address);
    return { strategy, json };
  } catch (error) {
    if (error instanceof Refused && (error.code === 'UNPROVEN' || error.code === 'UNKNOWN_TOKEN')) {
      gate.countFailedProof(address);
    }
    throw error;
  }
}

/** An alert that halts starts no order, and is not counted: stopping is never refused for its rate. */
async function halt(
  { config, log }: WebhookDeps,
  halts: Halts,
  { begun }: Arrival,
  { strategy, plan }: { strategy: string; plan: HaltPlan },
  reply: FastifyReply,
): Promise<HaltAnswer> {
  const { accounts, reason } = plan;
  const times = { startBy: begun + START_DEADLINE_MS, answerBy: begun + config.settings.ANSWER_BUDGET_MS };
  const answer = await carryOutHalt(halts, plan, times);
  metrics.alerts.inc({ strategy, result: answer.status });
  log.warn({ strategy, accounts, status: answer.status, reason }, 'An alert halted accounts.');
  reply.code(answer.status === 'halted' ? 200 : 202);
  return answer;
}

async function carryOut(
  { config, engine, gate, signingKey, links }: WebhookDeps,
  { evidence, receivedAt, begun }: Arrival,
  { strategy, json }: { strategy: string; json: ExactJson },
): Promise<Linked> {
  const left = (): number => begun + START_DEADLINE_MS - performance.now();
  const parsed = requireUnderstood(parseAlert(json), config.strategies[strategy]!.strict);
  // Whoever wants out is never refused for rate.
  if (!('exit' in parsed.alert)) gate.countEntry(strategy);
  const formed = await formIntent(withDeliveryId(parsed.alert, evidence), {
    others: toPlainJson(parsed.others),
    strategy,
    receivedAt,
    config,
    signingKey,
    openWindow: (name, hash, windowMs) => openWindow(engine, { strategy: name, hash, windowMs }, left()),
  });
  const order = { workflowId: formed.workflowId, intent: formed.signed.intent };
  const started = await takeStep('startOrder', order.intent.clientOrderId, () =>
    startOrder(engine, formed, toPlainJson(withoutProof(json)), left()),
  );
  const told = await awaitAnswer(engine, order, begun + config.settings.ANSWER_BUDGET_MS);
  return links.onto({ ...told, duplicate: started === 'duplicate' });
}

function arrivalOf(request: FastifyRequest): Arrival {
  const { token } = request.params as { token?: string };
  const signature = request.headers['x-webhook-signature'];
  const fromElsewhere = NOT_LOCAL_HEADERS.some((header) => request.headers[header] !== undefined);
  return {
    body: request.body instanceof Buffer ? request.body : Buffer.alloc(0),
    evidence: {
      token,
      signature: Array.isArray(signature) ? signature.join(',') : signature,
      delivery: webhookHeaders(request.headers),
      isLocal: !fromElsewhere && isLoopback(request.socket.remoteAddress ?? ''),
    },
    // What a trusted proxy hands on may be anything; what is no address is not taken for one.
    address: isIP(request.ip) === 0 ? (request.socket.remoteAddress ?? '') : request.ip,
    receivedAt: Date.now(),
    begun: performance.now(),
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
function withoutProof(json: ExactJson): ExactJson {
  if (!isJsonObject(json)) return json;
  const { secret: _secret, ...rest } = json;
  return rest;
}

/** A Standard Webhooks sender names each delivery, and repeats the name when it repeats the delivery. */
function withDeliveryId(alert: Alert, { delivery }: Evidence): Alert {
  if (alert.id !== undefined || delivery === undefined || delivery === 'incomplete') return alert;
  const inferred = [...alert.inferred, 'The webhook-id is taken as the id, because the alert has none.'];
  return { ...alert, id: delivery.id, inferred };
}

function requireUnderstood(parsed: ParsedAlert, strict: boolean): Extract<ParsedAlert, { ok: true }> {
  if (!parsed.ok) throw refusal(parsed.refusals);
  const [unknown] = parsed.alert.ignored;
  if (!strict || unknown === undefined) return parsed;
  const message = `The key ${JSON.stringify(unknown)} is not known, and this strategy refuses unknown keys.`;
  throw refusal([{ code: 'UNSUPPORTED_FIELD', field: unknown, message }]);
}

function refusal(refusals: readonly [Refusal, ...Refusal[]]): Refused {
  const [{ code, message, field }] = refusals;
  const issues = refusals.map((one) => ({ path: one.field ?? '', code: one.code, message: one.message }));
  return new Refused(code, message, { ...(field === null ? {} : { field }), issues });
}
