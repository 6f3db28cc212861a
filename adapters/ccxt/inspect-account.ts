import type { Exchange } from 'ccxt';

import { openExchange, type ExchangeOptions, type OpenExchange } from './exchange.ts';
import type { Profile } from './profile.ts';
import { withoutUrl } from './venue-call.ts';

/** For whom an account's requests are meant: hosts, with their ports where they have one. */
export interface Hosts {
  /** Where the account's requests go. */
  readonly used: readonly string[];
  /** Where the exchange trades for real, and where it does not; an exchange may use one host for both. */
  readonly live: readonly string[];
  readonly test: readonly string[];
}

/** What an API key may do, besides what an order needs. */
export interface KeyRights {
  readonly canWithdraw: boolean;
  readonly isBoundToAddress: boolean;
}

/** Another clock, compared with this host's; both in milliseconds. */
export interface ClockReading {
  /** How far it is ahead of this host's; below zero where it is behind. */
  readonly aheadMs: number;
  /** How far off that may be: the answer took some time. */
  readonly withinMs: number;
}

const TIMEOUT_MS = 8_000;
const PROBLEM_MAX = 300;

/**
 * How an exchange is asked about a key. Binance: "Get API Key Permission" of the wallet's documents
 * (developers.binance.com/docs/wallet/account/api-key-permission); its test hosts have no wallet.
 */
const RIGHTS: Readonly<Record<string, (exchange: Exchange) => Promise<KeyRights>>> = {
  binance: async (exchange) => {
    const wallet = exchange as unknown as { sapiGetAccountApiRestrictions(): Promise<Record<string, unknown>> };
    const { enableWithdrawals, ipRestrict } = await wallet.sapiGetAccountApiRestrictions();
    if (typeof enableWithdrawals !== 'boolean') throw new Error('The exchange did not say what the key may do.');
    return { canWithdraw: enableWithdrawals, isBoundToAddress: ipRestrict === true };
  },
};

/**
 * Looks at an account from outside: over a connection of its own, with no say in the circuit breaker and no order. Every
 * question rejects with a sentence where it has no answer.
 */
export class Inspection {
  readonly hosts: Hosts;
  readonly #open: OpenExchange;
  readonly #options: Omit<ExchangeOptions, 'timeoutMs'>;
  readonly #profile: Profile;

  private constructor(open: OpenExchange, options: Omit<ExchangeOptions, 'timeoutMs'>, profile: Profile) {
    this.#open = open;
    this.#options = options;
    this.#profile = profile;
    this.hosts = hostsOf(open.exchange, options.httpOrigin);
  }

  static async open(account: Omit<ExchangeOptions, 'timeoutMs'>, profile: Profile): Promise<Inspection> {
    const options = { ...account.options, ...profile.options };
    const open = await openExchange({ ...account, options, timeoutMs: TIMEOUT_MS });
    open.exchange.options['fetchMarkets'] = { types: ['spot'] };
    open.exchange.options['fetchMargins'] = false;
    open.exchange.has['fetchCurrencies'] = false;
    return new Inspection(open, account, profile);
  }

  /** The venue's clock; undefined where it does not judge requests by it. */
  async clock(): Promise<ClockReading | undefined> {
    if (!this.#profile.pinsTime) return undefined;
    const begun = Date.now();
    const venueNow = Number(await this.#ask((exchange) => exchange.fetchTime()));
    const ended = Date.now();
    if (!Number.isFinite(venueNow)) throw new Error('The exchange did not tell its time.');
    // From here on requests are signed with the venue's time: a clock that is wrong is one finding, not three.
    this.#open.setClock(venueNow);
    return { aheadMs: Math.round(venueNow - (begun + ended) / 2), withinMs: Math.ceil((ended - begun) / 2) };
  }

  /** What the key may do; undefined where the exchange cannot be asked. */
  async rights(): Promise<KeyRights | undefined> {
    const { exchange, mode } = this.#options;
    const ask = Object.hasOwn(RIGHTS, exchange) && mode === 'live' ? RIGHTS[exchange] : undefined;
    return ask && this.#ask(ask);
  }

  /** How many spot markets the exchange has. */
  async markets(): Promise<number> {
    const markets = await this.#ask((exchange) => exchange.loadMarkets());
    return Object.values(markets).filter((market) => market?.spot === true).length;
  }

  /** Asks for the balances, which shows that the credentials are accepted; keeps none of them. */
  async credentials(): Promise<void> {
    await this.#ask((exchange) => exchange.fetchBalance());
  }

  close(): Promise<void> {
    return this.#open.close();
  }

  async #ask<T>(ask: (exchange: Exchange) => Promise<T>): Promise<T> {
    try {
      return await ask(this.#open.exchange);
    } catch (error) {
      throw new Error(this.#inWords(error), { cause: error });
    }
  }

  /** What the exchange said may repeat what it was sent, but not our credentials. */
  #inWords(error: unknown): string {
    const { apiKey, apiSecret, password = '' } = this.#options;
    const secrets = [apiKey, apiSecret, password].filter((secret) => secret !== '');
    const said = withoutUrl(error instanceof Error ? error.message : String(error));
    return secrets.reduce((text, secret) => text.replaceAll(secret, '(secret)'), said).slice(0, PROBLEM_MAX);
  }
}

/** Where the library keeps an exchange's addresses, before and after it was told to use others. */
const LIVE_URLS = ['apiBackup', 'apiBackupDemoTrading', 'api'];
const TEST_URLS = ['test', 'demo', 'demotrading'];

function hostsOf(exchange: Exchange, httpOrigin: string | undefined): Hosts {
  const urls = exchange.urls as Readonly<Record<string, unknown>>;
  const hosts = (value: unknown): string[] => {
    if (typeof value === 'object' && value !== null) return [...new Set(Object.values(value).flatMap(hosts))];
    const text = typeof value === 'string' ? value.replaceAll('{hostname}', exchange.hostname ?? '') : '';
    return URL.canParse(text) ? [new URL(text).host] : [];
  };
  return {
    used: httpOrigin === undefined ? hosts(urls['api']) : [new URL(httpOrigin).host],
    live: hosts(urls[LIVE_URLS.find((name) => urls[name] !== undefined)!]),
    test: TEST_URLS.flatMap((name) => hosts(urls[name])),
  };
}
