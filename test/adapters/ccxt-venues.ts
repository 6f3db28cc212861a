import { generateKeyPairSync } from 'node:crypto';

import { multiply, subtract } from '../../domain/decimal.ts';

/** What one request was, without what changes from one to the next: nonce, time, signature. */
export interface Captured {
  readonly route: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: unknown;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly raw: string;
}

/** Answers by route, such as `GET /api/v3/order`. A number is an HTTP status with a page instead of JSON. */
export type Routes = Readonly<Record<string, object | number | { status: number; json: object }>>;

export type State = 'open' | 'partial' | 'filled' | 'canceled';
export type OrderName =
  'marketBuy' | 'marketSell' | 'limit' | 'ioc' | 'fok' | 'stopBuy' | 'stopSell' | 'stopLimit' | 'stopLimitIoc';

/** One exchange: what it answers, in the shape of its own documents, and what it must have been asked. */
export interface Venue {
  readonly exchange: string;
  readonly symbol: string;
  readonly keys: { readonly apiKey: string; readonly apiSecret: string; readonly password?: string };
  /** The header or parameter that holds the signature. */
  readonly signature: string;
  readonly markets: Routes;
  /** Our id as it goes over the wire. */
  readonly wireId: (id: string) => string;
  /** The answer to placing an order. */
  readonly acknowledges: (id: string) => Routes;
  /** Every order that can be placed, as it must leave; those that are missing must be refused. */
  readonly sends: (id: string) => Partial<Record<OrderName, readonly [route: string, body: unknown]>>;
  readonly order: (id: string, state: State) => object;
  /** The look-up's answers that hold these orders: among those that wait, and among those that are over. */
  readonly shows: (open: readonly object[], ended: readonly object[], id: string) => Routes;
  /** How the look-up asks, one request after the other, when the order is over or not there. */
  readonly asks: (id: string) => readonly (readonly [route: string, asked: unknown])[];
  /** Other ways to say that there is no such order. */
  readonly missing: readonly ((id: string) => Routes)[];
  readonly cancels: (id: string) => readonly [route: string, asked: unknown];
  readonly canceled: (id: string) => Routes;
  readonly badIds: readonly string[];
}

export const VENUE_ORDER_ID = '1321003749386327552';
export const QUANTITY = '0.012';
export const LIMIT_PRICE = '60000.5';
export const STOP_PRICE = '61000';
/** More digits than a floating-point number holds. */
export const AVERAGE = '60123.4567890123456';
const FILLED: Readonly<Record<State, string>> = {
  open: '0',
  partial: '0.00512345',
  filled: QUANTITY,
  canceled: '0.00512345',
};
export const filledOf = (state: State): string => FILLED[state];
const costOf = (state: State): string => multiply(AVERAGE, FILLED[state]);
const leftOf = (state: State): string => subtract(QUANTITY, FILLED[state]);
const averageOf = (state: State, none: string): string => (state === 'open' ? none : AVERAGE);
const TIME = 1_795_500_000_000;

const same = (id: string): string => id;
const KEYS = { apiKey: 'key', apiSecret: 'c2VjcmV0', password: 'phrase' };

