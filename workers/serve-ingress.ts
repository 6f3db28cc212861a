import { createPublicKey, type KeyObject } from 'node:crypto';
import type { AddressInfo } from 'node:net';

import type { FastifyInstance } from 'fastify';

import { keyId } from '../activities/verify-keys.ts';
import type { Config } from '../config/config.ts';
import { Engine } from '../ingress/engine.ts';
import { Gate } from '../ingress/gate.ts';
import { Halts } from '../ingress/halts.ts';
import { liftRestored } from '../ingress/lift-restored.ts';
import { Links } from '../ingress/links.ts';
import { buildOperatorApp } from '../ingress/operator-app.ts';
import { buildPublicApp } from '../ingress/public-app.ts';
import type { Logger } from '../telemetry/log.ts';
import type { EngineConnection } from './connect.ts';

export interface IngressOptions {
  readonly config: Config;
  readonly engine: EngineConnection;
  readonly signingKey: KeyObject;
  readonly uiUrl: string | null;
  readonly libraryMetricsUrl: string;
  readonly isWorking: () => boolean;
  readonly version: string;
  readonly log: Logger;
}

export interface RunningIngress {
  readonly publicUrl: string;
  readonly operatorUrl: string;
  /** Says not ready, takes no new alerts, and answers those that it has. */
  stop(): Promise<void>;
}

/** Opens both listeners: the senders', and the operator's. */
export async function serveIngress(options: IngressOptions): Promise<RunningIngress> {
  const { config, log, signingKey } = options;
  const { HOST, PORT, OPERATOR_HOST, OPERATOR_PORT } = config.settings;
  const engine = new Engine(options.engine.client, options.engine.connection, log);
  const gate = new Gate(config);
  const operatorUrl = `http://${urlHost(OPERATOR_HOST)}:${OPERATOR_PORT}`;
  const shared = {
    config,
    engine,
    gate,
    log,
    signingKey: { id: keyId(createPublicKey(signingKey)), key: signingKey },
    links: new Links(operatorUrl, options.uiUrl, options.engine.namespace),
  };
  const { isWorking, version, libraryMetricsUrl } = options;
  const publicApp = buildPublicApp({ ...shared, isWorking, version });
  const operatorApp = buildOperatorApp({
    ...shared,
    version,
    libraryMetricsUrl,
    codec: options.engine.codec,
    uiOrigin: options.uiUrl,
  });
  engine.watch();
  await listen(operatorApp, OPERATOR_HOST, OPERATOR_PORT, 'OPERATOR_PORT');
  // Last, for its /ready says that all of it is there.
  await listen(publicApp, HOST, PORT, 'PORT');
  const stopLifting = liftRestored({ config, engine, halts: new Halts(engine, config, shared.signingKey), log });
  return {
    publicUrl: `http://${urlHost(HOST)}:${(publicApp.server.address() as AddressInfo).port}`,
    operatorUrl,
    stop: async () => {
      stopLifting();
      await gate.drain();
      engine.unwatch();
      await Promise.all([publicApp.close(), operatorApp.close()]);
    },
  };
}

async function listen(app: FastifyInstance, host: string, port: number, setting: string): Promise<void> {
  try {
    await app.listen({ host, port });
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'EADDRINUSE') {
      throw new Error(
        `The port ${port} on ${host} is taken by another program. Stop it, or set ${setting} to another port.`,
      );
    }
    if (code === 'EACCES')
      throw new Error(`The port ${port} needs more rights than this user has. Set ${setting} above 1023.`);
    if (code === 'EADDRNOTAVAIL')
      throw new Error(`This machine has no address ${host}. Correct the host beside ${setting}.`);
    throw error;
  }
}

const urlHost = (host: string): string => (host.includes(':') ? `[${host}]` : host);
