import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { after, before, beforeEach, describe, test } from 'node:test';
import { setTimeout as wait } from 'node:timers/promises';
import ccxt, { type binance } from 'ccxt';
import { Agent, request } from 'undici';
import { startSimulator, type Simulator } from './binance-spot/start-simulator.ts';

type Json = Record<string, unknown>;
interface Raw {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
  json: Json;
}

const SYMBOL = 'BTCUSDT';
const MARKET_BUY = { symbol: SYMBOL, side: 'BUY', type: 'MARKET', quantity: '0.01' };
const RESTING_BUY = { symbol: SYMBOL, side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: '1', price: '60000' };
const OCO_SELL = {
  symbol: SYMBOL,
  side: 'SELL',
  quantity: '1',
  aboveType: 'LIMIT_MAKER',
  abovePrice: '70000',
  belowType: 'STOP_LOSS',
  belowStopPrice: '65000',
};
const OTOCO = {
  symbol: SYMBOL,
  workingType: 'LIMIT',
  workingSide: 'BUY',
  workingTimeInForce: 'GTC',
  workingPrice: '67000',
  workingQuantity: '1',
  workingClientOrderId: 'ENTRY',
  pendingSide: 'SELL',
  pendingQuantity: '1',
  pendingAboveType: 'LIMIT_MAKER',
  pendingAbovePrice: '70000',
  pendingAboveClientOrderId: 'TARGET',
  pendingBelowType: 'STOP_LOSS',
  pendingBelowStopPrice: '65000',
  pendingBelowClientOrderId: 'STOP',
};

let simulator: Simulator;
let exchange: binance;

before(async () => {
  simulator = await startSimulator({ engineMs: 300 });
  exchange = await client();
});
after(async () => {
  await exchange.close();
  await simulator.stop();
});
beforeEach(() => simulator.control.reset());

/** The real client with the real URLs; only the socket goes elsewhere. */
async function client(timeout = 2_000): Promise<binance> {
  const created = new ccxt.binance({
    apiKey: 'demo-key',
    secret: 'demo-secret',
    enableRateLimit: false,
    timeout,
    options: { fetchMarkets: { types: ['spot'] }, fetchMargins: false, recvWindow: 5_000 },
  });
  created.has['fetchCurrencies'] = false;
  await created.loadFetchImplementation();
  const agent = new Agent({ bodyTimeout: 1_000 });
  const { origin } = simulator;
  created.fetchDispatcher = agent.compose(
    (dispatch) => (options, handler) => dispatch({ ...options, origin }, handler),
  );
  return created;
}

async function signed(method: 'GET' | 'POST' | 'DELETE', path: string, parameters: Json = {}, key = 'demo-key') {
  const all = { timestamp: Date.now(), ...parameters };
  const query = new URLSearchParams(
    Object.entries(all).map(([name, value]): [string, string] => [name, String(value)]),
  );
  const signature = createHmac('sha256', 'demo-secret').update(query.toString()).digest('hex');
  return raw(method, path, `${query.toString()}&signature=${signature}`, { 'x-mbx-apikey': key });
}

async function raw(
  method: 'GET' | 'POST' | 'DELETE',
  path: string,
  payload = '',
  headers: Record<string, string> = {},
): Promise<Raw> {
  const isBody = method === 'POST';
  const url = `${simulator.origin}${path}${isBody || payload === '' ? '' : `?${payload}`}`;
  const type = { 'content-type': 'application/x-www-form-urlencoded' };
  const answer = await request(url, {
    method,
    headers: isBody ? { ...headers, ...type } : headers,
    body: isBody ? payload : null,
  });
  const text = await answer.body.text();
  const json = text.startsWith('{') || text.startsWith('[') ? (JSON.parse(text) as Json) : {};
  return { status: answer.statusCode, headers: answer.headers, text, json };
}

async function placed(parameters: Json): Promise<Json> {
  const answer = await signed('POST', '/api/v3/order', parameters);
  assert.equal(answer.status, 200, answer.text);
  return answer.json;
}

async function refused(parameters: Json, code: number, message?: string, path = '/api/v3/order'): Promise<Raw> {
  const answer = await signed('POST', path, parameters);
  assert.equal(answer.json['code'], code, answer.text);
  if (message !== undefined) assert.equal(answer.json['msg'], message);
  return answer;
}

async function statusOf(origClientOrderId: string): Promise<unknown> {
  const answer = await signed('GET', '/api/v3/order', { symbol: SYMBOL, origClientOrderId });
  return answer.json['status'] ?? answer.json['code'];
}

async function balanceOf(asset: string): Promise<{ free: string; locked: string }> {
  const balance = (await simulator.control.balances()).find((each) => each.asset === asset);
  assert.ok(balance !== undefined);
  return { free: balance.free, locked: balance.locked };
}

