import { reason, type Reason } from './reason.ts';

/** What a halt keeps from leaving: whatever opens or enlarges a position, or everything. It never removes protection. */
export type HaltScope = 'entries' | 'all';

/** `ENGINE_RESTORED`: the engine's memory is older than what was traded. `HALTED`: a person, or the file HALT. */
export type HaltCode = 'HALTED' | 'ENGINE_RESTORED';

export interface Halt {
  /** Which of the account's halts it is: what lifts one names it. */
  readonly id: number;
  readonly code: HaltCode;
  readonly scope: HaltScope;
  /** Milliseconds since 1970. */
  readonly since: number;
  readonly reason: string;
}

/** How an account stands: kept in the engine, and read by every worker before it lets an order go. */
export interface Standing {
  readonly halts: readonly Halt[];
  /** How many halts there have been. */
  readonly count: number;
  /** Rises at every boot, and with every minute in which orders went out: a copy of the engine that lags behind shows. */
  readonly epoch: number;
  /** When the engine was last found to be restored (milliseconds since 1970); from then on every first placement looks first. */
  readonly restoredAt: number | null;
}

/** A worker may know how an account stands for this long: so long after a halt nothing leaves any more. */
export const KNOWN_FOR_MS = 1_000;

export const NEW_STANDING: Standing = { halts: [], count: 0, epoch: 0, restoredAt: null };

/** What a halt asks for. */
export type HaltRequest = Pick<Halt, 'code' | 'scope'> & { readonly reason?: string };

/**
 * The standing with one halt more. One for the same cause takes the place of the one that is there, and its beginning,
 * under a name of its own: who has only seen the one before does not lift it.
 */
export function halted(standing: Standing, { code, scope, reason: why }: HaltRequest, now: number): Standing {
  const isSame = (halt: Halt): boolean => halt.code === code && halt.scope === scope;
  const same = standing.halts.find(isSame);
  const id = standing.count + 1;
  const halt = { id, code, scope, since: same?.since ?? now, reason: why ?? same?.reason ?? 'A person halted it.' };
  return {
    ...standing,
    halts: [...standing.halts.filter((other) => !isSame(other)), halt],
    count: id,
    restoredAt: code === 'ENGINE_RESTORED' ? now : standing.restoredAt,
  };
}

/** The standing without the halts that are named. One that came later than what was looked at stays. */
export function resumed(standing: Standing, ids: readonly number[]): Standing {
  return { ...standing, halts: standing.halts.filter(({ id }) => !ids.includes(id)) };
}

/** Why an exit may not leave; null when nothing keeps it. */
export function whyExitHalted(account: string, { halts, ...standing }: Standing): Reason | null {
  return whyHalted(account, { ...standing, halts: halts.filter(({ scope }) => scope === 'all') });
}

/** Why an entry may not leave; null when nothing keeps it. */
export function whyHalted(account: string, { halts }: Standing): Reason | null {
  const halt = halts.find(({ code }) => code === 'ENGINE_RESTORED') ?? halts[0];
  if (halt === undefined) return null;
  const message = `The account ${account} is halted (${halt.scope}): ${halt.reason}`;
  const how = halt.code === 'ENGINE_RESTORED' ? `resume ${account} --restored` : `resume ${account}`;
  return reason(halt.code, message, `When it is settled: npm run holdfast -- ${how}`);
}
