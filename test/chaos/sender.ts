import { setTimeout as sleep } from 'node:timers/promises';

import type { Linked } from '../../ingress/links.ts';
import { SECRET, uptimeMs, type Rig } from './rig.ts';

/** One alert on its way, and all that came back. */
export interface Sent {
  readonly id: string;
  readonly clientOrderId: string;
  readonly body: string;
  readonly sentAt: number;
  /** Every answer 2xx in order: what the sender was told of its order. */
  readonly answers: Linked[];
  /** When the first answer came that need not be waited for any longer; milliseconds of this machine's uptime. */
  settledAt: number | undefined;
  /** The longest that a process which stayed alive took to answer, in milliseconds. */
  slowestMs: number;
}

/** A sender hangs up after this time, as TradingView does. */
const PATIENCE_MS = 3_000;
const AGAIN_MS = 500;
const GIVES_UP_MS = 90_000;

/** What an alert asks for beside its quantity. */
export const RESTING = { order_type: 'limit', limit_price: '60000' };

export function alertFor(id: string, clientOrderId: string, terms: Readonly<Record<string, string>>): Sent {
  const body = { symbol: 'BTC/USDT', action: 'buy', quantity: '0.01', id, secret: SECRET, ...terms };
  return {
    id,
    clientOrderId,
    body: JSON.stringify(body),
    sentAt: uptimeMs(),
    answers: [],
    settledAt: undefined,
    slowestMs: 0,
  };
}

/** Posts an alert until it is taken: a connection that dies and a 5xx are reasons to send the same again. */
export async function send(rig: Rig, sent: Sent, againMs = AGAIN_MS): Promise<void> {
  while (uptimeMs() - sent.sentAt < GIVES_UP_MS) {
    const begun = performance.now();
    const reply = await post(rig, sent.body);
    if (reply !== undefined) {
      sent.slowestMs = Math.max(sent.slowestMs, performance.now() - begun);
      if (reply.http < 300) {
        sent.answers.push(reply.body);
        if (reply.http === 200) sent.settledAt ??= uptimeMs();
        return;
      }
      if (reply.http < 500) throw new Error(`${sent.id} was refused: ${JSON.stringify(reply.body)}`);
    }
    await sleep(againMs);
  }
}

async function post(rig: Rig, body: string): Promise<{ http: number; body: Linked } | undefined> {
  try {
    const response = await fetch(`${rig.publicUrl}/webhook/tradingview`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return { http: response.status, body: (await response.json()) as Linked };
  } catch {
    return undefined;
  }
}
