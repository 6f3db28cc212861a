/** A member of a recorded value that the code gives another value now; undefined where one of them has no such member. */
export interface Difference {
  /** Where in the value: `signed.intent.quantity`; empty for the whole of it. */
  readonly path: string;
  readonly recorded: unknown;
  readonly now: unknown;
}

const SHOWN_MAX = 120;
/** A run's own name: what it repeats of the run before it, after a reset, was asked under another. */
const NAMES_ITS_RUN = 'askedBy';

/** Where two JSON values are not the same, member by member. */
export function differencesOf(recorded: unknown, now: unknown, path = ''): Difference[] {
  if (Object.is(recorded, now)) return [];
  if (Array.isArray(recorded) && Array.isArray(now)) {
    const longest = recorded.length > now.length ? recorded : now;
    return longest.flatMap((_, index) => differencesOf(recorded[index], now[index], `${path}[${index}]`));
  }
  if (isRecord(recorded) && isRecord(now)) {
    const names = new Set([...Object.keys(recorded), ...Object.keys(now)]);
    return [...names].flatMap((name) => {
      if (name === NAMES_ITS_RUN && typeof recorded[name] === typeof now[name]) return [];
      const inner = path === '' ? name : `${path}.${name}`;
      return differencesOf(recorded[name], now[name], inner);
    });
  }
  return [{ path, recorded, now }];
}

/** A difference in words: `quantity: recorded "0.01", now "0.02"`. */
export function inWords({ path, recorded, now }: Difference): string {
  const told = `recorded ${shown(recorded)}, now ${shown(now)}`;
  return path === '' ? told : `${path}: ${told}`;
}

function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const text = JSON.stringify(value);
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
