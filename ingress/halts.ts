import { setTimeout as sleep } from 'node:timers/promises';

import { WorkflowUpdateFailedError } from '@temporalio/client';

import type { Config } from '../config/config.ts';
import { accountId } from '../domain/ids.ts';
import { KNOWN_FOR_MS, type HaltScope, type Standing } from '../domain/standing.ts';
import { haltSignal, resumeUpdate, TRADING_ACCOUNT } from '../workflows/messages.ts';
import type { Engine } from './engine.ts';
import { signCommand, type SigningKey } from './form-intent.ts';
import { Refused } from './refused.ts';
import { lastStanding, startOfAccount } from './start-account.ts';

const DEADLINE_MS = 5_000;
const LOOK_AGAIN_MS = 50;

export interface HaltView {
  readonly account: string;
  readonly scope: HaltScope;
  readonly code: string;
  /** ISO 8601. */
  readonly since: string;
  readonly reason: string;
}

/** A halt that the engine has taken on. */
interface AskedHalt {
  readonly account: string;
  readonly scope: HaltScope;
  /** How many halts there had been. */
  readonly before: number;
}

/** What a person may say of one account, or of all. */
export interface HaltWish {
  readonly account?: string;
  readonly scope?: HaltScope;
  readonly reason?: string;
}

export interface ResumeWish {
  readonly account?: string;
  /** Whether a person has compared with the venue after ENGINE_RESTORED; where the workers can, they do so themselves. */
  readonly restored?: boolean;
}

/** The halts of all accounts, as the engine keeps them. */
export class Halts {
  readonly #engine: Engine;
  readonly #config: Config;
  readonly #signingKey: SigningKey;

  constructor(engine: Engine, config: Config, signingKey: SigningKey) {
    this.#engine = engine;
    this.#config = config;
    this.#signingKey = signingKey;
  }

  async list(): Promise<HaltView[]> {
    const all = await Promise.all(
      Object.keys(this.#config.accounts).map(async (account) =>
        (await this.standing(account)).halts.map(({ scope, code, since, reason }) => ({
          account,
          scope,
          code,
          since: new Date(since).toISOString(),
          reason,
        })),
      ),
    );
    return all.flat();
  }

