import type { Payload, PayloadCodec } from '@temporalio/common';
import type { FastifyInstance } from 'fastify';

import { Refused } from './refused.ts';

/** A payload in JSON, as the Web UI and the command line send it. */
interface JsonPayload {
  readonly metadata?: Readonly<Record<string, string>>;
  readonly data?: string;
}

/**
 * What the Temporal Web UI (`--ui-codec-endpoint`) and the `temporal` command (`--codec-endpoint`) ask to show encrypted
 * values: `POST /codec/decode` and `/codec/encode`. For pages from the Web UI's own origin, and no other.
 */
export function serveCodec(app: FastifyInstance, codec: PayloadCodec, uiOrigin: string | null): void {
  app.addHook('onRequest', async (request, reply) => {
    if (!request.url.startsWith('/codec/') || uiOrigin === null || request.headers.origin !== uiOrigin) return;
    reply.header('access-control-allow-origin', uiOrigin).header('vary', 'origin');
    reply.header('access-control-allow-headers', 'content-type, authorization, x-namespace');
    reply.header('access-control-allow-credentials', 'true');
    if (request.method === 'OPTIONS') await reply.code(204).send();
  });
  app.post('/codec/encode', async (request) => ({ payloads: (await codec.encode(read(request.body))).map(toJson) }));
  app.post('/codec/decode', async (request) => ({ payloads: (await codec.decode(read(request.body))).map(toJson) }));
  app.options('/codec/*', async (_request, reply) => reply.code(204).send());
}

function read(body: unknown): Payload[] {
  const { payloads } = (body ?? {}) as { payloads?: readonly JsonPayload[] };
  if (!Array.isArray(payloads)) throw new Refused('BAD_REQUEST', 'Send {"payloads":[…]}.');
  return (payloads as readonly JsonPayload[]).map(({ metadata = {}, data = '' }) => {
    const decoded = Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')]);
    return { metadata: Object.fromEntries(decoded) as Record<string, Buffer>, data: Buffer.from(data, 'base64') };
  });
}

function toJson({ metadata, data }: Payload): JsonPayload {
  const encoded = Object.entries(metadata ?? {}).map(([name, value]) => [name, Buffer.from(value).toString('base64')]);
  return {
    metadata: Object.fromEntries(encoded) as Record<string, string>,
    data: Buffer.from(data ?? []).toString('base64'),
  };
}
