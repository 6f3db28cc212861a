import type { StrategyConfig } from '../config/config.ts';
import { SUPPORTED_FIELDS } from '../domain/alert-fields.ts';
import { isJsonObject, type ExactJson } from '../domain/json-number.ts';
import { Refused } from './refused.ts';

const REDACTED = '[redacted]';
/** Shorter texts are found everywhere by chance. */
const SECRET_LENGTH_MIN = 8;

/** Every secret that a sender could know, and so could put where it does not belong. */
export function secretsOf(strategies: Readonly<Record<string, StrategyConfig>>): readonly string[] {
  return Object.values(strategies)
    .flatMap(({ tokens, bodySecrets, hmacSecrets, webhookKeys }) => [tokens, bodySecrets, hmacSecrets, webhookKeys])
    .flat()
    .filter((secret) => secret.length >= SECRET_LENGTH_MIN);
}

/**
 * An alert without the secrets that stand in it at the wrong place: what is stored, logged and answered begins here. In
 * a field that means something a secret is refused, for what is left of the field would mean something else.
 */
export function keepSecretsOut(json: ExactJson, secrets: readonly string[]): ExactJson {
  if (!isJsonObject(json)) return json;
  const holds = (text: string): boolean => secrets.some((secret) => text.includes(secret));
  const clean = (value: ExactJson): ExactJson => {
    if (typeof value === 'string') return holds(value) ? REDACTED : value;
    if (isList(value)) return value.map(clean);
    if (!isJsonObject(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, member]) => [cleanText(key, holds), clean(member)]));
  };
  const entries = Object.entries(json).map(([key, value]) => {
    if (key === 'secret') return [key, value];
    if ((SUPPORTED_FIELDS as readonly string[]).includes(key) && typeof value === 'string' && holds(value)) {
      throw new Refused('INVALID_FIELD', `The field \`${key}\` holds a secret, which belongs in "secret" only.`, {
        field: key,
      });
    }
    return [cleanText(key, holds), clean(value)];
  });
  return Object.fromEntries(entries) as ExactJson;
}

const cleanText = (text: string, holds: (text: string) => boolean): string => (holds(text) ? REDACTED : text);

// Array.isArray does not narrow a readonly array out of a union.
const isList = (value: ExactJson): value is readonly ExactJson[] => Array.isArray(value);
