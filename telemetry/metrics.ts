// The one module that knows the metrics library: its successor has another name, and two of them would split the page.
import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

const registry = new Registry();
collectDefaultMetrics({ register: registry });

const registers = [registry];
const ANSWER_BUCKETS = [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 2.5];
const VENUE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20];

export const metrics = {
  alerts: new Counter({
    name: 'holdfast_alerts_total',
    help: 'Alerts that arrived, by strategy and by what was answered (a status, or the code of a refusal).',
    labelNames: ['strategy', 'result'],
    registers,
  }),
  answer: new Histogram({
    name: 'holdfast_answer_seconds',
    help: 'Time from the last byte of an alert to its answer.',
    buckets: ANSWER_BUCKETS,
    registers,
  }),
  venueRequest: new Histogram({
    name: 'holdfast_venue_request_seconds',
    help: 'Time that a call to a venue took, by account, operation and result.',
    labelNames: ['account', 'operation', 'result'],
    buckets: VENUE_BUCKETS,
    registers,
  }),
  circuitState: new Gauge({
    name: 'holdfast_circuit_state',
    help: "An account's circuit breaker: 0 closed, 1 half-open, 2 open.",
    labelNames: ['account'],
    registers,
  }),
  unresolvedOrders: new Gauge({
    name: 'holdfast_unresolved_orders',
    help: 'Orders older than a minute of which it is not known whether the venue has them. Above zero, somebody should look.',
    labelNames: ['account'],
    registers,
  }),
  denied: new Counter({
    name: 'holdfast_denied_total',
    help: 'Orders that a rule of ours has denied, by account and by the code of the reason.',
    labelNames: ['account', 'code'],
    registers,
  }),
  differences: new Gauge({
    name: 'holdfast_differences',
    help: 'What the engine and the venue hold differently, by account and kind; gone while nobody compares. Above zero, somebody should look.',
    labelNames: ['account', 'kind'],
    registers,
  }),
  eagerStarts: new Counter({
    name: 'holdfast_eager_starts_total',
    help: 'Orders started, by whether their first step came back with the start.',
    labelNames: ['eager'],
    registers,
  }),
  engineUp: new Gauge({
    name: 'holdfast_engine_up',
    help: 'Whether the engine answered when it was last asked.',
    registers,
  }),
};

/** The text that Prometheus reads. */
export function metricsText(): Promise<string> {
  return registry.metrics();
}

export const METRICS_CONTENT_TYPE = registry.contentType;
