import { JsonNumber, type ExactJson } from '../domain/json-number.ts';
import { Refused } from './refused.ts';

const DEPTH_MAX = 16;

/**
 * Reads a body as JSON without losing anything of it: numbers as written, and no member said twice.
 * Throws `Refused` (MALFORMED) with a sentence.
 */
export function readJson(body: Buffer): ExactJson {
  const text = decode(body);
  if (text.trim() === '') throw malformed('The body is empty; send one JSON object.');
  requireShallow(text);
  const seen = new Map<string, number>();
  let value: ExactJson;
  try {
    value = JSON.parse(text, function (this: unknown, key: string, member: ExactJson, context: { source?: string }) {
      if (!Array.isArray(this)) seen.set(key, (seen.get(key) ?? 0) + 1);
      return typeof member === 'number' ? new JsonNumber(context.source!) : member;
    } as (key: string, value: unknown) => unknown) as ExactJson;
  } catch (error) {
    throw malformed(
      `The body is no JSON: ${oneLine(error)}. Numbers need no quotes, texts do; a {{placeholder}} inside
      quotes survives being empty.`.replace(/\s+/g, ' '),
    );
  }
  // The root, too, is handed to the reviver, under an empty key.
  seen.set('', (seen.get('') ?? 0) - 1);
  requireEachKeyOnce(text, seen);
  return value;
}

function decode(body: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(body);
  } catch {
    throw malformed('The body is no UTF-8 text.');
  }
}

/** Brackets are counted before anything is built: deep nesting costs a parser more than it costs its sender. */
function requireShallow(text: string): void {
  let depth = 0;
  for (const [token] of text.matchAll(TOKENS)) {
    if (token === '{' || token === '[') depth += 1;
    if (token === '}' || token === ']') depth -= 1;
    if (depth > DEPTH_MAX) throw malformed(`The body is nested deeper than ${DEPTH_MAX} levels.`);
  }
}

// An unended string runs to the end of the text: to give up at each quote and start anew would take quadratic time.
const TOKENS = /"(?:[^"\\]|\\.)*(?:"|$)|[{}[\]]/gs;
/** Keys that in careless hands change what every object has. */
const PROTOTYPE_KEYS = ['__proto__', 'constructor', 'prototype'];
const KEYS = /("(?:[^"\\]|\\.)*")(\s*:)?/g;

/** A parser keeps the last of two equal members and drops the first: one body, two orders. */
function requireEachKeyOnce(text: string, seen: ReadonlyMap<string, number>): void {
  const written = new Map<string, number>();
  for (const [, literal, colon] of text.matchAll(KEYS)) {
    if (colon === undefined) continue;
    const key = JSON.parse(literal!) as string;
    if (PROTOTYPE_KEYS.includes(key)) throw malformed(`The key "${key}" is not allowed.`);
    written.set(key, (written.get(key) ?? 0) + 1);
  }
  for (const [key, count] of written) {
    if (count > (seen.get(key) ?? 0)) throw malformed(`The key ${JSON.stringify(key.slice(0, 40))} is there twice.`);
  }
}

const malformed = (message: string): Refused => new Refused('MALFORMED', message);

/** A parser's message quotes the body, which may hold a secret or a terminal's control characters: it ends before that. */
function oneLine(error: unknown): string {
  const [before = ''] = String((error as Error).message).split(/,? ?\.{0,3}"/);
  return before.replace(/\p{Cc}+/gu, ' ').slice(0, 120);
}
