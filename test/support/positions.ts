import assert from 'node:assert/strict';

import { add } from '../../domain/decimal.ts';
import type { OrderStory } from '../../ingress/order-book.ts';
import type { Order, RequestRecord } from '../simulators/binance-spot/start-simulator.ts';
import { eventually } from './eventually.ts';
import type { LiveDesk } from './live-desk.ts';

type Members = Readonly<Record<string, unknown>>;

export interface Entered {
  readonly workflowId: string;
  readonly clientOrderId: string;
}

export const plain = (amount: string): string => add(amount, '0');
const soldOf = (orders: readonly Order[]): string =>
  orders.reduce((sum, { executedQty }) => add(sum, executedQty), '0');

/** An order of the venue's books in short: `P0.0 SELL STOP_LOSS CANCELED 3400`. */
function inShort({ clientOrderId, side, type, status, price, stopPrice }: Order): string {
  const level = [stopPrice, price].map(plain).find((one) => one !== '0');
  return [clientOrderId.split('-')[1], side, type, status, level].filter(Boolean).join(' ');
}

/** Entries with stops and targets at the simulated exchange, and what its books have of them. */
export class Positions {
  readonly #desk: LiveDesk;
  readonly #name: string;
  #count = 0;

  /** @param name of the file: its alerts' ids begin with it */
  constructor(desk: LiveDesk, name: string) {
    this.#desk = desk;
    this.#name = name;
  }

  /** Half an ETH bought at the market, with a stop below and a target above, but for the members given. */
  async enter(members: Members = {}): Promise<Entered> {
    const id = `${this.#name}-${(this.#count += 1)}`;
    const levels = { stop_loss: '3400', take_profit: '3600' };
    const { http, body } = await this.#desk.post({ id, symbol: 'ETH/USDT', quantity: '0.5', ...levels, ...members });
    assert.ok(http < 300 && body.status !== 'denied', JSON.stringify(body));
    return { workflowId: body.workflow_id, clientOrderId: body.client_order_id };
  }

  /** An entry that is filled, and for so much of which protection waits at the venue. */
  async protect(quantity: string, members: Members = {}): Promise<Entered> {
    const order = await this.enter(members);
    await this.untilGuarded(order, quantity);
    return order;
  }

  until({ workflowId }: Entered, is: (story: OrderStory) => boolean, what: string): Promise<OrderStory> {
    return eventually(() => this.#desk.tell(workflowId), is, { withinMs: 30_000, everyMs: 200, what });
  }

  untilGuarded(order: Entered, quantity: string): Promise<OrderStory> {
    const isGuarded = (story: OrderStory): boolean => story.order.protection?.guarded_quantity === quantity;
    return this.until(order, isGuarded, `${quantity} being protected`);
  }

  /** What has been booked to take an entry out again, in the order in which it was. */
  async exitsOf({ clientOrderId }: Entered): Promise<Order[]> {
    const { orders } = await this.#desk.control.ledger();
    return orders.filter((order) => order.clientOrderId.startsWith(`${clientOrderId}-`));
  }

  async inShort(order: Entered): Promise<string[]> {
    return (await this.exitsOf(order)).map(inShort);
  }

  untilBooked(order: Entered, what: string): Promise<string[]> {
    return eventually(
      () => this.inShort(order),
      (exits) => exits.includes(what),
      { what, withinMs: 20_000 },
    );
  }

  /** The requests that name an entry's legs, but for the questions. */
  async sendsOf({ clientOrderId }: Entered): Promise<RequestRecord[]> {
    const { requests } = await this.#desk.control.ledger();
    const isOfLeg = (value: unknown): boolean => String(value).startsWith(`${clientOrderId}-`);
    return requests.filter(({ method, parameters }) => method !== 'GET' && Object.values(parameters).some(isOfLeg));
  }

  /** The end of an entry: how it is told, and how much the venue has taken out in all, once. */
  async assertClosed(order: Entered, quantity: string, reason: string | null = null): Promise<OrderStory> {
    const story = await this.#desk.untilOver(order.workflowId);
    const { status, success, protection } = story.order;
    assert.deepEqual([status, success, story.order.reason?.code ?? null], ['closed', true, reason]);
    assert.deepEqual([protection?.guarded_quantity, protection?.exited_quantity], ['0', quantity]);
    const exits = await this.exitsOf(order);
    assert.equal(soldOf(exits), quantity);
    const open = exits.filter(({ status: at }) => at === 'NEW' || at === 'PARTIALLY_FILLED');
    assert.deepEqual(open, [], 'nothing is left at the venue');
    return story;
  }
}
