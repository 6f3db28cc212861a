import { mkdirSync } from 'node:fs';
import { join } from 'node:path';

import { VerifyKeys } from '../activities/verify-keys.ts';
import { ConfigFault } from '../config/fault.ts';
import { Engine } from '../ingress/engine.ts';
import { connectEngine } from './connect.ts';
import { diskFault } from './data-folder-lock.ts';
import { startEmbeddedTemporal, type EmbeddedTemporal } from './embedded-temporal.ts';
import { exportHistories } from './export-histories.ts';
import { createMissingKeys, loadSigningKey, loadVerifyKeys } from './intent-keys.ts';
import { runProcess, type ProcessContext } from './run-process.ts';
import { runWorker } from './run-worker.ts';
import { serveIngress } from './serve-ingress.ts';
import { findTemporalCli } from './temporal-cli.ts';
import { welcome } from './welcome.ts';
import { isEncrypted, workflowBundle } from './workflow-bundle.ts';

/** Everything in one process tree: what `npm start` runs. */
await runProcess(async (context) => {
  const { config, root, log, onStop } = context;
  try {
    mkdirSync(config.dataDir, { recursive: true });
    createMissingKeys(config);
  } catch (error) {
    throw error instanceof ConfigFault ? error : diskFault(error, config.dataDir);
  }
  const signingKey = loadSigningKey(config);
  const keys = new VerifyKeys(loadVerifyKeys(config));

  const [embedded, bundle] = await Promise.all([startEngine(context), workflowBundle(root, isEncrypted(config))]);
  const engine = await connectEngine({ config, root, address: embedded?.address });
  onStop(() => engine.connection.close());
  // Stopped after the worker, so that what comes to its end meanwhile is copied too.
  const inTime = new Engine(engine.client, engine.connection, log);
  onStop(exportHistories(inTime, config.settings.HOLDFAST_AUDIT ?? join(config.dataDir, 'audit'), log));
  const worker = await runWorker({ config, engine, keys, bundle, log, isEmbedded: embedded !== undefined });
  onStop(() => worker.stop());
  worker.ended.catch(context.fail);
  const uiUrl = embedded?.uiUrl ?? null;
  const ingress = await serveIngress({ ...context, engine, signingKey, uiUrl, isWorking: () => worker.isWorking() });
  onStop(() => ingress.stop());
  process.stdout.write(welcome({ config, publicUrl: ingress.publicUrl, operatorUrl: ingress.operatorUrl, uiUrl }));
});

/** The embedded engine; none where the configuration names another. */
async function startEngine({ config, root, log, onStop }: ProcessContext): Promise<EmbeddedTemporal | undefined> {
  if (process.env['TEMPORAL_ADDRESS']) return undefined;
  const note = (line: string): void => void process.stderr.write(`${line}\n`);
  const cli = await findTemporalCli({ env: process.env, cacheDir: join(root, '.cache'), note });
  const { TEMPORAL_PORT: port, TEMPORAL_UI_PORT: uiPort } = config.settings;
  const embedded = await startEmbeddedTemporal({ cli, dataDir: config.dataDir, port, uiPort, log });
  onStop(() => embedded.stop());
  return embedded;
}
