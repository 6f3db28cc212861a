import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { canonicalJson, type Json } from '../../domain/canonical-json.ts';
import { RUNS } from '../support/property-runs.ts';

test('a value has one text, written down here', () => {
  const rows: [Json, string][] = [
    [null, 'null'],
    [true, 'true'],
    [1.5, '1.5'],
    [1e21, '1e+21'],
    ['a"b\\\n', '"a\\"b\\\\\\n"'],
    ['ü€😀', '"ü€😀"'],
    ['\ud800', '"\\ud800"'],
    [[], '[]'],
    [{}, '{}'],
    [[1, [2, []]], '[1,[2,[]]]'],
    [{ b: 1, a: 2 }, '{"a":2,"b":1}'],
    [{ a: undefined, b: [{ d: 1, c: undefined }] }, '{"b":[{"d":1}]}'],
    [{ '10': 1, '9': 2, B: 3, a: 4, '': 5 }, '{"":5,"10":1,"9":2,"B":3,"a":4}'],
    [JSON.parse('{"__proto__":1,"constructor":2}') as Json, '{"__proto__":1,"constructor":2}'],
  ];
  for (const [value, expected] of rows) assert.equal(canonicalJson(value), expected);
});

/** The same value, its members put in the other order and members that are undefined added. */
function rearranged(value: Json): Json {
  if (Array.isArray(value)) return (value as Json[]).map(rearranged);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).map(([key, member]): [string, Json] => [key, rearranged(member!)]);
  return Object.fromEntries<Json | undefined>([['\u{10ffff}absent', undefined], ...members.toReversed()]);
}

test('the order of members changes nothing', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      assert.equal(canonicalJson(rearranged(value as Json)), canonicalJson(value as Json));
    }),
    RUNS,
  );
});

test('the text reads back as the value, so that different values have different texts', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const throughJson: unknown = JSON.parse(JSON.stringify(value));
      assert.deepEqual(JSON.parse(canonicalJson(value as Json)), throughJson);
    }),
    RUNS,
  );
});
