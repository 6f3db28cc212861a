import * as fs from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Lets one process at a time install into a clone. The lock is a folder with one file named after its owner. It appears
 * by rename and so is never without its owner; and what a dead owner left is removed by that owner's name, so that of
 * two processes that take over a stale lock neither can remove the other's.
 */
export class SetupLock {
  #folder;
  #mark;
  #waiting;

  constructor(folder) {
    this.#folder = folder;
    this.#mark = join(folder, String(process.pid));
  }

  async acquire(onWait) {
    fs.mkdirSync(dirname(this.#folder), { recursive: true });
    this.#waiting = fs.mkdtempSync(`${this.#folder}-`);
    fs.writeFileSync(join(this.#waiting, String(process.pid)), '');
    while (!this.#tryRename()) {
      const { owner, held } = this.#inspect();
      if (held) {
        onWait(owner);
        await sleep(200);
      } else {
        if (owner) fs.rmSync(join(this.#folder, owner), { force: true });
        removeIfEmpty(this.#folder);
      }
    }
  }

  /** A child that outlives its killed launcher goes on writing, so it holds the lock as well. */
  share(pid) {
    if (pid && fs.existsSync(this.#mark)) fs.writeFileSync(this.#mark, String(pid));
  }

  release() {
    if (this.#waiting) fs.rmSync(this.#waiting, { recursive: true, force: true });
    if (!fs.existsSync(this.#mark)) return;
    fs.rmSync(this.#mark, { force: true });
    removeIfEmpty(this.#folder);
  }

  #tryRename() {
    try {
      fs.renameSync(this.#waiting, this.#folder);
      return true;
    } catch (error) {
      // Windows says EPERM when the name is taken.
      const taken = ['ENOTEMPTY', 'EEXIST', process.platform === 'win32' && 'EPERM'];
      if (taken.includes(error.code)) return false;
      throw error;
    }
  }

  #inspect() {
    try {
      const [owner] = fs.readdirSync(this.#folder);
      if (!owner) return { held: false };
      const child = fs.readFileSync(join(this.#folder, owner), 'utf8');
      return { owner, held: isAlive(owner) || isAlive(child) };
    } catch {
      return { held: false };
    }
  }
}

function isAlive(pid) {
  if (!Number(pid)) return false;
  try {
    return process.kill(Number(pid), 0);
  } catch (error) {
    return error.code === 'EPERM';
  }
}

function removeIfEmpty(folder) {
  try {
    fs.rmdirSync(folder);
  } catch {
    // Another process holds the lock by now, or has removed the folder.
  }
}
