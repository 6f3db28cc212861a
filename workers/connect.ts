import { setTimeout as sleep } from 'node:timers/promises';

import { Client } from '@temporalio/client';
import type { DataConverter } from '@temporalio/common';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import { NativeConnection } from '@temporalio/worker';

import type { Config } from '../config/config.ts';
import { SEARCH_ATTRIBUTES } from '../workflows/messages.ts';
import { EncryptionCodec, parsePayloadKeys } from './payload-codec.ts';
import { encodedFailures } from './workflow-bundle.ts';

const CONNECT_MS = 10_000;
const KNOWN_WITHIN_MS = 20_000;
const ASK_AGAIN_MS = 200;
/** `Keyword` among the engine's types of indexed values. */
const KEYWORD = 2;

export interface EngineConnection {
  readonly connection: NativeConnection;
  readonly client: Client;
  readonly namespace: string;
  /** How values become what the engine stores: encrypted, where there are keys for it. */
  readonly dataConverter: DataConverter;
  readonly codec: EncryptionCodec | undefined;
}

export interface ConnectOptions {
  readonly config: Config;
  /** The folder of `package.json`. */
  readonly root: string;
  /** The embedded engine's address; not there where the configuration names another engine. */
  readonly address?: string | undefined;
}

/**
 * Connects to the engine: to the embedded one where its address is given, else to the one that Temporal's own settings
 * name. Client and worker share the connection, or no order would start eagerly.
 */
export async function connectEngine({
  config,
  root,
  address: embeddedAddress,
}: ConnectOptions): Promise<EngineConnection> {
  const { connectionOptions, namespace = 'default' } = loadClientConnectConfig();
  const address = embeddedAddress ?? connectionOptions.address ?? 'localhost:7233';
  const isHere = /^(127\.|localhost|\[::1\])/.test(address);
  const connecting = NativeConnection.connect({
    ...connectionOptions,
    address,
    // On this machine, compressing costs more than it saves.
    ...(isHere ? { grpcCompression: { codec: 'none' as const } } : {}),
  });
  const connection = await withinTime(connecting, `The Temporal server at ${address} does not answer.`);
  const pairs = config.settings.PAYLOAD_ENCRYPTION_KEYS;
  const codec = pairs === undefined ? undefined : new EncryptionCodec(parsePayloadKeys(pairs));
  const dataConverter = codec === undefined ? {} : { payloadCodecs: [codec], ...encodedFailures(root) };
  const client = new Client({ connection, namespace, dataConverter });
  await registerSearchAttributes(connection, namespace);
  return { connection, client, namespace, dataConverter, codec };
}

/** An order that starts with an attribute that the engine does not know would not start at all. */
async function registerSearchAttributes(connection: NativeConnection, namespace: string): Promise<void> {
  const wanted = Object.values(SEARCH_ATTRIBUTES).map(({ name }) => name);
  const call = <T>(ask: () => Promise<T>): Promise<T> => connection.withDeadline(Date.now() + CONNECT_MS, ask);
  const known = await call(() => connection.operatorService.listSearchAttributes({ namespace }));
  const missing = wanted.filter((name) => known.customAttributes?.[name] === undefined);
  if (missing.length === 0) return;
  const searchAttributes = Object.fromEntries(missing.map((name) => [name, KEYWORD]));
  try {
    await call(() => connection.operatorService.addSearchAttributes({ namespace, searchAttributes }));
    await untilKnown(() =>
      call(() => connection.workflowService.countWorkflowExecutions({ namespace, query: ALL_ARE_NULL })),
    );
  } catch (error) {
    const flags = missing.map((name) => `--name ${name} --type Keyword`).join(' ');
    const fix = `temporal operator search-attribute create --namespace ${namespace} ${flags}`;
    throw new Error(`The engine lacks search attributes, and does not let us add them. Run: ${fix}`, { cause: error });
  }
}

const ALL_ARE_NULL = Object.values(SEARCH_ATTRIBUTES)
  .map(({ name }) => `${name} IS NULL`)
  .join(' AND ');

/** A server learns of new attributes with its next look at the namespace; an order that starts before would be refused. */
async function untilKnown(ask: () => Promise<unknown>): Promise<void> {
  const until = performance.now() + KNOWN_WITHIN_MS;
  for (;;) {
    try {
      await ask();
      return;
    } catch (error) {
      if (performance.now() > until) throw error;
      await sleep(ASK_AGAIN_MS);
    }
  }
}

async function withinTime<T>(work: Promise<T>, otherwise: string): Promise<T> {
  const late = Symbol('late');
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<typeof late>((resolve) => (timer = setTimeout(() => resolve(late), CONNECT_MS)));
  try {
    const first = await Promise.race([work, timeout]);
    if (first === late) throw new Error(otherwise);
    return first;
  } catch (error) {
    if (error instanceof Error && error.message === otherwise) throw error;
    throw new Error(`${otherwise} (${error instanceof Error ? error.message : String(error)})`, { cause: error });
  } finally {
    clearTimeout(timer);
  }
}
