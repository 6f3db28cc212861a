import { DatabaseSync } from 'node:sqlite';

export interface PaperOrder {
  readonly seq: number;
  readonly client_order_id: string;
  readonly symbol: string;
  readonly side: string;
  readonly type: string;
  readonly quantity: string;
  readonly status: string;
  readonly filled_quantity: string;
  readonly average_price: string | null;
  readonly stop_price: string | null;
}

export interface PaperBook {
  /** Oldest first. */
  readonly orders: readonly PaperOrder[];
  readonly balances: Readonly<Record<string, string>>;
}

/** What a paper venue has booked, read from its own file: the oracle for "exactly one order". */
export function readPaperBook(file: string): PaperBook {
  const book = new DatabaseSync(file, { readOnly: true, timeout: 5_000 });
  try {
    const orders = book.prepare('SELECT * FROM orders ORDER BY seq').all() as unknown as PaperOrder[];
    const balances = book.prepare('SELECT asset, amount FROM balances').all();
    return { orders, balances: Object.fromEntries(balances.map(({ asset, amount }) => [asset, String(amount)])) };
  } finally {
    book.close();
  }
}
