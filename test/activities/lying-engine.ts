import { generateKeyPairSync, sign } from 'node:crypto';

import type { Info } from '@temporalio/activity';
import {
  ActivityFailure,
  ApplicationFailure,
  ensureApplicationFailure,
  type TemporalFailure,
  TimeoutFailure,
} from '@temporalio/common';

import type { Comparing, Desk } from '../../activities/desk.ts';
import { VenueClock } from '../../activities/venue-clock.ts';
import { keyId, VerifyKeys } from '../../activities/verify-keys.ts';
import type { VenueAdapter } from '../../adapters/venue-adapter.ts';
import { commandBytesToSign, type Command, type SignedCommand } from '../../domain/command.ts';
import type { Admission } from '../../domain/admission.ts';
import { NO_LIMITS } from '../../domain/limits.ts';
import { reason } from '../../domain/reason.ts';
import { halted, NEW_STANDING, type Standing } from '../../domain/standing.ts';
import { anIntent } from '../support/an-intent.ts';
import { inActivity } from '../support/in-activity.ts';
import type { World } from './lying-world.ts';

/** The one activity that runs inside the workflow's own step. */
const LOCAL = 'checkBeforeTrade';
const WORKFLOW_ID = 'order:trend:a-1';
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const keys = new VerifyKeys([publicKey]);
const canceling: Command = { kind: 'cancel', workflowId: WORKFLOW_ID, at: 0 };
export const CANCEL: SignedCommand = {
  command: canceling,
  signature: {
    key: keyId(publicKey),
    value: sign(null, Buffer.from(commandBytesToSign(canceling)), privateKey).toString('base64'),
  },
};

/** How an attempt can end without its result, by the names under which a retry policy knows them. */
const LOSSES = [
  'TemporalTimeout:StartToClose',
  'TemporalTimeout:Heartbeat',
  'WorkerShutdown',
  'ActivityPause',
  'ActivityReset',
  'PayloadsTooLarge',
  'CancelledFailure',
] as const;

/** How often an attempt is not lost for each time that it is: placing is where it matters. */
const RISKY = Array<null>(13).fill(null);
const SAFE = Array<null>(62).fill(null);
/** In which worker: the first, the second, or one that does not serve the account. */
const PLACES = [...Array<number>(15).fill(0), ...Array<number>(15).fill(1), 2];
/** What is known of the account's halts: mostly that there are none. */
const STANDINGS = [
  ...Array<Standing>(40).fill(NEW_STANDING),
  undefined,
  halted(NEW_STANDING, { code: 'HALTED', scope: 'all', reason: 'By hand.' }, 0),
  { ...NEW_STANDING, restoredAt: 0 },
];
const ATTEMPTS_MAX = 25;
const PATIENCE_MS = 10_000;
const RESETS_MAX = 2;

/** What the real options say of one activity, as far as it decides what is tried again. */
export interface Policy {
  readonly scheduleToCloseTimeout?: unknown;
  readonly retry?: {
    readonly initialInterval?: unknown;
    readonly backoffCoefficient?: number;
    readonly maximumInterval?: unknown;
    readonly nonRetryableErrorTypes?: string[];
  };
}

/** An activity that goes on being tried: the order is as it was. */
export class StillTrying extends Error {}
/** Somebody has reset the workflow: it starts again, with as much of its history as was left to it. */
export class Reset extends Error {}

type Recorded = { readonly value: unknown } | { readonly failure: unknown };

export interface EngineHabits {
  /** Of how many steps one is followed by a reset, about. */
  readonly stepsPerReset: number;
}

/** An activity as the engine knows it: its request is in the history from the moment at which it was scheduled. */
export interface Activity<R, T> {
  readonly name: string;
  readonly policy: Policy;
  readonly request: R;
  readonly run: (desk: Desk, request: R) => Promise<T>;
}

/** The engine as a workflow sees it: it runs activities on workers that die, and remembers what they came to. */
export class LyingEngine {
  readonly originalRunId = 'run-1';
  readonly #world: World;
  readonly #desks: Desk[];
  readonly #adapter: VenueAdapter;
  readonly #habits: EngineHabits;
  readonly #history: { readonly name: string; readonly request: unknown; readonly outcome: Recorded; at: number }[] =
    [];
  /** What an earlier run asked for, and a reset has left to be done. */
  #left: { readonly name: string; readonly request: unknown } | undefined;
  #begunAt: number;
  #replayed = 0;
  #run = 1;

