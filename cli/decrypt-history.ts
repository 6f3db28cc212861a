import type { Payload, PayloadCodec } from '@temporalio/common';
import type { History } from '@temporalio/common/lib/proto-utils.js';

const ENCRYPTED = 'binary/encrypted';

/** The same history with every value in the open, in place: whoever replays it needs no keys any more. */
export async function decryptHistory(history: History, codec: PayloadCodec | undefined): Promise<History> {
  await decrypt(history, codec);
  return history;
}

async function decrypt(node: object, codec: PayloadCodec | undefined): Promise<void> {
  for (const [name, value] of Object.entries(node) as [string, unknown][]) {
    if (typeof value !== 'object' || value === null || value instanceof Uint8Array) continue;
    if (!isEncrypted(value)) await decrypt(value, codec);
    else if (codec === undefined) {
      throw new Error('The history is encrypted, and the configuration has no PAYLOAD_ENCRYPTION_KEYS.');
    } else (node as Record<string, unknown>)[name] = (await codec.decode([value]))[0];
  }
}

function isEncrypted(value: object): value is Payload {
  const encoding = (value as Payload).metadata?.['encoding'];
  return encoding instanceof Uint8Array && Buffer.from(encoding).toString() === ENCRYPTED;
}