async function bookedUnder(clientOrderId: string): Promise<number> {
  return (await simulator.control.orders(clientOrderId)).length;
}

describe('the real ccxt client', () => {
  test('loads the markets with one request', async () => {
    const other = await client();
    const markets = await other.loadMarkets();
    const { requests } = await simulator.control.ledger();
    assert.deepEqual(
      requests.map((each) => each.path),
      ['/api/v3/exchangeInfo'],
    );
    const market = markets['BTC/USDT'];
    assert.equal(market?.precision.price, 0.01);
    assert.equal(market?.precision.amount, 0.00001);
    assert.equal(market?.limits.cost?.min, 5);
    await other.close();
  });

  test('places a market order and finds it under its client order id', async () => {
    const order = await exchange.createOrder('BTC/USDT', 'market', 'buy', 0.01, undefined, {
      clientOrderId: 'MARKET1',
    });
    assert.equal(order.status, 'closed');
    assert.equal(order.average, 67500);
    assert.equal(order.fee?.currency, 'BTC');
    const found = await exchange.fetchOrder('', 'BTC/USDT', { clientOrderId: 'MARKET1' });
    assert.equal(found.id, order.id);
    assert.equal(found.filled, 0.01);
    const trades = await exchange.fetchMyTrades('BTC/USDT', undefined, undefined, { orderId: order.id });
    assert.deepEqual(
      trades.map((trade) => [trade.order, trade.amount, trade.price, trade.takerOrMaker]),
      [[order.id, 0.01, 67500, 'taker']],
    );
  });

  test('places, lists and cancels a limit order', async () => {
    await exchange.createOrder('BTC/USDT', 'limit', 'buy', 0.5, 60000, { clientOrderId: 'LIMIT1' });
    const open = await exchange.fetchOpenOrders('BTC/USDT');
    assert.deepEqual(
      open.map((order) => [order.clientOrderId, order.status, order.price]),
      [['LIMIT1', 'open', 60000]],
    );
    const canceled = await exchange.cancelOrder('', 'BTC/USDT', { clientOrderId: 'LIMIT1' });
    assert.equal(canceled.status, 'canceled');
    assert.equal((await exchange.fetchOrder('', 'BTC/USDT', { clientOrderId: 'LIMIT1' })).status, 'canceled');
  });

  test('places stops with and without a limit', async () => {
    const stop = { clientOrderId: 'STOP1', stopLossPrice: 60000 };
    await exchange.createOrder('BTC/USDT', 'market', 'sell', 0.5, undefined, stop);
    const stopLimit = { clientOrderId: 'STOP2', stopLossPrice: 60000 };
    await exchange.createOrder('BTC/USDT', 'limit', 'sell', 0.5, 59900, stopLimit);
    const orders = await simulator.control.orders();
    assert.deepEqual(
      orders.map((order) => [order.clientOrderId, order.type, order.status]),
      [
        ['STOP1', 'STOP_LOSS', 'NEW'],
        ['STOP2', 'STOP_LOSS_LIMIT', 'NEW'],
      ],
    );
    assert.equal((await exchange.fetchOrder('', 'BTC/USDT', { clientOrderId: 'STOP1' })).stopPrice, 60000);
  });

  test('reads balances, tickers, the book and the clock', async () => {
    const balance = await exchange.fetchBalance();
    assert.equal(balance['USDT']?.free, 1_000_000);
    assert.equal((await exchange.fetchTicker('BTC/USDT')).last, 67500);
    assert.equal((await exchange.fetchBidsAsks(['BTC/USDT']))['BTC/USDT']?.ask, 67500);
    assert.equal((await exchange.fetchOrderBook('BTC/USDT')).bids[0]?.[0], 67500);
    assert.ok(Math.abs(((await exchange.fetchTime()) ?? 0) - Date.now()) < 500);
    const rights = (await exchange.sapiGetAccountApiRestrictions()) as Json;
    assert.equal(rights['enableWithdrawals'], false);
    await simulator.control.change({ enableWithdrawals: true });
    assert.equal(((await exchange.sapiGetAccountApiRestrictions()) as Json)['enableWithdrawals'], true);
  });

  test('places OCO and OTOCO lists through its implicit methods', async () => {
    const oco = (await exchange.privatePostOrderListOco(OCO_SELL)) as Json;
    assert.equal(oco['contingencyType'], 'OCO');
    const otoco = (await exchange.privatePostOrderListOtoco(OTOCO)) as Json;
    const reports = otoco['orderReports'] as Json[];
    assert.deepEqual(
      reports.map((report) => [report['clientOrderId'], report['status']]),
      [
        ['ENTRY', 'NEW'],
        ['STOP', 'PENDING_NEW'],
        ['TARGET', 'PENDING_NEW'],
      ],
    );
    const list = (await exchange.privateGetOrderList({ orderListId: otoco['orderListId'] })) as Json;
    assert.equal(list['listOrderStatus'], 'EXECUTING');
    await exchange.privateDeleteOrderList({ symbol: SYMBOL, orderListId: otoco['orderListId'] });
    assert.equal(await statusOf('TARGET'), 'CANCELED');
  });

  test('tells refusals apart by the class it throws', async () => {
    const order = (side: 'buy' | 'sell', amount: number, parameters: Json = {}) =>
      exchange.createOrder('BTC/USDT', 'limit', side, amount, 60000, parameters);
    await assert.rejects(order('buy', 50), ccxt.InsufficientFunds);
    await order('buy', 0.1, { clientOrderId: 'TWICE' });
    await assert.rejects(order('buy', 0.1, { clientOrderId: 'TWICE' }), ccxt.InvalidOrder);
    await assert.rejects(order('sell', 0.1, { postOnly: true }), ccxt.OrderImmediatelyFillable);
    await assert.rejects(order('buy', 0.1, { reduceOnly: true }), ccxt.BadRequest);
    await assert.rejects(order('buy', 0.1, { timestamp: Date.now() - 6_000 }), ccxt.InvalidNonce);
    await assert.rejects(exchange.fetchOrder('', 'BTC/USDT', { clientOrderId: 'NEVER' }), ccxt.OrderNotFound);
    await assert.rejects(exchange.cancelOrder('', 'BTC/USDT', { clientOrderId: 'NEVER' }), ccxt.OrderNotFound);
  });
});

