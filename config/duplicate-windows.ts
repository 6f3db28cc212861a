import type { StrategySection, Structure } from './structure.ts';

export const DUPLICATE_WINDOW_MS = 30_000;

/** The strategy's window at each of its accounts. Where both write one the longer one holds, for it is the stricter. */
export function duplicateWindows(
  strategy: StrategySection,
  { accounts: sections }: Structure,
  accounts: readonly string[],
): Record<string, number | null> {
  const own = strategy.limits?.duplicate_window;
  return Object.fromEntries(accounts.map((name) => [name, stricter(own, sections?.[name]?.limits?.duplicate_window)]));
}

/** Null is no window at all: shorter than any. */
function stricter(one: number | null | undefined, other: number | null | undefined): number | null {
  const written = [one, other].filter((window) => window !== undefined);
  const windows = written.filter((window) => window !== null);
  if (windows.length > 0) return Math.max(...windows);
  return written.length > 0 ? null : DUPLICATE_WINDOW_MS;
}
