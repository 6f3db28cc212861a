import { DatabaseSync, type SQLOutputValue } from 'node:sqlite';

import type { Side, TimeInForce } from '../../domain/alert.ts';
import { add, compare, isZero, multiply, subtract, type DecimalString } from '../../domain/decimal.ts';
import type { VenueStatus } from '../../domain/venue-order.ts';
import { match, reaches, type Resting } from './matching.ts';

export interface BookedOrder extends Resting {
  readonly seq: number;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly quantity: DecimalString;
  readonly timeInForce: TimeInForce;
  readonly status: VenueStatus;
  readonly filledQuantity: DecimalString;
  readonly averagePrice: DecimalString | null;
}

const RECENT_MOST = 1_000;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS orders (
    seq INTEGER PRIMARY KEY AUTOINCREMENT,
    client_order_id TEXT NOT NULL UNIQUE,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    type TEXT NOT NULL,
    quantity TEXT NOT NULL,
    limit_price TEXT,
    stop_price TEXT,
    time_in_force TEXT NOT NULL,
    triggered INTEGER NOT NULL DEFAULT 0,
    status TEXT NOT NULL,
    filled_quantity TEXT NOT NULL DEFAULT '0',
    average_price TEXT,
    booked_at INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX IF NOT EXISTS open_orders ON orders (symbol) WHERE status = 'working';
  CREATE TABLE IF NOT EXISTS balances (asset TEXT PRIMARY KEY, amount TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS seen_prices (symbol TEXT PRIMARY KEY, price TEXT NOT NULL) STRICT;
`;

/**
 * A paper account's orders and balances, in one SQLite file that several processes may share. Every change is on disk
 * (fsynced) before it is told, and a client order id is unique for ever: whatever is sent twice is one order.
 */
export class PaperBook {
  readonly #db: DatabaseSync;

  constructor(file: string, openingBalances: Readonly<Record<string, DecimalString>>) {
    this.#db = new DatabaseSync(file, { timeout: 5_000 });
    this.#db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;');
    this.atomically(() => {
      const isNew = this.#db.prepare("SELECT 1 FROM sqlite_master WHERE name = 'orders'").get() === undefined;
      this.#db.exec(SCHEMA);
      if (!isNew) return;
      for (const [asset, amount] of Object.entries(openingBalances)) this.#setBalance(asset, amount);
    });
  }

  /** Runs the steps as one: all of them are on disk afterwards, or none. */
  atomically<T>(steps: () => T): T {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      const result = steps();
      this.#db.exec('COMMIT');
      return result;
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  find(clientOrderId: string): BookedOrder | undefined {
    const row = this.#db.prepare('SELECT * FROM orders WHERE client_order_id = ?').get(clientOrderId);
    return row === undefined ? undefined : orderOf(row);
  }

  openOrders(): BookedOrder[] {
    return this.#db.prepare("SELECT * FROM orders WHERE status = 'working' ORDER BY seq").all().map(orderOf);
  }

  /** Open orders, and those that were booked since a moment; of very many the newest. */
  openAndRecent(since: number): BookedOrder[] {
    const recent = this.#db
      .prepare("SELECT * FROM orders WHERE status != 'working' AND booked_at >= ? ORDER BY seq DESC LIMIT ?")
      .all(since, RECENT_MOST);
    return [...this.openOrders(), ...recent.map(orderOf)];
  }

  balance(asset: string): DecimalString {
    const row = this.#db.prepare('SELECT amount FROM balances WHERE asset = ?').get(asset);
    return row === undefined ? '0' : (row['amount'] as string);
  }

  balances(): Record<string, DecimalString> {
    const rows = this.#db.prepare('SELECT asset, amount FROM balances ORDER BY asset').all();
    return Object.fromEntries(rows.map((row) => [row['asset'] as string, row['amount'] as string]));
  }

  /** Books a new order, resting; `tradeAt` decides what it does. */
  book(order: Omit<BookedOrder, 'seq' | 'status' | 'filledQuantity' | 'averagePrice' | 'triggered'>): BookedOrder {
    this.#db
      .prepare(
        `INSERT INTO orders (client_order_id, symbol, side, type, quantity, limit_price, stop_price, time_in_force, status, booked_at)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'working', ?)`,
      )
      .run(
        order.clientOrderId,
        order.symbol,
        order.side,
        order.type,
        order.quantity,
        order.limitPrice,
        order.stopPrice,
        order.timeInForce,
        Date.now(),
      );
    return this.find(order.clientOrderId)!;
  }

  /** Lets every open order of a symbol see a price, oldest first. `arriving` is new; the others were resting. */
  tradeAt(symbol: string, price: DecimalString, arriving: string): void {
    this.#db.prepare('INSERT OR REPLACE INTO seen_prices (symbol, price) VALUES (?, ?)').run(symbol, price);
    for (const order of this.openOrders().filter((open) => open.symbol === symbol)) {
      const outcome = match(order, price);
      if (outcome.kind === 'fill') this.#fill(order, this.#fillPrice(order, price, order.clientOrderId === arriving));
      // It fills whole or not at all, so that "at once or not" and "whole or not" are the same here.
      else if (outcome.triggered && order.timeInForce !== 'gtc') this.cancel(order.clientOrderId);
      else if (outcome.triggered !== order.triggered) {
        this.#db.prepare('UPDATE orders SET triggered = 1 WHERE seq = ?').run(order.seq);
      }
    }
  }

  /** The price that the open orders of a symbol saw last. */
  lastPrice(symbol: string): DecimalString | undefined {
    const row = this.#db.prepare('SELECT price FROM seen_prices WHERE symbol = ?').get(symbol);
    return row === undefined ? undefined : (row['price'] as string);
  }

  cancel(clientOrderId: string): void {
    this.#db
      .prepare("UPDATE orders SET status = 'canceled' WHERE client_order_id = ? AND status = 'working'")
      .run(clientOrderId);
  }

  close(): void {
    this.#db.close();
  }

  /** A limit order that was waiting trades at its own price; one that arrives, or was just triggered, takes what is there. */
  #fillPrice(order: BookedOrder, price: DecimalString, isArriving: boolean): DecimalString {
    const isTarget = order.type === 'bracket' && !reaches(order, price);
    const wasWaiting = !isArriving && (order.type === 'limit' || isTarget || order.triggered);
    return wasWaiting && order.limitPrice !== null ? order.limitPrice : price;
  }

  #fill(order: BookedOrder, price: DecimalString): void {
    const { base, quote } = assetsOf(order.symbol);
    const value = multiply(order.quantity, price);
    // A stop that triggers far from its price may cost more than was kept for it: then it is canceled, as exchanges do.
    if (order.side === 'buy' && quote !== null && compare(this.balance(quote), value) < 0) {
      this.cancel(order.clientOrderId);
      return;
    }
    this.#db
      .prepare("UPDATE orders SET status = 'filled', filled_quantity = quantity, average_price = ? WHERE seq = ?")
      .run(price, order.seq);
    const [bought, paid] = order.side === 'buy' ? [add, subtract] : [subtract, add];
    this.#setBalance(base, bought(this.balance(base), order.quantity));
    if (quote !== null) this.#setBalance(quote, paid(this.balance(quote), value));
  }

  #setBalance(asset: string, amount: DecimalString): void {
    this.#db
      .prepare(
        'INSERT INTO balances (asset, amount) VALUES (?, ?) ON CONFLICT (asset) DO UPDATE SET amount = excluded.amount',
      )
      .run(asset, isZero(amount) ? '0' : amount);
  }
}

/** `BTC/USDT` exchanges two assets; a symbol without a slash (`ES`) is a contract that is counted, and not paid for. */
export function assetsOf(symbol: string): { base: string; quote: string | null } {
  const [base, quote] = symbol.split('/');
  return quote ? { base: base!, quote: quote.split(':')[0]! } : { base: symbol, quote: null };
}

function orderOf(row: Record<string, SQLOutputValue>): BookedOrder {
  return {
    seq: row['seq'] as number,
    clientOrderId: row['client_order_id'] as string,
    symbol: row['symbol'] as string,
    side: row['side'] as Side,
    type: row['type'] as BookedOrder['type'],
    quantity: row['quantity'] as string,
    limitPrice: row['limit_price'] as string | null,
    stopPrice: row['stop_price'] as string | null,
    timeInForce: row['time_in_force'] as TimeInForce,
    triggered: row['triggered'] === 1,
    status: row['status'] as VenueStatus,
    filledQuantity: row['filled_quantity'] as string,
    averagePrice: row['average_price'] as string | null,
  };
}
