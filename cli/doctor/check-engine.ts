import { readFileSync } from 'node:fs';
import { join } from 'node:path';

import { Connection } from '@temporalio/client';
import { loadClientConnectConfig } from '@temporalio/envconfig';

import { judgeClock, judgeEngine } from '../../workers/account-safety.ts';
import { readEngineClock } from '../../workers/engine-clock.ts';
import { installedTemporalCli } from '../../workers/temporal-cli.ts';
import { fault, notChecked, ok, sentence, warning, type Check, type Patient, type Verdict } from './verdict.ts';

const CONNECT = '5 seconds';
const DEADLINE_MS = 5_000;

/** The engine: the one of `TEMPORAL_ADDRESS`, else the embedded one, which may not run. */
export const checkEngine: Check = (patient) =>
  process.env['TEMPORAL_ADDRESS'] ? checkExternal(patient) : checkEmbedded(patient);

async function checkEmbedded({ config, root, health }: Patient): Promise<Verdict[]> {
  const found = await installedTemporalCli({ env: process.env, cacheDir: join(root, '.cache') }).catch(sentence);
  const fix = 'Correct TEMPORAL_CLI, or unset it to have one found or fetched.';
  if (typeof found === 'string') return [fault('engine', found, fix)];
  const cli =
    found.path === undefined
      ? warning('engine', `${found.tried.join(' ')} The first "npm start" fetches one.`, 'Or set TEMPORAL_CLI to one.')
      : ok('engine', `The Temporal CLI is ${found.path}.`);
  if (health === undefined) return [cli, notChecked('engine', 'The embedded engine is not running.')];
  try {
    const { port } = JSON.parse(readFileSync(join(config.dataDir, 'temporal.pid'), 'utf8')) as { port: number };
    const address = `127.0.0.1:${port}`;
    const connection = await Connection.connect({ address, connectTimeout: CONNECT });
    await connection.close();
    return [cli, ok('engine', `The embedded engine answers at ${address}.`)];
  } catch (error) {
    const message = `The embedded engine of ${config.dataDir} does not answer: ${sentence(error)}`;
    return [cli, fault('engine', message, 'See the log. Is HOLDFAST_DATA that of the Holdfast that runs?')];
  }
}

async function checkExternal({ config }: Patient): Promise<Verdict[]> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const address = connectionOptions.address ?? 'localhost:7233';
  let connection: Connection;
  try {
    connection = await Connection.connect({ ...connectionOptions, address, connectTimeout: CONNECT });
  } catch (error) {
    const fix = 'Start it, or correct TEMPORAL_ADDRESS and the rest of TEMPORAL_*.';
    return [fault('engine', `The engine at ${address} cannot be reached: ${sentence(error)}`, fix)];
  }
  try {
    await connection.withDeadline(Date.now() + DEADLINE_MS, () =>
      connection.workflowService.describeNamespace({ namespace }),
    );
    const forgets = await judgeEngine(config, connection);
    const verdicts = [ok('engine', `The engine at ${address} answers, and has the namespace ${namespace}.`)];
    if (forgets !== undefined) verdicts.push({ check: 'engine', level: 'fault', ...forgets });
    return [...verdicts, await checkClock(connection, namespace, Object.keys(config.accounts)[0]!)];
  } catch (error) {
    const fix = 'Correct TEMPORAL_NAMESPACE, or make the namespace.';
    return [fault('engine', `The engine at ${address} does not serve ${namespace}: ${sentence(error)}`, fix)];
  } finally {
    await connection.close();
  }
}

async function checkClock(connection: Connection, namespace: string, account: string): Promise<Verdict> {
  const reading = await readEngineClock({ connection, namespace }, account).catch(() => undefined);
  if (reading === undefined) {
    return notChecked('clock', "The engine's clock can be told while a worker watches an account only; none does.");
  }
  const finding = judgeClock(account, 'engine', reading);
  if (finding !== undefined) return warning('clock', finding.message, finding.fix);
  return ok('clock', "The engine's clock and this host's agree.");
}