const binance: Venue = {
  exchange: 'binance',
  symbol: 'BTC/USDT',
  keys: KEYS,
  signature: 'signature',
  markets: {
    'GET /api/v3/exchangeInfo': {
      timezone: 'UTC',
      serverTime: TIME,
      rateLimits: [],
      symbols: [
        {
          symbol: 'BTCUSDT',
          status: 'TRADING',
          baseAsset: 'BTC',
          quoteAsset: 'USDT',
          baseAssetPrecision: 8,
          quoteAssetPrecision: 8,
          orderTypes: ['LIMIT', 'LIMIT_MAKER', 'MARKET', 'STOP_LOSS', 'STOP_LOSS_LIMIT'],
          isSpotTradingAllowed: true,
          permissionSets: [['SPOT']],
          filters: [
            { filterType: 'PRICE_FILTER', minPrice: '0.01', maxPrice: '1000000', tickSize: '0.01' },
            { filterType: 'LOT_SIZE', minQty: '0.00001', maxQty: '9000', stepSize: '0.00001' },
            { filterType: 'NOTIONAL', minNotional: '5', maxNotional: '9000000' },
          ],
        },
      ],
    },
  },
  wireId: same,
  acknowledges: (id) => ({ 'POST /api/v3/order': binance.order(id, 'open') }),
  sends: (id) => {
    const order = (side: string, terms: object): readonly [string, unknown] => [
      'POST /api/v3/order',
      { symbol: 'BTCUSDT', side, newClientOrderId: id, newOrderRespType: 'FULL', quantity: QUANTITY, ...terms },
    ];
    const price = LIMIT_PRICE;
    const stopPrice = STOP_PRICE;
    return {
      marketBuy: order('BUY', { type: 'MARKET' }),
      marketSell: order('SELL', { type: 'MARKET' }),
      limit: order('BUY', { type: 'LIMIT', price, timeInForce: 'GTC' }),
      ioc: order('SELL', { type: 'LIMIT', price, timeInForce: 'IOC' }),
      fok: order('BUY', { type: 'LIMIT', price, timeInForce: 'FOK' }),
      stopBuy: order('BUY', { type: 'STOP_LOSS', stopPrice }),
      stopSell: order('SELL', { type: 'STOP_LOSS', stopPrice }),
      stopLimit: order('BUY', { type: 'STOP_LOSS_LIMIT', price, stopPrice, timeInForce: 'GTC' }),
      stopLimitIoc: order('SELL', { type: 'STOP_LOSS_LIMIT', price, stopPrice, timeInForce: 'IOC' }),
    };
  },
  order: (id, state) => ({
    symbol: 'BTCUSDT',
    orderId: VENUE_ORDER_ID,
    orderListId: -1,
    clientOrderId: id,
    price: LIMIT_PRICE,
    origQty: QUANTITY,
    executedQty: FILLED[state],
    cummulativeQuoteQty: costOf(state),
    status: { open: 'NEW', partial: 'PARTIALLY_FILLED', filled: 'FILLED', canceled: 'CANCELED' }[state],
    timeInForce: 'GTC',
    type: 'LIMIT',
    side: 'BUY',
    time: TIME,
    updateTime: TIME,
    isWorking: true,
  }),
  shows: (open, ended) => ({
    'GET /api/v3/order': open[0] ?? ended[0] ?? { status: 400, json: { code: -2013, msg: 'Order does not exist.' } },
  }),
  asks: (id) => [['GET /api/v3/order', { symbol: 'BTCUSDT', origClientOrderId: id }]],
  missing: [],
  cancels: (id) => ['DELETE /api/v3/order', { symbol: 'BTCUSDT', origClientOrderId: id }],
  canceled: (id) => ({ 'DELETE /api/v3/order': binance.order(id, 'canceled') }),
  badIds: ['', 'x'.repeat(37), 'a b', 'ö'],
};

