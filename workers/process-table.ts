import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

export interface RunningProcess {
  pid: number;
  command: string;
}

export function isInUse(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // The process of another user is there all the same.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * When a process began, in the platform's own words, or undefined when it does not run. Compared together with the pid
 * it tells a process from a later one that was given the same pid. Windows tells only whether the pid is in use.
 */
export function startOf(pid: number): string | undefined {
  if (process.platform === 'linux') {
    // The command's name may hold spaces and brackets, so fields are counted from the last bracket: the state, and 19
    // fields after it the start in ticks since boot. A zombie has a pid but runs no longer.
    const [state, ...fields] = readProc(`${pid}/stat`)
      .replace(/^.*\)\s*/s, '')
      .split(' ');
    return state && state !== 'Z' ? `${fields[18]} ${readProc('sys/kernel/random/boot_id').trim()}` : undefined;
  }
  if (process.platform === 'win32') return isInUse(pid) ? 'in use' : undefined;
  if (!isInUse(pid)) return undefined;
  const env = { ...process.env, LC_ALL: 'C', TZ: 'UTC' };
  const line = execFileSync('ps', ['-o', 'stat=,lstart=', '-p', String(pid)], { encoding: 'utf8', env }).trim();
  return line.startsWith('Z') ? undefined : line.replace(/^\S+\s+/, '');
}

/** Where pids mean the same: a process of another host or container cannot be judged by its pid. */
export function pidSpace(): string {
  if (process.platform !== 'linux') return hostname();
  return `${hostname()} ${readlinkSync('/proc/self/ns/pid')}`;
}

/** All processes with their command lines, words parted by one space and a space at the end. */
export function runningProcesses(): RunningProcess[] {
  if (process.platform === 'linux') {
    const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
    return pids.map((pid) => ({ pid: Number(pid), command: readProc(`${pid}/cmdline`).replaceAll('\0', ' ') }));
  }
  return listing().map((line) => {
    const [, pid = '0', command = ''] = /^\s*(\d+)\s+(.*)$/.exec(line) ?? [];
    return { pid: Number(pid), command: `${command.trim()} ` };
  });
}

function listing(): string[] {
  const options = { encoding: 'utf8', maxBuffer: 64 * 1024 * 1024 } as const;
  const query = 'Get-CimInstance Win32_Process | ForEach-Object { "$($_.ProcessId) $($_.CommandLine)" }';
  const output =
    process.platform === 'win32'
      ? execFileSync('powershell.exe', ['-NoProfile', '-NonInteractive', '-Command', query], options)
      : execFileSync('ps', ['-axww', '-o', 'pid=,command='], options);
  return output.split('\n');
}

/** Empty when the process has gone meanwhile. */
function readProc(name: string): string {
  try {
    return readFileSync(`/proc/${name}`, 'utf8');
  } catch {
    return '';
  }
}
