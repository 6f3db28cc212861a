import { existsSync } from 'node:fs';
import { join } from 'node:path';

import { accountId } from '../domain/ids.ts';
import { KNOWN_FOR_MS, type Standing } from '../domain/standing.ts';
import type { Engine } from '../ingress/engine.ts';
import { lastStanding, startOfAccount } from '../ingress/start-account.ts';
import { STANDING_MEMO, TRADING_ACCOUNT } from '../workflows/messages.ts';

const READ_DEADLINE_MS = 900;
/** While this file is in the data folder, nothing leaves that opens or enlarges a position: for when all else is out of reach. */
export const haltFile = (dataDir: string): string => join(dataDir, 'HALT');

/** How the accounts stand, as the engine has it: asked for when an order wants to leave, and known for a second. */
export class Standings {
  readonly #engine: Engine;
  readonly #haltFile: string;
  readonly #known = new Map<string, { at: number; standing: Standing }>();
  readonly #reading = new Map<string, Promise<Standing | undefined>>();
  readonly #withheld = new Set<string>();

  constructor(engine: Engine, dataDir: string) {
    this.#engine = engine;
    this.#haltFile = haltFile(dataDir);
  }

  /** Sees to it that an account has its one execution in the engine; whichever worker comes first starts it. */
  async introduce(account: string): Promise<void> {
    const { workflow } = this.#engine.client;
    await workflow.start(TRADING_ACCOUNT, startOfAccount(account, await lastStanding(this.#engine.client, account)));
  }

  /** Says that nobody knows how an account stands, until it is told otherwise. */
  withhold(account: string): void {
    this.#withheld.add(account);
  }

  /** Takes over how the account stood when it was asked something else. */
  saw(account: string, standing: Standing, at: number): void {
    this.#known.set(account, { at, standing });
  }

  release(account: string): void {
    this.#known.delete(account);
    this.#withheld.delete(account);
  }

  /** How the account stands, at most a second old; undefined where that cannot be found out. */
  async of(account: string): Promise<Standing | undefined> {
    if (this.#withheld.has(account)) return undefined;
    const known = this.#known.get(account);
    const isFresh = known !== undefined && performance.now() - known.at < KNOWN_FOR_MS;
    const standing = isFresh ? known.standing : await this.#read(account);
    return standing && existsSync(this.#haltFile) ? this.#withFile(standing) : standing;
  }

  #read(account: string): Promise<Standing | undefined> {
    const under = this.#reading.get(account);
    if (under !== undefined) return under;
    const at = performance.now();
    const ask = () => this.#engine.client.workflow.getHandle(accountId(account)).describe();
    const reading = this.#engine
      .within(READ_DEADLINE_MS, ask)
      .then(({ memo, raw }) => {
        if (isStuck(raw.pendingWorkflowTask)) return undefined;
        const standing = memo?.[STANDING_MEMO] as Standing | undefined;
        if (standing !== undefined) this.saw(account, standing, at);
        return standing;
      })
      .catch(() => undefined)
      .finally(() => this.#reading.delete(account));
    this.#reading.set(account, reading);
    return reading;
  }

  #withFile(standing: Standing): Standing {
    const why = `there is a file ${this.#haltFile}; remove it, and nothing else, to go on.`;
    const halt = { id: 0, code: 'HALTED', scope: 'entries', since: Date.now(), reason: why } as const;
    return { ...standing, halts: [...standing.halts, halt] };
  }
}

/** A step of the account that nobody takes: a halt may be waiting behind it. */
const STUCK_AFTER_MS = 5_000;

function isStuck(task: { originalScheduledTime?: { seconds?: unknown } | null } | null | undefined): boolean {
  const since = Number(task?.originalScheduledTime?.seconds ?? Number.POSITIVE_INFINITY) * 1_000;
  return Date.now() - since > STUCK_AFTER_MS;
}