describe('a signed request', () => {
  test('needs a key, a timestamp and a true signature', async () => {
    assert.equal((await raw('GET', '/api/v3/account')).json['code'], -2014);
    assert.equal((await signed('GET', '/api/v3/account', {}, 'other-key')).json['code'], -2015);
    const headers = { 'x-mbx-apikey': 'demo-key' };
    assert.equal((await raw('GET', '/api/v3/account', 'recvWindow=5000', headers)).json['code'], -1102);
    const forged = `timestamp=${Date.now()}&signature=${'a'.repeat(64)}`;
    assert.equal((await raw('GET', '/api/v3/account', forged, headers)).json['code'], -1022);
  });

  test('is signed over the query and the body put together', async () => {
    const query = 'symbol=BTCUSDT&side=BUY&type=MARKET';
    const body = `quantity=0.01&timestamp=${Date.now()}`;
    const signature = createHmac('sha256', 'demo-secret').update(`${query}${body}`).digest('hex').toUpperCase();
    const answer = await request(`${simulator.origin}/api/v3/order?${query}`, {
      method: 'POST',
      headers: { 'x-mbx-apikey': 'demo-key' },
      body: `${body}&signature=${signature}`,
    });
    assert.equal(answer.statusCode, 200);
    await answer.body.dump();
  });

  test('is refused outside its window, in both directions', async () => {
    const late = await refused({ ...MARKET_BUY, timestamp: Date.now() - 5_001 }, -1021);
    assert.equal(late.json['msg'], 'Timestamp for this request is outside of the recvWindow.');
    const early = await refused({ ...MARKET_BUY, timestamp: Date.now() + 1_500 }, -1021);
    assert.equal(early.json['msg'], "Timestamp for this request was 1000ms ahead of the server's time.");
    await refused({ ...MARKET_BUY, recvWindow: 60_001 }, -1131);
    await simulator.control.change({ clockOffsetMs: 10_000 });
    await refused(MARKET_BUY, -1021);
    await placed({ ...MARKET_BUY, timestamp: Date.now() + 10_000 });
  });

  test('is looked at once more before the engine', async () => {
    await simulator.control.fault({ match: { clientOrderId: 'SLOW' }, fault: { kind: 'delay', ms: 600 } });
    await refused({ ...MARKET_BUY, newClientOrderId: 'SLOW', recvWindow: 500 }, -1021);
    assert.equal(await bookedUnder('SLOW'), 0);
  });

  test('may hold nothing that no rule reads', async () => {
    const message = "Not all sent parameters were read; read '6' parameter(s) but was sent '7'.";
    await refused({ ...MARKET_BUY, reduceOnly: 'true' }, -1104, message);
  });

  test('is told how much weight and how many orders were used', async () => {
    const answer = await signed('POST', '/api/v3/order', RESTING_BUY);
    assert.ok(Number(answer.headers['x-mbx-used-weight-1m']) > 0);
    assert.equal(answer.headers['x-mbx-order-count-10s'], '1');
    await simulator.control.change({ orderLimit: 1 });
    const limited = await refused(RESTING_BUY, -1015);
    assert.equal(limited.status, 429);
    await simulator.control.change({ weightLimit: 1, banAfter: 1 });
    const heavy = await signed('GET', '/api/v3/account');
    assert.equal(heavy.status, 429);
    assert.ok(Number(heavy.headers['retry-after']) >= 1);
    assert.equal((await signed('GET', '/api/v3/account')).status, 418);
  });
});