const bybit: Venue = {
  exchange: 'bybit',
  symbol: 'BTC/USDT',
  keys: KEYS,
  signature: 'x-bapi-sign',
  markets: {
    'GET /v5/market/instruments-info': inBybit({
      category: 'spot',
      list: [
        {
          symbol: 'BTCUSDT',
          baseCoin: 'BTC',
          quoteCoin: 'USDT',
          innovation: '0',
          status: 'Trading',
          marginTrading: 'both',
          lotSizeFilter: {
            basePrecision: '0.000001',
            quotePrecision: '0.00000001',
            minOrderQty: '0.000048',
            maxOrderQty: '71.73956243',
            minOrderAmt: '1',
            maxOrderAmt: '4000000',
          },
          priceFilter: { tickSize: '0.01' },
        },
      ],
    }),
    // Asked once, before the first order: whether a market order's quantity may be in the base asset.
    'GET /v5/user/query-api': inBybit({ unified: 0, uta: 1 }),
    'GET /v5/account/info': inBybit({ unifiedMarginStatus: 6, marginMode: 'REGULAR_MARGIN' }),
  },
  wireId: same,
  acknowledges: (id) => ({ 'POST /v5/order/create': inBybit({ orderId: VENUE_ORDER_ID, orderLinkId: id }) }),
  sends: (id) => {
    const order = (side: string, terms: object): readonly [string, unknown] => [
      'POST /v5/order/create',
      { category: 'spot', symbol: 'BTCUSDT', side, qty: QUANTITY, orderLinkId: id, ...terms },
    ];
    const market = { orderType: 'Market', marketUnit: 'baseCoin' };
    const limit = { orderType: 'Limit', price: LIMIT_PRICE };
    const stop = { orderFilter: 'StopOrder', triggerPrice: STOP_PRICE };
    return {
      marketBuy: order('Buy', market),
      marketSell: order('Sell', market),
      limit: order('Buy', { ...limit, timeInForce: 'GTC' }),
      ioc: order('Sell', { ...limit, timeInForce: 'IOC' }),
      fok: order('Buy', { ...limit, timeInForce: 'FOK' }),
      stopBuy: order('Buy', { ...market, ...stop }),
      stopSell: order('Sell', { ...market, ...stop }),
      stopLimit: order('Buy', { ...limit, ...stop, timeInForce: 'GTC' }),
      stopLimitIoc: order('Sell', { ...limit, ...stop, timeInForce: 'IOC' }),
    };
  },
  order: (id, state) => ({
    symbol: 'BTCUSDT',
    orderId: VENUE_ORDER_ID,
    orderLinkId: id,
    price: LIMIT_PRICE,
    qty: QUANTITY,
    side: 'Buy',
    orderStatus: { open: 'New', partial: 'PartiallyFilled', filled: 'Filled', canceled: 'PartiallyFilledCanceled' }[
      state
    ],
    avgPrice: averageOf(state, '0'),
    leavesQty: state === 'canceled' ? '0' : leftOf(state),
    cumExecQty: FILLED[state],
    cumExecValue: costOf(state),
    cumExecFee: '0.000001',
    cumFeeDetail: {},
    timeInForce: 'GTC',
    orderType: 'Limit',
    marketUnit: 'baseCoin',
    stopOrderType: '',
    triggerPrice: '0.00',
    createdTime: String(TIME),
    updatedTime: String(TIME),
  }),
  shows: (open, ended) => ({
    'GET /v5/order/realtime': inBybit({ category: 'spot', nextPageCursor: '', list: open }),
    'GET /v5/order/history': inBybit({ category: 'spot', nextPageCursor: '', list: ended }),
  }),
  asks: (id) => [
    ['GET /v5/order/realtime', { category: 'spot', symbol: 'BTCUSDT', orderLinkId: id }],
    ['GET /v5/order/history', { category: 'spot', symbol: 'BTCUSDT', orderLinkId: id }],
  ],
  missing: [],
  cancels: (id) => [
    'POST /v5/order/cancel',
    { category: 'spot', symbol: 'BTCUSDT', orderFilter: 'Order', orderLinkId: id },
  ],
  canceled: (id) => ({ 'POST /v5/order/cancel': inBybit({ orderId: VENUE_ORDER_ID, orderLinkId: id }) }),
  badIds: ['', 'x'.repeat(37), 'a.b', 'a b'],
};

function inBybit(result: object): object {
  return { retCode: 0, retMsg: 'OK', result, retExtInfo: {}, time: TIME };
}

