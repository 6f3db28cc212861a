import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { isWithin, parseTradingHours, showLocalTime, showTradingHours } from '../../domain/trading-hours.ts';
import { RUNS } from '../support/property-runs.ts';

const hours = (text: string) => parseTradingHours(text) ?? assert.fail(`${text} is not understood`);

test('hours are read as they are written', () => {
  const rows: [string, number[], number, number, string?][] = [
    ['Mon-Fri 09:30-16:00 America/New_York', [1, 2, 3, 4, 5], 570, 960],
    ['Sat,Sun 00:00-24:00 UTC', [6, 7], 0, 1_440],
    ['Sun 18:00-17:00 America/Chicago', [7], 1_080, 1_020],
    ['Fri-Mon 00:00-24:00 Europe/London', [1, 5, 6, 7], 0, 1_440, 'Mon,Fri-Sun 00:00-24:00 Europe/London'],
    ['mon,WED-thu 22:00-02:00 Etc/GMT+5', [1, 3, 4], 1_320, 120, 'Mon,Wed,Thu 22:00-02:00 Etc/GMT+5'],
  ];
  for (const [text, days, from, to, shown = text] of rows) {
    const read = hours(text);
    assert.deepEqual([read.days, read.from, read.to], [days, from, to], text);
    assert.equal(showTradingHours(read), shown);
    assert.deepEqual(hours(shown), read);
  }
});

test('what names no hours is not understood', () => {
  const bad = [
    '',
    '09:30-16:00 UTC',
    'Mon-Fri 09:30-16:00',
    'Mon-Fri 9:30-16:00 UTC',
    'Mon-Fri 09:30-16:60 UTC',
    'Mon-Fri 09:30-24:01 UTC',
    'Mon-Fri 24:00-16:00 UTC',
    'Mon-Fri 09:30-16:00 Mars/Olympus',
    'Mon-Fri 09:30-16:00 +01:00',
    'Mon-Fry 09:30-16:00 UTC',
    'Mon-Tue-Fri 09:30-16:00 UTC',
    'Mon, 09:30-16:00 UTC',
    'Monday 09:30-16:00 UTC',
    'Mon-Fri 09:30–16:00 UTC',
  ];
  for (const text of bad) assert.equal(parseTradingHours(text), undefined, text);
});

test('the first minute is within the hours, and their end is not', () => {
  const rows: [string, string, boolean][] = [
    ['Mon-Fri 09:30-16:00 UTC', '2026-11-24T09:29:59.999Z', false],
    ['Mon-Fri 09:30-16:00 UTC', '2026-11-24T09:30:00Z', true],
    ['Mon-Fri 09:30-16:00 UTC', '2026-11-24T15:59:59.999Z', true],
    ['Mon-Fri 09:30-16:00 UTC', '2026-11-24T16:00:00Z', false],
    ['Mon-Fri 09:30-16:00 UTC', '2026-11-22T12:00:00Z', false],
    // To the end of the day, and no further.
    ['Sat,Sun 00:00-24:00 UTC', '2026-11-20T23:59:59.999Z', false],
    ['Sat,Sun 00:00-24:00 UTC', '2026-11-21T00:00:00Z', true],
    ['Sat,Sun 00:00-24:00 UTC', '2026-11-22T23:59:59.999Z', true],
    ['Sat,Sun 00:00-24:00 UTC', '2026-11-23T00:00:00Z', false],
    // Over midnight: the day that is named is the one on which they begin.
    ['Fri 22:00-02:00 UTC', '2026-11-27T21:59:59Z', false],
    ['Fri 22:00-02:00 UTC', '2026-11-27T22:00:00Z', true],
    ['Fri 22:00-02:00 UTC', '2026-11-28T01:59:59Z', true],
    ['Fri 22:00-02:00 UTC', '2026-11-28T02:00:00Z', false],
    ['Fri 22:00-02:00 UTC', '2026-11-27T01:00:00Z', false],
    ['Sun 22:00-02:00 UTC', '2026-11-30T01:00:00Z', true],
    // From an hour to the same hour: a whole day.
    ['Mon 09:00-09:00 UTC', '2026-11-24T08:59:00Z', true],
    ['Mon 09:00-09:00 UTC', '2026-11-24T09:00:00Z', false],
    ['Fri 22:00-00:00 UTC', '2026-11-27T23:59:59Z', true],
    ['Fri 22:00-00:00 UTC', '2026-11-28T00:00:00Z', false],
  ];
  for (const [text, time, expected] of rows) {
    assert.equal(isWithin(hours(text), Date.parse(time)), expected, `${text} at ${time}`);
  }
});

test('the hours keep the clock of their zone, through summer time and back', () => {
  const open = hours('Mon-Fri 09:30-16:00 America/New_York');
  // New York is 5 h behind in winter, 4 h in summer; the clocks went on 2026-03-08 and back on 2026-11-01.
  assert.equal(isWithin(open, Date.parse('2026-03-06T14:30:00Z')), true);
  assert.equal(isWithin(open, Date.parse('2026-03-06T14:29:00Z')), false);
  assert.equal(isWithin(open, Date.parse('2026-03-09T13:30:00Z')), true);
  assert.equal(isWithin(open, Date.parse('2026-03-09T13:29:00Z')), false);
  assert.equal(isWithin(open, Date.parse('2026-11-02T13:30:00Z')), false);
  assert.equal(isWithin(open, Date.parse('2026-11-02T14:30:00Z')), true);
  // The hour that there is twice counts twice, and the one that is left out is missed by nobody.
  const night = hours('Sun 01:00-02:00 America/New_York');
  assert.equal(isWithin(night, Date.parse('2026-11-01T05:30:00Z')), true);
  assert.equal(isWithin(night, Date.parse('2026-11-01T06:30:00Z')), true);
  assert.equal(isWithin(night, Date.parse('2026-11-01T07:00:00Z')), false);
  const skipped = hours('Sun 02:00-03:00 America/New_York');
  assert.equal(isWithin(skipped, Date.parse('2026-03-08T06:59:00Z')), false);
  assert.equal(isWithin(skipped, Date.parse('2026-03-08T07:00:00Z')), false);
});

test('a moment is shown as a clock in the zone shows it', () => {
  assert.equal(showLocalTime(Date.parse('2026-11-24T00:05:00Z'), 'UTC'), 'Tue 00:05');
  assert.equal(showLocalTime(Date.parse('2026-11-24T00:05:00Z'), 'America/New_York'), 'Mon 19:05');
});

test('in every week each named day has as many open minutes as its hours', () => {
  const minute = fc.nat(1_439);
  const days = fc.uniqueArray(fc.integer({ min: 1, max: 7 }), { minLength: 1 });
  fc.assert(
    fc.property(days, minute, minute, fc.nat(10_079), (open, from, to, at) => {
      // 2026-11-23 is a Monday.
      const time = Date.UTC(2026, 10, 23) + at * 60_000;
      const into = (day: number): number => (at - (day - 1) * 1_440 + 10_080) % 10_080;
      const length = to > from ? to - from : to - from + 1_440;
      const expected =
        open.some((day) => into(day) >= from && into(day) < from + length) ||
        open.some((day) => into(day) + 10_080 < from + length);
      assert.equal(isWithin({ days: open, from, to, zone: 'UTC' }, time), expected);
    }),
    { ...RUNS, numRuns: Math.min(RUNS.numRuns, 2_000) },
  );
});
