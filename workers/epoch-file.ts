import { randomUUID } from 'node:crypto';
import { closeSync, fsyncSync, mkdirSync, openSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join, resolve, sep } from 'node:path';

import type { Config } from '../config/config.ts';
import { ConfigFault } from '../config/fault.ts';

/**
 * How far an account's orders have come, by a memory that is not the engine's: a copy of the engine's data that is put
 * back does not bring this file back, and so is found out. One file for each account, on each host.
 */
export class EpochFile {
  readonly #path: string;

  constructor(config: Config, account: string) {
    this.#path = join(stateFolder(config), `epoch-${config.settings.HOLDFAST_DEPLOYMENT}-${account}`);
  }

  /** The account's epoch; undefined where none is written down. Throws when the file is there and cannot be understood. */
  read(): number | undefined {
    let text: string;
    try {
      text = readFileSync(this.#path, 'utf8').trim();
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
      throw error;
    }
    if (/^\d{1,15}$/.test(text)) return Number(text);
    throw new Error(`The file ${this.#path} holds no epoch. Remove it: then the venue is asked.`);
  }

  /** Writes an epoch down for good; one that is higher already stays. */
  write(epoch: number): void {
    if ((this.read() ?? 0) >= epoch) return;
    mkdirSync(dirname(this.#path), { recursive: true });
    const whole = `${this.#path}.${randomUUID()}`;
    const file = openSync(whole, 'wx', 0o600);
    try {
      writeFileSync(file, `${epoch}\n`);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(whole, this.#path);
  }
}

/** The folder of these files. One inside the data folder is a fault of the configuration. */
export function stateFolder({ settings, dataDir }: Config): string {
  const folder = resolve(settings.HOLDFAST_STATE ?? usualFolder());
  if (!`${folder}${sep}`.startsWith(`${resolve(dataDir)}${sep}`)) return folder;
  const message = `It lies in ${dataDir}, and would be put back together with a copy of that.`;
  throw new ConfigFault([{ path: 'HOLDFAST_STATE', message, fix: 'Name a folder outside HOLDFAST_DATA.' }]);
}

/** Where a user's programs keep what is worth keeping and is nobody's document. */
function usualFolder(): string {
  const { LOCALAPPDATA, XDG_STATE_HOME } = process.env;
  const base = process.platform === 'win32' ? LOCALAPPDATA : XDG_STATE_HOME;
  return join(base || join(homedir(), '.local', 'state'), 'holdfast');
}
