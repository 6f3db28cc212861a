import type { History } from '@temporalio/common/lib/proto-utils.js';
import { Worker, type InjectedSinks, type ReplayResult } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';

import type { OrderSinks } from '../workflows/messages.ts';
import type { Commands, ReplayWitness } from '../workflows/replay-witness.ts';
import { compare, decisionsOf, recordedDecisions, type FoundDifference } from './decisions.ts';

export interface Replayed {
  /**
   * `same`; `differs`: the same steps with other values; `nondeterministic`: other steps, so that the order could not go
   * on under this code; `broken`: the code, or the replay of it, failed.
   */
  readonly verdict: 'same' | 'differs' | 'nondeterministic' | 'broken';
  readonly differences: readonly FoundDifference[];
  /** Why it could not be replayed to its end; null where it could. */
  readonly problem: string | null;
}

interface Fed {
  readonly history: History;
  readonly workflowId: string;
}

/** Replays histories, one after the other, against the code in a bundle of `replayBundle`. Needs no engine. */
export class Replayer {
  readonly #bundle: string;
  #results: AsyncIterableIterator<ReplayResult> | undefined;
  #next: Fed | undefined;
  #decided: Commands = [];

  constructor(bundle: string) {
    this.#bundle = bundle;
  }

  async replay(workflowId: string, history: History): Promise<Replayed> {
    this.#next = { history, workflowId };
    this.#decided = [];
    const recorded = recordedDecisions(history);
    const error = await this.#run();
    const differences = compare(recorded, decisionsOf(this.#decided), error === undefined);
    if (error !== undefined) {
      const verdict = error instanceof DeterminismViolationError ? 'nondeterministic' : 'broken';
      return { verdict, differences, problem: plainly(error) };
    }
    return { verdict: differences.length === 0 ? 'same' : 'differs', differences, problem: null };
  }

  async close(): Promise<void> {
    this.#next = undefined;
    await this.#results?.next();
  }

  async #run(): Promise<Error | undefined> {
    this.#results ??= Worker.runReplayHistories(
      { workflowBundle: { codePath: this.#bundle }, sinks: this.#sinks() },
      this.#feed(),
    );
    try {
      const { value } = (await this.#results.next()) as { value: ReplayResult | undefined };
      return value === undefined ? new Error('The replay ended early.') : value.error;
    } catch (error) {
      // A history that the library cannot take in ends its run; the next one gets another.
      this.#results = undefined;
      return error instanceof Error ? error : new Error(String(error));
    }
  }

  /** The library takes the next history when it is asked for the next result, and not before. */
  *#feed(): Generator<Fed> {
    while (this.#next !== undefined) yield this.#next;
  }

  #sinks(): InjectedSinks<ReplayWitness & OrderSinks> {
    const fn = (_: unknown, commands: Commands): void => void this.#decided.push(...commands);
    // What orders tell the process that runs them is nothing to whoever only looks.
    const unheard = { fn: () => undefined, callDuringReplay: false };
    return { witness: { decided: { fn, callDuringReplay: true } }, orders: { changed: unheard } };
  }
}

/** What the library says, without its names for its own parts. */
function plainly({ message }: Error): string {
  const [, inner = message] = /message: "((?:[^"\\]|\\.)*)"/.exec(message) ?? [];
  return inner
    .replace(/^\[TMPRL\d+\] /, '')
    .replace(/^Nondeterminism error: /, '')
    .replaceAll('\\"', '"');
}
