import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { Connection } from '@temporalio/client';

import { eventually } from './eventually.ts';
import { freePorts } from './free-port.ts';
import { temporalCli } from './holdfast.ts';

export interface Engine {
  readonly address: string;
  stop(): Promise<void>;
}

/** A Temporal server that is not the product's own, as an installation with several processes has one. */
export async function startEngine(dynamicConfig: Readonly<Record<string, unknown>> = {}): Promise<Engine> {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-engine-'));
  const [port] = await freePorts(1);
  const address = `127.0.0.1:${port}`;
  const settings = Object.entries(dynamicConfig).flatMap(([key, value]) => [
    '--dynamic-config-value',
    `${key}=${JSON.stringify(value)}`,
  ]);
  const where = ['--ip', '127.0.0.1', '--port', String(port), '--headless', '--db-filename', join(folder, 'engine.db')];
  const args = ['server', 'start-dev', ...where, ...settings, '--log-level', 'error'];
  const child = spawn(await temporalCli(), args, { stdio: 'ignore' });
  const stop = async (): Promise<void> => {
    const gone = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    child.kill('SIGKILL');
    await gone;
    rmSync(folder, { recursive: true, force: true, maxRetries: 10 });
  };
  try {
    const connection = await eventually(
      () => Connection.connect({ address, connectTimeout: '1 second' }),
      () => true,
      { withinMs: 30_000, what: 'the engine' },
    );
    await connection.close();
    return { address, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}
