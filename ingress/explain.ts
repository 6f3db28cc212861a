import type { Config, StrategyConfig } from '../config/config.ts';
import { parseAlert, type Alert, type EntryAlert, type ExitAlert } from '../domain/alert.ts';
import { checkLimits, checkValue } from '../domain/check-limits.ts';
import { isExit, type EntryIntent } from '../domain/intent.ts';
import { toPlainJson, type ExactJson } from '../domain/json-number.ts';
import { levelInWords } from '../domain/leg.ts';
import { stopInWords } from '../domain/stop-loss.ts';
import { checkAlert, checkBracket } from '../domain/pre-trade.ts';
import type { Reason } from '../domain/reason.ts';
import { formIntent, type SigningKey } from './form-intent.ts';
import { planHalt } from './halt-alert.ts';
import { readJson } from './read-json.ts';
import { Refused } from './refused.ts';

/** What an alert would do. Nothing of it is started, signed for, or remembered. */
export interface Explanation {
  readonly understood: boolean;
  /** In words: `buy 0.01 BTC/USDT at the market on paper`. */
  readonly sentence: string | null;
  readonly alert: Alert | null;
  readonly account: string | null;
  readonly workflow_id: string | null;
  readonly client_order_id: string | null;
  /** What would say no to it before it is sent; null when the rules of this process would not. */
  readonly reason: Reason | null;
  readonly issues: readonly { readonly path: string; readonly code: string; readonly message: string }[];
  /** What is decided later, and so is not in here. */
  readonly notes: readonly string[];
}

const NOTES = [
  'The market, its steps and its minimum are checked where the order is placed, for its stop and targets too.',
  "So are the limits that need the market's name or price, or the account's other orders.",
  'Without an id and a time, the workflow id depends on when the alert arrives.',
];

const EXIT_NOTES = ['What is held, and on which side, the account is asked when the exit is carried out.'];

/** Explains an alert of a strategy, as `POST /explain` does. */
export async function explain(
  body: Buffer,
  { strategy, config, signingKey }: { strategy: string; config: Config; signingKey: SigningKey },
): Promise<Explanation> {
  const configured = Object.hasOwn(config.strategies, strategy) ? config.strategies[strategy] : undefined;
  if (configured === undefined) {
    throw new Refused(
      'BAD_REQUEST',
      `There is no strategy ${strategy}; use ${Object.keys(config.strategies).join(', ')}.`,
    );
  }
  const json = readJson(body);
  const halts = explainHalt(json, strategy, configured);
  if (halts !== undefined) return halts;
  const parsed = parseAlert(json);
  if (!parsed.ok) {
    const issues = parsed.refusals.map(({ field, code, message }) => ({ path: field ?? '', code, message }));
    return { ...NOTHING, issues, notes: [] };
  }
  const { alert } = parsed;
  const openWindow = async (): Promise<string> => 'not opened';
  const others = toPlainJson(parsed.others);
  const formed = await formIntent(alert, { others, strategy, receivedAt: Date.now(), config, signingKey, openWindow });
  const { workflowId, signed } = formed;
  const { intent } = signed;
  return {
    understood: true,
    sentence: inWords(alert, intent.account),
    alert,
    account: intent.account,
    workflow_id: alert.id === undefined && alert.time === undefined ? null : workflowId,
    client_order_id: alert.id === undefined && alert.time === undefined ? null : intent.clientOrderId,
    reason: isExit(intent) ? null : whatForbids(intent, configured, config),
    issues: [],
    notes: isExit(intent) ? EXIT_NOTES : NOTES,
  };
}

function whatForbids(intent: EntryIntent, { rules }: StrategyConfig, config: Config): Reason | null {
  const verdict = checkAlert(intent, rules);
  return verdict.kind === 'admitted' ? (checkBracket(intent) ?? overLimit(intent, config)) : verdict.reason;
}

/** What the limits say that need nothing but the alert: here nobody knows the venue's names and prices. */
function overLimit(intent: EntryIntent, { accounts, strategies }: Config): Reason | null {
  const ofAll = [
    { whose: `the account ${intent.account}`, limits: accounts[intent.account]!.limits },
    { whose: `the strategy ${intent.strategy}`, limits: strategies[intent.strategy]!.limits },
  ];
  for (const { whose, limits } of ofAll) {
    const judged = { ...limits, symbols: null };
    const because = checkLimits(intent, judged, whose, (symbol) => symbol) ?? checkValue(intent, judged, whose, null);
    if (because !== null) return because;
  }
  return null;
}

/** What an alert that halts would do; undefined for one that trades. */
function explainHalt(json: ExactJson, strategy: string, config: StrategyConfig): Explanation | undefined {
  try {
    const plan = planHalt(json, strategy, config);
    if (plan === undefined) return undefined;
    const sentence = `halts the entries of ${plan.accounts.join(', ')}: ${plan.reason}`;
    return { ...NOTHING, understood: true, sentence, issues: [], notes: [] };
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    const { code, message, members } = error;
    const path = typeof members['field'] === 'string' ? members['field'] : '';
    return { ...NOTHING, issues: [{ path, code, message }], notes: [] };
  }
}

const NOTHING = {
  understood: false,
  sentence: null,
  alert: null,
  account: null,
  workflow_id: null,
  client_order_id: null,
  reason: null,
};

function inWords(alert: Alert, account: string): string {
  return 'exit' in alert ? exitInWords(alert, account) : entryInWords(alert, account);
}

function exitInWords({ exit, quantity, symbol }: ExitAlert, account: string): string {
  const ofPosition = `of what this strategy holds of ${symbol} on ${account}`;
  if (exit === 'reverse') return `takes out all ${ofPosition}, then opens ${quantity} on the other side`;
  if (exit === 'flatten') return `cancels what waits, and takes out all ${ofPosition}`;
  return `takes out ${quantity ?? 'all'} ${ofPosition}`;
}

function entryInWords(
  { side, quantity, symbol, orderType, limitPrice, stopPrice, stopLoss, takeProfit }: EntryAlert,
  account: string,
): string {
  const at = [
    orderType === 'market' ? 'at the market' : '',
    stopPrice === undefined ? '' : `once the price reaches ${stopPrice}`,
    limitPrice === undefined ? '' : `at ${limitPrice} or better`,
    stopLoss === undefined ? '' : `with a stop-loss at ${stopInWords(stopLoss, levelInWords)}`,
    ...(takeProfit ?? []).map(({ share, level }) => `with a take-profit of ${share} at ${levelInWords(level!)}`),
  ].filter((part) => part !== '');
  return `${side} ${quantity} ${symbol} ${at.join(' ')} on ${account}`;
}
