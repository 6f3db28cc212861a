import type { FaultRule } from '../simulators/binance-spot/start-simulator.ts';

/** What the venue does with the request that an order's fate hangs on. */
export const BEHAVIORS = ['ok', 'reject', 'ambiguous-booked', 'ambiguous-not-booked'] as const;
export type Behavior = (typeof BEHAVIORS)[number];

/** Which request that is. */
export type Operation = 'place' | 'find' | 'follow' | 'cancel' | 'exit';

export type Victim = 'ingress' | 'worker' | 'engine' | 'everything';

/** One place in an order's life at which something dies or stands still. */
export interface KillPoint {
  readonly name: string;
  readonly victim: Victim;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
  /** Whether the line between the victim and the engine dies too, as it does where a whole host stands still. */
  readonly cutOff: boolean;
  /** What an order must come to in the victim; null: a random instant instead. */
  readonly step: string | null;
  readonly operation: Operation;
}

export const kill = (victim: Victim, name: string, step: string | null, operation: Operation = 'place'): KillPoint => ({
  name: `${victim}: ${name}`,
  victim,
  signal: 'SIGKILL',
  cutOff: false,
  step,
  operation,
});
export const freeze = (name: string, step: string, cutOff = false): KillPoint => ({
  ...kill('worker', `frozen ${cutOff ? 'and cut off ' : ''}${name}`, step),
  signal: 'SIGSTOP',
  cutOff,
});

export const KILL_POINTS: readonly KillPoint[] = [
  kill('ingress', 'before the start', 'startOrder:start'),
  kill('ingress', 'after the start, before the answer', 'startOrder:end'),
  kill('ingress', 'any instant', null),
  kill('worker', 'before signing', 'placeOrder:start'),
  kill('worker', 'between signing and sending', 'placeOrder:made'),
  kill('worker', "after sending, before the venue's answer", 'placeOrder:sent'),
  kill('worker', "after the venue's answer, before completion", 'placeOrder:end'),
  kill('worker', 'after completion', 'placeOrder:completed'),
  kill('worker', 'asking for a lost order', 'findOrder:start', 'find'),
  kill('worker', 'following a resting order', 'followOrder:start', 'follow'),
  kill('worker', 'before canceling', 'cancelOrder:start', 'cancel'),
  kill('worker', "after sending a cancel, before the venue's answer", 'cancelOrder:sent', 'cancel'),
  kill('worker', 'any instant', null),
  freeze('before signing', 'placeOrder:start'),
  freeze('before signing', 'placeOrder:start', true),
  freeze('between signing and sending', 'placeOrder:made'),
  freeze("after sending, before the venue's answer", 'placeOrder:sent'),
  freeze("after the venue's answer, before completion", 'placeOrder:end'),
  kill('engine', 'any instant', null),
  kill('everything', 'any instant', null),
];

export type Fault = FaultRule['fault'];

/** What a caller cannot tell apart: the venue has done it, or it has not. */
export const DONE: readonly Fault[] = [
  'execute-then-drop',
  { kind: 'status-after', status: 502 },
  { kind: 'engine-timeout-booked', ms: 0 },
  'truncate',
  { kind: 'late-unchecked', ms: 700, connection: 'reset' },
];
export const NOT_DONE: readonly Fault[] = [
  'drop-before',
  { kind: 'status-before', status: 503 },
  { kind: 'engine-timeout-unbooked', ms: 0 },
  { kind: 'html', booked: false },
];
export const REJECTION: Fault = {
  kind: 'reject',
  code: -2010,
  msg: 'Account has insufficient balance for requested action.',
};
const NO_SUCH_ORDER: Fault = { kind: 'reject', code: -2011, msg: 'Unknown order sent.' };

/** Arranges the venue for one order. `turn` picks one of several ways in which the same thing can go wrong. */
export function faultsFor(operation: Operation, behavior: Behavior, clientOrderId: string, turn: number): FaultRule[] {
  const pick = (faults: readonly Fault[]): Fault => faults[turn % faults.length]!;
  const rule = (method: string, fault: Fault, times: number | null = 1): FaultRule => ({
    match: { method, path: '/api/v3/order', clientOrderId },
    times,
    fault,
  });
  const ambiguous = (method: string): FaultRule[] =>
    behavior === 'ambiguous-booked' ? [rule(method, pick(DONE))] : [rule(method, pick(NOT_DONE))];
  switch (operation) {
    case 'exit':
      return [];
    case 'place':
      if (behavior === 'ok') return [];
      return behavior === 'reject' ? [rule('POST', REJECTION, null)] : ambiguous('POST');
    // Every order is lost when it is placed; then the question is answered, or denied once, or lost as well.
    case 'find': {
      const lost = rule('POST', pick(behavior === 'ambiguous-not-booked' ? NOT_DONE : DONE));
      if (behavior === 'ok') return [lost];
      return [lost, rule('GET', behavior === 'reject' ? 'lie-absent' : 'drop-before')];
    }
    case 'follow':
      if (behavior === 'ok') return [];
      return [rule('GET', behavior === 'reject' ? 'lie-absent' : pick(NOT_DONE), 2)];
    case 'cancel':
      if (behavior === 'ok') return [];
      return behavior === 'reject' ? [rule('DELETE', NO_SUCH_ORDER)] : ambiguous('DELETE');
  }
}
