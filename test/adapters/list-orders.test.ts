import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { Exchange } from 'ccxt';

import { listOrders } from '../../adapters/ccxt/list-orders.ts';
import type { VenueLine } from '../../adapters/ccxt/venue-line.ts';

const NOW = 1_800_000_000_000;

interface Booked {
  readonly id: string;
  readonly symbol: string;
  readonly timestamp: number;
  readonly status: string;
}

/** An exchange that lists as Binance does: forwards from a moment on, so many at a time. */
function lineTo(orders: readonly Booked[], asked: string[] = []): VenueLine {
  const shown = (order: Booked) => ({ ...order, clientOrderId: `c-${order.id}`, filled: '0' });
  const exchange = {
    options: {},
    markets: { 'BTC/USDT': {}, 'ETH/USDT': {} },
    nonce: () => NOW,
    fetchOpenOrders: async () => orders.filter(({ status }) => status === 'open').map(shown),
    fetchBalance: async () => ({ total: { BTC: '1', ETH: '0' } }),
    fetchOrders: async (market: string, since: number | undefined, limit: number) => {
      asked.push(market);
      const all = orders.filter(({ symbol, timestamp }) => symbol === market && timestamp >= (since ?? 0));
      return (since === undefined ? all.slice(-limit) : all.slice(0, limit)).map(shown);
    },
  };
  return { aside: (_: string, ask: (on: Exchange) => unknown) => ask(exchange as never) } as unknown as VenueLine;
}

const booked = (count: number, symbol = 'BTC/USDT'): Booked[] =>
  Array.from({ length: count }, (_, index) => ({
    id: `${index}`,
    symbol,
    // Several in one millisecond, also where one page ends and the next begins.
    timestamp: NOW - 3_600_000 + Math.floor(index / 7),
    status: 'closed',
  }));

test('open orders cost one question, whatever their market', async () => {
  const asked: string[] = [];
  const open = { id: '1', symbol: 'XRP/USDT', timestamp: NOW, status: 'open' };
  const listed = await listOrders(lineTo([...booked(3), open], asked), 'open');
  assert.deepEqual([listed.map(({ venueOrderId, isOpen }) => [venueOrderId, isOpen]), asked], [[['1', true]], []]);
});

test('a busy day is listed to its newest order, each once', async () => {
  for (const count of [0, 999, 1_000, 1_001, 2_500]) {
    const listed = await listOrders(lineTo(booked(count)), 'recent');
    assert.equal(listed.length, count);
    assert.equal(new Set(listed.map(({ venueOrderId }) => venueOrderId)).size, count);
  }
});

test('of more orders than are read the newest are listed', async () => {
  const asked: string[] = [];
  const listed = await listOrders(lineTo(booked(20_000), asked), 'recent');
  assert.ok(listed.some(({ venueOrderId }) => venueOrderId === '19999'));
  assert.ok(asked.length <= 5);
});

test('ids that two markets have in common are two orders', async () => {
  const open = { ...booked(1, 'ETH/USDT')[0]!, status: 'open' };
  const listed = await listOrders(lineTo([...booked(1), open]), 'recent');
  assert.deepEqual(
    listed.map(({ symbol, isOpen }) => [symbol, isOpen]),
    [
      ['ETH/USDT', true],
      ['BTC/USDT', false],
    ],
  );
});
