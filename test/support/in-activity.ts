import { asyncLocalStorage, Context, type Info } from '@temporalio/activity';

/**
 * Runs an activity's own function outside a worker, as the attempt that `info` describes; nothing else of an attempt is
 * there to be used.
 */
export function inActivity<T>(
  info: Partial<Info>,
  work: () => Promise<T>,
  signal = new AbortController().signal,
): Promise<T> {
  const unused = undefined as never;
  const neverCancelled = new Promise<never>(() => {});
  const context = new Context(info as Info, neverCancelled, signal, () => {}, unused, unused, unused, unused);
  return asyncLocalStorage.run(context, work);
}
