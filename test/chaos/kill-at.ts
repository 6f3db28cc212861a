// Loaded into a process of the product with `--import`: kills or stops that process the moment one of its orders comes
// to a named point. The product knows nothing of it: our steps and the HTTP library's are published anyway.
import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, tracingChannel } from 'node:diagnostics_channel';
import { appendFileSync } from 'node:fs';

import type { Step } from '../../telemetry/steps.ts';

/** What the harness asks for, over the channel between parent and child. */
export interface Arm {
  readonly point: string;
  readonly signal: 'SIGKILL' | 'SIGSTOP';
  /** Client order ids that count. */
  readonly orders: readonly string[];
  /** The how many-th of them is the one. */
  readonly nth: number;
  /** Where the hit is noted down. */
  readonly file: string;
}

/** One kill, as it is noted down right before it happens. */
export interface Hit {
  readonly pid: number;
  readonly point: string;
  readonly clientOrderId: string;
  /** This machine's clock, which is also the engine's; a process with a clock of its own does not write this. */
  readonly uptimeMs: number;
}

/** A stop comes from the kernel; until it is there, this process must not go on. */
const UNTIL_STOPPED_MS = 1_000;
/** How long after its end a step's completion has surely reached the engine, or is on its way. */
const COMPLETED_AFTER_MS = 60;

let armed: Arm | undefined;
let seen = 0;

function reach(point: string, clientOrderId: string): void {
  if (armed?.point !== point || !armed.orders.includes(clientOrderId)) return;
  seen += 1;
  if (seen < armed.nth) return;
  const { file, signal } = armed;
  armed = undefined;
  const hit: Hit = { pid: process.pid, point, clientOrderId, uptimeMs: Number(process.hrtime.bigint() / 1_000_000n) };
  appendFileSync(file, `${JSON.stringify(hit)}\n`);
  process.kill(process.pid, signal);
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, UNTIL_STOPPED_MS);
}

process.on('message', (message: Arm | null) => {
  armed = message ?? undefined;
  seen = 0;
});
// The channel to the harness must not keep a process alive that is told to stop.
process.channel?.unref();

const current = new AsyncLocalStorage<Step>();
const steps = tracingChannel<Step, Step>('holdfast:step');
steps.start.bindStore(current, (step) => step);
steps.subscribe({
  start: ({ name, clientOrderId }) => reach(`${name}:start`, clientOrderId),
  end: () => undefined,
  asyncStart: () => undefined,
  asyncEnd: ({ name, clientOrderId }) => {
    reach(`${name}:end`, clientOrderId);
    setTimeout(() => reach(`${name}:completed`, clientOrderId), COMPLETED_AFTER_MS);
  },
  error: () => undefined,
});

// A request to the venue, from its signature on: made, on the wire, answered.
const requests = new WeakMap<object, Step>();
const WIRE = { create: 'made', bodySent: 'sent', headers: 'answered' } as const;
subscribe('undici:request:create', (message) => {
  const { request } = message as { request: { method: string } };
  const step = current.getStore();
  const changesBooks = request.method === 'POST' || request.method === 'DELETE';
  if (step !== undefined && changesBooks) requests.set(request, step);
});
for (const [event, name] of Object.entries(WIRE)) {
  subscribe(`undici:request:${event}`, (message) => {
    const step = requests.get((message as { request: object }).request);
    if (step !== undefined) reach(`${step.name}:${name}`, step.clientOrderId);
  });
}