describe('an order', () => {
  test('must name a symbol, and keep to precision and filters', async () => {
    await refused({ ...MARKET_BUY, symbol: 'NOPE' }, -1121, 'Invalid symbol.');
    await refused({ ...MARKET_BUY, quantity: '0.000000001' }, -1111, "Parameter 'quantity' has too much precision.");
    await refused({ ...MARKET_BUY, quantity: '1e-3' }, -1100);
    await refused({ ...MARKET_BUY, quantity: '0.000001' }, -1013, 'Filter failure: LOT_SIZE');
    await refused({ ...MARKET_BUY, quantity: '0.00001' }, -1013, 'Filter failure: NOTIONAL');
    await refused({ ...MARKET_BUY, quantity: '1001' }, -1013, 'Filter failure: MARKET_LOT_SIZE');
    await refused({ ...RESTING_BUY, price: '60000.001' }, -1013, 'Filter failure: PRICE_FILTER');
    await refused({ ...RESTING_BUY, price: '13000' }, -1013, 'Filter failure: PERCENT_PRICE_BY_SIDE');
    await simulator.control.symbol(SYMBOL, { rules: { maxNumOrders: 1 } });
    await placed(RESTING_BUY);
    await refused(RESTING_BUY, -1013, 'Filter failure: MAX_NUM_ORDERS');
    await simulator.control.symbol(SYMBOL, { status: 'BREAK' });
    await refused(MARKET_BUY, -1013, 'Market is closed.');
  });

  test('must bring the terms of its type and no others', async () => {
    await refused({ ...RESTING_BUY, timeInForce: 'GTX' }, -1115);
    await refused({ ...MARKET_BUY, price: '67500' }, -1106, "Parameter 'price' sent when not required.");
    await refused({ symbol: SYMBOL, side: 'BUY', type: 'MARKET' }, -1102);
    await refused({ ...RESTING_BUY, newClientOrderId: 'with space' }, -1100);
    await refused({ ...RESTING_BUY, newClientOrderId: 'A'.repeat(37) }, -1100);
  });

  test('locks what it would pay and gets its fee out of what it receives', async () => {
    await placed({ ...RESTING_BUY, newClientOrderId: 'LOCKED' });
    assert.deepEqual(await balanceOf('USDT'), { free: '940000.00000000', locked: '60000.00000000' });
    await simulator.control.price(SYMBOL, '60000');
    assert.equal(await statusOf('LOCKED'), 'FILLED');
    assert.deepEqual(await balanceOf('USDT'), { free: '940000.00000000', locked: '0.00000000' });
    assert.equal((await balanceOf('BTC')).free, '100.99900000');
    const all = { symbol: SYMBOL, side: 'SELL', type: 'MARKET', quantity: '101' };
    await refused(all, -2010, 'Account has insufficient balance for requested action.');
  });

  test('answers a market order in full and a maker order with its id alone', async () => {
    const market = await placed({ ...MARKET_BUY, newClientOrderId: 'FULL' });
    const fields =
      'symbol orderId orderListId clientOrderId transactTime price origQty executedQty origQuoteOrderQty ' +
      'cummulativeQuoteQty status timeInForce type side workingTime selfTradePreventionMode fills';
    assert.equal(Object.keys(market).join(' '), fields);
    assert.equal((market['fills'] as Json[])[0]?.['commission'], '0.00001000');
    const { timeInForce: _, ...maker } = { ...RESTING_BUY, type: 'LIMIT_MAKER' };
    assert.deepEqual(Object.keys(await placed(maker)), Object.keys(market).slice(0, 5));
  });

  test('may spend a quote amount', async () => {
    const order = await placed({ symbol: SYMBOL, side: 'BUY', type: 'MARKET', quoteOrderQty: '100' });
    assert.equal(order['executedQty'], '0.00148000');
    assert.equal(order['origQuoteOrderQty'], '100.00000000');
  });

  test('is refused under an id that is open, and accepted once that is filled: two real orders', async () => {
    await placed({ ...RESTING_BUY, newClientOrderId: 'SAME' });
    await refused({ ...RESTING_BUY, newClientOrderId: 'SAME' }, -2010, 'Duplicate order sent.');
    await simulator.control.price(SYMBOL, '59000');
    const second = await placed({ ...MARKET_BUY, newClientOrderId: 'SAME' });
    assert.equal(await bookedUnder('SAME'), 2);
    const latest = await signed('GET', '/api/v3/order', { symbol: SYMBOL, origClientOrderId: 'SAME' });
    assert.equal(latest.json['orderId'], second['orderId']);
  });

  test('at market takes what there is, and the rest expires', async () => {
    await simulator.control.liquidity(SYMBOL, '0.004');
    const order = await placed({ ...MARKET_BUY, newClientOrderId: 'THIN' });
    assert.equal(order['status'], 'EXPIRED');
    assert.equal(order['executedQty'], '0.00400000');
    assert.equal((await balanceOf('USDT')).locked, '0.00000000');
  });

  test('with a limit rests partially filled; IOC and FOK do not rest', async () => {
    await simulator.control.liquidity(SYMBOL, '0.4');
    const crossing = { ...RESTING_BUY, price: '68000' };
    assert.equal((await placed({ ...crossing, timeInForce: 'FOK' }))['status'], 'EXPIRED');
    assert.equal((await placed({ ...crossing, newClientOrderId: 'PART' }))['status'], 'PARTIALLY_FILLED');
    assert.equal((await placed({ ...crossing, timeInForce: 'IOC' }))['status'], 'EXPIRED');
    await simulator.control.liquidity(SYMBOL, null);
    assert.equal(await statusOf('PART'), 'FILLED');
  });

  test('that only makes is refused where it would take', async () => {
    const { timeInForce: _, ...maker } = { ...RESTING_BUY, type: 'LIMIT_MAKER', price: '67500' };
    await refused(maker, -2010, 'Order would immediately match and take.');
  });

  test('with a stop waits for the last price, and is refused where it would trigger at once', async () => {
    const stop = { symbol: SYMBOL, side: 'SELL', type: 'STOP_LOSS', quantity: '1', stopPrice: '65000' };
    await refused({ ...stop, stopPrice: '67500' }, -2010, 'Stop price would trigger immediately.');
    await placed({ ...stop, newClientOrderId: 'STOP' });
    const limited = { ...stop, type: 'TAKE_PROFIT_LIMIT', stopPrice: '70000', price: '70500', timeInForce: 'GTC' };
    await placed({ ...limited, newClientOrderId: 'TAKE' });
    await simulator.control.price(SYMBOL, '70100');
    const [take] = await simulator.control.orders('TAKE');
    assert.ok(take?.status === 'NEW' && take.workingTime !== -1, 'triggered, and resting at its limit');
    await simulator.control.price(SYMBOL, '64000');
    assert.equal(await statusOf('STOP'), 'FILLED');
    assert.equal((await simulator.control.ledger()).fills.at(-1)?.price, '64000.00000000');
  });

  test('is validated but not booked by the test endpoint', async () => {
    assert.deepEqual((await signed('POST', '/api/v3/order/test', MARKET_BUY)).json, {});
    await refused({ ...MARKET_BUY, quantity: '0.000001' }, -1013, undefined, '/api/v3/order/test');
    assert.equal((await simulator.control.orders()).length, 0);
  });

  test('can be filled in part, expired and canceled by the venue', async () => {
    for (const id of ['A', 'B']) await placed({ ...RESTING_BUY, newClientOrderId: id });
    await simulator.control.fill({ clientOrderId: 'A', quantity: '0.25' });
    assert.equal(await statusOf('A'), 'PARTIALLY_FILLED');
    await simulator.control.expire({ clientOrderId: 'A' });
    await simulator.control.cancel({ clientOrderId: 'B' });
    assert.deepEqual([await statusOf('A'), await statusOf('B')], ['EXPIRED', 'CANCELED']);
    assert.deepEqual(await balanceOf('USDT'), { free: '985000.00000000', locked: '0.00000000' });
  });

  test('cannot be read until the reads have caught up', async () => {
    await simulator.control.change({ readLagMs: 500 });
    const order = await placed({ ...MARKET_BUY, newClientOrderId: 'LAG' });
    const { orderId } = order;
    assert.equal(await statusOf('LAG'), -2013);
    const trades = () => signed('GET', '/api/v3/myTrades', { symbol: SYMBOL, orderId });
    assert.equal((await trades()).text, '[]');
    assert.equal((await signed('GET', '/api/v3/allOrders', { symbol: SYMBOL })).text, '[]');
    await wait(510);
    assert.equal(await statusOf('LAG'), 'FILLED');
    assert.equal(JSON.parse((await trades()).text).length, 1);
  });

  test('is canceled with the documented answer, and only while it is open', async () => {
    await placed({ ...RESTING_BUY, newClientOrderId: 'GONE' });
    const which = { symbol: SYMBOL, origClientOrderId: 'GONE' };
    const answer = await signed('DELETE', '/api/v3/order', { ...which, newClientOrderId: 'CANCEL' });
    assert.equal(answer.json['origClientOrderId'], 'GONE');
    assert.equal(answer.json['clientOrderId'], 'CANCEL');
    assert.equal(answer.json['status'], 'CANCELED');
    const again = await signed('DELETE', '/api/v3/order', which);
    assert.deepEqual(again.json, { code: -2011, msg: 'Unknown order sent.' });
  });

  test('is canceled together with all others of its symbol', async () => {
    await placed({ ...RESTING_BUY, newClientOrderId: 'ONE' });
    await signed('POST', '/api/v3/orderList/oco', OCO_SELL);
    const answer = await signed('DELETE', '/api/v3/openOrders', { symbol: SYMBOL });
    assert.equal(JSON.parse(answer.text).length, 2);
    assert.deepEqual(JSON.parse((await signed('GET', '/api/v3/openOrders')).text), []);
    assert.deepEqual(await balanceOf('BTC'), { free: '100.00000000', locked: '0.00000000' });
  });
});

