import { entryIdOf } from './ids.ts';
import type { Standing } from './standing.ts';

/**
 * What the engine believes otherwise than the venue:
 * `stranger`, an order under our tag that the engine does not know; `manual`, an open order without it, placed by hand or by
 * another program; `orphaned`, one that is over for the engine and still open there; `unbooked`, one that has been filled
 * there while it ended for the engine without a fill being told; `missing`, one that rests for the engine and that the venue
 * does not know.
 */
export const DIFFERENCE_KINDS = ['stranger', 'manual', 'orphaned', 'unbooked', 'missing'] as const;
export type DifferenceKind = (typeof DIFFERENCE_KINDS)[number];

export interface Difference {
  readonly kind: DifferenceKind;
  /** The client order id; the venue's own id of an order that is not ours. */
  readonly order: string;
  readonly symbol: string;
  /** In a sentence. */
  readonly detail: string;
}

/** An order as a venue lists it, whoever placed it. */
export interface ListedOrder {
  /** Empty where the venue tells none. */
  readonly clientOrderId: string;
  readonly venueOrderId: string;
  readonly symbol: string;
  /** In the venue's words. */
  readonly status: string;
  readonly isOpen: boolean;
  /** Whether anything of it has been filled. */
  readonly isFilled: boolean;
}

/** An order as the engine lists it. */
export interface EngineOrder {
  readonly clientOrderId: string;
  readonly workflowId: string;
  readonly symbol: string;
  /** In the words of the answer. */
  readonly status: string;
  /** Whether its workflow goes on; one that was ended from outside follows nothing any more, whatever its status. */
  readonly isRunning: boolean;
}

/** A halt for `ENGINE_RESTORED` as it stood at one moment: the same name and the same time are the same halt. */
export interface RestoredHalt {
  readonly id: number;
  readonly restoredAt: number;
}

/** What comparing an account with its venue has come to. */
export interface Reconciliation {
  /** When the last comparison began, by the engine's clock (milliseconds since 1970); null where there was none. */
  readonly reconciledAt: number | null;
  /** The first of the differences; a report travels often, and must stay small. */
  readonly differences: readonly Difference[];
  /** How many there are in all; kinds without any are left out. */
  readonly counts: Readonly<Partial<Record<DifferenceKind, number>>>;
  /** The halt that stood when a comparison of all that can be listed began, which knew each order of ours; else null. */
  readonly clears: RestoredHalt | null;
}

export const NEVER_RECONCILED: Reconciliation = { reconciledAt: null, differences: [], counts: {}, clears: null };

const TOLD_MOST = 20;
const TEXT_MOST = 200;

/** Whether an order carries an installation's tag. */
export const isOurs = ({ clientOrderId }: ListedOrder, tag: string): boolean => clientOrderId.startsWith(tag);

export interface Sides {
  /** The installation's tag. */
  readonly tag: string;
  /** Every open order of the account at its venue, and recent ones that are over. */
  readonly listed: readonly ListedOrder[];
  /** The engine's orders under the listed client order ids, looked up after the venue was. */
  readonly known: ReadonlyMap<string, EngineOrder>;
  /** The engine's orders that rest. */
  readonly resting: readonly EngineOrder[];
}

/**
 * Compares the two sides as they were read; orders live on meanwhile, so only what is found again later is a difference.
 * `unseen` are those that rest for the engine and are not among the open ones: most have just ended there.
 */
export function compareOrders({ tag, listed, known, resting }: Sides): {
  differences: Difference[];
  unseen: EngineOrder[];
} {
  const differences = listed.flatMap((order) => {
    const found = isOurs(order, tag) ? ofOurs(order, known.get(entryIdOf(order.clientOrderId))) : ofOthers(order);
    return found === undefined ? [] : [found];
  });
  const open = new Set(listed.filter(({ isOpen }) => isOpen).map(({ clientOrderId }) => clientOrderId));
  return { differences, unseen: resting.filter(({ clientOrderId }) => !open.has(clientOrderId)) };
}

function ofOthers(order: ListedOrder): Difference | undefined {
  if (!order.isOpen) return undefined;
  const detail = `The venue has it open (${order.clientOrderId || 'no client order id'}) and it is not of this installation.`;
  return difference('manual', order.venueOrderId, order.symbol, detail);
}

function ofOurs(order: ListedOrder, known: EngineOrder | undefined): Difference | undefined {
  const { clientOrderId, symbol, venueOrderId, status } = order;
  const at = `The venue has it as ${venueOrderId} (${status})`;
  if (known === undefined) return difference('stranger', clientOrderId, symbol, `${at}; the engine does not know it.`);
  if (known.isRunning) return undefined;
  const engine = `for the engine it ended as ${known.status} (${known.workflowId})`;
  if (order.isOpen) return difference('orphaned', clientOrderId, symbol, `${at}; ${engine}.`);
  const tellsFills = ['filled', 'canceled', 'closed'].includes(known.status);
  if (order.isFilled && !tellsFills) return difference('unbooked', clientOrderId, symbol, `${at}; ${engine}.`);
  return undefined;
}

/** What is to be told of an order that rests for the engine, and that the venue says it does not know. */
export function missing({ clientOrderId, symbol, status, workflowId }: EngineOrder): Difference {
  const detail = `For the engine it is ${status} (${workflowId}); the venue does not know it.`;
  return difference('missing', clientOrderId, symbol, detail);
}

/** Some of the text is the venue's. */
function difference(kind: DifferenceKind, order: string, symbol: string, detail: string): Difference {
  const cut = (text: string): string => (text.length > TEXT_MOST ? `${text.slice(0, TEXT_MOST - 1)}…` : text);
  return { kind, order: cut(order), symbol: cut(symbol), detail: cut(detail) };
}

/** What makes two findings the same difference: venues give ids by market. */
export const nameOf = ({ kind, order, symbol }: Difference): string => `${kind} ${symbol} ${order}`;

/** What was found before too. */
export function foundAgain(now: readonly Difference[], before: ReadonlySet<string>): Difference[] {
  return now.filter((difference) => before.has(nameOf(difference)));
}

/** As much of the differences as a report takes along, and how many there are. Those of ours come first. */
export function inShort(differences: readonly Difference[]): Pick<Reconciliation, 'differences' | 'counts'> {
  const counts: Partial<Record<DifferenceKind, number>> = {};
  for (const { kind } of differences) counts[kind] = (counts[kind] ?? 0) + 1;
  const isManual = ({ kind }: Difference): number => Number(kind === 'manual');
  const inOrder = differences.toSorted((one, other) => isManual(one) - isManual(other));
  return { differences: inOrder.slice(0, TOLD_MOST), counts };
}

/** The halt that a comparison may clear; null where none stands. */
export function restoredHalt({ halts, restoredAt }: Standing): RestoredHalt | null {
  const halt = halts.find(({ code }) => code === 'ENGINE_RESTORED');
  return halt === undefined || restoredAt === null ? null : { id: halt.id, restoredAt };
}

export function isSameHalt(one: RestoredHalt | null, other: RestoredHalt | null): boolean {
  return one !== null && other !== null && one.id === other.id && one.restoredAt === other.restoredAt;
}
