import { connectEngine } from './connect.ts';
import { loadSigningKey } from './intent-keys.ts';
import { runProcess } from './run-process.ts';
import { serveIngress } from './serve-ingress.ts';
import { welcome } from './welcome.ts';

/** Both listeners, against the engine that `TEMPORAL_ADDRESS` names; orders are carried out by workers elsewhere. */
await runProcess(async (context) => {
  const { config, root, onStop } = context;
  const signingKey = loadSigningKey(config);
  const engine = await connectEngine({ config, root });
  onStop(() => engine.connection.close());
  const uiUrl = process.env['TEMPORAL_UI_URL'] ?? null;
  // Workers are other processes: their health is their own, and the engine holds orders until one is there.
  const ingress = await serveIngress({ ...context, engine, signingKey, uiUrl, isWorking: () => true });
  onStop(() => ingress.stop());
  process.stdout.write(welcome({ config, publicUrl: ingress.publicUrl, operatorUrl: ingress.operatorUrl, uiUrl }));
});
