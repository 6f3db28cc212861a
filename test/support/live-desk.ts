import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';

import { clientOrderId, keyOfId } from '../../domain/ids.ts';
import type { OrderStory } from '../../ingress/order-book.ts';
import {
  startSimulator,
  type Control,
  type FaultRule,
  type Order,
  type RequestRecord,
  type Simulator,
} from '../simulators/binance-spot/start-simulator.ts';
import { eventually } from './eventually.ts';
import { Holdfast, type HoldfastOptions, type Reply } from './holdfast.ts';
import { LIMITS_OFF } from './limits-off.ts';

/** The venue's limits, shortened: the simulator enforces them, and the account is told of them. */
export const BOUND = { windowMs: 1_500, engineMs: 1_000, marginMs: 500 };

const SECRET = 'the secret of the strategy';
/** Every answer is out by then, whatever the venue does. */
const ANSWER_MS = 2_500;

/** An order's story is read at its source each time: asked for more often, it would slow down what it tells of. */
const ASK_MS = 200;

type Fault = FaultRule['fault'];

interface LiveDeskOptions extends HoldfastOptions {
  /** Each has its own breaker and its own clock reading; all of them trade at the one simulator. */
  readonly accounts?: readonly string[];
  /** How long a request may be under way; the account's bound, and nothing else, is longer for it. */
  readonly bound?: typeof BOUND;
  /** The limits of every account, or of each by its name, as the file has them; off where they are not given. */
  readonly limits?: string | Readonly<Record<string, string>>;
  /** A further proof of the sender, beside the secret in the body. */
  readonly proof?: string;
  /** Arranges the venue before any account reads its markets. */
  readonly prepare?: (control: Control) => Promise<unknown>;
}

/** What the engine has spent on one order. */
interface Cost {
  readonly transitions: number;
  readonly events: number;
  readonly bytes: number;
}

/** `holdfast.yaml` for accounts that trade for real at a simulator. */
function liveConfig(
  origin: string,
  { accounts = ['binance'], bound = BOUND, limits = LIMITS_OFF, proof }: LiveDeskOptions,
): string {
  const sections = accounts.map(
    (name) => `  ${name}:
    venue: ccxt
    exchange: binance
    mode: live
    api_key: demo-key
    api_secret: demo-secret
    http_origin: ${origin}
    simulated_bound: { window_ms: ${bound.windowMs}, engine_ms: ${bound.engineMs}, margin_ms: ${bound.marginMs} }
    limits: ${typeof limits === 'string' ? limits : limits[name]}`,
  );
  const proofs = [`body_secret: '${SECRET}'`, ...(proof === undefined ? [] : [proof])].join(', ');
  return `accounts:\n${sections.join('\n')}\nstrategies:\n  trend: { ${proofs} }\n`;
}

/** A simulator whose limits are those of `liveConfig`. */
export function startVenue(): Promise<Simulator> {
  const { windowMs: recvWindow, engineMs } = BOUND;
  return startSimulator({ recvWindow, engineMs, orderLimit: 0, weightLimit: 0 });
}

export interface Alert {
  readonly id: string;
  readonly account?: string;
  readonly [member: string]: unknown;
}

/** A market buy of a hundredth, but for the members given. */
function alertOf(members: Alert): Alert {
  return { symbol: 'BTC/USDT', action: 'buy', quantity: '0.01', account: 'binance', secret: SECRET, ...members };
}

/** The client order id of an alert: known before it is sent, so that its requests can be made to fail. */
function clientIdOf({ id, account = 'binance' }: Alert): string {
  const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();
  const alertKey = keyOfId(id, sha256);
  return clientOrderId(
    { deployment: 'local', account, strategy: 'trend', alertKey, leg: 'entry', generation: 0 },
    sha256,
  );
}

const isOver = ({ workflow }: OrderStory): boolean => workflow.status === 'completed';

