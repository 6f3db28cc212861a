import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { JsonNumber, type ExactJson } from '../../domain/json-number.ts';
import { readJson } from '../../ingress/read-json.ts';
import { Refused } from '../../ingress/refused.ts';
import { RUNS } from '../support/property-runs.ts';

const read = (text: string | Uint8Array): ExactJson => readJson(Buffer.from(text as string));

/** The message of a refusal; fails where the body is accepted. */
function refusal(text: string | Uint8Array): string {
  try {
    const value = read(text);
    return assert.fail(`accepted as ${JSON.stringify(value)}: ${String(text).slice(0, 100)}`);
  } catch (error) {
    assert.ok(error instanceof Refused && error.code === 'MALFORMED', String(error));
    return error.message;
  }
}

test('a number keeps every digit of its source', () => {
  const sources = [
    '0',
    '-0',
    '1.0',
    '0.1',
    '1e400',
    '1E-9',
    '-2.50e+3',
    '12345678901234567890',
    '0.1000000000000000055511151231',
  ];
  for (const source of sources) {
    assert.deepEqual(read(`{"n":${source},"l":[ ${source} ]}`), {
      n: new JsonNumber(source),
      l: [new JsonNumber(source)],
    });
  }
  assert.deepEqual(read('5'), new JsonNumber('5'));
});

test('texts, names and empty things are read as they are', () => {
  const text = '{ "a" : "\\u0041\\n\\"{[" , "": {}, "valueOf": [], "toString": null, "x:y": "\\"z\\":1" }';
  assert.deepEqual(read(text), { a: 'A\n"{[', '': {}, valueOf: [], toString: null, 'x:y': '"z":1' });
  assert.deepEqual(read('\ufeff{"a":true}'), { a: true });
});

test('a member that is said twice is refused at any depth and in any spelling', () => {
  const bodies = [
    '{"a":1,"a":1}',
    '{"a":1,"b":2,"a":3}',
    '{"symbol":"A","\\u0073ymbol":"B"}',
    '{"\\u0061":1,"\\u0061":2}',
  ];
  bodies.push(
    '{"x":{"a":1,"a":2}}',
    '[[{"a":1,"a":2}]]',
    '{"a":{"b":1},"a":{"b":2}}',
    '{"a":{},"a":[]}',
    '{"a":1,"a" :2}',
  );
  bodies.push('{"a\\/b":1,"a/b":2}', '{"a":{"a":1},"b":{"a":1,"a":1}}', '{"1":1,"1":2}', '{"\\ud83d\\ude00":1,"😀":2}');
  bodies.push('{"valueOf":1,"valueOf":2}', '{"a":1,\t"a"\r\n:\t2}', '{"length":1,"length":2}', '[1,{"0":1,"0":2}]');
  for (const body of bodies) assert.match(refusal(body), /is there twice/, body);
});

test('a member under the empty name that is said twice is refused', () => {
  assert.match(refusal('{"":1,"":2}'), /is there twice/);
});

test('one name in different objects is no repetition', () => {
  const bodies = [
    '{"a":{"a":{"a":1}}}',
    '[{"a":1},{"a":1}]',
    '{"b":{"a":1},"a":1}',
    '{"a":"\\"a\\":1"}',
    '{"a":["a","a"]}',
  ];
  for (const body of bodies) assert.deepEqual(JSON.stringify(read(body)).replaceAll('{"source":"1"}', '1'), body);
});

test('the name __proto__ is refused in any spelling and at any depth', () => {
  for (const body of [
    '{"__proto__":1}',
    '{"x":[{"__proto__":{"a":1}}]}',
    '{"\\u005f_proto__":1}',
    '{"__pr\\u006fto__":null}',
  ]) {
    assert.match(refusal(body), /__proto__/, body);
  }
  assert.deepEqual(read('{"a":"__proto__"}'), { a: '__proto__' });
  assert.equal(({} as Record<string, unknown>)['a'], undefined);
});

