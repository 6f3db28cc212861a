import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import ccxt, { type Exchange } from 'ccxt';
import { errors as undici } from 'undici';

import { classify, classNames, isOutage, type Verdict } from '../../adapters/ccxt/classify-error.ts';
import { VenueCall } from '../../adapters/ccxt/venue-call.ts';

type Kind = Verdict['kind'];

const HTML = '<html><body>Bad gateway</body></html>';
const json = (code: number, msg: string): string => JSON.stringify({ code, msg });

/** A call whose request has left, and what came back. */
function sentCall(status?: number, body = '', headers: Record<string, string> = {}): VenueCall {
  const call = new VenueCall(1_000);
  call.leave();
  if (status !== undefined) call.record(status, headers, body);
  return call;
}

/** What the real library makes of an answer of the exchange; undefined where it takes it for a good one. */
function thrownFor(status: number, body: string, { authenticated = false } = {}): Error | undefined {
  const exchange: Exchange = new ccxt.binance();
  if (authenticated) exchange.options['hasAlreadyAuthenticatedSuccessfully'] = true;
  const url = 'https://api.binance.com/api/v3/order';
  try {
    const parsed = exchange.parseJson(body) as unknown;
    exchange.handleErrors(status, '', url, 'POST', {}, body, parsed as never, {}, '');
    exchange.handleHttpStatusCode(status, '', url, 'POST', body);
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

describe('what was never answered', () => {
  const unsent = [
    'binance POST https://api.binance.com/api/v3/order fetch failed connect ECONNREFUSED 127.0.0.1:9',
    'getaddrinfo ENOTFOUND api.binance.com',
    'getaddrinfo EAI_AGAIN api.binance.com',
    'Connect Timeout Error (attempted address: api.binance.com:443, timeout: 5000ms)',
    'connect ENETUNREACH 10.0.0.1:443',
    'connect EHOSTUNREACH 10.0.0.1:443',
  ];
  for (const message of unsent) {
    test(`${message}: nothing left`, () => {
      const verdict = classify(new ccxt.NetworkError(message), sentCall(), false);
      assert.equal(verdict.kind, 'not_sent');
      assert.ok(verdict.kind === 'not_sent' && verdict.retryAfterMs > 0);
    });
  }

  const maybe: readonly [string, Error][] = [
    ['no answer in time', new ccxt.RequestTimeout('binance POST request timed out (15000 ms)')],
    ['a reset', new ccxt.NetworkError('read ECONNRESET')],
    ['a reset while writing', new ccxt.NetworkError('write EPIPE')],
    ['an orderly end', new ccxt.NetworkError('other side closed')],
    ['an end without words', new ccxt.NetworkError('fetch failed')],
    ['our own limit', new Error('No whole answer within 16 s.')],
    ['a name of a text, but not the text', new ccxt.NetworkError('ECONNREFUSED')],
  ];
  for (const [name, error] of maybe) {
    test(`${name}: it may be there`, () => {
      const verdict = classify(error, sentCall(), false);
      assert.equal(verdict.kind, 'unknown');
      assert.equal(isOutage(sentCall()), true);
    });
  }
});

describe('what was answered in half', () => {
  const halves: readonly [string, Error][] = [
    ['a socket that closed in the body', new undici.SocketError('other side closed')],
    ['a reset in the body', Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' })],
    ['a body that stalls', new undici.BodyTimeoutError('Body Timeout Error')],
    ['an empty body', new TypeError("Cannot use 'in' operator to search for 'code' in undefined")],
    ['words of a connection that was never made, in an answer', new ccxt.NetworkError('connect ECONNREFUSED')],
  ];
  for (const [name, error] of halves) {
    test(`${name}: it may be there`, () => {
      for (const body of ['', '{"symbol":"BTCUSDT",', HTML]) {
        assert.equal(classify(error, sentCall(200, body), false).kind, 'unknown', body);
        assert.equal(classify(error, sentCall(200, body), true).kind, 'unknown', body);
      }
    });
  }
});

/** Status, body, the class that the library makes of it, the verdict, and the code of a refusal. */
const table: readonly (readonly [number, string, string, Kind, string?])[] = [
  [500, HTML, 'ExchangeNotAvailable', 'unknown'],
  [502, HTML, 'ExchangeNotAvailable', 'unknown'],
  [503, HTML, 'ExchangeNotAvailable', 'unknown'],
  [504, HTML, 'RequestTimeout', 'unknown'],
  [500, json(-1000, 'An unknown error occurred while processing the request.'), 'OperationFailed', 'unknown'],
  [500, json(-1001, 'Internal error; unable to process your request.'), 'OperationFailed', 'unknown'],
  [500, json(-1006, 'An unexpected response was received.'), 'OperationFailed', 'unknown'],
  [408, json(-1007, 'Timeout waiting for response from backend server.'), 'RequestTimeout', 'unknown'],
  [400, json(-1007, 'Timeout waiting for response from backend server.'), 'RequestTimeout', 'unknown'],
  [503, json(-1008, 'Server is currently overloaded.'), 'OperationFailed', 'unknown'],
  [400, json(-1021, 'Timestamp for this request is outside of the recvWindow.'), 'InvalidNonce', 'outside_window'],
  [
    400,
    json(-1021, "Timestamp for this request was 1000ms ahead of the server's time."),
    'InvalidNonce',
    'outside_window',
  ],
  [429, json(-1003, 'Too much request weight used.'), 'DDoSProtection', 'not_sent'],
  [418, json(-1003, 'Way too much request weight used; IP banned.'), 'DDoSProtection', 'not_sent'],
  [400, json(-1003, 'Too many requests.'), 'RateLimitExceeded', 'not_sent'],
  [429, json(-1015, 'Too many new orders.'), 'DDoSProtection', 'not_sent'],
  [429, HTML, 'DDoSProtection', 'not_sent'],
  [403, HTML, 'ExchangeNotAvailable', 'rejected', 'VENUE_EXCHANGE_NOT_AVAILABLE'],
  [404, HTML, 'ExchangeNotAvailable', 'rejected', 'VENUE_EXCHANGE_NOT_AVAILABLE'],
  [405, HTML, 'ExchangeNotAvailable', 'rejected', 'VENUE_EXCHANGE_NOT_AVAILABLE'],
  [
    400,
    json(-2010, 'Account has insufficient balance for requested action.'),
    'InsufficientFunds',
    'rejected',
    'VENUE_INSUFFICIENT_FUNDS',
  ],
  [400, json(-2010, 'Duplicate order sent.'), 'InvalidOrder', 'exists'],
  [
    400,
    json(-2010, 'Order would immediately match and take.'),
    'OrderImmediatelyFillable',
    'rejected',
    'VENUE_ORDER_IMMEDIATELY_FILLABLE',
  ],
  [400, json(-1013, 'Filter failure: LOT_SIZE'), 'InvalidOrder', 'rejected', 'VENUE_INVALID_ORDER'],
  [400, json(-1013, 'Filter failure: PRICE_FILTER'), 'InvalidOrder', 'rejected', 'VENUE_INVALID_ORDER'],
  [400, json(-1013, 'Filter failure: NOTIONAL'), 'BadRequest', 'rejected', 'VENUE_BAD_REQUEST'],
  [400, json(-1013, 'Market is closed.'), 'MarketClosed', 'rejected', 'VENUE_MARKET_CLOSED'],
  [400, json(-1111, "Parameter 'quantity' has too much precision."), 'BadRequest', 'rejected', 'VENUE_BAD_REQUEST'],
  [400, json(-1100, 'Illegal characters found in a parameter.'), 'BadRequest', 'rejected', 'VENUE_BAD_REQUEST'],
  [400, json(-1104, 'Not all sent parameters were read.'), 'BadRequest', 'rejected', 'VENUE_BAD_REQUEST'],
  [400, json(-1121, 'Invalid symbol.'), 'BadSymbol', 'rejected', 'VENUE_BAD_SYMBOL'],
  [
    401,
    json(-2015, 'Invalid API-key, IP, or permissions for action.'),
    'AuthenticationError',
    'rejected',
    'VENUE_AUTHENTICATION_ERROR',
  ],
  [401, json(-2014, 'API-key format invalid.'), 'AuthenticationError', 'rejected', 'VENUE_AUTHENTICATION_ERROR'],
  [408, HTML, 'RequestTimeout', 'unknown'],
];

describe('what the exchange answered, as the library understands it', () => {
  for (const [status, body, name, kind, code] of table) {
    test(`${status} ${body.slice(0, 70)}: ${kind}`, () => {
      const error = thrownFor(status, body);
      assert.equal(classNames(error)[0], name);
      const verdict = classify(error, sentCall(status, body), false);
      assert.equal(verdict.kind, kind);
      if (verdict.kind === 'rejected') {
        assert.equal(verdict.reason.code, code);
        assert.ok(verdict.reason.message.startsWith(`HTTP ${status}`), verdict.reason.message);
      }
      const isLimit = kind === 'not_sent' && (status === 429 || status === 418);
      assert.equal(isOutage(sentCall(status, body)), status >= 500 || status === 408 || isLimit);
    });
  }

  test('-2015 after an earlier success, which the library takes for a limit, is a refusal all the same', () => {
    const body = json(-2015, 'Invalid API-key, IP, or permissions for action.');
    const error = thrownFor(401, body, { authenticated: true });
    assert.equal(classNames(error)[0], 'DDoSProtection');
    assert.equal(classify(error, sentCall(401, body), false).kind, 'rejected');
    assert.equal(isOutage(sentCall(401, body)), false);
  });

  test('a limit says when to come again', () => {
    const error = new ccxt.DDoSProtection('429 Too Many Requests');
    const waits = ['Retry-After', 'retry-after'].map((name) =>
      classify(error, sentCall(429, json(-1003, 'Too much.'), { [name]: '7' }), false),
    );
    for (const verdict of waits) assert.ok(verdict.kind === 'not_sent' && verdict.retryAfterMs === 7_000);
    const silent = classify(error, sentCall(429, HTML, { 'Retry-After': 'soon' }), false);
    assert.ok(silent.kind === 'not_sent' && silent.retryAfterMs > 0);
  });
});

/** Every class of failure that the library has. */
const classes = Object.entries(ccxt)
  .filter(([, value]) => typeof value === 'function' && value.prototype instanceof ccxt.BaseError)
  .map(([name, value]) => [name, value as new (message: string) => Error] as const);
const WORDS = 'Account has insufficient balance for requested action.';

describe('every class that the library has', () => {
  test('there are some', () => assert.ok(classes.length > 30));

  for (const [name, Class] of classes) {
    const error = new Class(WORDS);
    test(`${name} is no refusal where the exchange gave none`, () => {
      const unclear = [undefined, 100, 200, 201, 302, 408, 425, 500, 502, 503, 504, 520];
      for (const status of unclear) {
        for (const body of ['', HTML, json(-2010, WORDS), json(-1003, WORDS), json(-1021, WORDS)]) {
          const { kind } = classify(error, sentCall(status, body), false);
          const expected = name === 'DuplicateOrderId' && status !== undefined ? 'exists' : 'unknown';
          assert.equal(kind, expected, `${status} ${body}`);
        }
      }
    });

    test(`${name} before any request says that nothing left`, () => {
      const { kind } = classify(error, new VenueCall(1_000), false);
      assert.ok(kind === 'denied' || kind === 'not_sent', kind);
    });
  }

  test('a refusal under 200 is believed of exchanges that give them so, and only with a body that can be read', () => {
    const poor = new ccxt.InsufficientFunds(WORDS);
    assert.equal(classify(poor, sentCall(200, json(51008, WORDS)), true).kind, 'rejected');
    assert.equal(classify(poor, sentCall(200, HTML), true).kind, 'unknown');
    const vague = ['ExchangeError', 'OperationFailed', 'NetworkError', 'BadResponse', 'NullResponse', 'RequestTimeout'];
    for (const [name, Class] of classes.filter(([known]) => vague.includes(known))) {
      assert.equal(classify(new Class(WORDS), sentCall(200, json(51008, WORDS)), true).kind, 'unknown', name);
    }
  });
});

test('what reaches a history holds no address and no signature', () => {
  const error = new ccxt.NetworkError('binance POST https://api.binance.com/api/v3/order?signature=abc fetch failed');
  const verdict = classify(error, sentCall(), false);
  assert.ok(verdict.kind === 'unknown' && !/https?:|signature/.test(verdict.why), JSON.stringify(verdict));
});
