import type { Refusal } from './alert.ts';
import { readPositive } from './alert-number.ts';
import { add, compare, multiply } from './decimal.ts';
import { isJsonObject, type ExactJson } from './json-number.ts';
import type { Level, Target } from './leg.ts';
import type { StopLoss } from './stop-loss.ts';

type Field = 'stop_loss' | 'take_profit';

/** Binance allows five stop orders in a market; each target has one. */
const TARGETS_MAX = 5;
/** Of a target: how much of the position it takes out. */
const SHARE = 'quantity_percent';
const EXAMPLES: Readonly<Record<Field, string>> = {
  stop_loss:
    '66000, "2%", {"price": 66000}, {"percent": 2, "breakeven_after": "1%"}, {"trail_percent": 2} or {"trail_amount": 500}',
  take_profit:
    '70000, "4%", {"percent": 4} or [{"percent": 2, "quantity_percent": 50}, {"percent": 4, "quantity_percent": 50}]',
};

/** Reads where a position is to be taken out again; what cannot be read is noted as a refusal that names the key. */
export function readBracket(
  body: { readonly [key: string]: ExactJson },
  refusals: Refusal[],
): { stopLoss?: StopLoss; takeProfit?: readonly Target[] } {
  const bracket: { stopLoss?: StopLoss; takeProfit?: readonly Target[] } = {};
  const read = <T>(field: Field, parse: (value: ExactJson) => T | string): T | undefined => {
    if (!Object.hasOwn(body, field)) return undefined;
    const parsed = parse(body[field]!);
    if (typeof parsed !== 'string') return parsed;
    const message = `The field \`${field}\` ${parsed}; expected something like ${EXAMPLES[field]}.`;
    refusals.push({ code: 'INVALID_FIELD', field, message });
    return undefined;
  };
  const stopLoss = read('stop_loss', readStop);
  const takeProfit = read('take_profit', readTargets);
  if (stopLoss !== undefined) bracket.stopLoss = stopLoss;
  if (takeProfit !== undefined) bracket.takeProfit = takeProfit;
  return bracket;
}

/** How a stop follows its market, and what of it moves once. */
const TRAILS = ['trail_percent', 'trail_amount'] as const;
const BREAKEVEN = 'breakeven_after';

/** A stop, or what is wrong with it. */
function readStop(value: ExactJson): StopLoss | string {
  if (!isJsonObject(value)) return readLevel(value, []);
  const trail = TRAILS.find((key) => Object.hasOwn(value, key));
  if (trail !== undefined) return readTrail(value, trail);
  const level = readLevel(value, [BREAKEVEN]);
  if (typeof level === 'string' || !Object.hasOwn(value, BREAKEVEN)) return level;
  const breakevenAfter = readLevel(value[BREAKEVEN]!, []);
  return typeof breakevenAfter === 'string'
    ? `has a "${BREAKEVEN}" that ${breakevenAfter}`
    : { ...level, breakevenAfter };
}

function readTrail(value: { readonly [key: string]: ExactJson }, key: (typeof TRAILS)[number]): StopLoss | string {
  const beside = Object.keys(value).find((other) => other !== key);
  if (beside !== undefined) {
    const shown = JSON.stringify(beside.slice(0, 20));
    return `has ${shown} beside "${key}", which starts at its distance from the fill and takes nothing else`;
  }
  const read = readPositive(value[key]);
  if (!read.ok) return `has a "${key}" that ${read.wrong}`;
  if (key === 'trail_amount') return { trailAmount: read.number };
  const isBelow = compare(read.number, '100') < 0;
  return isBelow ? { trailPercent: read.number } : `has a "${key}" of ${read.number}, where less than 100 is meant`;
}

/** A level, or what is wrong with it: the rest of a sentence. */
function readLevel(value: ExactJson, beside: readonly string[]): Level | string {
  if (typeof value === 'string' && value.trim().endsWith('%')) return percentOf(value.trim().slice(0, -1));
  if (!isJsonObject(value)) return priceOf(value);
  const keys = Object.keys(value).filter((key) => !beside.includes(key));
  const [key] = keys;
  if (keys.length === 1 && key === 'price') return priceOf(value[key]!);
  if (keys.length === 1 && key === 'percent') return percentOf(value[key]!);
  const found = keys.slice(0, 4).map((one) => JSON.stringify(one.slice(0, 20)));
  return `names ${found.join(', ') || 'nothing'} where one of "price" and "percent" is meant`;
}

function priceOf(value: ExactJson): Level | string {
  const read = readPositive(value);
  return read.ok ? { price: read.number } : read.wrong;
}

/** Below 100: a price cannot fall by more. */
function percentOf(value: ExactJson): Level | string {
  const read = readPositive(value);
  if (!read.ok) return read.wrong;
  return compare(read.number, '100') < 0
    ? { percent: read.number }
    : `is ${read.number} %, where less than 100 % is meant`;
}

function readTargets(value: ExactJson): readonly Target[] | string {
  if (!Array.isArray(value)) {
    const only = readLevel(value, []);
    return typeof only === 'string' ? only : [{ share: '1', level: only }];
  }
  const list = value as readonly ExactJson[];
  if (list.length === 0 || list.length > TARGETS_MAX) {
    return `has ${list.length} targets, where 1 to ${TARGETS_MAX} are meant`;
  }
  const targets: Target[] = [];
  for (const [index, one] of list.entries()) {
    const its = readTarget(one);
    if (typeof its === 'string') return `has a target ${index + 1} that ${its}`;
    targets.push(its);
  }
  const total = targets.reduce((sum, { share }) => add(sum, share), '0');
  if (compare(total, '1') === 0) return targets;
  return `has targets of ${multiply(total, '100').slice(0, 40)} % together, where 100 % are meant`;
}

function readTarget(value: ExactJson): Target | string {
  const given = isJsonObject(value) && Object.hasOwn(value, SHARE) ? value[SHARE] : undefined;
  if (given === undefined) return `has no "${SHARE}"`;
  const read = readPositive(given);
  if (!read.ok) return `has a "${SHARE}" that ${read.wrong}`;
  const level = readLevel(value, [SHARE]);
  return typeof level === 'string' ? level : { share: multiply(read.number, '0.01'), level };
}
