import { VerifyKeys } from '../activities/verify-keys.ts';
import { connectEngine } from './connect.ts';
import { loadVerifyKeys } from './intent-keys.ts';
import { Engine } from '../ingress/engine.ts';
import { exportHistories } from './export-histories.ts';
import { runProcess } from './run-process.ts';
import { runWorker } from './run-worker.ts';
import { isEncrypted, workflowBundle } from './workflow-bundle.ts';

/** Orders and their activities, against the engine that `TEMPORAL_ADDRESS` names. Holds no key that could sign. */
await runProcess(async ({ config, root, log, onStop, fail }) => {
  const keys = new VerifyKeys(loadVerifyKeys(config));
  const bundle = await workflowBundle(root, isEncrypted(config));
  const engine = await connectEngine({ config, root });
  onStop(() => engine.connection.close());
  const { HOLDFAST_AUDIT: audit } = config.settings;
  if (audit !== undefined) onStop(exportHistories(new Engine(engine.client, engine.connection, log), audit, log));
  const worker = await runWorker({ config, engine, keys, bundle, log, isEmbedded: false });
  onStop(() => worker.stop());
  worker.ended.catch(fail);
  log.info({ accounts: Object.keys(config.accounts) }, 'The worker is ready.');
});
