import type { Config } from '../../config/config.ts';
import { ConfigFault } from '../../config/fault.ts';

/** What one check has come to. */
export interface Verdict {
  /** What was looked at. */
  readonly check: string;
  readonly level: 'ok' | 'not_checked' | 'warning' | 'fault';
  readonly message: string;
  /** What to do about it; null where there is nothing to do. */
  readonly fix: string | null;
  /** The part of the configuration that is at fault; null for everything else. */
  readonly path: string | null;
}

/** The installation that is looked at. */
export interface Patient {
  readonly config: Config;
  readonly root: string;
  readonly version: string;
  /** What the public listener says of itself; undefined where no Holdfast answers there. */
  readonly health: { readonly version: string; readonly uptime_seconds: number } | undefined;
}

/** Looks at one thing, and changes nothing. */
export type Check = (patient: Patient) => Promise<Verdict[]> | Verdict[];

const verdict =
  (level: Verdict['level']) =>
  (check: string, message: string, fix: string | null = null): Verdict => ({ check, level, message, fix, path: null });

export const ok = verdict('ok');
export const notChecked = verdict('not_checked');
export const warning = verdict('warning');
export const fault = verdict('fault');

/** A check that fails is a fault itself; one of the configuration keeps its path. */
export function faultsOf(check: string, error: unknown): Verdict[] {
  if (error instanceof ConfigFault) {
    return error.faults.map(({ path, message, fix }) => ({ check, level: 'fault', message, fix, path }));
  }
  return [fault(check, sentence(error), 'See to what it says, and run the doctor again.')];
}

/** What an error says, ended like a sentence. */
export function sentence(error: unknown): string {
  const text = (error instanceof Error ? error.message : String(error)).trim();
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
