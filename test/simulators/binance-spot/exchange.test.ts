import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { VenueError } from './errors.ts';
import { Exchange } from './exchange.ts';
import { Ledger } from './ledger.ts';
import { dec, type Decimal, ZERO } from './money.ts';
import { readOco, readOrder, readOtoco } from './order-request.ts';
import { Parameters } from './parameters.ts';
import { readCommandLine } from './settings.ts';
import { isOpen, remaining, type Order } from './state.ts';
import { Venue } from './venue.ts';

/** The rules alone, without an fsync for each of many thousand commands. */
class Forgetful extends Ledger {
  override write(): void {}
}

const SYMBOL = 'BTCUSDT';
type Step = (exchange: Exchange) => void;
type Fields = Record<string, string | undefined>;

const side = fc.constantFrom('BUY', 'SELL');
const quantity = fc.integer({ min: 1, max: 100 }).map((hundredths) => (hundredths / 100).toFixed(2));
const price = fc.integer({ min: 55_000, max: 80_000 }).map(String);
const timeInForce = fc.constantFrom('GTC', 'IOC', 'FOK');

const single = fc
  .record({
    side,
    quantity,
    price,
    stopPrice: price,
    timeInForce,
    type: fc.constantFrom(
      ...([
        'MARKET',
        'LIMIT',
        'LIMIT_MAKER',
        'STOP_LOSS',
        'STOP_LOSS_LIMIT',
        'TAKE_PROFIT',
        'TAKE_PROFIT_LIMIT',
      ] as const),
    ),
  })
  .map((order): Step => {
    const hasPrice = order.type.includes('LIMIT');
    const hasStop = order.type.includes('STOP') || order.type.includes('TAKE');
    const fields = {
      symbol: SYMBOL,
      side: order.side,
      type: order.type,
      quantity: order.quantity,
      price: hasPrice ? order.price : undefined,
      stopPrice: hasStop ? order.stopPrice : undefined,
      timeInForce: hasPrice && order.type !== 'LIMIT_MAKER' ? order.timeInForce : undefined,
    };
    return (exchange) => void exchange.place(readOrder(sent(fields)).request);
  });

const oco = fc.record({ side, quantity }).map((pair): Step => {
  return (exchange) => {
    const last = dec(exchange.venue.marketOf(SYMBOL).price);
    exchange.placeList(readOco(sent({ symbol: SYMBOL, ...pair, ...legs('above', 'below', pair.side, last) })));
  };
});

const otoco = fc
  .record({ side, quantity, pendingQuantity: quantity, timeInForce, offset: fc.constantFrom(-500, 500) })
  .map((list): Step => {
    return (exchange) => {
      const last = dec(exchange.venue.marketOf(SYMBOL).price);
      const pendingSide = list.side === 'BUY' ? 'SELL' : 'BUY';
      const fields = {
        symbol: SYMBOL,
        workingType: 'LIMIT',
        workingSide: list.side,
        workingTimeInForce: list.timeInForce,
        workingPrice: last.plus(list.offset).toFixed(2),
        workingQuantity: list.quantity,
        pendingSide,
        pendingQuantity: list.pendingQuantity,
        ...legs('pendingAbove', 'pendingBelow', pendingSide, last),
      };
      exchange.placeList(readOtoco(sent(fields)));
    };
  });

const move = fc.record({ price, spread: fc.constantFrom(0, 5) }).map(({ price: to, spread }): Step => {
  const [bid, ask] = [dec(to).minus(spread).toFixed(8), dec(to).plus(spread).toFixed(8)];
  return (exchange) => void exchange.moveMarket(SYMBOL, { price: dec(to).toFixed(8), bid, ask });
});

const deepen = fc.constantFrom(null, '0.00000000', '0.50000000', '3.00000000').map((liquidity): Step => {
  return (exchange) => void exchange.moveMarket(SYMBOL, { liquidity });
});

const touch = fc.record({ nth: fc.nat(), cancels: fc.boolean() }).map(({ nth, cancels }): Step => {
  return (exchange) => {
    const open = [...exchange.venue.state.open.values()];
    const order = open[nth % Math.max(open.length, 1)];
    if (order === undefined) return;
    if (cancels) exchange.cancel({ symbol: SYMBOL, orderId: order.orderId, clientOrderId: null }, null);
    else exchange.fill(order.orderId, '0.01', null);
  };
});

test('whatever is traded, the books balance and one leg of a pair ends the other', () => {
  const data = mkdtempSync(join(tmpdir(), 'binance-spot-books-'));
  const ledger = new Forgetful(data);
  const step = fc.oneof(single, single, single, oco, otoco, move, move, deepen, touch);
  try {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
        const venue = new Venue(ledger, readCommandLine(['--data', data]).settings);
        const exchange = new Exchange(venue);
        for (const each of steps) {
          try {
            each(exchange);
          } catch (error) {
            if (!(error instanceof VenueError)) throw error;
          }
          checkBooks(venue);
        }
      }),
      { numRuns: 150 },
    );
  } finally {
    ledger.close();
    rmSync(data, { recursive: true });
  }
});

function checkBooks(venue: Venue): void {
  const { state } = venue;
  let [btc, usdt] = [dec(100), dec(1_000_000)];
  for (const { isBuyer, qty, quoteQty, commission } of state.fills) {
    btc = isBuyer ? btc.plus(qty).minus(commission) : btc.minus(qty);
    usdt = isBuyer ? usdt.minus(quoteQty) : usdt.plus(quoteQty).minus(commission);
  }
  checkBalance(venue, 'BTC', btc, 'SELL');
  checkBalance(venue, 'USDT', usdt, 'BUY');
  for (const list of state.lists.values()) {
    const orders = list.orderIds.map((id) => state.orders.get(id)).filter((order) => order !== undefined);
    assert.equal(list.listOrderStatus, orders.some(isOpen) ? 'EXECUTING' : 'ALL_DONE');
    const traded = orders.slice(-2).filter((order) => !dec(order.executedQty).isZero());
    assert.ok(traded.length < 2, 'both legs of a pair have traded');
  }
}

function checkBalance(venue: Venue, asset: string, total: Decimal, payingSide: Order['side']): void {
  const { free, locked } = venue.state.balance(asset);
  const held = [...venue.state.open.values()]
    .filter((order) => order.side === payingSide)
    .reduce((sum, order) => sum.plus(dec(order.lockUnit ?? ZERO).times(remaining(order))), ZERO);
  assert.equal(locked, held.toFixed(8));
  assert.equal(dec(free).plus(locked).toFixed(8), total.toFixed(8));
  assert.ok(dec(free).gte(0), `${asset} is overdrawn`);
}

function legs(above: string, below: string, of: string, last: Decimal): Fields {
  const [up, down] = [last.plus(1_000).toFixed(2), last.minus(1_000).toFixed(2)];
  return of === 'SELL'
    ? {
        [`${above}Type`]: 'LIMIT_MAKER',
        [`${above}Price`]: up,
        [`${below}Type`]: 'STOP_LOSS',
        [`${below}StopPrice`]: down,
      }
    : {
        [`${above}Type`]: 'STOP_LOSS',
        [`${above}StopPrice`]: up,
        [`${below}Type`]: 'LIMIT_MAKER',
        [`${below}Price`]: down,
      };
}

function sent(fields: Fields): Parameters {
  const known = Object.entries(fields).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new Parameters(new URLSearchParams(known).toString(), '');
}
