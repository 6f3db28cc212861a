import { setTimeout as sleep } from 'node:timers/promises';

import type { StrategyConfig } from '../config/config.ts';
import { isJsonObject, type ExactJson } from '../domain/json-number.ts';
import { reason, type Reason } from '../domain/reason.ts';
import { KNOWN_FOR_MS } from '../domain/standing.ts';
import type { Halts } from './halts.ts';
import { Refused } from './refused.ts';

/** What an alert asks for that halts instead of trading. */
export interface HaltPlan {
  readonly accounts: readonly string[];
  readonly reason: string;
  /** Keys that mean nothing here. */
  readonly ignored: readonly string[];
}

/** The answer to it: no order, and so nothing of one. */
export interface HaltAnswer {
  readonly success: true;
  readonly order_id: null;
  readonly error: null;
  /** `pending` while the engine has it and not every worker is known to. */
  readonly status: 'halted' | 'pending';
  readonly accounts: readonly string[];
  readonly scope: 'entries';
  readonly reason: Reason | null;
  readonly ignored: readonly string[];
}

const KNOWN = ['action', 'account', 'reason', 'scope', 'secret', 'id', 'time'];
const REASON_MAX = 500;
/** What is left of the time for an answer is for reading the engine once more, and for writing it. */
const ROOM_MS = 100;

/**
 * Understands an alert that halts; undefined for one that does not. Throws `Refused` where it may not, or names what
 * this strategy has no say in. A key too many keeps nobody from stopping: it is ignored, unless the strategy is strict.
 */
export function planHalt(json: ExactJson, strategy: string, config: StrategyConfig): HaltPlan | undefined {
  if (!isJsonObject(json) || typeof json['action'] !== 'string') return undefined;
  const action = json['action'].trim().toLowerCase();
  if (action !== 'halt' && action !== 'resume') return undefined;
  if (action === 'resume') {
    const message =
      'An alert cannot lift a halt: a person does, who has seen why it is there (npm run holdfast -- resume ACCOUNT).';
    throw new Refused('ACTION_NOT_ALLOWED', message, { field: 'action' });
  }
  if (!config.mayHalt) {
    const message = `Alerts of the strategy ${strategy} may not halt; write "may_halt: true" at the strategy to allow it.`;
    throw new Refused('ACTION_NOT_ALLOWED', message, { field: 'action' });
  }
  const { account, scope, reason: why } = json;
  if (scope !== undefined && scope !== 'entries') throw invalid('scope', '"entries": an alert cannot hold exits back');
  const ignored = Object.keys(json).filter((key) => !KNOWN.includes(key));
  if (config.strict && ignored[0] !== undefined) {
    const message = `The key ${JSON.stringify(ignored[0].slice(0, 40))} is not known, and this strategy refuses unknown keys.`;
    throw new Refused('UNSUPPORTED_FIELD', message, { field: ignored[0].slice(0, 40) });
  }
  return {
    accounts: account === undefined || account === '*' ? config.accounts : [accountOf(account, config)],
    reason: why === undefined ? `An alert of the strategy ${strategy} halted it.` : reasonOf(why),
    ignored: ignored.map((key) => key.slice(0, 64)),
  };
}

/** Halts as planned. What the engine has not taken on is a 503, and the alert sent again does no harm. */
export async function carryOutHalt(
  halts: Halts,
  { accounts, reason: why, ignored }: HaltPlan,
  { startBy, answerBy }: { readonly startBy: number; readonly answerBy: number },
): Promise<HaltAnswer> {
  const asked = await halts.ask(accounts, { scope: 'entries', reason: why }, startBy - performance.now());
  const late = await halts.untilTakenUp(asked, answerBy - KNOWN_FOR_MS - ROOM_MS);
  // Until then a worker may still believe what it knew before.
  if (late.length === 0) await sleep(KNOWN_FOR_MS);
  const pending = reason(
    'HALT_NOT_TAKEN_UP',
    `The engine keeps the halt; of ${late.join(', ')} it is not known yet that a worker has taken it up.`,
    'See GET /halt on the operator listener; the file HALT in HOLDFAST_DATA halts a host without the engine.',
  );
  return {
    success: true,
    order_id: null,
    error: null,
    status: late.length === 0 ? 'halted' : 'pending',
    accounts,
    scope: 'entries',
    reason: late.length === 0 ? null : pending,
    ignored,
  };
}

function accountOf(account: ExactJson, { accounts }: StrategyConfig): string {
  const found = accounts.find((one) => one === account);
  if (found !== undefined) return found;
  throw invalid('account', `one of ${accounts.join(', ')}, or nothing for all of them`);
}

/** A reason is read on terminals: what would steer one is taken out. */
function reasonOf(why: ExactJson): string {
  const text = typeof why === 'string' ? why.replace(/[\p{Cc}\p{Cf}]+/gu, ' ').trim() : '';
  if (text !== '' && text.length <= REASON_MAX) return text;
  throw invalid('reason', `a text of at most ${REASON_MAX} characters`);
}

const invalid = (field: string, expected: string): Refused =>
  new Refused('INVALID_FIELD', `The field \`${field}\` cannot be used; expected ${expected}.`, { field });
