import ccxt, { type Exchange } from 'ccxt';
import { Agent, type Dispatcher } from 'undici';

import { currentCall } from './venue-call.ts';

export interface ExchangeOptions {
  /** The library's id of the exchange. */
  readonly exchange: string;
  readonly mode: 'live' | 'sandbox' | 'demo';
  readonly apiKey: string;
  readonly apiSecret: string;
  readonly password?: string | undefined;
  /** Where this account's HTTP goes instead; what is signed, sent and understood stays the real exchange's. */
  readonly httpOrigin?: string | undefined;
  readonly options: Readonly<Record<string, unknown>>;
  /** How long headers, and each pause in a body, may take; in milliseconds. */
  readonly timeoutMs: number;
}

export interface OpenExchange {
  readonly exchange: Exchange;
  /** Tells the time by the venue's clock (milliseconds since 1970). From then on requests are signed with it, not with ours. */
  readonly setClock: (venueNow: number) => void;
  readonly close: () => Promise<void>;
}

/** The library's `TICK_SIZE`: a precision is a step, not a number of digits. */
const STEPS = 4;

type ExchangeClass = new (config: object) => Exchange;

/** Whether the library has an exchange under this id. */
export function isExchange(id: string): boolean {
  return ccxt.exchanges.includes(id);
}

/**
 * The real library's exchange, with two additions below its own code: a request that has become too old stays here,
 * and every reply's status and words are kept for the call that it belongs to.
 */
export async function openExchange(options: ExchangeOptions): Promise<OpenExchange> {
  const Base = (ccxt as unknown as Record<string, ExchangeClass>)[options.exchange]!;
  let venueClock: (() => number) | undefined;
  class Recorded extends Base {
    /** The time under which everything is signed that carries no pinned one. */
    override nonce(): number {
      return venueClock?.() ?? (super.nonce() as number);
    }

    override async fetch(url: string, method?: string, headers?: unknown, body?: unknown): Promise<unknown> {
      currentCall.getStore()?.leave();
      return super.fetch(url, method, headers, body) as Promise<unknown>;
    }

    override onRestResponse(...reply: Parameters<Exchange['onRestResponse']>): string {
      const [status, , , , headers, body] = reply;
      currentCall.getStore()?.record(status as number, headers as Record<string, string>, String(body));
      return super.onRestResponse(...reply) as string;
    }
  }
  const exchange = new Recorded({
    apiKey: options.apiKey,
    secret: options.apiSecret,
    ...(options.password === undefined ? {} : { password: options.password }),
    enableRateLimit: true,
    timeout: options.timeoutMs,
    options: { ...options.options, defaultType: 'spot', adjustForTimeDifference: false },
  });
  if (exchange.precisionMode !== STEPS) {
    throw new Error(
      `The exchange ${options.exchange} gives the precision of its markets in digits, which is not supported.`,
    );
  }
  // Decimals stay text: the library would make floats of them.
  exchange.number = String as never;
  if (options.mode === 'sandbox') exchange.setSandboxMode(true);
  if (options.mode === 'demo')
    (exchange as unknown as { enableDemoTrading(on: boolean): void }).enableDemoTrading(true);

  await exchange.loadFetchImplementation();
  const agent = new Agent({
    connect: { timeout: 5_000 },
    headersTimeout: options.timeoutMs,
    bodyTimeout: options.timeoutMs,
    keepAliveTimeout: 30_000,
  });
  exchange.fetchDispatcher = options.httpOrigin === undefined ? agent : rerouted(agent, options.httpOrigin);
  const setClock = (venueNow: number): void => {
    const at = performance.now();
    venueClock = () => Math.floor(venueNow + (performance.now() - at));
  };
  return { exchange, setClock, close: () => agent.close() };
}

/** Sends every request to another origin, below everything that signs it or understands its reply. */
function rerouted(agent: Agent, origin: string): Dispatcher {
  return agent.compose((dispatch) => (request, handler) => dispatch({ ...request, origin }, handler));
}
