import { cancelRejected, oneOf, UNKNOWN_LIST, VenueError } from './errors.ts';
import { fixed } from './money.ts';
import { readOrder, type ListRequest } from './order-request.ts';
import type { Parameters } from './parameters.ts';
import * as responses from './responses.ts';
import { EMPTY, readReference, type Call, type Route } from './route.ts';

export function newOrder({ exchange, parameters, cap }: Call): () => unknown {
  const { request, responseType } = readOrder(parameters);
  return () => {
    const order = exchange.place(request, cap);
    return responses.placement(order, exchange.venue.state.fillsOf(order.orderId), responseType);
  };
}

export function testOrder({ exchange, parameters }: Call): () => unknown {
  const { request } = readOrder(parameters);
  const withRates = parameters.optional('computeCommissionRates') === 'true';
  return () => {
    exchange.test(request);
    if (!withRates) return EMPTY;
    const rate = fixed(exchange.venue.settings.commissionRate);
    const none = { maker: fixed('0'), taker: fixed('0') };
    return {
      standardCommissionForOrder: { maker: rate, taker: rate },
      taxCommissionForOrder: none,
      discount: { enabledForAccount: false, enabledForSymbol: false, discountAsset: 'BNB', discount: fixed('0') },
    };
  };
}

/** "Canceling an individual order in an order list will cancel the entire order list": then the list answers. */
export function cancelOrder({ exchange, parameters }: Call): () => unknown {
  const reference = readReference(parameters);
  const cancelId = parameters.clientId('newClientOrderId') ?? cancelIdOf();
  const restriction = parameters.optional('cancelRestrictions');
  if (restriction !== null && restriction !== 'ONLY_NEW' && restriction !== 'ONLY_PARTIALLY_FILLED')
    throw new VenueError(-1145, 'Invalid cancelRestrictions');
  return () => {
    const { order, list } = exchange.cancel(reference, restriction);
    return list === null ? responses.canceled(order, cancelId) : responses.listCanceled(exchange.venue, list, cancelId);
  };
}

export function cancelOpenOrders({ exchange, parameters }: Call): () => unknown {
  const symbol = parameters.required('symbol');
  const cancelId = cancelIdOf();
  return () => {
    const { orders, lists } = exchange.cancelAll(symbol);
    return [
      ...orders.map((order) => responses.canceled(order, cancelId)),
      ...lists.map((list) => responses.listCanceled(exchange.venue, list, cancelId)),
    ];
  };
}

export function newList(read: (parameters: Parameters) => ListRequest): Route['prepare'] {
  return ({ exchange, parameters }) => {
    const request = read(parameters);
    return () => {
      const { list, reports } = exchange.placeList(request);
      const { venue } = exchange;
      return {
        ...responses.listed(venue, list),
        orderReports: reports.map((order) =>
          responses.placement(order, venue.state.fillsOf(order.orderId), request.responseType),
        ),
      };
    };
  };
}

export function cancelList({ exchange, parameters }: Call): () => unknown {
  const symbol = parameters.required('symbol');
  const listId = parameters.integer('orderListId');
  const clientId = parameters.optional('listClientOrderId');
  const cancelId = parameters.clientId('newClientOrderId') ?? cancelIdOf();
  if (listId === null && clientId === null) throw oneOf('orderListId', 'listClientOrderId');
  return () => {
    exchange.venue.marketOf(symbol);
    const list = exchange.findList(listId, clientId);
    if (list === null || list.symbol !== symbol) throw cancelRejected(UNKNOWN_LIST);
    return responses.listCanceled(exchange.venue, exchange.cancelList(list), cancelId);
  };
}

let cancels = 0;

function cancelIdOf(): string {
  cancels += 1;
  return `cancel${Date.now().toString(36)}${cancels}`;
}