const okx: Venue = {
  exchange: 'okx',
  symbol: 'BTC/USDT',
  keys: KEYS,
  signature: 'ok-access-sign',
  markets: {
    'GET /api/v5/public/instruments': inOkx([
      {
        instType: 'SPOT',
        instId: 'BTC-USDT',
        baseCcy: 'BTC',
        quoteCcy: 'USDT',
        settleCcy: '',
        uly: '',
        ctVal: '',
        tickSz: '0.1',
        lotSz: '0.00000001',
        minSz: '0.00001',
        maxLmtSz: '9999999999',
        maxMktSz: '1000000',
        lever: '10',
        state: 'live',
      },
    ]),
  },
  wireId: same,
  acknowledges: (id) => ({
    'POST /api/v5/trade/batch-orders': inOkx([
      { ordId: VENUE_ORDER_ID, clOrdId: id, tag: '', sCode: '0', sMsg: '', ts: String(TIME) },
    ]),
  }),
  sends: (id) => {
    const order = (side: string, terms: object): readonly [string, unknown] => [
      'POST /api/v5/trade/batch-orders',
      [{ instId: 'BTC-USDT', side, sz: QUANTITY, tdMode: 'cash', tgtCcy: 'base_ccy', clOrdId: id, ...terms }],
    ];
    return {
      marketBuy: order('buy', { ordType: 'market' }),
      marketSell: order('sell', { ordType: 'market' }),
      limit: order('buy', { ordType: 'limit', px: LIMIT_PRICE }),
      ioc: order('sell', { ordType: 'ioc', px: LIMIT_PRICE }),
      fok: order('buy', { ordType: 'fok', px: LIMIT_PRICE }),
    };
  },
  order: (id, state) => ({
    instType: 'SPOT',
    instId: 'BTC-USDT',
    ordId: VENUE_ORDER_ID,
    clOrdId: id,
    tag: '',
    px: LIMIT_PRICE,
    sz: QUANTITY,
    ordType: 'limit',
    side: 'buy',
    tdMode: 'cash',
    tgtCcy: '',
    accFillSz: FILLED[state],
    avgPx: averageOf(state, ''),
    state: { open: 'live', partial: 'partially_filled', filled: 'filled', canceled: 'canceled' }[state],
    fee: '-0.000001',
    feeCcy: 'BTC',
    cTime: String(TIME),
    uTime: String(TIME),
  }),
  shows: (open, ended) => {
    const found = open[0] ?? ended[0];
    const none = { code: '51603', msg: 'Order does not exist', data: [] };
    return { 'GET /api/v5/trade/order': found === undefined ? none : inOkx([found]) };
  },
  asks: (id) => [['GET /api/v5/trade/order', { instId: 'BTC-USDT', clOrdId: id }]],
  missing: [() => ({ 'GET /api/v5/trade/order': inOkx([]) })],
  cancels: (id) => ['POST /api/v5/trade/cancel-order', { instId: 'BTC-USDT', clOrdId: id }],
  canceled: (id) => ({
    'POST /api/v5/trade/cancel-order': inOkx([{ ordId: VENUE_ORDER_ID, clOrdId: id, sCode: '0', sMsg: '' }]),
  }),
  badIds: ['', 'x'.repeat(33), 'ord_1', 'a-b'],
};

function inOkx(data: readonly object[]): object {
  return { code: '0', msg: '', data };
}

const kraken: Venue = {
  exchange: 'kraken',
  symbol: 'BTC/USDT',
  keys: KEYS,
  signature: 'api-sign',
  markets: {
    'GET /0/public/AssetPairs': inKraken({
      XBTUSDT: {
        altname: 'XBTUSDT',
        wsname: 'XBT/USDT',
        aclass_base: 'currency',
        base: 'XXBT',
        aclass_quote: 'currency',
        quote: 'USDT',
        cost_decimals: 8,
        pair_decimals: 1,
        lot_decimals: 8,
        lot_multiplier: 1,
        leverage_buy: [],
        leverage_sell: [],
        fees: [[0, 0.4]],
        fees_maker: [[0, 0.25]],
        ordermin: '0.00005',
        costmin: '0.5',
        tick_size: '0.1',
        status: 'online',
      },
    }),
  },
  // 7K3… read as bits, with the version 4 and the variant of a UUID put in.
  wireId: (id) => (id === '7K3ABCDEFGHJKMNPQRSTVWXYZ0' ? '3cc6a5b1ae7c4232a74adaf8ceb7cefb' : ''),
  acknowledges: () => ({
    'POST /0/private/AddOrder': inKraken({
      descr: { order: 'buy 0.01200000 XBTUSDT @ limit 60000.5' },
      txid: [VENUE_ORDER_ID],
    }),
  }),
  sends: (id) => {
    const order = (type: string, terms: object): readonly [string, unknown] => [
      'POST /0/private/AddOrder',
      { pair: 'XBTUSDT', type, volume: QUANTITY, cl_ord_id: id, ...terms },
    ];
    const limit = { ordertype: 'limit', price: LIMIT_PRICE };
    const stopLimit = { ordertype: 'stop-loss-limit', price: STOP_PRICE, price2: LIMIT_PRICE };
    return {
      marketBuy: order('buy', { ordertype: 'market' }),
      marketSell: order('sell', { ordertype: 'market' }),
      limit: order('buy', { ...limit, timeinforce: 'GTC' }),
      ioc: order('sell', { ...limit, timeinforce: 'IOC' }),
      stopBuy: order('buy', { ordertype: 'stop-loss', price: STOP_PRICE }),
      stopSell: order('sell', { ordertype: 'stop-loss', price: STOP_PRICE }),
      stopLimit: order('buy', { ...stopLimit, timeinforce: 'GTC' }),
      stopLimitIoc: order('sell', { ...stopLimit, timeinforce: 'IOC' }),
    };
  },
  order: (id, state) => ({
    refid: null,
    userref: null,
    cl_ord_id: id,
    status: { open: 'open', partial: 'open', filled: 'closed', canceled: 'canceled' }[state],
    opentm: TIME / 1000,
    starttm: 0,
    expiretm: 0,
    descr: { pair: 'XBTUSDT', type: 'buy', ordertype: 'limit', price: LIMIT_PRICE, price2: '0', leverage: 'none' },
    vol: '0.01200000',
    vol_exec: FILLED[state],
    cost: costOf(state),
    fee: '0.00100',
    price: averageOf(state, '0.00000'),
    stopprice: '0.00000',
    limitprice: '0.00000',
    misc: '',
    oflags: 'fciq',
  }),
  shows: (open, ended) => ({
    'POST /0/private/OpenOrders': inKraken({ open: byTxid(open) }),
    'POST /0/private/ClosedOrders': inKraken({ closed: byTxid(ended), count: ended.length }),
  }),
  asks: (id) => [
    ['POST /0/private/OpenOrders', { cl_ord_id: id }],
    ['POST /0/private/ClosedOrders', { cl_ord_id: id }],
  ],
  missing: [],
  cancels: (id) => ['POST /0/private/CancelOrder', { cl_ord_id: id }],
  canceled: () => ({ 'POST /0/private/CancelOrder': inKraken({ count: 1 }) }),
  badIds: ['', '7K3ABCDEFGHJKMNPQRSTVWXYZ0', '3cc6a5b1ae7c4232a74adaf8ceb7cef', '3CC6A5B1AE7C4232A74ADAF8CEB7CEFB'],
};