test('sixteen levels are read and seventeen are not; brackets in texts do not count', () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    const nested = (levels: number): string => `${open.repeat(levels)}1${close.repeat(levels)}`;
    assert.doesNotThrow(() => read(nested(16)));
    for (const levels of [17, 8_000]) assert.match(refusal(nested(levels)), /deeper than 16/);
  }
  assert.doesNotThrow(() => read(JSON.stringify({ a: '[{'.repeat(1000), b: ['\\"[[[['.repeat(100)] })));
  assert.doesNotThrow(() => read(`[${'[[]],'.repeat(1000)}[]]`));
});

test('what is no JSON is refused', () => {
  const bodies = [
    '{',
    '}',
    '{"a"}',
    '{"a":}',
    '{"a":1,}',
    "{'a':1}",
    '{a:1}',
    '[1,]',
    '01',
    '+1',
    '.5',
    '1.',
    '0x1',
    'NaN',
  ];
  bodies.push(
    'Infinity',
    '-',
    'undefined',
    'True',
    '"\n"',
    '"\\x41"',
    '"\\u12"',
    '{} {}',
    '{}x',
    'BUY 1 BTC',
    '{"a":NaN}',
  );
  bodies.push('{"a":{{close}}}', '// x\n{}', '{"a":1\u00a0}', '\u0000', '"', '"\\"', '{"q":١}', '\ufeff\ufeff{}');
  for (const body of bodies) assert.match(refusal(body), /is no JSON/, body);
});

test('an empty body is called empty', () => {
  for (const body of ['', ' ', '\r\n\t', '\ufeff']) assert.match(refusal(body), /empty/);
});

test('bytes that are no UTF-8 are refused, also in the middle of a text', () => {
  const bytes = [[0xff], [0xc3, 0x28], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xf4, 0x90, 0x80, 0x80], [0xe2, 0x82]];
  for (const one of bytes) assert.match(refusal(Uint8Array.from([0x22, ...one, 0x22])), /UTF-8/);
  assert.match(refusal(Buffer.from('\ufeff{"a":1}', 'utf16le')), /UTF-8/);
});

test('a refusal is one line without control characters', () => {
  for (const body of [
    '\u001b[31m{"a"',
    '{"a":\n\r\u0007x}',
    '{"\u0085":1,}',
    `{"${'x'.repeat(500)}":1,"${'x'.repeat(500)}":1}`,
  ]) {
    const message = refusal(body);
    assert.ok(!/\p{Cc}/u.test(message) && message.length < 400, JSON.stringify(message));
  }
});

test('a refusal repeats nothing of a secret beside the fault', () => {
  for (const body of ['{"secret":"hunter2"x}', '{"secret":"hunter2",,}', '{"secret":hunter2}', '{"secret":"hunter2']) {
    assert.doesNotMatch(refusal(body), /hunter2|unter|hunt/, body);
  }
});

test('the largest body of any kind is read or refused in a moment', () => {
  const size = 64 * 1024;
  const fill = (piece: string): string => piece.repeat(Math.floor(size / piece.length));
  const bodies = [
    '"',
    '\\"',
    '"\\"',
    '[',
    '{"a":',
    '"a":',
    '{}',
    '""',
    ' ',
    '\\',
    '1',
    '{"a":1,',
    '"\\u0061":1,',
    '[[],',
    '\u0000',
  ];
  const members = Array.from({ length: 6_000 }, (_, i) => `"${i}":1`).join(',');
  for (const body of [
    ...bodies.flatMap((piece) => [fill(piece), `"${fill(piece)}`, `{"a":"${fill(piece)}"}`]),
    `{${members}}`,
  ]) {
    const begun = performance.now();
    try {
      read(body);
    } catch (error) {
      assert.ok(error instanceof Refused, String(error));
    }
    const took = performance.now() - begun;
    assert.ok(took < 250, `${took.toFixed(0)} ms for ${JSON.stringify(body.slice(0, 20))}…`);
  }
});

/** A JSON text in any spelling, and what it says. */
interface Written {
  readonly text: string;
  readonly value: ExactJson;
}

const space = fc.constantFrom('', '', ' ', '\n', '\t ', '\r\n');
const spaced = (one: fc.Arbitrary<Written>): fc.Arbitrary<Written> =>
  fc.tuple(space, one, space).map(([before, { text, value }, after]) => ({ text: before + text + after, value }));
const string = fc.string({ unit: 'binary', maxLength: 8 });

