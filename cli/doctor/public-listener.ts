import type { Config } from '../../config/config.ts';
import type { Patient } from './verdict.ts';

const DEADLINE_MS = 3_000;
const EVERYWHERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '[::1]' };

/** Where the public listener is reached from this host. */
export function listenerUrl({ settings: { HOST, PORT } }: Config): string {
  return `http://${EVERYWHERE[HOST] ?? (HOST.includes(':') ? `[${HOST}]` : HOST)}:${PORT}`;
}

/** What a Holdfast that listens there says of itself; undefined where none does. */
export async function askHealth(config: Config): Promise<Patient['health']> {
  try {
    const response = await fetch(`${listenerUrl(config)}/health`, {
      redirect: 'error',
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const told = (await response.json()) as NonNullable<Patient['health']> & { service?: unknown };
    return told.service === 'holdfast' ? told : undefined;
  } catch {
    return undefined;
  }
}
