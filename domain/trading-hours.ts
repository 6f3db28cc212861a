import type { TradingHours } from './limits.ts';

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun'];
const DAY_MINUTES = 1_440;
const SHAPE = /^([A-Za-z,-]+) +(\d{2}):(\d{2})-(\d{2}):(\d{2}) +([A-Za-z][\w+/-]*)$/;

/** Reads hours such as "Mon-Fri 09:30-16:00 America/New_York"; undefined where the text means none. */
export function parseTradingHours(text: string): TradingHours | undefined {
  const match = SHAPE.exec(text.trim());
  if (match === null) return undefined;
  const [, dayText, ...rest] = match;
  const days = readDays(dayText!);
  const from = readMinute(rest[0]!, rest[1]!);
  const to = readMinute(rest[2]!, rest[3]!);
  const zone = rest[4]!;
  // A day begins at 00:00; as a beginning, 24:00 would name the day after the one that is written.
  if (days === undefined || from === undefined || to === undefined || from === DAY_MINUTES) return undefined;
  return isZone(zone) ? { days, from, to, zone } : undefined;
}

/** The hours as they are written. */
export function showTradingHours({ days, from, to, zone }: TradingHours): string {
  return `${showDays(days)} ${showMinute(from)}-${showMinute(to)} ${zone}`;
}

/** Whether a moment (milliseconds since 1970) lies in the hours: their first minute does, their end does not. */
export function isWithin({ days, from, to, zone }: TradingHours, at: number): boolean {
  const { day, minute } = localTime(at, zone);
  if (to > from) return days.includes(day) && minute >= from && minute < to;
  const dayBefore = day === 1 ? 7 : day - 1;
  return (days.includes(day) && minute >= from) || (days.includes(dayBefore) && minute < to);
}

/** A moment as a clock in the zone shows it, such as `Sat 12:00`. */
export function showLocalTime(at: number, zone: string): string {
  const { day, minute } = localTime(at, zone);
  return `${DAYS[day - 1]} ${showMinute(minute)}`;
}

/** The zone's own calendar and clock, so that summer time moves the hours with the exchange that keeps them. */
function localTime(at: number, zone: string): { day: number; minute: number } {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
  });
  const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, value]));
  const day = DAYS.indexOf(parts.get('weekday')!) + 1;
  return { day, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) };
}

/** `Mon-Fri`, `Sat,Sun`, `Fri-Mon`: a range may go over the end of the week. */
function readDays(text: string): number[] | undefined {
  const days = new Set<number>();
  for (const part of text.split(',')) {
    const [first, last = first, ...more] = part.split('-').map((name) => DAYS.indexOf(capitalized(name)));
    if (first === undefined || last === undefined || first < 0 || last < 0 || more.length > 0) return undefined;
    const count = ((last - first + 7) % 7) + 1;
    for (let step = 0; step < count; step += 1) days.add(((first + step) % 7) + 1);
  }
  return [...days].toSorted((a, b) => a - b);
}

function showDays(days: readonly number[]): string {
  const runs: number[][] = [];
  for (const day of days) {
    const run = runs.at(-1);
    if (run?.at(-1) === day - 1) run.push(day);
    else runs.push([day]);
  }
  const name = (day: number): string => DAYS[day - 1]!;
  return runs
    .map((run) => (run.length > 2 ? `${name(run[0]!)}-${name(run.at(-1)!)}` : run.map(name).join(',')))
    .join(',');
}

function readMinute(hours: string, minutes: string): number | undefined {
  const minute = Number(hours) * 60 + Number(minutes);
  return Number(minutes) < 60 && minute <= DAY_MINUTES ? minute : undefined;
}

function showMinute(minute: number): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  return `${two(Math.floor(minute / 60))}:${two(minute % 60)}`;
}

function isZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

const capitalized = (name: string): string => name.slice(0, 1).toUpperCase() + name.slice(1).toLowerCase();
