import { add, compare, subtract } from '../../domain/decimal.ts';
import type { OrderStory } from '../../ingress/order-book.ts';
import type { BooksView, Fill, Order } from '../simulators/binance-spot/start-simulator.ts';
import { excessOf } from './cover.ts';
import type { Violation } from './oracle.ts';
import type { Sent } from './sender.ts';

/** The least by which quantities of the market differ. */
const STEP = '0.00001';
const NOT_SENT = ['rejected', 'expired', 'denied'];
/** What may have been told of a position that is closed in the end. */
const BEFORE_CLOSED = ['pending', 'unknown', 'working', 'partially_filled', 'filled', 'closed'];

/** What the venue has booked of one position. */
export interface Booked {
  readonly entries: readonly Order[];
  readonly exits: readonly Order[];
  readonly fills: readonly Fill[];
  readonly lists: readonly { readonly id: string; readonly from: number; readonly to: number }[];
  /** What the entry has brought in, less the fee. */
  readonly due: string;
  readonly sold: string;
}

export function bookedOf(ledger: BooksView, entryId: string): Booked {
  const entries = ledger.orders.filter(({ clientOrderId }) => clientOrderId === entryId);
  const exits = ledger.orders.filter(({ clientOrderId }) => clientOrderId.startsWith(`${entryId}-`));
  const lists = ledger.lists
    .filter(({ listClientOrderId }) => listClientOrderId.startsWith(`${entryId}-`))
    .map((list) => {
      const legs = exits.filter(({ orderListId }) => orderListId === list.orderListId);
      const isOver = list.listOrderStatus === 'ALL_DONE';
      return {
        id: list.listClientOrderId,
        from: list.transactionTime,
        to: isOver ? Math.max(...legs.map(({ updateTime }) => updateTime)) : Infinity,
      };
    });
  const ids = new Set(entries.map(({ orderId }) => orderId));
  const fees = ledger.fills.filter(({ orderId, commissionAsset }) => ids.has(orderId) && commissionAsset === 'BTC');
  const due = fees.reduce((left, { commission }) => subtract(left, commission), filledOf(entries));
  const all = new Set([...entries, ...exits].map(({ orderId }) => orderId));
  const mine = ledger.fills.filter(({ orderId }) => all.has(orderId));
  return { entries, exits, fills: mine, lists, due, sold: filledOf(exits) };
}

/** What the venue has booked of a position, beside what its answers say. Called when it is over, or will never be. */
export function judgePosition(sent: Sent, told: OrderStory | undefined, booked: Booked): Violation[] {
  const found: Violation[] = [];
  const { entries, exits, lists, due, sold } = booked;
  const words = `at the venue ${inWords(entries)}; out of it ${inWords(exits)}`;
  const report = (kind: Violation['kind'], what: string): number =>
    found.push({ kind, id: sent.id, words: `${what}; ${words}` });
  if (entries.length > 1) report('doubled', 'more than one entry');
  if (new Set(lists.map(({ id }) => id)).size < lists.length) report('doubled', 'two protections under one id');
  for (const [at, one] of lists.entries()) {
    const other = lists.slice(at + 1).find(({ from, to }) => from < one.to && one.from < to);
    if (other !== undefined) report('doubled', `${one.id} and ${other.id} were open at once`);
  }
  if (compare(sold, due) > 0) report('doubled', `${sold} was sold of ${due}`);
  const excess = excessOf(booked);
  if (compare(excess, STEP) >= 0) report('doubled', `${excess} more waited to be sold than was held`);
  if (told === undefined) {
    const what = sent.answers.length > 0 ? 'it was acknowledged' : 'nobody acknowledged it';
    report('lost', `${what}, and there is no order in the engine`);
    return found;
  }
  const { status, filled_quantity: filled, order_id: orderId, protection, reason } = told.order;
  const own = `it is ${status} (${reason?.code ?? 'no reason'})`;
  for (const answer of sent.answers) {
    const fits = status === 'closed' ? BEFORE_CLOSED : [status, 'pending', 'unknown'];
    if (!fits.includes(answer.status)) report('mislabelled', `the sender was told ${answer.status}; ${own}`);
  }
  if (told.workflow.status !== 'completed') report('lost', `${own}, and not over`);
  else if (entries.length === 0) {
    if (!NOT_SENT.includes(status)) report('mislabelled', own);
  } else {
    const left = subtract(due, sold);
    if (compare(left, STEP) >= 0) report('lost', `${own}, and ${left} is left of it`);
    const isOpen = exits.some(({ status: at }) => at === 'NEW' || at === 'PARTIALLY_FILLED');
    if (isOpen) report('mislabelled', `${own}, and something still waits`);
    if (status !== 'closed') report('mislabelled', own);
    const isSame = same(filled, filledOf(entries)) && orderId === String(entries[0]!.orderId);
    if (!isSame) report('mislabelled', `it bought ${filled} (${orderId})`);
    const { exited_quantity: exited = '0', guarded_quantity: guarded = '0' } = protection ?? {};
    if (!same(exited, sold) || !same(guarded, '0')) report('mislabelled', `${exited} is out and ${guarded} guarded`);
  }
  return found;
}

const filledOf = (orders: readonly Order[]): string =>
  orders.reduce((sum, { executedQty }) => add(sum, executedQty), '0');

const same = (one: string, other: string): boolean => compare(one, other) === 0;

const inWords = (orders: readonly Order[]): string =>
  orders.map(({ clientOrderId, status, executedQty }) => `${clientOrderId} ${status} ${executedQty}`).join(', ') ||
  'nothing';
