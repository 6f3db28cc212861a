import type { OrderStory } from '../../ingress/order-book.ts';
import { besides, gapsOf, type Bookings } from './cover.ts';
import type { Bound, RigOutage } from './rig.ts';
import type { Round, Trial, Unprotected } from './round.ts';
import { seconds } from './table.ts';

/** Within this time of its fill, or of the end of an outage, a position has its protection at the venue. */
const PROTECTED_WITHIN_MS = 5_000;
/** A worker's death shows within this time (HEARTBEAT_MS in workflows/activity-options.ts). */
const DEATH_SHOWS_MS = 5_000;
/** A target that has begun to trade is waited for (TARGET_ALONE_MS in workflows/protect-position.ts). */
const TARGET_ALONE_MS = 5_000;
/** The engine's clock is this machine's, and an event of a history is a little later than what brought it about. */
const SLACK_MS = 500;

const WORDS: Record<Unprotected['because'], string> = {
  none: 'where nothing was lost',
  lost: 'where an order of it had to be found or proven absent',
  target: 'where a part of the target had traded, whose rest is waited for',
  frozen: 'from the moment in which a worker stood still',
};

/** The times in which something of a position had no stop, beside those in which something was dead. */
export function unprotectedOf(
  { sent, story }: Pick<Trial, 'sent' | 'story'>,
  booked: Bookings,
  outages: readonly RigOutage[],
  { windowMs, engineMs, marginMs }: Bound,
): Unprotected[] {
  // A worker that stands still is not revived: what it has in hand is from then on another's.
  const down = outages.map(({ from, to, isFreeze }) => ({ from, to: isFreeze ? from : to }));
  return gapsOf(booked).flatMap((gap) =>
    besides(gap, down, Date.now()).map(({ ms, from, to, isCut }) => {
      const isFrozen = outages.some((outage) => outage.isFreeze && outage.from < to && from < outage.to);
      const losses = lossesOf(story, gap.from - SLACK_MS, to + SLACK_MS);
      const wasLost = losses > 0;
      const withinMs = PROTECTED_WITHIN_MS + (gap.kind === 'target' ? TARGET_ALONE_MS : 0);
      const foundMs = wasLost ? DEATH_SHOWS_MS + losses * (windowMs + engineMs + marginMs) : 0;
      // How many of its steps come into the hands of one that stands still, nobody can say.
      const limitMs = isFrozen ? Infinity : withinMs + foundMs;
      const because = isFrozen ? 'frozen' : gap.kind === 'target' ? 'target' : wasLost ? 'lost' : 'none';
      return { id: sent.id, ms, limitMs, because, isCut };
    }),
  );
}

/** How many times an order of the position was lost: by the kill, or by the venue that loses its answer. */
function lossesOf(story: OrderStory | undefined, from: number, to: number): number {
  const asked = (story?.events ?? []).filter(({ kind }) => kind === 'findOrder_scheduled');
  return asked.filter(({ at }) => Date.parse(at) >= from && Date.parse(at) <= to).length;
}

/** The longest that a position of these rounds was unprotected for one of the reasons, in milliseconds. */
export function longestOf(rounds: readonly Round[], because: Unprotected['because']): number | undefined {
  const mine = rounds.flatMap(({ unprotected }) => unprotected ?? []).filter((one) => one.because === because);
  return mine.length === 0 ? undefined : Math.max(...mine.map(({ ms }) => ms));
}

/** Those that were unprotected for longer than they may be. */
export function overLimit(rounds: readonly Round[]): Unprotected[] {
  return rounds.flatMap(({ unprotected }) => unprotected ?? []).filter(({ ms, limitMs }) => ms > limitMs);
}

/** The longest for each reason, beside its bound; and each that took longer. */
export function unprotectedInWords(rounds: readonly Round[]): string[] {
  const all = rounds.flatMap(({ unprotected, point }) =>
    (unprotected ?? []).map((one) => ({ ...one, point: point.name })),
  );
  const summed = (['none', 'lost', 'target', 'frozen'] as const).flatMap((because) => {
    const mine = all.filter((one) => one.because === because).toSorted((one, other) => other.ms - one.ms);
    const [longest] = mine;
    if (longest === undefined) return [];
    const over = mine.filter(({ ms, limitMs }) => ms > limitMs).length;
    const cut = mine.filter(({ isCut }) => isCut).length;
    const bound = Number.isFinite(longest.limitMs)
      ? `bound ${seconds(longest.limitMs)} s, ${over} over it`
      : 'no bound';
    return [
      `Without a stop ${WORDS[because]}: at most ${seconds(longest.ms)} s (${longest.id}, ${longest.point}; ${bound}; ${mine.length} times, ${cut} of them ended by a kill).`,
    ];
  });
  const over = all.filter(({ ms, limitMs }) => ms > limitMs);
  return [
    ...summed,
    ...over.map(
      ({ id, ms, limitMs, point }) => `Over the bound: ${id} ${seconds(ms)} s of ${seconds(limitMs)} s (${point})`,
    ),
  ];
}
