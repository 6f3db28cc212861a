import { badCombination, invalidMessage, mandatory, notRequired, oneOf, VenueError } from './errors.ts';
import { isAtMarket, isStop } from './market.ts';
import type { Decimal } from './money.ts';
import type { Parameters } from './parameters.ts';
import type { OrderType, Side, TimeInForce } from './state.ts';

export type ResponseType = 'ACK' | 'RESULT' | 'FULL';

/** A new order as the documents let one ask for it (rest-api.md, New order). */
export interface OrderRequest {
  readonly symbol: string;
  readonly side: Side;
  readonly type: OrderType;
  readonly timeInForce: TimeInForce;
  readonly quantity: Decimal | null;
  readonly quoteOrderQty: Decimal | null;
  readonly price: Decimal | null;
  readonly stopPrice: Decimal | null;
  readonly clientOrderId: string | null;
  readonly strategyId: number | null;
  readonly strategyType: number | null;
}

export interface PairRequest {
  readonly above: OrderRequest;
  readonly below: OrderRequest;
}

export interface ListRequest {
  readonly symbol: string;
  readonly listClientOrderId: string | null;
  readonly responseType: ResponseType;
  readonly working: OrderRequest | null;
  readonly pair: PairRequest;
}

const ORDER_TYPES: readonly string[] = [
  'LIMIT',
  'MARKET',
  'STOP_LOSS',
  'STOP_LOSS_LIMIT',
  'TAKE_PROFIT',
  'TAKE_PROFIT_LIMIT',
  'LIMIT_MAKER',
];

export function readOrder(parameters: Parameters): { request: OrderRequest; responseType: ResponseType } {
  const symbol = parameters.required('symbol');
  const side = readSide(parameters, 'side');
  const type = readType(parameters, 'type');
  const request = readTerms(parameters, {
    symbol,
    side,
    type,
    name: (term) => term,
    idName: 'newClientOrderId',
    quantity: parameters.decimal('quantity'),
  });
  return { request, responseType: readResponseType(parameters) ?? (hasFullAnswer(type) ? 'FULL' : 'ACK') };
}

/** rest-api.md, New Order list - OCO: `aboveType`, `belowType` and their terms; one side and quantity for both. */
export function readOco(parameters: Parameters): ListRequest {
  const symbol = parameters.required('symbol');
  const side = readSide(parameters, 'side');
  const quantity = parameters.requiredDecimal('quantity');
  return {
    symbol,
    listClientOrderId: parameters.clientId('listClientOrderId'),
    responseType: readResponseType(parameters) ?? 'RESULT',
    working: null,
    pair: readPair(parameters, symbol, side, quantity, { above: 'above', below: 'below' }),
  };
}

/** rest-api.md, New Order list - OTOCO: a working LIMIT or LIMIT_MAKER and a pending OCO pair. */
export function readOtoco(parameters: Parameters): ListRequest {
  const symbol = parameters.required('symbol');
  const type = readType(parameters, 'workingType');
  if (type !== 'LIMIT' && type !== 'LIMIT_MAKER') throw new VenueError(-1116, 'Invalid orderType.');
  const working = readTerms(parameters, {
    symbol,
    side: readSide(parameters, 'workingSide'),
    type,
    name: (term) => prefixed('working', term),
    idName: 'workingClientOrderId',
    quantity: parameters.requiredDecimal('workingQuantity'),
  });
  const side = readSide(parameters, 'pendingSide');
  const quantity = parameters.requiredDecimal('pendingQuantity');
  return {
    symbol,
    listClientOrderId: parameters.clientId('listClientOrderId'),
    responseType: readResponseType(parameters) ?? 'RESULT',
    working,
    pair: readPair(parameters, symbol, side, quantity, { above: 'pendingAbove', below: 'pendingBelow' }),
  };
}

function readPair(
  parameters: Parameters,
  symbol: string,
  side: Side,
  quantity: Decimal,
  names: { above: string; below: string },
): PairRequest {
  const leg = (prefix: string): OrderRequest =>
    readTerms(parameters, {
      symbol,
      side,
      type: readType(parameters, `${prefix}Type`),
      name: (term) => prefixed(prefix, term),
      idName: `${prefix}ClientOrderId`,
      quantity,
    });
  const pair = { above: leg(names.above), below: leg(names.below) };
  checkPairTypes(side, pair);
  return pair;
}