function inKraken(result: object): object {
  return { error: [], result };
}

function byTxid(orders: readonly object[]): object {
  return Object.fromEntries(orders.map((order, i) => [i === 0 ? VENUE_ORDER_ID : `OTHER-${i}`, order]));
}

const COINBASE_ORDERS = '/api/v3/brokerage/orders';
const coinbase: Venue = {
  exchange: 'coinbase',
  symbol: 'BTC/USD',
  keys: {
    apiKey: 'organizations/o/apiKeys/k',
    apiSecret: generateKeyPairSync('ec', { namedCurve: 'prime256v1' }).privateKey.export({
      type: 'sec1',
      format: 'pem',
    }) as string,
  },
  signature: 'authorization',
  markets: {
    'GET /api/v3/brokerage/market/products': {
      products: [
        {
          product_id: 'BTC-USD',
          price: '60000',
          base_increment: '0.00000001',
          quote_increment: '0.01',
          price_increment: '0.01',
          quote_min_size: '1',
          quote_max_size: '150000000',
          base_min_size: '0.00000001',
          base_max_size: '3400',
          status: 'online',
          trading_disabled: false,
          product_type: 'SPOT',
          base_currency_id: 'BTC',
          quote_currency_id: 'USD',
          alias: '',
          alias_to: [],
        },
      ],
      num_products: 1,
    },
    'GET /api/v3/brokerage/transaction_summary': { fee_tier: { taker_fee_rate: '0.012', maker_fee_rate: '0.006' } },
  },
  wireId: same,
  acknowledges: (id) => ({
    [`POST ${COINBASE_ORDERS}`]: {
      success: true,
      success_response: { order_id: VENUE_ORDER_ID, product_id: 'BTC-USD', side: 'BUY', client_order_id: id },
      order_configuration: {},
    },
  }),
  sends: (id) => {
    const order = (side: string, kind: string, terms: object): readonly [string, unknown] => {
      const order_configuration = { [kind]: { base_size: QUANTITY, ...terms } };
      return [`POST ${COINBASE_ORDERS}`, { client_order_id: id, product_id: 'BTC-USD', side, order_configuration }];
    };
    const limit = { limit_price: LIMIT_PRICE };
    const stop = { ...limit, stop_price: STOP_PRICE, stop_direction: 'STOP_DIRECTION_STOP_UP' };
    return {
      marketBuy: order('BUY', 'market_market_ioc', {}),
      marketSell: order('SELL', 'market_market_ioc', {}),
      limit: order('BUY', 'limit_limit_gtc', { ...limit, post_only: false }),
      ioc: order('SELL', 'sor_limit_ioc', limit),
      fok: order('BUY', 'limit_limit_fok', limit),
      stopLimit: order('BUY', 'stop_limit_stop_limit_gtc', stop),
    };
  },
  order: (id, state) => ({
    order_id: VENUE_ORDER_ID,
    product_id: 'BTC-USD',
    order_configuration: { limit_limit_gtc: { base_size: QUANTITY, limit_price: LIMIT_PRICE, post_only: false } },
    side: 'BUY',
    client_order_id: id,
    status: { open: 'PENDING', partial: 'OPEN', filled: 'FILLED', canceled: 'CANCELLED' }[state],
    time_in_force: 'GOOD_UNTIL_CANCELLED',
    created_time: '2026-11-24T06:40:00.000000Z',
    filled_size: FILLED[state],
    average_filled_price: averageOf(state, '0'),
    number_of_fills: '1',
    filled_value: costOf(state),
    total_fees: '0.1',
    order_type: 'LIMIT',
    trigger_status: 'INVALID_ORDER_TYPE',
  }),
  shows: (open, ended) => ({
    [`GET ${COINBASE_ORDERS}/historical/batch`]: { orders: [...open, ...ended], has_next: true, cursor: '789100' },
    ...Object.fromEntries(
      [...open, ...ended].map((order) => [`GET ${COINBASE_ORDERS}/historical/${VENUE_ORDER_ID}`, { order }]),
    ),
  }),
  asks: () => [[`GET ${COINBASE_ORDERS}/historical/batch`, { product_id: 'BTC-USD', limit: '100' }]],
  missing: [],
  cancels: () => [`POST ${COINBASE_ORDERS}/batch_cancel`, { order_ids: [VENUE_ORDER_ID] }],
  canceled: () => ({
    [`POST ${COINBASE_ORDERS}/batch_cancel`]: {
      results: [{ success: true, failure_reason: 'UNKNOWN_CANCEL_FAILURE_REASON', order_id: VENUE_ORDER_ID }],
    },
  }),
  badIds: ['', 'a b', 'x'.repeat(129)],
};

