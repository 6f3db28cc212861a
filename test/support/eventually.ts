import { setTimeout as sleep } from 'node:timers/promises';

/** Asks again until the answer satisfies, and fails with the last answer when it never does. */
export async function eventually<T>(
  ask: () => Promise<T> | T,
  satisfies: (value: T) => boolean,
  { withinMs = 20_000, everyMs = 50, what = 'the expected state' } = {},
): Promise<T> {
  const until = performance.now() + withinMs;
  let last: unknown;
  for (;;) {
    try {
      const value = await ask();
      if (satisfies(value)) return value;
      last = value;
    } catch (error) {
      last = error;
    }
    if (performance.now() > until) {
      const shown = last instanceof Error ? last.message : JSON.stringify(last);
      throw new Error(`No sign of ${what} within ${withinMs} ms; the last answer was ${shown}`);
    }
    await sleep(everyMs);
  }
}