/** errors.md, -1158 to -1199: which kind of leg may stand on which side of the market. */
function checkPairTypes(side: Side, { above, below }: PairRequest): void {
  for (const { type } of [above, below]) {
    if (type === 'LIMIT' || type === 'MARKET') throw new VenueError(-1158, 'Order type not supported in OCO.');
  }
  if (above.type === 'LIMIT_MAKER' && below.type === 'LIMIT_MAKER')
    throw new VenueError(-1168, 'At least one OCO order must be contingent.');
  const selling = side === 'SELL';
  if (selling && below.type === 'LIMIT_MAKER')
    throw new VenueError(-1166, 'A limit order in a sell OCO must be above.');
  if (!selling && above.type === 'LIMIT_MAKER')
    throw new VenueError(-1165, 'A limit order in a buy OCO must be below.');
  const [takes, stops] = selling ? [above, below] : [below, above];
  if (takes.type.startsWith('STOP_LOSS')) {
    throw selling
      ? new VenueError(-1197, 'A stop loss order in a sell OCO must be below.')
      : new VenueError(-1196, 'A stop loss order in a buy OCO must be above.');
  }
  if (stops.type.startsWith('TAKE_PROFIT')) {
    throw selling
      ? new VenueError(-1199, 'A take profit order in a sell OCO must be above.')
      : new VenueError(-1198, 'A take profit order in a buy OCO must be below.');
  }
}

interface Frame {
  readonly symbol: string;
  readonly side: Side;
  readonly type: OrderType;
  readonly name: (term: string) => string;
  readonly idName: string;
  readonly quantity: Decimal | null;
}

/** The terms by order type (rest-api.md, "Some additional mandatory parameters based on order type"). */
function readTerms(parameters: Parameters, frame: Frame): OrderRequest {
  const { type, name } = frame;
  const isSingle = frame.idName === 'newClientOrderId';
  const price = parameters.decimal(name('price'));
  const stopPrice = parameters.decimal(name('stopPrice'));
  const timeInForce = parameters.optional(name('timeInForce'));
  const quoteOrderQty = isSingle ? parameters.decimal('quoteOrderQty') : null;
  if (parameters.optional(name('trailingDelta')) !== null)
    throw invalidMessage('Trailing stop orders are not supported for this symbol.');
  if (parameters.optional(name('icebergQty')) !== null)
    throw invalidMessage('Iceberg orders are not supported for this symbol.');

  const hasPrice = !isAtMarket(type);
  if (hasPrice && price === null) throw mandatory(name('price'));
  if (!hasPrice && price !== null) throw notRequired(name('price'));
  if (isStop(type) && stopPrice === null) throw oneOf(name('stopPrice'), name('trailingDelta'));
  if (!isStop(type) && stopPrice !== null) throw notRequired(name('stopPrice'));
  const hasTime = hasPrice && type !== 'LIMIT_MAKER';
  if (hasTime && timeInForce === null) throw mandatory(name('timeInForce'));
  if (!hasTime && timeInForce !== null) throw notRequired(name('timeInForce'));
  if (timeInForce !== null && !['GTC', 'IOC', 'FOK'].includes(timeInForce))
    throw new VenueError(-1115, 'Invalid timeInForce.');
  if (type === 'MARKET') {
    if (frame.quantity === null && quoteOrderQty === null) throw oneOf('quantity', 'quoteOrderQty');
    if (frame.quantity !== null && quoteOrderQty !== null) throw badCombination();
  } else {
    if (quoteOrderQty !== null) throw notRequired('quoteOrderQty');
    if (frame.quantity === null) throw mandatory('quantity');
  }
  return {
    symbol: frame.symbol,
    side: frame.side,
    type,
    timeInForce: (timeInForce ?? 'GTC') as TimeInForce,
    quantity: frame.quantity,
    quoteOrderQty,
    price,
    stopPrice,
    clientOrderId: parameters.clientId(frame.idName),
    strategyId: parameters.integer(name('strategyId')),
    strategyType: readStrategyType(parameters, name('strategyType')),
  };
}

function readStrategyType(parameters: Parameters, name: string): number | null {
  const value = parameters.integer(name);
  if (value !== null && value < 1_000_000) throw new VenueError(-1134, '`strategyType` was less than 1000000.');
  return value;
}

function readSide(parameters: Parameters, name: string): Side {
  const side = parameters.required(name);
  if (side !== 'BUY' && side !== 'SELL') throw new VenueError(-1117, 'Invalid side.');
  return side;
}

function readType(parameters: Parameters, name: string): OrderType {
  const type = parameters.required(name);
  if (!ORDER_TYPES.includes(type)) throw new VenueError(-1116, 'Invalid orderType.');
  return type as OrderType;
}

function readResponseType(parameters: Parameters): ResponseType | null {
  const type = parameters.optional('newOrderRespType');
  // The symbols allow no self-trade prevention, so there is only the one value (exchangeInfo).
  const prevention = parameters.optional('selfTradePreventionMode');
  if (prevention !== null && prevention !== 'NONE') throw invalidData('selfTradePreventionMode');
  if (type === null) return null;
  if (type !== 'ACK' && type !== 'RESULT' && type !== 'FULL') throw invalidData('newOrderRespType');
  return type;
}

function invalidData(name: string): VenueError {
  return new VenueError(-1130, `Data sent for parameter '${name}' is not valid.`);
}

/** "MARKET and LIMIT order types default to FULL, all other orders default to ACK" (rest-api.md, New order). */
function hasFullAnswer(type: OrderType): boolean {
  return type === 'MARKET' || type === 'LIMIT';
}

function prefixed(prefix: string, term: string): string {
  return `${prefix}${term.charAt(0).toUpperCase()}${term.slice(1)}`;
}