describe('an order list', () => {
  test('locks once for both legs of an OCO', async () => {
    await signed('POST', '/api/v3/orderList/oco', OCO_SELL);
    assert.deepEqual(await balanceOf('BTC'), { free: '99.00000000', locked: '1.00000000' });
  });

  test('keeps to the order of prices and kinds', async () => {
    const oco = '/api/v3/orderList/oco';
    const relation = 'The relationship of the prices for the orders is not correct.';
    await refused({ ...OCO_SELL, abovePrice: '67000' }, -2010, relation, oco);
    await refused({ ...OCO_SELL, belowStopPrice: '68000' }, -2010, relation, oco);
    const { abovePrice, ...rest } = OCO_SELL;
    await refused({ ...rest, aboveType: 'STOP_LOSS', aboveStopPrice: abovePrice }, -1197, undefined, oco);
  });

  test('expires the stop when the limit leg fills, even in part', async () => {
    await signed('POST', '/api/v3/orderList/oco', {
      ...OCO_SELL,
      aboveClientOrderId: 'UP',
      belowClientOrderId: 'DOWN',
    });
    await simulator.control.fill({ clientOrderId: 'UP', quantity: '0.1' });
    assert.deepEqual([await statusOf('UP'), await statusOf('DOWN')], ['PARTIALLY_FILLED', 'EXPIRED']);
    await simulator.control.price(SYMBOL, '70000');
    const [list] = (await simulator.control.ledger()).lists;
    assert.equal(list?.listOrderStatus, 'ALL_DONE');
    assert.deepEqual(await balanceOf('BTC'), { free: '99.00000000', locked: '0.00000000' });
  });

  test('expires the limit leg when the stop triggers', async () => {
    await signed('POST', '/api/v3/orderList/oco', {
      ...OCO_SELL,
      aboveClientOrderId: 'UP',
      belowClientOrderId: 'DOWN',
    });
    await simulator.control.price(SYMBOL, '64900');
    assert.deepEqual([await statusOf('UP'), await statusOf('DOWN')], ['EXPIRED', 'FILLED']);
  });

  test('puts the pending legs of an OTOCO on the book after the full fill only', async () => {
    await signed('POST', '/api/v3/orderList/otoco', OTOCO);
    await simulator.control.fill({ clientOrderId: 'ENTRY', quantity: '0.4' });
    assert.equal(await statusOf('STOP'), 'PENDING_NEW');
    await simulator.control.fill({ clientOrderId: 'ENTRY', quantity: '0.6' });
    assert.deepEqual(
      [await statusOf('ENTRY'), await statusOf('STOP'), await statusOf('TARGET')],
      ['FILLED', 'NEW', 'NEW'],
    );
    await simulator.control.price(SYMBOL, '70000');
    assert.deepEqual([await statusOf('STOP'), await statusOf('TARGET')], ['EXPIRED', 'FILLED']);
  });

  test('shows an entry that fills at once beside legs that are still pending', async () => {
    const answer = await signed('POST', '/api/v3/orderList/otoco', { ...OTOCO, workingPrice: '68000' });
    const reports = answer.json['orderReports'] as Json[];
    assert.deepEqual(
      reports.map((report) => report['status']),
      ['FILLED', 'PENDING_NEW', 'PENDING_NEW'],
    );
    assert.equal(await statusOf('TARGET'), 'NEW');
  });

  test('rejects the legs of a position that its own fee has made too small', async () => {
    await simulator.control.setBalances({ BTC: '0' });
    await signed('POST', '/api/v3/orderList/otoco', { ...OTOCO, workingPrice: '68000' });
    const [target] = await simulator.control.orders('TARGET');
    assert.equal(target?.status, 'REJECTED');
    assert.equal(target.rejectReason, 'INSUFFICIENT_BALANCES');
  });

  test('goes as a whole when one of its legs is canceled, and answers as a list', async () => {
    await signed('POST', '/api/v3/orderList/otoco', OTOCO);
    const answer = await signed('DELETE', '/api/v3/order', { symbol: SYMBOL, origClientOrderId: 'STOP' });
    assert.equal((answer.json['orderReports'] as Json[]).length, 3);
    assert.equal(answer.json['orderId'], undefined);
    assert.deepEqual([await statusOf('ENTRY'), await statusOf('TARGET')], ['CANCELED', 'CANCELED']);
  });

  test('is refused when one of its ids is open', async () => {
    await placed({ ...RESTING_BUY, newClientOrderId: 'STOP' });
    await refused(OTOCO, -2010, 'Duplicate order sent.', '/api/v3/orderList/otoco');
    assert.equal((await simulator.control.orders()).length, 1);
  });
});

