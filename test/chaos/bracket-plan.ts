import type { FaultRule } from '../simulators/binance-spot/start-simulator.ts';
import {
  DONE,
  freeze,
  kill,
  NOT_DONE,
  REJECTION,
  type Behavior,
  type Fault,
  type KillPoint,
  type Victim,
} from './plan.ts';

/** In which state of the position the kill comes. */
export const STATES = [
  'entry resting',
  'partly filled',
  'being protected',
  'protected',
  'one leg filled',
  'being replaced',
] as const;
export type State = (typeof STATES)[number];

/**
 * What happens to the position at the kill: its alert comes in; its entry, which rests, is filled, in part, or by the
 * rest; nothing; its target is traded, or a part of it; its stop, with too few buyers for all of it.
 */
export type Act =
  | 'alert'
  | 'resting-alert'
  | 'fill'
  | 'part-fill'
  | 'rest-fill'
  | 'nothing'
  | 'target'
  | 'part-of-target'
  | 'part-of-stop';

/** Whose step it is that the victim comes to. */
export type Whose = 'entry' | 'protection' | 'replacement' | 'exit';

/** Which request the venue's behavior is about: the placing of one of these, or something else. */
export type Request = Whose | 'find' | 'follow' | 'questions' | 'withdraw';

export interface BracketPoint extends KillPoint {
  readonly state: State;
  readonly act: Act;
  readonly whose: Whose;
  readonly request: Request;
}

interface Stage {
  readonly state: State;
  readonly act: Act;
  readonly whose?: Whose;
  readonly request?: Request;
}

function at(
  { state, act, whose = 'protection', request = whose }: Stage,
  points: readonly KillPoint[],
): BracketPoint[] {
  return points.map((point) => ({ ...point, name: `${state} · ${point.name}`, state, act, whose, request }));
}

const each = (victims: readonly Victim[], name: string): KillPoint[] =>
  victims.map((victim) => kill(victim, name, null));
const ALL: readonly Victim[] = ['worker', 'engine', 'everything'];

const SENT = "after sending it, before the venue's answer";
const ANSWERED = "after the venue's answer to it, before completion";

/** Without a step: a random instant about the act. */
export const BRACKET_POINTS: readonly BracketPoint[] = [
  ...at({ state: 'entry resting', act: 'resting-alert', whose: 'entry' }, [
    kill('worker', 'following the entry, which fills meanwhile', 'followOrder:start'),
  ]),
  ...at({ state: 'entry resting', act: 'fill', whose: 'entry' }, [...each(['ingress', ...ALL], 'as it is filled')]),
  ...at({ state: 'partly filled', act: 'part-fill' }, [
    kill('worker', 'before the rules are asked about the protection', 'checkBeforeTrade:start'),
    kill('worker', 'before signing the protection', 'placeOrder:start'),
    kill('worker', SENT, 'placeOrder:sent'),
    ...each(ALL, 'as its first part is filled'),
  ]),
  ...at({ state: 'being protected', act: 'alert' }, [
    kill('worker', 'before the rules are asked about the protection', 'checkBeforeTrade:start'),
    kill('worker', 'before signing the protection', 'placeOrder:start'),
    kill('worker', 'between signing and sending it', 'placeOrder:made'),
    kill('worker', SENT, 'placeOrder:sent'),
    kill('worker', ANSWERED, 'placeOrder:end'),
    kill('worker', 'after completion of it', 'placeOrder:completed'),
    freeze('before signing the protection', 'placeOrder:start'),
    freeze('between signing and sending it', 'placeOrder:made'),
    ...each(['ingress', ...ALL], 'any instant'),
  ]),
  ...at({ state: 'being protected', act: 'alert', request: 'find' }, [
    kill('worker', 'asking for a lost protection', 'findOrder:start'),
  ]),
  ...at({ state: 'protected', act: 'alert', request: 'follow' }, [
    kill('worker', 'following the protection', 'followOrder:start'),
  ]),
  ...at({ state: 'protected', act: 'nothing', request: 'questions' }, each(['ingress', ...ALL], 'any instant')),
  ...at({ state: 'one leg filled', act: 'target', request: 'questions' }, each(ALL, 'as the target trades')),
  ...at(
    { state: 'one leg filled', act: 'part-of-target', request: 'questions' },
    each(ALL, 'as a part of the target trades'),
  ),
  ...at(
    { state: 'one leg filled', act: 'part-of-stop', request: 'questions' },
    each(ALL, 'as a part of the stop trades'),
  ),
  ...at({ state: 'one leg filled', act: 'part-of-stop', whose: 'exit' }, [
    kill('worker', 'before signing the sale of what the stop left', 'placeOrder:start'),
    kill('worker', SENT, 'placeOrder:sent'),
    kill('worker', ANSWERED, 'placeOrder:end'),
  ]),
  ...at({ state: 'being replaced', act: 'rest-fill', request: 'withdraw' }, [
    kill('worker', 'before canceling what has become too small', 'withdrawLeg:start'),
    kill('worker', 'after sending the cancel, before its answer', 'withdrawLeg:sent'),
    kill('worker', 'after the cancel, before completion', 'withdrawLeg:end'),
    kill('worker', 'after completion of the cancel', 'withdrawLeg:completed'),
    ...each(ALL, 'as the rest of the entry is filled'),
  ]),
  ...at({ state: 'being replaced', act: 'part-of-target', request: 'withdraw' }, [
    kill('worker', 'after sending the cancel of the rest of a target', 'withdrawLeg:sent'),
  ]),
  ...at({ state: 'being replaced', act: 'rest-fill', whose: 'replacement' }, [
    kill('worker', 'before signing the next protection', 'placeOrder:start'),
    kill('worker', SENT, 'placeOrder:sent'),
    kill('worker', ANSWERED, 'placeOrder:end'),
  ]),
];

