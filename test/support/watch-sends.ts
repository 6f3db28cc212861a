// Loaded into a worker with `--import`: notes in a file which process places an order, and stops that process right
// before the bytes leave where another file says so.
import { subscribe } from 'node:diagnostics_channel';
import { appendFileSync, existsSync, rmSync } from 'node:fs';

const { SENDS_FILE = '', FREEZE_FILE = '' } = process.env;
/** The stop comes from the kernel; until it is there, this process must not go on. */
const UNTIL_STOPPED_MS = 100;

subscribe('undici:client:sendHeaders', (message) => {
  const { request } = message as { request: { method: string; path: string } };
  if (request.method !== 'POST' || !request.path.startsWith('/api/v3/order')) return;
  appendFileSync(SENDS_FILE, `${process.pid}\n`);
  if (FREEZE_FILE === '' || !existsSync(FREEZE_FILE)) return;
  rmSync(FREEZE_FILE);
  process.kill(process.pid, 'SIGSTOP');
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, UNTIL_STOPPED_MS);
});