describe('a fault', () => {
  const POST_ORDER = { method: 'POST', path: '/api/v3/order' };
  const buy = (id: string) => exchange.createOrder('BTC/USDT', 'market', 'buy', 0.01, undefined, { clientOrderId: id });

  const cases = [
    { fault: 'drop-before', booked: 0, thrown: ccxt.NetworkError },
    { fault: 'execute-then-drop', booked: 1, thrown: ccxt.NetworkError },
    { fault: 'execute-then-fin', booked: 1, thrown: Error },
    { fault: 'truncate', booked: 1, thrown: Error },
    { fault: 'stall-body', booked: 1, thrown: Error },
    { fault: { kind: 'status-before', status: 502 }, booked: 0, thrown: ccxt.ExchangeNotAvailable },
    { fault: { kind: 'status-after', status: 503 }, booked: 1, thrown: ccxt.ExchangeNotAvailable },
    { fault: 'engine-timeout-booked', booked: 1, thrown: ccxt.RequestTimeout },
    { fault: 'engine-timeout-unbooked', booked: 0, thrown: ccxt.RequestTimeout },
    { fault: '-1000', booked: 0, thrown: ccxt.OperationFailed },
    { fault: { kind: '-1001', booked: true }, booked: 1, thrown: ccxt.OperationFailed },
    { fault: { kind: '-1006', booked: true }, booked: 1, thrown: ccxt.OperationFailed },
    { fault: '-1008', booked: 0, thrown: ccxt.OperationFailed },
    { fault: '429', booked: 0, thrown: ccxt.DDoSProtection },
    { fault: '418', booked: 0, thrown: ccxt.DDoSProtection },
    { fault: '-1003', booked: 0, thrown: ccxt.DDoSProtection },
    { fault: '-1015', booked: 0, thrown: ccxt.DDoSProtection },
    { fault: { kind: 'empty', booked: true }, booked: 1, thrown: TypeError },
    { fault: 'html', booked: 0, thrown: TypeError },
    { fault: { kind: 'duplicate-text', booked: true }, booked: 1, thrown: ccxt.InvalidOrder },
    { fault: { kind: 'reject', code: -2010, msg: 'Market is closed.' }, booked: 0, thrown: ccxt.BaseError },
    { fault: { kind: 'raw', bytes: 'HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{]' }, booked: 0, thrown: Error },
  ] as const;
  for (const { fault, booked, thrown } of cases) {
    const name = typeof fault === 'string' ? fault : `${fault.kind} ${'booked' in fault ? 'booked' : ''}`.trim();
    test(`${name} books ${booked} and looks like ${thrown.name} to the client`, async () => {
      await simulator.control.fault({ match: POST_ORDER, fault });
      await assert.rejects(buy('FAULT'), thrown);
      assert.equal(await bookedUnder('FAULT'), booked);
      const { requests } = await simulator.control.ledger();
      const recorded = requests.find((each) => each.clientOrderId === 'FAULT');
      assert.equal(recorded?.outcome?.booked.length, booked);
      await buy('AFTER');
    });
  }

  test('of silence ends in a timeout, whether booked or not', async () => {
    const impatient = await client(100);
    await impatient.loadMarkets();
    for (const [fault, booked] of [['silence', 0] as const, ['execute-then-silence', 1] as const]) {
      await simulator.control.fault({ match: POST_ORDER, fault });
      const sent = impatient.createOrder('BTC/USDT', 'market', 'buy', 0.01, undefined, { clientOrderId: fault });
      await assert.rejects(sent, ccxt.RequestTimeout);
      assert.equal(await bookedUnder(fault), booked);
    }
    await impatient.close();
  });

  test('may answer with JSON of the wrong kind', async () => {
    for (const json of [[], 7, 'text', null, { orderId: null }]) {
      await simulator.control.fault({ match: POST_ORDER, fault: { kind: 'wrong-json', json, booked: true } });
      const answer = await signed('POST', '/api/v3/order', MARKET_BUY);
      assert.equal(answer.text, JSON.stringify(json));
    }
    assert.equal((await simulator.control.orders()).length, 5);
  });

  test('strikes the n-th matching request, as often as asked', async () => {
    await simulator.control.fault({ match: { ...POST_ORDER, nth: 2 }, fault: '-1015' });
    await placed(MARKET_BUY);
    await refused(MARKET_BUY, -1015);
    await placed(MARKET_BUY);
    await simulator.control.fault({ match: { clientOrderId: 'X' }, times: null, fault: '-1015' });
    for (let attempt = 0; attempt < 3; attempt += 1) await refused({ ...MARKET_BUY, newClientOrderId: 'X' }, -1015);
    await simulator.control.clearFaults();
    await placed({ ...MARKET_BUY, newClientOrderId: 'X' });
  });

  test('fills a part at once and lies about an order that exists', async () => {
    await simulator.control.fault({ match: { clientOrderId: 'PART' }, fault: { kind: 'partial', quantity: '0.004' } });
    assert.equal((await placed({ ...MARKET_BUY, newClientOrderId: 'PART' }))['executedQty'], '0.00400000');
    await simulator.control.fault({ match: { method: 'GET', clientOrderId: 'PART' }, fault: 'lie-absent' });
    assert.equal(await statusOf('PART'), -2013);
    assert.equal(await statusOf('PART'), 'EXPIRED');
  });

  test('holds a request that its client has given up, and books it on release', async () => {
    await simulator.control.fault({ match: POST_ORDER, fault: { kind: 'late', connection: 'reset' } });
    await assert.rejects(buy('LATE'), ccxt.NetworkError);
    assert.equal(await statusOf('LATE'), -2013);
    assert.equal(await simulator.control.release('LATE'), 1);
    await wait(20);
    assert.equal(await statusOf('LATE'), 'FILLED');
  });

  test('does not book a held request whose window has passed', async () => {
    await simulator.control.fault({ match: { clientOrderId: 'OLD' }, fault: { kind: 'late' } });
    const answer = signed('POST', '/api/v3/order', { ...MARKET_BUY, newClientOrderId: 'OLD', recvWindow: 100 });
    await wait(150);
    await simulator.control.release();
    assert.equal((await answer).json['code'], -1021);
    assert.equal(await bookedUnder('OLD'), 0);
  });

  test('keeps a request in the engine past its window, but never past the bound of the engine', async () => {
    await simulator.control.fault({
      match: { clientOrderId: 'QUEUED' },
      fault: { kind: 'late-unchecked', ms: 60_000 },
    });
    const started = Date.now();
    const order = { ...MARKET_BUY, newClientOrderId: 'QUEUED', recvWindow: 100 };
    const answer = await signed('POST', '/api/v3/order', order);
    assert.equal(answer.status, 200);
    const took = Date.now() - started;
    assert.ok(took >= 290 && took < 10_000, `${took} ms`);
  });
});

