import { fastify, type FastifyInstance } from 'fastify';

import { clientErrorHandler, CONTENT_TYPES, frameworkErrors, handleFaults } from './fault-replies.ts';
import { webhookHandler, type WebhookDeps } from './webhook.ts';

/** A TradingView alert is at most some kilobytes; more is somebody else's. */
const BODY_MAX_BYTES = 64 * 1024;

export interface PublicDeps extends WebhookDeps {
  readonly isWorking: () => boolean;
  readonly version: string;
}

/** The public listener: webhooks, and whether we are alive and ready. Built here, never listening here. */
export function buildPublicApp(deps: PublicDeps): FastifyInstance {
  const trusted = deps.config.settings.TRUSTED_PROXIES;
  const app = fastify({
    bodyLimit: BODY_MAX_BYTES,
    // A sender that dribbles its request holds a socket, and nothing else.
    requestTimeout: 10_000,
    connectionTimeout: 20_000,
    http: { headersTimeout: 10_000, connectionsCheckingInterval: 2_000 },
    keepAliveTimeout: 10_000,
    forceCloseConnections: 'idle',
    // While it stops, the gate answers: in the shape of every other answer.
    return503OnClosing: false,
    // Fastify would log the URL, which may hold a token; the handler logs what is known to be safe.
    logger: false,
    frameworkErrors,
    clientErrorHandler,
    // The peer's own address counts, except where a named proxy speaks for its clients.
    trustProxy: trusted.length > 0 ? [...trusted] : false,
    routerOptions: { maxParamLength: 256 },
  });
  handleFaults(app, deps.log);
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(CONTENT_TYPES, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));

  const webhook = webhookHandler(deps);
  app.post('/webhook/tradingview', webhook);
  app.post('/webhook/tradingview/:token', webhook);

  const startedAt = Date.now();
  // Liveness never depends on the engine: an outage must not restart every process.
  app.get('/health', async () => ({
    status: 'healthy',
    service: 'holdfast',
    version: deps.version,
    uptime_seconds: Math.floor((Date.now() - startedAt) / 1000),
  }));
  app.get('/ready', async (_request, reply) => {
    const checks = { engine: deps.engine.isUp, worker: deps.isWorking(), draining: deps.gate.isDraining };
    const ready = checks.engine && checks.worker && !checks.draining;
    return reply.code(ready ? 200 : 503).send({ status: ready ? 'ready' : 'not_ready', checks });
  });
  return app;
}
