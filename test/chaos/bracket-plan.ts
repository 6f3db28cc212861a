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
  type Operation,
} from './plan.ts';

const OCO = '/api/v3/orderList/oco';

/** Steps are those of the leg that protects a position. */
export const BRACKET_POINTS: readonly KillPoint[] = [
  kill('ingress', 'any instant', null),
  kill('worker', 'before the rules are asked about the protection', 'checkBeforeTrade:start'),
  kill('worker', 'before signing the protection', 'placeOrder:start'),
  kill('worker', 'between signing and sending the protection', 'placeOrder:made'),
  kill('worker', "after sending the protection, before the venue's answer", 'placeOrder:sent'),
  kill('worker', "after the venue's answer to the protection, before completion", 'placeOrder:end'),
  kill('worker', 'after completion of the protection', 'placeOrder:completed'),
  kill('worker', 'asking for a lost protection', 'findOrder:start', 'find'),
  kill('worker', 'following the protection', 'followOrder:start', 'follow'),
  kill('worker', 'any instant', null),
  kill('worker', 'as the price comes to the target', null, 'exit'),
  freeze('before signing the protection', 'placeOrder:start'),
  freeze('between signing and sending the protection', 'placeOrder:made'),
  kill('engine', 'any instant', null),
  kill('engine', 'as the price comes to the target', null, 'exit'),
  kill('everything', 'any instant', null),
  kill('everything', 'as the price comes to the target', null, 'exit'),
];

/** Arranges the venue for the leg under an id. `turn` picks one of several ways in which the same thing can go wrong. */
export function legFaultsFor(operation: Operation, behavior: Behavior, leg: string, turn: number): FaultRule[] {
  const pick = (faults: readonly Fault[]): Fault => faults[turn % faults.length]!;
  const placing = (fault: Fault, times: number | null = 1): FaultRule => ({
    match: { method: 'POST', path: OCO, clientOrderId: leg },
    times,
    fault,
  });
  // A list is asked for by its target.
  const asking = (fault: Fault, times = 1): FaultRule => ({
    match: { method: 'GET', path: '/api/v3/order', clientOrderId: `${leg}T` },
    times,
    fault,
  });
  if (operation === 'find') {
    const lost = placing(pick(behavior === 'ambiguous-not-booked' ? NOT_DONE : DONE));
    if (behavior === 'ok') return [lost];
    return [lost, asking(behavior === 'reject' ? 'lie-absent' : 'drop-before')];
  }
  if (behavior === 'ok') return [];
  if (behavior === 'ambiguous-booked') return [placing(pick(DONE))];
  if (behavior === 'ambiguous-not-booked') return [placing(pick(NOT_DONE))];
  // What is refused is never followed, and has no target: there the questions are what is denied.
  return operation === 'place' ? [placing(REJECTION, null)] : [asking('lie-absent', 2)];
}
