import type { Command } from 'commander';

import type { Linked } from '../ingress/links.ts';
import type { ListedOrder, OrderStory } from '../ingress/order-book.ts';
import { askOperator } from './operator.ts';

const FILTERS = ['account', 'symbol', 'status', 'strategy', 'since'] as const;

type Listing = { readonly [Filter in (typeof FILTERS)[number]]?: string } & {
  readonly all?: true;
  readonly json?: true;
};

const path = (workflowId: string): string => `/orders/${encodeURIComponent(workflowId)}`;
const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);
const say = (line: string): void => void process.stdout.write(`${line}\n`);

/** `holdfast orders`: what became of orders, and the end of one that rests. */
export function addOrders(program: Command): void {
  const orders = program.command('orders').description('List, show and cancel orders.');
  const list = orders.command('list').description('Orders, newest first.');
  for (const filter of FILTERS) list.option(`--${filter} <VALUE>`);
  list
    .option('--all', 'not only the first page')
    .option('--json', 'the list as JSON')
    .action(async (listing: Listing) => listOrders(listing));
  orders
    .command('show')
    .description('The whole story of an order.')
    .argument('<WORKFLOW_ID>', 'such as order:trend:42')
    .option('--json', 'the story as JSON')
    .action(async (workflowId: string, { json }: Listing) => {
      const story = await askOperator<OrderStory>(path(workflowId));
      if (json === true) return print(story);
      say(inOneLine(story.order));
      for (const { at, kind, detail } of story.events) say(`  ${at}  ${kind}  ${inShort(detail)}`);
      if (story.order.reason !== null) say(`${story.order.reason.message} ${story.order.reason.fix ?? ''}`.trim());
    });
  orders
    .command('cancel')
    .description('Cancel an order that rests; the answer says how it ended.')
    .argument('<WORKFLOW_ID>', 'such as order:trend:42')
    .option('--json', 'the answer as JSON')
    .action(async (workflowId: string, { json }: Listing) => {
      const answer = await askOperator<Linked>(`${path(workflowId)}/cancel`, 'POST');
      if (json === true) print(answer);
      else say(inOneLine(answer));
    });
}

async function listOrders({ all, json, ...filters }: Listing): Promise<void> {
  const found: ListedOrder[] = [];
  let cursor: string | null = null;
  do {
    const query: URLSearchParams = new URLSearchParams({ ...filters, ...(cursor === null ? {} : { cursor }) });
    const page: { orders: ListedOrder[]; next: string | null } = await askOperator(`/orders?${query.toString()}`);
    found.push(...page.orders);
    cursor = page.next;
  } while (all === true && cursor !== null);
  if (json === true) return print({ orders: found, next: cursor });
  for (const order of found) say(`${order.created_at}  ${inOneLine(order)}`);
  if (found.length === 0) process.stderr.write('No order fits.\n');
  if (cursor !== null) process.stderr.write('There are more: --all.\n');
}

function inOneLine({
  workflow_id: id,
  side,
  quantity,
  symbol,
  account,
  status,
  filled_quantity: filled,
  average_price: at,
  exit,
}: Linked | ListedOrder | OrderStory['order']): string {
  const fill = at === null ? '' : `, ${filled} at ${at}`;
  // Of an exit it may not be known yet on which side, and how much there is.
  const what = [exit?.action, side, quantity, symbol].filter(Boolean).join(' ');
  return `${id}  ${what} on ${account}: ${status}${fill}`;
}

function inShort(detail: unknown): string {
  const text = typeof detail === 'string' ? detail : JSON.stringify(detail ?? '');
  return text.length > 160 ? `${text.slice(0, 159)}…` : text;
}
