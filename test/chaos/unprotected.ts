import type { Bound } from './rig.ts';
import type { Round, Unprotected } from './round.ts';

/** Within this time of its fill, or of the end of an outage, a position has its protection at the venue. */
const PROTECTED_WITHIN_MS = 5_000;
/** A worker's death shows within this time (HEARTBEAT_MS in workflows/activity-options.ts). */
const DEATH_SHOWS_MS = 5_000;

const WORDS: Record<Unprotected['because'], string> = {
  none: 'where nothing was lost',
  lost: 'where an order of it had to be found or proven absent',
  frozen: 'from the moment in which a worker stood still',
};

/** The longest that a position of these rounds was unprotected, beside its bound; and those that were so for longer. */
export function unprotectedInWords(rounds: readonly Round[], bound: Bound): string[] {
  const all = rounds.flatMap(({ unprotected, point }) =>
    (unprotected ?? []).map((one) => ({ ...one, point: point.name })),
  );
  const absence = bound.windowMs + bound.engineMs + bound.marginMs;
  const limits = {
    none: PROTECTED_WITHIN_MS,
    lost: PROTECTED_WITHIN_MS + DEATH_SHOWS_MS + absence,
    frozen: Infinity,
  };
  return (['none', 'lost', 'frozen'] as const).flatMap((because) => {
    const mine = all.filter((one) => one.because === because).toSorted((one, other) => other.ms - one.ms);
    const [longest] = mine;
    if (longest === undefined) return [];
    const limit = limits[because];
    const over = mine.filter(({ ms }) => ms > limit);
    const beside = Number.isFinite(limit) ? `bound ${seconds(limit)} s, ${over.length} over it` : 'no bound';
    return [
      `Unprotected ${WORDS[because]}: at most ${seconds(longest.ms)} s (${longest.id}, ${longest.point}; ${beside}; ${mine.length} positions).`,
      ...over.map(({ id, ms, point }) => `Over the bound: ${id} ${seconds(ms)} s (${point})`),
    ];
  });
}

const seconds = (ms: number): string => (ms / 1000).toFixed(1);