  /** Halts accounts, and comes back when it is in force everywhere: no worker can know otherwise any more. */
  async halt({ account, scope = 'entries', reason }: HaltWish): Promise<HaltView[]> {
    const asked = await this.ask(this.#meant(account), { scope, reason }, DEADLINE_MS);
    const late = await this.untilTakenUp(asked, performance.now() + DEADLINE_MS);
    if (late.length > 0) {
      const message = `The halt of ${late.join(', ')} is kept by the engine, and no worker has taken it up yet. Orders may still leave: create the file HALT in HOLDFAST_DATA of each worker, or stop the workers.`;
      throw new Refused('UNAVAILABLE', message);
    }
    await sleep(KNOWN_FOR_MS);
    return this.list();
  }

  /** Has the engine take on a halt of each account; from then on it cannot be lost. */
  async ask(
    accounts: readonly string[],
    { scope, reason }: { readonly scope: HaltScope; readonly reason: string | undefined },
    deadlineMs: number,
  ): Promise<AskedHalt[]> {
    const halt = { code: 'HALTED', scope, ...(reason === undefined ? {} : { reason }) } as const;
    return Promise.all(
      accounts.map(async (account) => {
        const last = await this.standing(account, deadlineMs);
        await this.#engine.require(deadlineMs, {}, () =>
          this.#engine.client.workflow.signalWithStart(TRADING_ACCOUNT, {
            ...startOfAccount(account, last),
            signal: haltSignal,
            signalArgs: [halt],
          }),
        );
        return { account, scope, before: last.count };
      }),
    );
  }

  /** Waits until each halt stands in its account; returns the accounts in which it does not by then. */
  async untilTakenUp(asked: readonly AskedHalt[], until: number): Promise<string[]> {
    const late = await Promise.all(asked.map(async (one) => ((await this.#standsBy(one, until)) ? [] : [one.account])));
    return late.flat();
  }

  /** Lifts the halts that are there now; one that comes meanwhile stays, and so does ENGINE_RESTORED unless it is named. */
  async resume({ account, restored = false }: ResumeWish): Promise<HaltView[]> {
    await Promise.all(this.#meant(account).map((name) => this.#liftAll(name, restored)));
    await sleep(KNOWN_FOR_MS);
    return this.list();
  }

  standing(account: string, deadlineMs = DEADLINE_MS): Promise<Standing> {
    return this.#engine.require(deadlineMs, {}, () => lastStanding(this.#engine.client, account));
  }

  async #liftAll(account: string, restored: boolean): Promise<void> {
    const { halts } = await this.standing(account);
    const ids = halts.filter(({ code }) => code === 'HALTED' || restored).map(({ id }) => id);
    if (ids.length > 0) await this.lift(account, ids);
  }

  /** Lifts just these halts of an account. */
  async lift(account: string, ids: readonly number[]): Promise<void> {
    const wanted = { kind: 'resume', workflowId: accountId(account), at: Date.now(), halts: ids } as const;
    const signed = signCommand(wanted, this.#signingKey);
    try {
      await this.#engine.require(DEADLINE_MS, {}, () =>
        this.#handle(account).executeUpdate(resumeUpdate, { args: [signed] }),
      );
    } catch (error) {
      if (!(error instanceof WorkflowUpdateFailedError)) throw error;
      throw new Refused('BAD_REQUEST', error.cause?.message ?? 'The account refused the command.');
    }
  }

  /** Whether a halt is there by then that is newer than those before it. */
  async #standsBy({ account, scope, before }: AskedHalt, until: number): Promise<boolean> {
    for (let left = until - performance.now(); left > 0; left = until - performance.now()) {
      const halts = await this.standing(account, left).then(
        (standing) => standing.halts,
        // The engine has the halt: that it cannot be asked now undoes nothing.
        () => [],
      );
      if (halts.some((halt) => halt.code === 'HALTED' && halt.scope === scope && halt.id > before)) return true;
      await sleep(LOOK_AGAIN_MS);
    }
    return false;
  }

  #meant(account: string | undefined): string[] {
    const all = Object.keys(this.#config.accounts);
    if (account === undefined || account === '*') return all;
    if (all.includes(account)) return [account];
    throw new Refused('BAD_REQUEST', `There is no account named ${account}; use one of ${all.join(', ')}.`, {
      field: 'account',
    });
  }

  #handle(account: string) {
    return this.#engine.client.workflow.getHandle(accountId(account));
  }
}

/** Reads what a person wants resumed. Throws `Refused` with the field at fault. */
export function readResumeWish(body: unknown): ResumeWish {
  const { restored, ...rest } = (
    typeof body === 'object' && body !== null ? body : body === undefined ? {} : { body }
  ) as Record<string, unknown>;
  const [unknown] = Object.keys(rest).filter((key) => key !== 'account');
  if (unknown !== undefined) throw fault(unknown.slice(0, 40), 'account and restored, and nothing else');
  if (restored !== undefined && typeof restored !== 'boolean') throw fault('restored', 'true or false');
  const { account } = readHaltWish(rest);
  return { ...(account === undefined ? {} : { account }), ...(restored === undefined ? {} : { restored }) };
}

/** Reads what a person wants halted. Throws `Refused` with the field at fault. */
export function readHaltWish(body: unknown): HaltWish {
  if (body === undefined || body === null) return {};
  if (typeof body !== 'object')
    throw new Refused('BAD_REQUEST', 'Send {"account":"…","scope":"entries","reason":"…"}.');
  const { account, scope, reason, ...others } = body as Record<string, unknown>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw fault(unknown.slice(0, 40), 'account, scope and reason, and nothing else');
  if (account !== undefined && typeof account !== 'string') throw fault('account', 'the name of an account, or "*"');
  if (scope !== undefined && scope !== 'entries' && scope !== 'all') throw fault('scope', '"entries" or "all"');
  const isText = typeof reason === 'string' && reason.trim() !== '' && reason.length <= 500;
  if (reason !== undefined && !isText) throw fault('reason', 'a text of at most 500 characters');
  return {
    ...(account === undefined ? {} : { account }),
    ...(scope === undefined ? {} : { scope }),
    ...(isText ? { reason } : {}),
  };
}

const fault = (field: string, expected: string): Refused =>
  new Refused('BAD_REQUEST', `The field \`${field}\` cannot be used; expected ${expected}.`, { field });
