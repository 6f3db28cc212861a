import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const LIBRARY = ['x86_64', 'aarch64']
  .map((machine) => `/usr/lib/${machine}-linux-gnu/faketime/libfaketimeMT.so.1`)
  .find(existsSync);

/** Why a test of clocks cannot run here; false where it can. */
export const noOwnClockReason = LIBRARY === undefined && 'there is no libfaketime here (apt-get install faketime)';

/** A clock for one process, which can be set while that process runs. */
export class OwnClock {
  readonly #folder = mkdtempSync(join(tmpdir(), 'holdfast-clock-'));
  readonly #file = join(this.#folder, 'offset');

  constructor() {
    this.setTo(0);
  }

  /** What gives a process this clock. How fast seconds pass stays this machine's. */
  get env(): Record<string, string> {
    return {
      LD_PRELOAD: LIBRARY ?? '',
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_NO_CACHE: '1',
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
    };
  }

  /** Sets it so many seconds ahead of this machine's, or behind it where they are negative. */
  setTo(seconds: number): void {
    writeFileSync(this.#file, `${seconds < 0 ? '-' : '+'}${Math.abs(seconds)}s\n`);
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
