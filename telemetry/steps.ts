import { tracingChannel } from 'node:diagnostics_channel';

/** What whoever follows the steps is told of each: which step, and of which order. */
export interface Step {
  readonly name: string;
  readonly clientOrderId: string;
}

const steps = tracingChannel<unknown, Step>('holdfast:step');

/**
 * Takes one step of an order. Its beginning and its end are published on Node's tracing channel `holdfast:step`, for
 * whoever traces; where nobody does, it costs nothing.
 */
export function takeStep<T>(name: string, clientOrderId: string, work: () => Promise<T>): Promise<T> {
  return steps.tracePromise(work, { name, clientOrderId });
}
