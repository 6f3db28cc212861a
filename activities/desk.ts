import type { OrderTicket, VenueAdapter } from '../adapters/venue-adapter.ts';
import type { Admission, AdmissionRequest } from '../domain/admission.ts';
import { legId } from '../domain/ids.ts';
import type { ExitRequest } from '../domain/exit-plan.ts';
import { isExit, type EntryIntent, type Intent } from '../domain/intent.ts';
import type { Leg } from '../domain/leg.ts';
import type { Limits } from '../domain/limits.ts';
import type { AlertRules } from '../domain/pre-trade.ts';
import type { Difference, EngineOrder } from '../domain/reconciliation.ts';
import type { Standing } from '../domain/standing.ts';
import type { MakeWay, OfOrder, Taken } from './contract.ts';
import { notProven, type VerifyKeys } from './verify-keys.ts';
import type { VenueClock } from './venue-clock.ts';
import { askAgain, notSent } from './not-sent.ts';

/** What comparing an account with its venue takes beside the venue. */
export interface Comparing {
  /** The installation's tag, with which the client order ids of its orders begin. */
  readonly tag: string;
  /** The pause between two comparisons, in milliseconds. */
  readonly everyMs: number;
  /**
   * The engine's orders under client order ids; those that it does not know are not in it.
   * @param sure whether each is asked for where its history is, and not only in the engine's list of them
   */
  readonly ordersUnder: (ids: readonly string[], sure: boolean) => Promise<ReadonlyMap<string, EngineOrder>>;
  /** The account's orders that rest at the venue, as the engine has them. */
  readonly resting: () => Promise<EngineOrder[]>;
  /** Told once of what comes up and of what is gone again. */
  readonly onChange: (change: 'new' | 'gone', difference: Difference) => void;
  /** Told why a comparison did not come about. */
  readonly onTrouble: (why: string) => void;
}

/** One account as a worker serves it. */
export interface Account {
  readonly name: string;
  readonly adapter: VenueAdapter;
  readonly clock: VenueClock;
  /** What holds for every order of the account, beside what holds for its strategy. */
  readonly limits: Limits;
  /** How the account stands, at most a second old; undefined where that cannot be found out. */
  readonly standing: () => Promise<Standing | undefined>;
  /** Has an order counted, or told what keeps it; undefined where the account cannot be asked. */
  readonly admit: (request: AdmissionRequest | ExitRequest) => Promise<Admission | undefined>;
  /** Asks one of its orders to make way for an exit; undefined where that order is over. Throws while it cannot be asked. */
  readonly makeWay: (workflowId: string, wanted: MakeWay) => Promise<Taken | undefined>;
  readonly comparing: Comparing;
  /** How long a resting order goes unasked at least, in milliseconds. */
  readonly pollMs: number;
  /** How many such questions an account may have in a second: the rest of what the venue allows is for placing. */
  readonly pollsPerSecond: number;
  /** Whether anything was sent since its epoch last rose. */
  hasSent: boolean;
  /** How many resting orders this process asks about now: with many of them, each is asked less often. */
  following: number;
}

/** What a strategy's alerts and orders must satisfy, and what they may do. */
export interface StrategyRules extends AlertRules {
  /** Those that its alerts may name. */
  readonly accounts: readonly string[];
  readonly limits: Limits;
  /** Whether its orders in one symbol go out one after the other. */
  readonly inTurn: boolean;
}

/** What a worker's activities work with: the accounts it serves, the keys it believes, the rules of each strategy. */
export interface Desk {
  readonly accounts: ReadonlyMap<string, Account>;
  readonly keys: VerifyKeys;
  readonly rules: ReadonlyMap<string, StrategyRules>;
  /**
   * Client order ids that this process has sent. Evidence for looking first, never for not looking: another process
   * may have sent what is not in here.
   */
  readonly sent: Set<string>;
  /** Of those that were not sent: client order ids that a venue turned away. Its word is good, and looking is better. */
  readonly turnedAway: Set<string>;
  /** Aborted when the process is about to stop: whoever only waits for news comes back without. */
  readonly stopping: AbortController;
}

/** How long an account that this worker does not serve may take to be served. */
const ACCOUNT_RETRY_MS = 5_000;

/**
 * The intent's account. One that this worker does not serve may be served by another: nothing was sent, unless this
 * comes after a reset, when an earlier run may have.
 */
export function accountOf(desk: Desk, intent: Intent, afterReset = false): Account {
  const account = desk.accounts.get(intent.account);
  if (account !== undefined) return account;
  throw (afterReset ? askAgain : notSent)(`This worker serves no account named ${intent.account}.`, ACCOUNT_RETRY_MS);
}

/** The order that a request is about: the entry that its intent asks for, or a leg that takes it out again. */
export function ticketOf({ signed: { intent }, leg }: OfOrder): OrderTicket {
  return leg === undefined ? entryTicket(entryOf({ signed: { intent } })) : legTicket(intent, leg);
}

/** What a request that names no leg is about. An exit has no order but its legs. */
export function entryOf({ signed: { intent } }: { readonly signed: Pick<OfOrder['signed'], 'intent'> }): EntryIntent {
  if (isExit(intent)) throw notProven('An exit is carried out by its legs.');
  return intent;
}

/** Nothing in it comes from anywhere but the intent. */
function entryTicket(intent: EntryIntent): OrderTicket {
  const { clientOrderId, symbol, side, orderType, quantity, notAfter } = intent;
  const { limitPrice, stopPrice, timeInForce, referencePrice } = intent;
  return {
    clientOrderId,
    symbol,
    side,
    type: orderType,
    quantity,
    ...(limitPrice === undefined ? {} : { limitPrice }),
    ...(stopPrice === undefined ? {} : { stopPrice }),
    ...(timeInForce === undefined ? {} : { timeInForce }),
    ...(referencePrice === undefined ? {} : { referencePrice }),
    notAfter,
  };
}

function legTicket(intent: Intent, leg: Leg): OrderTicket {
  const { name, part, generation, side, type, quantity, limitPrice, stopPrice, referencePrice, notAfter } = leg;
  return {
    clientOrderId: legId(intent.clientOrderId, name, part, generation),
    symbol: intent.symbol,
    side,
    type,
    quantity,
    ...(limitPrice === undefined ? {} : { limitPrice }),
    ...(stopPrice === undefined ? {} : { stopPrice }),
    ...(referencePrice === undefined ? {} : { referencePrice }),
    notAfter,
  };
}