const KUCOIN_ORDER = (id: string): string => `/api/v1/hf/orders/client-order/${id}`;
const kucoin: Venue = {
  exchange: 'kucoin',
  symbol: 'BTC/USDT',
  keys: KEYS,
  signature: 'kc-api-sign',
  markets: {
    'GET /api/v2/symbols': inKucoin([
      {
        symbol: 'BTC-USDT',
        name: 'BTC-USDT',
        baseCurrency: 'BTC',
        quoteCurrency: 'USDT',
        feeCurrency: 'USDT',
        market: 'USDS',
        baseMinSize: '0.00001',
        quoteMinSize: '0.1',
        baseMaxSize: '10000000000',
        quoteMaxSize: '99999999',
        baseIncrement: '0.00000001',
        quoteIncrement: '0.000001',
        priceIncrement: '0.1',
        isMarginEnabled: false,
        enableTrading: true,
      },
    ]),
    'GET /api/v3/margin/symbols': inKucoin({ timestamp: TIME, items: [] }),
    'GET /api/v1/isolated/symbols': inKucoin([]),
    'GET /api/v1/market/allTickers': inKucoin({ time: TIME, ticker: [] }),
  },
  wireId: same,
  acknowledges: (id) => ({ 'POST /api/v1/hf/orders': inKucoin({ orderId: VENUE_ORDER_ID, clientOid: id }) }),
  sends: (id) => {
    const order = (side: string, terms: object): readonly [string, unknown] => [
      'POST /api/v1/hf/orders',
      { clientOid: id, side, symbol: 'BTC-USDT', size: QUANTITY, ...terms },
    ];
    const limit = { type: 'limit', price: LIMIT_PRICE };
    return {
      marketBuy: order('buy', { type: 'market' }),
      marketSell: order('sell', { type: 'market' }),
      limit: order('buy', { ...limit, timeInForce: 'GTC' }),
      ioc: order('sell', { ...limit, timeInForce: 'IOC' }),
      fok: order('buy', { ...limit, timeInForce: 'FOK' }),
    };
  },
  order: (id, state) => ({
    id: VENUE_ORDER_ID,
    clientOid: id,
    symbol: 'BTC-USDT',
    opType: 'DEAL',
    type: 'limit',
    side: 'buy',
    price: LIMIT_PRICE,
    size: QUANTITY,
    funds: '720.006',
    dealSize: FILLED[state],
    dealFunds: costOf(state),
    remainSize: leftOf(state),
    cancelledSize: '0',
    fee: '0.1',
    feeCurrency: 'USDT',
    timeInForce: 'GTC',
    postOnly: false,
    cancelExist: state === 'canceled',
    tradeType: 'TRADE',
    inOrderBook: true,
    active: state === 'open' || state === 'partial',
    createdAt: TIME,
    lastUpdatedAt: TIME,
  }),
  shows: (open, ended, id) => ({
    [`GET ${KUCOIN_ORDER(id)}`]: { code: '200000', data: open[0] ?? ended[0] ?? null },
  }),
  asks: (id) => [[`GET ${KUCOIN_ORDER(id)}`, { symbol: 'BTC-USDT' }]],
  missing: [(id) => ({ [`GET ${KUCOIN_ORDER(id)}`]: { code: '400100', msg: 'The order does not exist.' } })],
  cancels: (id) => [`DELETE ${KUCOIN_ORDER(id)}`, { symbol: 'BTC-USDT' }],
  canceled: (id) => ({ [`DELETE ${KUCOIN_ORDER(id)}`]: inKucoin({ clientOid: id }) }),
  badIds: ['', 'x'.repeat(41), 'a.b', 'a b'],
};