  constructor(world: World, adapter: VenueAdapter, habits: EngineHabits) {
    this.#world = world;
    this.#begunAt = world.now;
    this.#adapter = adapter;
    this.#desks = [deskOf(adapter, world), deskOf(adapter, world)];
    this.#habits = habits;
  }

  /** The workflow's time: that at which it was told the last thing that it knows. */
  get now(): number {
    return this.#history[this.#replayed - 1]?.at ?? this.#begunAt;
  }

  get runId(): string {
    return `run-${this.#run}`;
  }

  /** Begins the workflow's code again from its first line. */
  restart(): void {
    this.#replayed = 0;
  }

  /** Something that comes to the workflow from outside: a command, a person's word. */
  hear<T>(what: () => T): Promise<T> {
    return this.#step('', undefined, async () => what());
  }

  /** An activity under its real retry policy: it resolves, or rejects with what would reach the workflow. */
  call<R, T>({ name, policy, request, run }: Activity<R, T>): Promise<T> {
    return this.#step(name, request, (asked) => this.#perform(name, policy, (desk) => run(desk, asked)));
  }

  /** Done once, and from then on told from the history. */
  async #step<R, T>(name: string, request: R, work: (request: R) => Promise<T>): Promise<T> {
    if (this.#replayed === this.#history.length) {
      const asked = this.#left?.name === name ? (this.#left.request as R) : request;
      this.#left = undefined;
      const outcome = await work(asked).then(
        (value): Recorded => ({ value }),
        (failure: unknown): Recorded => ({ failure }),
      );
      if ('failure' in outcome && outcome.failure instanceof StillTrying) throw outcome.failure;
      this.#history.push({ name, request: asked, outcome, at: this.#world.now });
      this.#maybeReset();
    }
    const { outcome } = this.#history[this.#replayed++]!;
    if ('failure' in outcome) throw outcome.failure;
    return outcome.value as T;
  }

  async #perform<T>(name: string, policy: Policy, work: (desk: Desk) => Promise<T>): Promise<T> {
    const world = this.#world;
    const { nonRetryableErrorTypes: final = [], backoffCoefficient = 2, ...intervals } = policy.retry ?? {};
    const until = world.now + Number(policy.scheduleToCloseTimeout ?? Infinity);
    const info = { scheduledTimestampMs: world.now, isLocal: name === LOCAL };
    let pauseMs = Number(intervals.initialInterval);
    let last: TemporalFailure | undefined;
    let isPatient = true;
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
      const wasCalm = world.isCalm;
      const loss = world.pick(null, ...(name === 'placeOrder' ? RISKY : SAFE), ...LOSSES);
      const ended = await this.#attempt(loss, info, work);
      if (world.now > until) throw failed(name, timedOut('SCHEDULE_TO_CLOSE', last));
      if (loss !== null) {
        world.note(`${name} is lost (${loss})`);
        last = lostBy(loss, last);
      } else if ('value' in ended) return ended.value as T;
      else last = ensureApplicationFailure(ended.failure);

      const { type = loss, nextRetryDelay, nonRetryable } = last as ApplicationFailure;
      const waitMs = Number(nextRetryDelay ?? pauseMs);
      pauseMs = Math.min(pauseMs * backoffCoefficient, Number(intervals.maximumInterval ?? Infinity));
      if (nonRetryable || final.includes(type ?? '') || world.now + waitMs > until) {
        world.note(`${name} fails: ${last.message}`);
        throw failed(name, last);
      }
      world.pass(waitMs);
      if (name !== 'followOrder' || !wasCalm) continue;
      // Nothing will change any more. What has changed before is shown by then, and seen by one more poll.
      if (isPatient) world.pass(PATIENCE_MS);
      else throw new StillTrying();
      isPatient = false;
    }
    throw new StillTrying();
  }

  /** One attempt, in one of two workers; the one that it is lost with knows nothing afterwards. */
  async #attempt<T>(
    loss: (typeof LOSSES)[number] | null,
    info: Partial<Info>,
    work: (desk: Desk) => Promise<T>,
  ): Promise<Recorded> {
    const world = this.#world;
    const place = world.pick(0, ...PLACES);
    const desk = this.#desks[place] ?? { ...this.#desks[0]!, accounts: new Map() };
    let ended: Recorded = { failure: null };
    const moment =
      loss === null ? 'never' : world.pick('afterwards', 'in the middle', 'in the middle', 'before it begins');
    world.isDying = moment === 'in the middle';
    if (moment !== 'before it begins') {
      const running = this.#inWorker(info, () => work(desk));
      ended = await running.then(
        (value) => ({ value }),
        (failure: unknown) => ({ failure }),
      );
    }
    // The engine learns of it late.
    if (loss !== null) world.pass(world.pick(0, 0, 0, 1_000, 25_000));
    if (place < 2 && /Timeout|Shutdown/.test(loss ?? '')) this.#desks[place] = deskOf(this.#adapter, world);
    return ended;
  }

  #inWorker<T>(info: Partial<Info>, work: () => Promise<T>): Promise<T> {
    const world = this.#world;
    const polled = new AbortController();
    world.onPolled = () => polled.abort();
    const attempt = {
      ...info,
      workflowExecution: { workflowId: WORKFLOW_ID, runId: this.runId },
      currentAttemptScheduledTimestampMs: world.now,
    };
    // It lies in its queue until a worker takes it up.
    world.pass(world.pick(5, 5, 5, 5, 5, 800, 2_500, 7_000));
    return inActivity(attempt, work, polled.signal);
  }

  /** Somebody resets the workflow to one of its steps, while whatever it has asked for is still under way. */
  #maybeReset(): void {
    const world = this.#world;
    if (this.#run > RESETS_MAX || !world.pick(false, ...Array<boolean>(this.#habits.stepsPerReset).fill(false), true))
      return;
    let kept = world.pick(0, ...this.#history.keys());
    const next = this.#history[kept]!;
    // An activity may have been scheduled by the step before, and then the engine only does again what it was asked.
    const isRemote = !['', LOCAL].includes(next.name);
    this.#left = isRemote && world.pick(false, true) ? next : undefined;
    // A local activity is part of the step that it leads to.
    while (this.#left === undefined && this.#history[kept - 1]?.name === LOCAL) kept -= 1;
    this.#history.length = kept;
    if (this.#left !== undefined) world.note(`${this.#left.name} is left to the next run`);
    // The step is done again, and that is now.
    else if (kept === 0) this.#begunAt = world.now;
    else this.#history[kept - 1]!.at = world.now;
    this.#run += 1;
    world.note(`the workflow is reset to its step ${kept}, as ${this.runId}`);
    throw new Reset();
  }
}

function failed(name: string, cause: TemporalFailure): ActivityFailure {
  return new ActivityFailure(cause.message, name, '1', 'NON_RETRYABLE_FAILURE', undefined, cause);
}

function lostBy(loss: (typeof LOSSES)[number], last: TemporalFailure | undefined): TemporalFailure {
  if (!loss.startsWith('TemporalTimeout')) return ApplicationFailure.create({ type: loss, message: loss });
  return timedOut(loss.endsWith('Heartbeat') ? 'HEARTBEAT' : 'START_TO_CLOSE', last);
}

/** A time-out brings along how the attempt before it failed, which says nothing of the one that was lost. */
function timedOut(type: TimeoutFailure['timeoutType'], last: TemporalFailure | undefined): TimeoutFailure {
  return Object.assign(new TimeoutFailure(type, undefined, type), { cause: last });
}

const RULES = { minConfidence: '0.5', maxAgeMs: 60_000, limits: NO_LIMITS, inTurn: false };
const ADMITTED: Admission = { kind: 'admitted', notes: [] };
const KEPT: readonly Admission[] = [
  { kind: 'denied', reason: reason('MAX_OPEN_ORDERS', 'So.') },
  { kind: 'wait', why: 'Others come first.' },
];

/** Only the watch over an account compares. */
export const COMPARES_NOTHING: Comparing = {
  tag: 'ABC',
  everyMs: 1_000,
  ordersUnder: async () => new Map(),
  resting: async () => [],
  onChange: () => undefined,
  onTrouble: () => undefined,
};

export function deskOf(adapter: VenueAdapter, world: World): Desk {
  const { strategy, account: name } = anIntent();
  const account = {
    name,
    adapter,
    clock: new VenueClock(),
    standing: async () => world.pick(NEW_STANDING, ...STANDINGS),
    limits: { ...NO_LIMITS, maxOpenOrders: 50 },
    admit: async () => world.pick(ADMITTED, ...Array<Admission>(20).fill(ADMITTED), undefined, ...KEPT),
    makeWay: async () => undefined,
    comparing: COMPARES_NOTHING,
    pollMs: 1,
    pollsPerSecond: 1_000,
    hasSent: false,
    following: 0,
  };
  return {
    accounts: new Map([[name, account]]),
    keys,
    rules: new Map([[strategy, { ...RULES, accounts: [name] }]]),
    sent: new Set(),
    turnedAway: new Set(),
    stopping: new AbortController(),
  };
}
