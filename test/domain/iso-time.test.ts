import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { parseIsoTime } from '../../domain/iso-time.ts';
import { RUNS } from '../support/property-runs.ts';

const instant = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9998-12-31T23:59:59.999Z'), noInvalidDate: true })
  .map((date) => date.getTime());

/** 01:02 out of 62. */
const clock = (minutes: number): [string, string] => [
  String(Math.floor(minutes / 60)).padStart(2, '0'),
  String(minutes % 60).padStart(2, '0'),
];

test('an instant is the same in every zone', () => {
  const zone = fc.record({ minutes: fc.integer({ min: -899, max: 899 }), colon: fc.constantFrom(':', '') });
  fc.assert(
    fc.property(instant, zone, fc.constantFrom('T', 't', ' '), (time, { minutes, colon }, separator) => {
      const local = new Date(time + minutes * 60_000).toISOString().slice(0, 23).replace('T', separator);
      assert.equal(parseIsoTime(`${local}${minutes < 0 ? '-' : '+'}${clock(Math.abs(minutes)).join(colon)}`), time);
    }),
    RUNS,
  );
});

test('years, months, days and leap days are those of Date.UTC, and others do not exist', () => {
  const part = (max: number): fc.Arbitrary<number> => fc.integer({ min: 0, max });
  fc.assert(
    fc.property(
      fc.oneof(fc.integer({ min: 100, max: 9999 }), fc.constantFrom(1900, 1999, 2000, 2024, 2026, 2100)),
      fc.tuple(part(14), part(33)),
      fc.tuple(part(25), part(61), part(61), part(999)),
      (year, [month, day], [hour, minute, second, millisecond]) => {
        const utc = Date.UTC(year, month - 1, day, hour, minute, second, millisecond);
        const pad = (number: number, length = 2): string => String(number).padStart(length, '0');
        const date = `${pad(year, 4)}-${pad(month)}-${pad(day)}`;
        const text = `${date}T${pad(hour)}:${pad(minute)}:${pad(second)}.${pad(millisecond, 3)}Z`;
        // Date.UTC carries what is too large into the next unit; an existing instant comes back as it was written.
        const exists = new Date(utc).toISOString() === text;
        assert.equal(parseIsoTime(text), exists ? utc : undefined, text);
      },
    ),
    RUNS,
  );
});

test('a time is read in the forms that senders write', () => {
  const rows: [string, number][] = [
    ['1970-01-01T00:00:00Z', 0],
    ['1969-12-31T23:59:59.999Z', -1],
    ['2026-11-24T09:30:00Z', Date.UTC(2026, 10, 24, 9, 30)],
    ['2026-11-24t09:30:00z', Date.UTC(2026, 10, 24, 9, 30)],
    ['2026-11-24 09:30Z', Date.UTC(2026, 10, 24, 9, 30)],
    ['2026-11-24T09:30:00.5Z', Date.UTC(2026, 10, 24, 9, 30, 0, 500)],
    ['2026-11-24T09:30:00.123999999Z', Date.UTC(2026, 10, 24, 9, 30, 0, 123)],
    ['2026-11-24T09:30:00+0530', Date.UTC(2026, 10, 24, 4, 0)],
    ['2026-11-24T09:30:00-05:00', Date.UTC(2026, 10, 24, 14, 30)],
    ['2026-01-01T00:30:00+14:00', Date.UTC(2025, 11, 31, 10, 30)],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['2000-02-29T00:00:00-00:00', Date.UTC(2000, 1, 29)],
  ];
  for (const [text, expected] of rows) assert.equal(parseIsoTime(text), expected, text);
});

test('what has no zone, or is no existing instant, is no time', () => {
  const texts = ['', 'now', '2026-11-24', '2026-11-24T09:30:00', '2026-11-24 09:30', '1763976600', '1763976600000'];
  texts.push('2026-02-29T00:00:00Z', '1900-02-29T00:00:00Z', '2026-04-31T00:00:00Z', '2026-00-10T00:00:00Z');
  texts.push('2026-13-01T00:00:00Z', '2026-01-00T00:00:00Z', '2026-01-01T24:00:00Z', '2026-01-01T23:60:00Z');
  texts.push('2026-12-31T23:59:60Z', '2026-01-01T00:00:00+15:00', '2026-01-01T00:00:00+01:60', '2026-01-01T00:00:00+1');
  texts.push('2026-01-01T00:00:00.Z', '2026-01-01T00:00:00.1234567890Z', '2026-1-1T00:00:00Z', '26-01-01T00:00:00Z');
  texts.push('2026-01-01T00:00:00Z ', ' 2026-01-01T00:00:00Z', '2026-01-01T00:00:00ZZ', '2026-01-01T00:00:00 Z');
  texts.push('+002026-01-01T00:00:00Z', '20260101T000000Z', '2026-W01-1T00:00:00Z', '24.11.2026 09:30', '{{timenow}}');
  texts.push('2026-01-01T00:00:00Z\n', '２026-01-01T00:00:00Z', 'NaN');
  for (const text of texts) assert.equal(parseIsoTime(text), undefined, text);
});
