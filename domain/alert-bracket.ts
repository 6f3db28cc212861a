import type { Refusal } from './alert.ts';
import { add, compare, divide, isPositive, parseDecimal, type DecimalString } from './decimal.ts';
import { isJsonObject, JsonNumber, type ExactJson } from './json-number.ts';
import type { Level, Target } from './leg.ts';

type Field = 'stop_loss' | 'take_profit';

/** Binance allows five stop orders in a market; each target has one. */
const TARGETS_MAX = 5;
const EXAMPLES: Readonly<Record<Field, string>> = {
  stop_loss: '66000, "2%", {"price": 66000} or {"percent": 2}',
  take_profit:
    '70000, "4%", {"percent": 4} or [{"percent": 2, "quantity_percent": 50}, {"percent": 4, "quantity_percent": 50}]',
};

/** Reads where a position is to be taken out again; what cannot be read is noted as a refusal that names the key. */
export function readBracket(
  body: { readonly [key: string]: ExactJson },
  refusals: Refusal[],
): { stopLoss?: Level; takeProfit?: readonly Target[] } {
  const bracket: { stopLoss?: Level; takeProfit?: readonly Target[] } = {};
  const read = <T>(field: Field, parse: (value: ExactJson) => T | string): T | undefined => {
    if (!Object.hasOwn(body, field)) return undefined;
    const parsed = parse(body[field]!);
    if (typeof parsed !== 'string') return parsed;
    const message = `The field \`${field}\` ${parsed}; expected something like ${EXAMPLES[field]}.`;
    refusals.push({ code: 'INVALID_FIELD', field, message });
    return undefined;
  };
  const stopLoss = read('stop_loss', (value) => readLevel(value, []));
  const takeProfit = read('take_profit', readTargets);
  if (stopLoss !== undefined) bracket.stopLoss = stopLoss;
  if (takeProfit !== undefined) bracket.takeProfit = takeProfit;
  return bracket;
}

/** A level, or what is wrong with it. */
function readLevel(value: ExactJson, beside: readonly string[]): Level | string {
  if (typeof value === 'string' && /^[^%]*%$/.test(value.trim())) return percentOf(value.trim().slice(0, -1));
  if (!isJsonObject(value)) return level('price', value);
  const keys = Object.keys(value).filter((key) => !beside.includes(key));
  const [key] = keys;
  if (keys.length !== 1 || (key !== 'price' && key !== 'percent')) {
    const found = keys.map((one) => JSON.stringify(one.slice(0, 40))).join(', ') || 'nothing';
    return `names ${found} where one of "price" and "percent" is meant`;
  }
  return key === 'price' ? level('price', value[key]!) : percentOf(value[key]!);
}

function level(kind: 'price', value: ExactJson): Level | string {
  const number = decimalOf(value);
  return number === undefined ? `is ${shown(value)}` : { [kind]: number };
}

function percentOf(value: ExactJson): Level | string {
  const number = decimalOf(value);
  if (number === undefined) return `is ${shown(value)} percent`;
  return compare(number, '100') < 0 ? { percent: number } : `is ${number} percent, where less than 100 is meant`;
}

function readTargets(value: ExactJson): readonly Target[] | string {
  if (!Array.isArray(value)) {
    const only = readLevel(value, []);
    return typeof only === 'string' ? only : [{ share: '1', level: only }];
  }
  if (value.length === 0 || value.length > TARGETS_MAX)
    return `has ${value.length} targets, where 1 to ${TARGETS_MAX} are meant`;
  const targets: Target[] = [];
  for (const [index, one] of (value as readonly ExactJson[]).entries()) {
    const share = isJsonObject(one) ? decimalOf(one['quantity_percent'] ?? null) : undefined;
    if (share === undefined) return `has a target ${index + 1} without "quantity_percent"`;
    const its = readLevel(one, ['quantity_percent']);
    if (typeof its === 'string') return `has a target ${index + 1} that ${its}`;
    targets.push({ share: divide(share, '100', 20), level: its });
  }
  const total = targets.reduce((sum, { share }) => add(sum, share), '0');
  if (compare(total, '1') !== 0) return `has targets of ${percents(total)} % together, where 100 % are meant`;
  return targets;
}

const percents = (share: DecimalString): string => divide(share, '0.01', 8);

function decimalOf(value: ExactJson): DecimalString | undefined {
  const text = typeof value === 'string' ? value.trim() : value instanceof JsonNumber ? value.source : '';
  const number = parseDecimal(text);
  return number !== undefined && isPositive(number) ? number : undefined;
}

function shown(value: ExactJson): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, 64));
  if (value instanceof JsonNumber) return value.source.slice(0, 40);
  return Array.isArray(value) ? 'a list' : value === null ? 'null' : typeof value;
}