/** Holdfast with live accounts, and the simulated exchange at which they trade. */
export class LiveDesk {
  readonly holdfast: Holdfast;
  readonly venue: Simulator;
  /** Every alert that was sent, by its client order id. */
  readonly sent = new Map<string, Alert>();

  private constructor(holdfast: Holdfast, venue: Simulator) {
    this.holdfast = holdfast;
    this.venue = venue;
  }

  static async start(desk: LiveDeskOptions = {}): Promise<LiveDesk> {
    const { accounts: _accounts, bound: _bound, limits: _limits, proof: _proof, prepare, ...options } = desk;
    const venue = await startVenue();
    try {
      await prepare?.(venue.control);
      const config = liveConfig(venue.origin, desk);
      return new LiveDesk(await Holdfast.start({ config, ...options }), venue);
    } catch (error) {
      await venue.stop();
      throw error;
    }
  }

  get control(): Control {
    return this.venue.control;
  }

  async dispose(): Promise<void> {
    await this.holdfast.dispose();
    await this.venue.stop();
  }

  /** An alert as its sender writes it, for whoever sends it in a way of its own. */
  write(members: Alert): string {
    const alert = alertOf(members);
    this.sent.set(clientIdOf(alert), alert);
    return JSON.stringify(alert);
  }

  /** Sends an alert, and holds the product to its word that every answer is out in time. */
  async post(members: Alert): Promise<Reply> {
    const text = this.write(members);
    const begun = performance.now();
    const reply = await this.holdfast.post(text);
    const took = performance.now() - begun;
    assert.ok(took < ANSWER_MS, `the answer took ${Math.round(took)} ms`);
    return reply;
  }

  /** Lets something go wrong with the requests that place this alert's order. */
  async failPlacing(alert: Alert, fault: Fault, rule: Partial<Pick<FaultRule, 'times'>> = {}): Promise<void> {
    const match = { method: 'POST', path: '/api/v3/order', clientOrderId: clientIdOf(alert) };
    await this.control.fault({ match, fault, ...rule });
  }

  /** Lets something go wrong with the requests that ask for this alert's order. */
  async failAsking(alert: Alert, fault: Fault, rule: Partial<Pick<FaultRule, 'times'>> = {}): Promise<void> {
    const match = { method: 'GET', path: '/api/v3/order', clientOrderId: clientIdOf(alert) };
    await this.control.fault({ match, fault, ...rule });
  }

  /** Brings an account's clock reading and markets up to date, so that the next order costs one request. */
  async warm(account = 'binance'): Promise<void> {
    const { body } = await this.post({ id: `warm-${account}-${this.sent.size}`, account });
    await this.untilOver(body.workflow_id);
  }

  tell(workflowId: string): Promise<OrderStory> {
    return this.holdfast.operator<OrderStory>(`/orders/${encodeURIComponent(workflowId)}`);
  }

  untilOver(workflowId: string, withinMs = 30_000): Promise<OrderStory> {
    return eventually(() => this.tell(workflowId), isOver, {
      withinMs,
      everyMs: ASK_MS,
      what: `the end of ${workflowId}`,
    });
  }

  untilStatus(workflowId: string, status: string, withinMs = 20_000): Promise<OrderStory> {
    return eventually(
      () => this.tell(workflowId),
      ({ order }) => order.status === status,
      { withinMs, everyMs: ASK_MS, what: `${workflowId} being ${status}` },
    );
  }

