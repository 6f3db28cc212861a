/** The trading rules of a symbol, and how exchangeInfo tells them (rest-api.md, Exchange information; filters.md). */
export interface SymbolRules {
  readonly symbol: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  readonly startPrice: string;
  readonly minPrice: string;
  readonly maxPrice: string;
  readonly tickSize: string;
  readonly minQty: string;
  readonly maxQty: string;
  readonly stepSize: string;
  readonly marketMaxQty: string;
  readonly minNotional: string;
  readonly maxNotional: string;
  readonly multiplierUp: string;
  readonly multiplierDown: string;
  readonly maxNumOrders: number;
  readonly maxNumAlgoOrders: number;
  /** Whether order lists of the kind OCO are taken; at the venue not every symbol does. */
  readonly ocoAllowed: boolean;
  /** Whether STOP_LOSS is among its order types. */
  readonly stopLossAllowed: boolean;
}

/** What the control port may change of a symbol. */
export type RulesPatch = Partial<Omit<SymbolRules, 'symbol' | 'baseAsset' | 'quoteAsset' | 'startPrice'>>;

function rules(baseAsset: string, startPrice: string, stepSize: string): SymbolRules {
  return {
    symbol: `${baseAsset}USDT`,
    baseAsset,
    quoteAsset: 'USDT',
    startPrice,
    minPrice: '0.01000000',
    maxPrice: '1000000.00000000',
    tickSize: '0.01000000',
    minQty: stepSize,
    maxQty: '9000.00000000',
    stepSize,
    marketMaxQty: '1000.00000000',
    minNotional: '5.00000000',
    maxNotional: '9000000.00000000',
    multiplierUp: '5',
    multiplierDown: '0.2',
    maxNumOrders: 200,
    maxNumAlgoOrders: 5,
    ocoAllowed: true,
    stopLossAllowed: true,
  };
}

export const DEFAULT_SYMBOLS: readonly SymbolRules[] = [
  rules('BTC', '67500', '0.00001000'),
  rules('ETH', '3500', '0.00010000'),
  rules('BNB', '600', '0.00100000'),
];

export const DEFAULT_BALANCES: Readonly<Record<string, string>> = {
  USDT: '1000000',
  BTC: '100',
  ETH: '1000',
  BNB: '0',
};

export function describeSymbol(rule: SymbolRules, status: string): Record<string, unknown> {
  return {
    symbol: rule.symbol,
    status,
    baseAsset: rule.baseAsset,
    baseAssetPrecision: 8,
    quoteAsset: rule.quoteAsset,
    quotePrecision: 8,
    quoteAssetPrecision: 8,
    baseCommissionPrecision: 8,
    quoteCommissionPrecision: 8,
    orderTypes: [
      'LIMIT',
      'LIMIT_MAKER',
      'MARKET',
      'STOP_LOSS',
      'STOP_LOSS_LIMIT',
      'TAKE_PROFIT',
      'TAKE_PROFIT_LIMIT',
    ].filter((type) => type !== 'STOP_LOSS' || rule.stopLossAllowed),
    icebergAllowed: false,
    ocoAllowed: rule.ocoAllowed,
    otoAllowed: true,
    quoteOrderQtyMarketAllowed: true,
    allowTrailingStop: false,
    cancelReplaceAllowed: false,
    allowAmend: false,
    isSpotTradingAllowed: true,
    isMarginTradingAllowed: false,
    filters: describeFilters(rule),
    permissions: [],
    permissionSets: [['SPOT']],
    defaultSelfTradePreventionMode: 'NONE',
    allowedSelfTradePreventionModes: ['NONE'],
  };
}

function describeFilters(rule: SymbolRules): Record<string, unknown>[] {
  return [
    { filterType: 'PRICE_FILTER', minPrice: rule.minPrice, maxPrice: rule.maxPrice, tickSize: rule.tickSize },
    { filterType: 'LOT_SIZE', minQty: rule.minQty, maxQty: rule.maxQty, stepSize: rule.stepSize },
    { filterType: 'MARKET_LOT_SIZE', minQty: '0.00000000', maxQty: rule.marketMaxQty, stepSize: '0.00000000' },
    {
      filterType: 'PERCENT_PRICE_BY_SIDE',
      bidMultiplierUp: rule.multiplierUp,
      bidMultiplierDown: rule.multiplierDown,
      askMultiplierUp: rule.multiplierUp,
      askMultiplierDown: rule.multiplierDown,
      avgPriceMins: 5,
    },
    {
      filterType: 'NOTIONAL',
      minNotional: rule.minNotional,
      applyMinToMarket: true,
      maxNotional: rule.maxNotional,
      applyMaxToMarket: false,
      avgPriceMins: 5,
    },
    { filterType: 'MAX_NUM_ORDERS', maxNumOrders: rule.maxNumOrders },
    { filterType: 'MAX_NUM_ALGO_ORDERS', maxNumAlgoOrders: rule.maxNumAlgoOrders },
  ];
}