/** The client order ids of one position. */
export type Ids = Readonly<Record<Whose, string>>;

const ORDER = '/api/v3/order';
const LIST = '/api/v3/orderList';
const OCO = '/api/v3/orderList/oco';

/** Arranges the venue for one position. `turn` picks one of several ways in which the same thing can go wrong. */
export function legFaultsFor(request: Request, behavior: Behavior, ids: Ids, turn: number): FaultRule[] {
  const pick = (faults: readonly Fault[]): Fault => faults[turn % faults.length]!;
  const rule = (
    method: string,
    path: string,
    clientOrderId: string,
    fault: Fault,
    times: number | null,
  ): FaultRule => ({
    match: { method, path, clientOrderId },
    times,
    fault,
  });
  const placing = (id: string, fault: Fault, times: number | null = 1): FaultRule =>
    rule('POST', id === ids.exit ? ORDER : OCO, id, fault, times);
  // A list is asked for by its target.
  const asking = (fault: Fault, times = 1): FaultRule => rule('GET', ORDER, `${ids.protection}T`, fault, times);
  const lost = pick(behavior === 'ambiguous-not-booked' ? NOT_DONE : DONE);
  if (request === 'find') {
    if (behavior === 'ok') return [placing(ids.protection, lost)];
    return [placing(ids.protection, lost), asking(behavior === 'reject' ? 'lie-absent' : 'drop-before')];
  }
  if (behavior === 'ok') return [];
  switch (request) {
    case 'protection':
    case 'replacement':
      return [placing(ids[request], behavior === 'reject' ? REJECTION : lost, behavior === 'reject' ? null : 1)];
    // What could not be sold at once is tried again.
    case 'exit':
      return [placing(ids.exit, behavior === 'reject' ? REJECTION : lost)];
    // What is refused is never followed: there the questions are what is denied.
    case 'follow':
      return [behavior === 'reject' ? asking('lie-absent', 2) : placing(ids.protection, lost)];
    case 'entry':
      return [rule('GET', ORDER, ids.entry, behavior === 'reject' ? 'lie-absent' : pick(NOT_DONE), 1)];
    case 'questions':
      return [asking(behavior === 'reject' ? 'lie-absent' : pick(NOT_DONE))];
    case 'withdraw':
      return [rule('DELETE', LIST, ids.protection, behavior === 'reject' ? NO_SUCH_LIST : lost, 1)];
  }
}

const NO_SUCH_LIST: Fault = { kind: 'reject', code: -2011, msg: 'Unknown order list sent.' };
