import { loadConfig } from '../config/config.ts';
import { CommandFault } from './exit.ts';
import { rootFolder } from './root-folder.ts';

const DEADLINE_MS = 15_000;

/** Asks the operator's listener of the installation whose configuration is found here. Throws what it says in a sentence. */
export async function askOperator<T>(path: string, method: 'GET' | 'POST' = 'GET', body?: string | Buffer): Promise<T> {
  const { settings } = loadConfig(process.env, rootFolder(), process.cwd());
  const host = settings.OPERATOR_HOST.includes(':') ? `[${settings.OPERATOR_HOST}]` : settings.OPERATOR_HOST;
  const origin = `http://${host}:${settings.OPERATOR_PORT}`;
  const response = await fetch(`${origin}${path}`, {
    method,
    headers: {
      ...(settings.OPERATOR_TOKEN === undefined ? {} : { authorization: `Bearer ${settings.OPERATOR_TOKEN}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body }),
    redirect: 'error',
    signal: AbortSignal.timeout(DEADLINE_MS),
  }).catch((error: unknown) => {
    const why = error instanceof Error && error.name === 'TimeoutError' ? 'does not answer' : 'cannot be reached';
    throw new CommandFault('UNREACHABLE', `Holdfast ${why} at ${origin}. Is it running, and is OPERATOR_PORT right?`);
  });
  const answer = (await response.json().catch(() => ({}))) as { code?: string; error?: string };
  if (response.ok) return answer as T;
  throw new CommandFault(answer.code ?? 'FAILED', answer.error ?? `Holdfast answered ${response.status} at ${origin}.`);
}