function inKucoin(data: object): object {
  return { code: '200000', data };
}

const bitget: Venue = {
  exchange: 'bitget',
  symbol: 'BTC/USDT',
  keys: KEYS,
  signature: 'access-sign',
  markets: {
    'GET /api/v2/spot/public/symbols': inBitget([
      {
        symbol: 'BTCUSDT',
        baseCoin: 'BTC',
        quoteCoin: 'USDT',
        minTradeAmount: '0',
        maxTradeAmount: '900000000000000000000',
        takerFeeRate: '0.002',
        makerFeeRate: '0.002',
        pricePrecision: '2',
        quantityPrecision: '6',
        quotePrecision: '8',
        minTradeUSDT: '1',
        status: 'online',
      },
    ]),
    'GET /api/v2/margin/currencies': inBitget([]),
  },
  wireId: same,
  acknowledges: (id) => ({
    'POST /api/v2/spot/trade/place-order': inBitget({ orderId: VENUE_ORDER_ID, clientOid: id }),
  }),
  sends: (id) => {
    const order = (side: string, terms: object): readonly [string, unknown] => [
      'POST /api/v2/spot/trade/place-order',
      { symbol: 'BTCUSDT', side, clientOid: id, size: QUANTITY, ...terms },
    ];
    const limit = { orderType: 'limit', price: LIMIT_PRICE };
    return {
      marketSell: order('sell', { orderType: 'market', force: 'GTC' }),
      limit: order('buy', { ...limit, force: 'GTC' }),
      ioc: order('sell', { ...limit, force: 'IOC' }),
      fok: order('buy', { ...limit, force: 'FOK' }),
    };
  },
  order: (id, state) => ({
    userId: '1',
    symbol: 'BTCUSDT',
    orderId: VENUE_ORDER_ID,
    clientOid: id,
    price: LIMIT_PRICE,
    size: QUANTITY,
    orderType: 'limit',
    side: 'buy',
    status: { open: 'live', partial: 'partially_filled', filled: 'filled', canceled: 'cancelled' }[state],
    priceAvg: averageOf(state, '0'),
    baseVolume: FILLED[state],
    quoteVolume: costOf(state),
    enterPointSource: 'API',
    orderSource: 'normal',
    cancelReason: '',
    feeDetail: state === 'open' ? '' : '{"BTC":{"deduction":false,"feeCoinCode":"BTC","totalFee":"-0.000001"}}',
    cTime: String(TIME),
    uTime: String(TIME),
  }),
  shows: (open, ended) => ({ 'GET /api/v2/spot/trade/orderInfo': inBitget([...open, ...ended]) }),
  asks: (id) => [['GET /api/v2/spot/trade/orderInfo', { clientOid: id }]],
  missing: [
    () => ({
      'GET /api/v2/spot/trade/orderInfo': {
        status: 400,
        json: { code: '43001', msg: 'The order does not exist', requestTime: TIME, data: null },
      },
    }),
  ],
  cancels: (id) => ['POST /api/v2/spot/trade/cancel-order', { symbol: 'BTCUSDT', clientOid: id }],
  canceled: (id) => ({
    'POST /api/v2/spot/trade/cancel-order': inBitget({ orderId: VENUE_ORDER_ID, clientOid: id }),
  }),
  badIds: ['', 'x'.repeat(51), 'a b'],
};

