import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

import type { Payload, PayloadCodec } from '@temporalio/common';

const ENCODING = 'binary/encrypted';
const KEY_ID = 'encryption-key-id';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A named AES-256 key. */
export interface PayloadKey {
  readonly id: string;
  readonly key: Buffer;
}

/** Reads `id:base64,id:base64`, whose shape the configuration has checked. */
export function parsePayloadKeys(pairs: string): readonly PayloadKey[] {
  return pairs.split(',').map((pair) => {
    const [id, key] = pair.split(':') as [string, string];
    return { id, key: Buffer.from(key, 'base64') };
  });
}

/**
 * Encrypts what the engine stores (AES-256-GCM): alerts, intents, answers. The first key encrypts; all of them decrypt,
 * so that a new key can be put in front while old histories stay readable.
 */
export class EncryptionCodec implements PayloadCodec {
  readonly #keys: ReadonlyMap<string, Buffer>;
  readonly #current: PayloadKey;

  constructor(keys: readonly PayloadKey[]) {
    this.#current = keys[0]!;
    this.#keys = new Map(keys.map(({ id, key }) => [id, key]));
  }

  async encode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', this.#current.key, nonce);
      const sealed = Buffer.concat([cipher.update(serialize(payload)), cipher.final()]);
      return {
        metadata: { encoding: Buffer.from(ENCODING), [KEY_ID]: Buffer.from(this.#current.id) },
        data: Buffer.concat([nonce, sealed, cipher.getAuthTag()]),
      };
    });
  }

  async decode(payloads: Payload[]): Promise<Payload[]> {
    return payloads.map((payload) => {
      // Search attributes, and what was stored before encryption was switched on, are not ours to decrypt.
      if (text(payload.metadata?.['encoding']) !== ENCODING) return payload;
      const id = text(payload.metadata?.[KEY_ID]);
      const key = this.#keys.get(id);
      if (key === undefined)
        throw new Error(`The payload key ${id} is not configured; old keys must stay to read old orders.`);
      const data = Buffer.from(payload.data ?? []);
      const decipher = createDecipheriv('aes-256-gcm', key, data.subarray(0, NONCE_BYTES));
      decipher.setAuthTag(data.subarray(-TAG_BYTES));
      const opened = [decipher.update(data.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
      return deserialize(Buffer.concat(opened));
    });
  }
}

/** A payload as JSON with its bytes in base64: small, and the same on every side. */
function serialize({ metadata, data }: Payload): Buffer {
  const encoded = Object.entries(metadata ?? {}).map(([name, value]) => [name, base64(value)]);
  return Buffer.from(JSON.stringify({ metadata: Object.fromEntries(encoded), data: base64(data) }));
}

function deserialize(bytes: Buffer): Payload {
  const { metadata, data } = JSON.parse(bytes.toString()) as { metadata: Record<string, string>; data: string };
  const decoded = Object.entries(metadata).map(([name, value]) => [name, Buffer.from(value, 'base64')]);
  return { metadata: Object.fromEntries(decoded) as Record<string, Buffer>, data: Buffer.from(data, 'base64') };
}

const text = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString();
const base64 = (bytes: Uint8Array | null | undefined): string => Buffer.from(bytes ?? []).toString('base64');
