import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import type { Balance, Fill, Market, Order, OrderList } from './state.ts';

/** A request as it arrived, and what became of it. */
export interface RequestRecord {
  readonly id: number;
  readonly arrivedAt: number;
  readonly method: string;
  readonly path: string;
  readonly clientOrderId: string | null;
  readonly parameters: Record<string, string>;
  readonly outcome: RequestOutcome | null;
}

export interface RequestOutcome {
  /** What the rules decided, whatever the client got to see of it. */
  readonly status: number;
  readonly code: number | null;
  readonly message: string | null;
  /** Order ids that this request put on the books. */
  readonly booked: readonly number[];
  readonly fault: string | null;
  readonly endedAt: number;
}

export interface LedgerContents {
  readonly orders: Order[];
  readonly lists: OrderList[];
  readonly fills: Fill[];
  readonly balances: Balance[];
  readonly markets: Market[];
}

/** Everything one command changed, written in one transaction. */
export interface Changes {
  readonly orders: Iterable<Order>;
  readonly lists: Iterable<OrderList>;
  readonly fills: Iterable<Fill>;
  readonly balances: Iterable<Balance>;
  readonly markets: Iterable<Market>;
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS orders (id INTEGER PRIMARY KEY, clientOrderId TEXT NOT NULL, status TEXT NOT NULL, json TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS ordersByClientOrderId ON orders (clientOrderId);
CREATE TABLE IF NOT EXISTS lists (id INTEGER PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS fills (id INTEGER PRIMARY KEY, orderId INTEGER NOT NULL, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS balances (asset TEXT PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS markets (symbol TEXT PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS settings (name TEXT PRIMARY KEY, json TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS requests (id INTEGER PRIMARY KEY, arrivedAt INTEGER NOT NULL, method TEXT NOT NULL,
  path TEXT NOT NULL, clientOrderId TEXT, parameters TEXT NOT NULL, outcome TEXT);
`;

/** The durable memory of the venue and the oracle of the tests: whatever was answered is on disk first. */
export class Ledger {
  readonly #books: DatabaseSync;
  readonly #log: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();

  constructor(directory: string) {
    mkdirSync(directory, { recursive: true });
    const file = join(directory, 'venue.sqlite');
    this.#books = new DatabaseSync(file);
    this.#books.exec('PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA busy_timeout=5000');
    this.#books.exec(SCHEMA);
    // The log of requests has a connection of its own without an fsync per row: a row survives SIGKILL all the same,
    // and the next booking syncs it, so that no booked order is ever without the request that caused it.
    this.#log = new DatabaseSync(file);
    this.#log.exec('PRAGMA synchronous=NORMAL; PRAGMA busy_timeout=5000');
  }

  load(): LedgerContents {
    return {
      orders: this.#all<Order>('SELECT json FROM orders ORDER BY id'),
      lists: this.#all<OrderList>('SELECT json FROM lists ORDER BY id'),
      fills: this.#all<Fill>('SELECT json FROM fills ORDER BY id'),
      balances: this.#all<Balance>('SELECT json FROM balances ORDER BY asset'),
      markets: this.#all<Market>('SELECT json FROM markets ORDER BY symbol'),
    };
  }

  write(changes: Changes): void {
    this.#books.exec('BEGIN IMMEDIATE');
    try {
      for (const order of changes.orders)
        this.#run(
          'INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?)',
          order.orderId,
          order.clientOrderId,
          order.status,
          JSON.stringify(order),
        );
      for (const list of changes.lists)
        this.#run('INSERT OR REPLACE INTO lists VALUES (?, ?)', list.orderListId, JSON.stringify(list));
      for (const fill of changes.fills)
        this.#run('INSERT INTO fills VALUES (?, ?, ?)', fill.tradeId, fill.orderId, JSON.stringify(fill));
      for (const balance of changes.balances)
        this.#run('INSERT OR REPLACE INTO balances VALUES (?, ?)', balance.asset, JSON.stringify(balance));
      for (const market of changes.markets)
        this.#run('INSERT OR REPLACE INTO markets VALUES (?, ?)', market.symbol, JSON.stringify(market));
      this.#books.exec('COMMIT');
    } catch (error) {
      this.#books.exec('ROLLBACK');
      throw error;
    }
  }

  setting(name: string): unknown {
    const row = this.#prepare('SELECT json FROM settings WHERE name = ?').get(name);
    return row === undefined ? undefined : JSON.parse(String(row['json']));
  }

  keepSetting(name: string, value: unknown): void {
    this.#run('INSERT OR REPLACE INTO settings VALUES (?, ?)', name, JSON.stringify(value));
  }

  requestArrived(request: Omit<RequestRecord, 'id' | 'outcome'>): number {
    const result = this.#prepareLog(
      'INSERT INTO requests (arrivedAt, method, path, clientOrderId, parameters) VALUES (?, ?, ?, ?, ?)',
    ).run(request.arrivedAt, request.method, request.path, request.clientOrderId, JSON.stringify(request.parameters));
    return Number(result.lastInsertRowid);
  }

  requestEnded(id: number, outcome: RequestOutcome): void {
    this.#prepareLog('UPDATE requests SET outcome = ? WHERE id = ?').run(JSON.stringify(outcome), id);
  }

  requests(sinceId = 0): RequestRecord[] {
    const rows = this.#prepare('SELECT * FROM requests WHERE id > ? ORDER BY id').all(sinceId);
    return rows.map((row) => ({
      id: Number(row['id']),
      arrivedAt: Number(row['arrivedAt']),
      method: String(row['method']),
      path: String(row['path']),
      clientOrderId: row['clientOrderId'] === null ? null : String(row['clientOrderId']),
      parameters: JSON.parse(String(row['parameters'])) as Record<string, string>,
      outcome: row['outcome'] === null ? null : (JSON.parse(String(row['outcome'])) as RequestOutcome),
    }));
  }

  wipe(): void {
    for (const table of ['orders', 'lists', 'fills', 'balances', 'markets', 'settings', 'requests']) {
      this.#books.exec(`DELETE FROM ${table}`);
    }
  }

  close(): void {
    this.#statements.clear();
    this.#log.close();
    this.#books.close();
  }

  #all<T>(sql: string): T[] {
    return this.#prepare(sql)
      .all()
      .map((row) => JSON.parse(String(row['json'])) as T);
  }

  #run(sql: string, ...values: SQLInputValue[]): void {
    this.#prepare(sql).run(...values);
  }

  #prepare(sql: string, database: DatabaseSync = this.#books): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = database.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #prepareLog(sql: string): StatementSync {
    return this.#prepare(sql, this.#log);
  }
}