function inBitget(data: object): object {
  return { code: '00000', msg: 'success', requestTime: TIME, data };
}

const GATE_PLACE = { account: 'spot', currency_pair: 'BTC_USDT' };
const gate: Venue = {
  exchange: 'gate',
  symbol: 'BTC/USDT',
  keys: KEYS,
  signature: 'sign',
  markets: {
    'GET /api/v4/account/detail': { user_id: 1, key: { mode: 1 } },
    'GET /api/v4/margin/currency_pairs': [],
    'GET /api/v4/spot/currency_pairs': [
      {
        id: 'BTC_USDT',
        base: 'BTC',
        quote: 'USDT',
        fee: '0.2',
        min_base_amount: '0.00001',
        min_quote_amount: '3',
        amount_precision: 5,
        precision: 1,
        trade_status: 'tradable',
        sell_start: 0,
        buy_start: 0,
      },
    ],
  },
  wireId: (id) => `t-${id}`,
  acknowledges: (id) => ({ 'POST /api/v4/spot/orders': gate.order(id, 'open') }),
  sends: (id) => {
    const order = (side: string, time_in_force: string, terms: object): readonly [string, unknown] => [
      'POST /api/v4/spot/orders',
      { ...GATE_PLACE, side, time_in_force, amount: QUANTITY, text: id, ...terms },
    ];
    const limit = { type: 'limit', price: LIMIT_PRICE };
    return {
      marketSell: order('sell', 'ioc', { type: 'market' }),
      limit: order('buy', 'gtc', limit),
      ioc: order('sell', 'ioc', limit),
      fok: order('buy', 'fok', limit),
    };
  },
  order: (id, state) => ({
    id: VENUE_ORDER_ID,
    text: id,
    amend_text: '-',
    create_time: String(TIME / 1000),
    update_time: String(TIME / 1000),
    create_time_ms: TIME,
    update_time_ms: TIME,
    status: { open: 'open', partial: 'open', filled: 'closed', canceled: 'cancelled' }[state],
    currency_pair: 'BTC_USDT',
    type: 'limit',
    account: 'spot',
    side: 'buy',
    amount: QUANTITY,
    price: LIMIT_PRICE,
    time_in_force: 'gtc',
    iceberg: '0',
    left: leftOf(state),
    filled_amount: FILLED[state],
    fill_price: costOf(state),
    filled_total: costOf(state),
    ...(state === 'open' ? {} : { avg_deal_price: AVERAGE }),
    fee: '0.000001',
    fee_currency: 'BTC',
    gt_fee: '0',
    rebated_fee: '0',
    rebated_fee_currency: 'USDT',
    // One of the words that the library does not know.
    finish_as: { open: 'open', partial: 'open', filled: 'filled', canceled: 'depth_not_enough' }[state],
  }),
  shows: (open, ended, id) => ({
    [`GET /api/v4/spot/orders/${id}`]: open[0] ?? {
      status: 404,
      json: { label: 'ORDER_NOT_FOUND', message: 'Order not found' },
    },
    'GET /api/v4/spot/orders': ended,
    ...Object.fromEntries([...open, ...ended].map((order) => [`GET /api/v4/spot/orders/${VENUE_ORDER_ID}`, order])),
  }),
  asks: (id) => [
    [`GET /api/v4/spot/orders/${id}`, GATE_PLACE],
    ['GET /api/v4/spot/orders', { ...GATE_PLACE, status: 'finished', limit: '100' }],
  ],
  missing: [],
  cancels: (id) => [`DELETE /api/v4/spot/orders/${id}`, GATE_PLACE],
  canceled: (id) => ({ [`DELETE /api/v4/spot/orders/${id}`]: gate.order(id, 'canceled') }),
  badIds: ['', '7K3ABCDEFGHJKMNPQRSTVWXYZ0', `t-${'x'.repeat(29)}`, 't-a b', 't-'],
};

export const VENUES: readonly Venue[] = [binance, bybit, okx, kraken, coinbase, kucoin, bitget, gate];
