import { notCarriedOut } from '../domain/exit-outcome.ts';
import { NO_EXITS } from '../domain/exits.ts';
import {
  isFinal,
  left,
  NEW_ORDER,
  observed,
  placed,
  resolved,
  type OrderState,
  type OrderStatus,
} from '../domain/order-state.ts';
import type { Placement } from '../domain/outcome.ts';
import type { VenueOrder, VenueStatus } from '../domain/venue-order.ts';

/** What docs/order-life.md says of each status; a new one without a sentence does not compile. */
const STATUSES: Readonly<Record<OrderStatus, string>> = {
  pending: 'it is being checked, or on its way',
  unknown: 'it may or may not be at the venue, which is being asked',
  working: 'it rests at the venue',
  partially_filled: 'a part of it is filled, the rest rests',
  filled: 'all of it is filled; where it has a stop or target, its position is protected',
  canceled: 'it rests no longer: canceled, or ended by the venue; a part may be filled',
  rejected: 'the venue did not take it',
  denied: 'our rules did not let it out',
  expired: 'it was too late to send it',
  failed: 'we broke before it was sent',
  dry_run: 'the account sends nothing',
  closed: 'what it opened is out again',
  noop: 'an exit found nothing to take out',
};

/** Whatever placing an order may come to, by who says so; a new outcome does not compile without. */
const PLACEMENTS: Readonly<Record<Placement['kind'], [by: string, placement: Placement]>> = (() => {
  const reason = { code: '', message: '', fix: null };
  const evidence = '';
  return {
    accepted: ['the venue', { kind: 'accepted', order: reported('working') }],
    rejected: ['the venue', { kind: 'rejected', reason }],
    denied: ['our rules', { kind: 'denied', reason }],
    expired: ['our clock', { kind: 'expired', reason }],
    failed: ['our fault', { kind: 'failed', reason }],
    dry_run: ['our rules', { kind: 'dry_run' }],
    outside_window: ['no clear answer', { kind: 'outside_window', evidence }],
    unknown: ['no clear answer', { kind: 'unknown', evidence }],
  };
})();

const REPORTS: Readonly<Record<VenueStatus, null>> = {
  working: null,
  partially_filled: null,
  filled: null,
  canceled: null,
  rejected: null,
};

const FILLED: Partial<Record<OrderStatus, string>> = { partially_filled: '1', filled: '2', canceled: '1' };

/** What surprises, and the venue's behaviour that forces it. */
const NOTES: Readonly<Record<string, string>> = {
  'canceled --> filled':
    'A cancel and a fill can cross on their way: the venue says first that the order is canceled, and afterwards that the last of it had been filled. Fills are money, and outrank the word.',
  'filled --> closed':
    'The order itself is over; a stop or target of it, which is an order of its own, has taken the position out again. Until then the status stays, and `protection` tells how far it is.',
  'canceled --> closed': 'What was filled before the rest was canceled is protected, and was taken out.',
  'working --> rejected':
    'A venue may take an order and refuse it later: a stop is judged again when its price is reached.',
  'working --> canceled':
    'By whoever cancels it, at the venue too; and by the venue itself, which ends orders of its own accord (`EXPIRED` at Binance). A leg also by us: its position has grown, its stop moves, or the target has come that no order waits for.',
  'partially_filled --> canceled': 'As above; what was filled stays filled.',
  'pending --> canceled': 'An order that is good at once or not at all (`ioc`, `fok`), and was not.',
  'pending --> unknown':
    'The call ended without an answer (a time-out, a 5xx, a lost process): the order may be there. It is not sent again; the venue is asked for it by its client order id.',
  'unknown --> working':
    'Asked for it, the venue shows it. From `unknown` everything is possible that is from `pending`.',
  'unknown --> expired':
    'The venue has proven that the order is not there and cannot come any more, and it is too late to send it again; or a person has said that it never came.',
};

interface Edge {
  readonly from: OrderStatus;
  readonly to: OrderStatus;
  readonly by: Set<string>;
}