describe('the ledger', () => {
  test('keeps every booked order through SIGKILL', async () => {
    await placed({ ...RESTING_BUY, newClientOrderId: 'KEPT' });
    await signed('POST', '/api/v3/orderList/otoco', OTOCO);
    await simulator.control.change({ clockOffsetMs: 250 });
    let sent = 0;
    const flood = (async () => {
      for (; sent < 1_000; sent += 1) await placed({ ...MARKET_BUY, newClientOrderId: `FLOOD${sent}` });
    })().catch(() => undefined);
    while (sent < 15) await wait(5);
    await simulator.kill('SIGKILL');
    await flood;
    await simulator.restart();
    assert.equal(await statusOf('KEPT'), 'NEW');
    const { orders, fills, requests } = await simulator.control.ledger();
    for (let index = 0; index < sent; index += 1) {
      assert.ok(
        orders.some((order) => order.clientOrderId === `FLOOD${index}`),
        `FLOOD${index} was answered and is gone`,
      );
    }
    const flooded = orders.filter((order) => order.clientOrderId.startsWith('FLOOD'));
    assert.equal(fills.length, flooded.length);
    for (const order of flooded) assert.ok(requests.some((each) => each.clientOrderId === order.clientOrderId));
    assert.equal((await simulator.control.settings()).clockOffsetMs, 250);
    await simulator.control.fill({ clientOrderId: 'ENTRY', quantity: '1' });
    assert.equal(await statusOf('TARGET'), 'NEW');
  });

  test('records what arrived, even where nothing was answered or no route exists', async () => {
    const nowhere = await raw('GET', '/api/v3/nowhere');
    assert.equal(nowhere.status, 404);
    assert.equal(nowhere.headers['content-type'], 'text/html');
    await refused({ ...MARKET_BUY, symbol: 'NOPE', newClientOrderId: 'SEEN' }, -1121);
    const { requests } = await simulator.control.ledger();
    assert.deepEqual(
      requests.map(({ method, path, clientOrderId, outcome }) => [method, path, clientOrderId, outcome?.code]),
      [
        ['GET', '/api/v3/nowhere', null, null],
        ['POST', '/api/v3/order', 'SEEN', -1121],
      ],
    );
    assert.equal(requests[1]?.parameters['signature'], undefined);
  });
});
