import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';

import type { Settings } from '../config/settings.ts';

/**
 * How far each account's orders have come, by a memory that is not the engine's: a copy of the engine's data that is put
 * back does not bring this file back, and so is found out.
 */
export class EpochFile {
  readonly path: string;

  constructor({ HOLDFAST_STATE, HOLDFAST_DEPLOYMENT }: Settings) {
    this.path = join(HOLDFAST_STATE ?? stateFolder(), `epochs-${HOLDFAST_DEPLOYMENT}.json`);
  }

  /** The account's epoch; undefined where none is written down. Throws when the file is there and cannot be understood. */
  read(account: string): number | undefined {
    return this.#all()[account];
  }

  /** Writes an epoch down for good; one that is higher already stays. */
  write(account: string, epoch: number): void {
    const all = this.#all();
    if ((all[account] ?? 0) >= epoch) return;
    mkdirSync(dirname(this.path), { recursive: true });
    const whole = `${this.path}.${process.pid}`;
    const file = openSync(whole, 'w', 0o600);
    try {
      writeSync(file, JSON.stringify({ ...all, [account]: epoch }));
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(whole, this.path);
  }

  #all(): Record<string, number> {
    let text: string;
    try {
      text = readFileSync(this.path, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return {};
      throw error;
    }
    const epochs = JSON.parse(text) as Record<string, unknown>;
    if (Object.values(epochs).every(Number.isSafeInteger)) return epochs as Record<string, number>;
    throw new Error(`The file ${this.path} does not hold epochs. Put it right, or remove it: then the venue is asked.`);
  }
}

/** Where a user's programs keep what is worth keeping and is nobody's document. */
function stateFolder(): string {
  const { LOCALAPPDATA, XDG_STATE_HOME } = process.env;
  const base = process.platform === 'win32' ? LOCALAPPDATA : XDG_STATE_HOME;
  return join(base || join(homedir(), '.local', 'state'), 'holdfast');
}