/** Every step that the code takes, found by letting it take them. */
function edges(): Edge[] {
  const found = new Map<string, Edge>();
  const take = (from: OrderState, to: OrderState, by: string): void => {
    if (to === from || to.status === from.status) return;
    const name = `${from.status} --> ${to.status}`;
    const edge = found.get(name) ?? { from: from.status, to: to.status, by: new Set() };
    found.set(name, { ...edge, by: edge.by.add(by) });
  };
  for (const status of Object.keys(STATUSES) as OrderStatus[]) {
    const state: OrderState = { ...NEW_ORDER, status, filledQuantity: FILLED[status] ?? '0' };
    if (status === 'pending' || status === 'unknown') {
      for (const [by, placement] of Object.values(PLACEMENTS)) take(state, placed(state, placement), by);
    }
    if (status === 'pending') {
      const because = { code: '', message: '', fix: null };
      take(state, notCarriedOut({ kind: 'flat', reason: because, notes: [] }), 'an exit of nothing');
    }
    for (const report of Object.keys(REPORTS) as VenueStatus[]) {
      const filledQuantity = report === 'filled' ? '2' : (FILLED[status] ?? FILLED[report] ?? '0');
      take(state, observed(state, { ...reported(report), filledQuantity }), 'the venue');
    }
    if (status === 'unknown') {
      const told = { venueOrderId: '', filledQuantity: '2', averagePrice: '1' };
      for (const outcome of ['absent', 'rejected'] as const) take(state, resolved(state, { outcome }, ''), 'a person');
      for (const outcome of ['filled', 'canceled'] as const) {
        take(state, resolved(state, { outcome, ...told }, ''), 'a person');
      }
    }
    // Its position is left when nothing more can be filled of it.
    if (isFinal(state)) {
      const exitedQuantity = state.filledQuantity;
      take(state, left({ ...state, exits: { ...NO_EXITS, exitedQuantity } }), 'its legs');
    }
  }
  return [...found.values()];
}

function reported(status: VenueStatus): VenueOrder {
  return { venueOrderId: 'v', status, filledQuantity: '0', averagePrice: null };
}

/** `docs/order-life.md`, before it is formatted. */
export function orderLifePage(): string {
  const all = edges();
  const named = new Map(all.map((edge) => [`${edge.from} --> ${edge.to}`, edge]));
  for (const name of Object.keys(NOTES)) if (!named.has(name)) throw new Error(`No order goes ${name}: drop its note.`);
  const unexplained = [...named].filter(([name, { from }]) => isFinal({ status: from }) && NOTES[name] === undefined);
  if (unexplained.length > 0) throw new Error(`Say why an order goes ${unexplained[0]![0]}.`);
  const statuses = Object.entries(STATUSES).map(
    ([status, words]) => `| \`${status}\` | ${words} | ${isFinal({ status: status as OrderStatus }) ? 'yes' : 'no'} |`,
  );
  const lines = all.map(({ from, to, by }) => `    ${from} --> ${to}: ${[...by].join(', ')}`);
  const hasWayOn = new Set(all.map(({ from }) => from));
  const ends = (Object.keys(STATUSES) as OrderStatus[])
    .filter((status) => !hasWayOn.has(status))
    .map((status) => `    ${status} --> [*]`);
  const notes = Object.entries(NOTES).map(
    ([name, why]) => `| \`${name.replace(' --> ', '` → `')}\` | ${[...named.get(name)!.by].join(', ')} | ${why} |`,
  );
  return `# The life of an order

<!-- Generated from scripts/order-life-page.ts by npm run docs:reference. -->

Every status that an order can have, and every way from one to another. The diagram is not drawn: it is what
[\`domain/order-state.ts\`](../domain/order-state.ts) does when it is given each placement, each report of a venue and each
word of a person in each status. What is not in it is not done: a report that does not fit leaves the order as it was.

\`\`\`mermaid
stateDiagram-v2
    [*] --> pending
${lines.join('\n')}
${ends.join('\n')}
\`\`\`

| Status | Meaning | Final |
| --- | --- | --- |
${statuses.join('\n')}

## What surprises, and what forces it

| Step | Who says so | Why |
| --- | --- | --- |
${notes.join('\n')}

What never happens, though venues report it:

- **\`filled\` never goes back.** Binance answers a question about an order from its memory or from its database, whichever
  it asks first ("Data Source" in its documents), and the one may lag behind the other: after \`filled\` a report of
  \`working\` can come. It is older, not newer.
- **The filled quantity never falls**, for the same reason; and each execution counts once, by its trade id.
- **What we ended stays ended** (\`denied\`, \`expired\`, \`failed\`, \`dry_run\`): nothing was sent, or it is proven to be gone, so
  that no report can be about it. One that turns up all the same is a [difference](operating.md) between engine and venue.
- **\`closed\` is the end of the whole**: entry and legs are over.

The legs of an order (its stop, its targets, and what closes it at the market) have lives of their own by the same diagram,
under the [entry's id](decisions/0004-legs-bear-their-entrys-id.md). They are not listed; they show in the \`events\` of
their order's page.
`;
}
