import { randomUUID } from 'node:crypto';
import * as fs from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { pidSpace, startOf } from './process-table.ts';

/** The embedded server cannot run, said in a sentence with what to do about it. */
export class EngineFault extends Error {
  override name = 'EngineFault';
}

export interface ProcessIdentity {
  pid: number;
  started: string | undefined;
  space: string;
}

export interface DataFolderLock {
  readonly owner: ProcessIdentity;
  release(): void;
}

const BEAT_MS = 1_000;
/** How long an owner that cannot be seen from here (another container on the same volume) is listened to. */
const SILENCE_MS = 5_000;

/**
 * Makes this process the only owner of a data folder. The lock is a folder with one file that says who holds it. It
 * appears by rename and so is never without its owner; and a dead owner's file is removed by its own name, so that
 * of two processes that take over a stale lock neither can remove the other's.
 */
export async function lockDataFolder(dataDir: string): Promise<DataFolderLock> {
  const owner = { pid: process.pid, started: startOf(process.pid), space: pidSpace() };
  const lock = join(dataDir, 'lock');
  const name = `${process.pid}-${randomUUID()}`;
  let waiting: string | undefined;
  try {
    fs.mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    waiting = fs.mkdtempSync(join(dataDir, 'lock-'));
    fs.writeFileSync(join(waiting, name), JSON.stringify(owner));
    while (!takeOver(waiting, lock)) {
      const holder = holderOf(lock);
      if (holder?.by && (await isHeld(holder.file, holder.by))) throw alreadyOwned(dataDir, holder.by);
      if (holder) fs.rmSync(holder.file, { force: true });
      removeIfEmpty(lock);
    }
  } catch (error) {
    if (waiting) fs.rmSync(waiting, { recursive: true, force: true });
    throw diskFault(error, dataDir);
  }

  const beats = setInterval(() => beat(join(lock, name)), BEAT_MS).unref();
  return {
    owner,
    release() {
      clearInterval(beats);
      fs.rmSync(join(lock, name), { force: true });
      removeIfEmpty(lock);
    },
  };
}

/** What went wrong with a file of the data folder, as a sentence. */
export function diskFault(error: unknown, dataDir: string): EngineFault {
  if (error instanceof EngineFault) return error;
  const { code = '', message } = error as NodeJS.ErrnoException;
  if (['EACCES', 'EROFS', 'EPERM'].includes(code)) {
    const todo = 'Make it writable for this user, or set HOLDFAST_DATA to another folder.';
    return new EngineFault(`The data folder ${dataDir} is not writable (${code}). ${todo}`, { cause: error });
  }
  if (['ENOSPC', 'EDQUOT'].includes(code)) {
    const todo = 'Free some space on it, or set HOLDFAST_DATA to a folder on another disk.';
    return new EngineFault(`The disk of the data folder ${dataDir} is full (${code}). ${todo}`, { cause: error });
  }
  const todo = 'Set HOLDFAST_DATA to a folder that can be used.';
  return new EngineFault(`The data folder ${dataDir} cannot be used (${code || message}). ${todo}`, { cause: error });
}

function alreadyOwned(dataDir: string, { pid, space }: ProcessIdentity): EngineFault {
  const where = space === pidSpace() ? '' : ` on ${space.split(' ')[0]}`;
  return new EngineFault(
    `Another Holdfast is running on the data folder ${dataDir} (process ${pid}${where}). ` +
      'Stop it, or set HOLDFAST_DATA to another folder.',
  );
}

function takeOver(waiting: string, lock: string): boolean {
  try {
    fs.renameSync(waiting, lock);
    return true;
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException;
    if (['ENOTEMPTY', 'EEXIST'].includes(code)) return false;
    // Windows has this one for a name that is taken.
    if (code === 'EPERM' && process.platform === 'win32') return false;
    throw error;
  }
}

function holderOf(lock: string): { file: string; by: ProcessIdentity | undefined } | undefined {
  try {
    const [name] = fs.readdirSync(lock);
    if (!name) return undefined;
    const file = join(lock, name);
    return { file, by: parse(fs.readFileSync(file, 'utf8')) };
  } catch {
    // It was released meanwhile.
    return undefined;
  }
}

async function isHeld(file: string, by: ProcessIdentity): Promise<boolean> {
  if (by.space === pidSpace()) return startOf(by.pid) === by.started;
  const before = lastBeat(file);
  for (let waited = 0; waited < SILENCE_MS; waited += 100) {
    await sleep(100);
    const now = lastBeat(file);
    if (now !== before) return now !== undefined;
  }
  return false;
}

function lastBeat(file: string): number | undefined {
  return fs.statSync(file, { throwIfNoEntry: false })?.mtimeMs;
}

function beat(file: string): void {
  try {
    const now = new Date();
    fs.utimesSync(file, now, now);
  } catch {
    // A missed beat matters to nobody unless all are missed.
  }
}

function parse(text: string): ProcessIdentity | undefined {
  try {
    return JSON.parse(text) as ProcessIdentity;
  } catch {
    // It was cut short by a loss of power, which no owner survives.
    return undefined;
  }
}

function removeIfEmpty(folder: string): void {
  try {
    fs.rmdirSync(folder);
  } catch {
    // Another process holds the lock by now, or has removed the folder.
  }
}