  async command(workflowId: string, name: 'cancel' | 'resolve', body?: unknown): Promise<Reply> {
    const response = await fetch(`${this.holdfast.operatorUrl}/orders/${encodeURIComponent(workflowId)}/${name}`, {
      method: 'POST',
      ...(body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const type = response.headers.get('content-type') ?? '';
    return { http: response.status, type, body: (await response.json()) as Reply['body'] };
  }

  /** Every order that the venue has ever booked under this alert's id. */
  booked(alert: Alert): Promise<Order[]> {
    return this.control.orders(clientIdOf(alert));
  }

  /** The requests that would place this alert's order, as they arrived. */
  async sends(alert: Alert): Promise<RequestRecord[]> {
    const { requests } = await this.control.ledger();
    const id = clientIdOf(alert);
    return requests.filter(({ method, parameters }) => method === 'POST' && parameters['newClientOrderId'] === id);
  }

  /** Every request that asked for this alert's order under its id. */
  async asks(alert: Alert): Promise<RequestRecord[]> {
    const { requests } = await this.control.ledger();
    const id = clientIdOf(alert);
    return requests.filter(({ method, parameters }) => method === 'GET' && parameters['origClientOrderId'] === id);
  }

  /** What the engine has spent on an order so far. */
  async cost(workflowId: string): Promise<Cost> {
    const output = await this.holdfast.temporal('workflow', 'describe', '--workflow-id', workflowId, '-o', 'json');
    const { workflowExecutionInfo: info } = JSON.parse(output) as {
      workflowExecutionInfo: { stateTransitionCount: string; historyLength: string; historySizeBytes: string };
    };
    return {
      transitions: Number(info.stateTransitionCount),
      events: Number(info.historyLength),
      bytes: Number(info.historySizeBytes),
    };
  }

  /** Whether the venue holds a request of this alert's order. */
  async isHeld(alert: Alert): Promise<boolean> {
    const held = await this.control.held();
    return held.some(({ clientOrderIds }) => clientOrderIds.includes(clientIdOf(alert)));
  }

  untilHeld(alert: Alert): Promise<boolean> {
    return eventually(() => this.isHeld(alert), Boolean, { what: `a held request of ${alert.id}` });
  }

  /** Lets the requests of this alert's order go that the venue holds; returns how many they were. */
  release(alert: Alert): Promise<number> {
    return this.control.release(clientIdOf(alert));
  }

  async circuitState(account = 'binance'): Promise<number | undefined> {
    const page = await (await fetch(`${this.holdfast.operatorUrl}/metrics`)).text();
    const value = new RegExp(`^holdfast_circuit_state\\{account="${account}"\\} (\\d)`, 'm').exec(page)?.[1];
    return value === undefined ? undefined : Number(value);
  }

  /**
   * The last word: lets go of whatever the venue still holds, and compares each order's end with what was booked under
   * its id. Called when every order is over or rests.
   */
  async reconcile(): Promise<void> {
    await this.control.clearFaults();
    await eventually(
      async () => {
        await this.control.release();
        return (await this.control.held()).length;
      },
      (held) => held === 0,
      { what: 'the end of every held request' },
    );
    const wrong: string[] = [];
    for (const [id, alert] of this.sent) {
      const orders = await this.control.orders(id);
      const { order } = await this.tell(`order:trend:${alert.id}`);
      const words = orders.map(({ status, executedQty }) => `${status} ${executedQty}`).join(', ') || 'nothing';
      if (orders.length > 1) wrong.push(`${alert.id} is ${orders.length} orders at the venue: ${words}`);
      else if (!agrees(order, orders[0])) wrong.push(`${alert.id} is ${order.status}, and at the venue ${words}`);
    }
    assert.deepEqual(wrong, []);
  }
}

/** Whether what Holdfast says of an order is what the venue has booked. */
function agrees(told: OrderStory['order'], order: Order | undefined): boolean {
  if (order === undefined) return ['denied', 'rejected', 'expired'].includes(told.status);
  const statuses: Partial<Record<string, string>> = {
    NEW: 'working',
    PARTIALLY_FILLED: 'partially_filled',
    FILLED: 'filled',
    CANCELED: 'canceled',
    EXPIRED: 'canceled',
  };
  const isSame = told.status === statuses[order.status] && Number(told.filled_quantity) === Number(order.executedQty);
  return isSame && told.order_id === String(order.orderId);
}
