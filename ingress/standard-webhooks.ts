import { createHmac } from 'node:crypto';

/** Standard Webhooks, "Verifying webhook authenticity": how far the sender's time may be from ours. */
const TOLERANCE_S = 300;

/** The three headers of a Standard Webhooks delivery. */
export interface WebhookHeaders {
  readonly id: string;
  readonly timestamp: string;
  readonly signature: string;
}

/** Reads the headers; undefined when there are none, `incomplete` when some are missing. */
export function webhookHeaders(
  headers: Readonly<Record<string, string | string[] | undefined>>,
): WebhookHeaders | 'incomplete' | undefined {
  const [id, timestamp, signature] = ['id', 'timestamp', 'signature'].map((name) => headers[`webhook-${name}`]);
  if (id === undefined && timestamp === undefined && signature === undefined) return undefined;
  if (typeof id !== 'string' || typeof timestamp !== 'string' || typeof signature !== 'string') return 'incomplete';
  return { id, timestamp, signature };
}

/** Whether the delivery's time is within the tolerance: an old one may be a copy. */
export function isTimely({ timestamp }: WebhookHeaders, nowMs: number): boolean {
  return /^\d{1,12}$/.test(timestamp) && Math.abs(nowMs / 1000 - Number(timestamp)) <= TOLERANCE_S;
}

/** The signatures that a delivery carries, of version 1; several while the sender rotates its secret. */
export function signaturesOf({ signature }: WebhookHeaders): string[] {
  return signature
    .split(' ')
    .filter((one) => one.startsWith('v1,'))
    .map((one) => one.slice(3));
}

/** The signature that a secret (`whsec_…`) gives to a delivery. */
export function signDelivery(secret: string, { id, timestamp }: WebhookHeaders, body: Buffer): string {
  const key = Buffer.from(secret.replace(/^whsec_/, ''), 'base64');
  return createHmac('sha256', key).update(`${id}.${timestamp}.`).update(body).digest('base64');
}