/** A text with some of its characters written as escapes. */
function spelt(value: string, escapes: number): string {
  const characters = [
    ...JSON.stringify(value)
      .slice(1, -1)
      .matchAll(/\\u[0-9a-f]{4}|\\.|[^]/gu),
  ].map(([one]) => one);
  const escaped = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
  const written = characters.map((one, i) =>
    !one.startsWith('\\') && (escapes >> (i % 30)) & 1 ? one.split('').map(escaped).join('') : one,
  );
  return `"${written.join('')}"`;
}

const number = fc
  .tuple(
    fc.constantFrom('', '-'),
    fc.bigInt({ min: 0n, max: 10n ** 25n }),
    fc.constantFrom('', '.0', '.10', '.000123'),
    fc.constantFrom('', 'e5', 'E-400', 'e+12'),
  )
  .map((parts) => parts.join(''))
  .map((text): Written => ({ text, value: new JsonNumber(text) }));
const { json } = fc.letrec<{ json: Written; list: Written; object: Written; leaf: Written }>((tie) => ({
  leaf: fc.oneof(
    number,
    fc.constantFrom(true, false, null).map((value): Written => ({ text: String(value), value })),
    fc.tuple(string, fc.nat()).map(([value, escapes]): Written => ({ text: spelt(value, escapes), value })),
  ),
  list: fc.array(spaced(tie('json')), { maxLength: 4 }).map((members): Written => ({
    text: `[${members.map(({ text }) => text).join()}]`,
    value: members.map(({ value }) => value),
  })),
  object: fc
    .uniqueArray(
      fc.tuple(
        string.filter((key) => !/^(__proto__|constructor|prototype)$/.test(key)),
        fc.nat(),
        space,
        spaced(tie('json')),
      ),
      {
        selector: ([key]) => key,
        maxLength: 4,
      },
    )
    .map((members): Written => ({
      text: `{${members.map(([key, escapes, blank, { text }]) => `${blank}${spelt(key, escapes)}${blank}:${text}`).join()}}`,
      value: Object.fromEntries(members.map(([key, , , { value }]) => [key, value])),
    })),
  json: fc.oneof({ maxDepth: 4, depthIdentifier: 'json' }, tie('leaf'), tie('list'), tie('object')),
}));

test('a JSON text without repetition is read as what it says, numbers exact', () => {
  fc.assert(
    fc.property(spaced(json), ({ text, value }) => assert.deepEqual(read(text), value)),
    RUNS,
  );
});

test('reading is what JSON.parse does, but for numbers', () => {
  const plain = (value: ExactJson): unknown =>
    JSON.parse(
      JSON.stringify(value, (_key, member: unknown) => (member instanceof JsonNumber ? Number(member.source) : member)),
    );
  fc.assert(
    fc.property(fc.json(), (text) => {
      fc.pre(!/__proto__|constructor|prototype/.test(text));
      assert.deepEqual(plain(read(text)), JSON.parse(JSON.stringify(JSON.parse(text))));
    }),
    RUNS,
  );
});

test('a repetition anywhere in a JSON text is found, however it is spelt', () => {
  const key = string.filter((text) => !/^(__proto__|constructor|prototype)$/.test(text) && text !== '');
  const frames = ['#', '[#]', '{"x":#}', '[1,{"y":[#]},"z"]', '{"":{},"k":{"l":#}}'];
  fc.assert(
    fc.property(
      key,
      fc.nat(),
      fc.nat(),
      json,
      json,
      fc.constantFrom(...frames),
      (name, one, other, first, second, frame) => {
        const object = `{"a b":1,${spelt(name, one)}:${first.text},"c d":2,${spelt(name, other)}:${second.text}}`;
        assert.match(refusal(frame.replace('#', () => object)), /is there twice/);
      },
    ),
    RUNS,
  );
});

test('no bytes make the reader throw anything but a refusal', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.string({ unit: fc.constantFrom(...'{}[]":,\\u0a1e-. '.split('')) }).map((text) => Buffer.from(text)),
  );
  fc.assert(
    fc.property(bytes, (body) => {
      try {
        readJson(Buffer.from(body));
      } catch (error) {
        assert.ok(error instanceof Refused && error.code === 'MALFORMED', String(error));
      }
    }),
    RUNS,
  );
});
