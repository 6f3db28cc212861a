import { createHash, randomUUID, sign, type KeyObject } from 'node:crypto';

import type { Config } from '../config/config.ts';
import type { Alert } from '../domain/alert.ts';
import type { Json } from '../domain/canonical-json.ts';
import { commandBytesToSign, type Command, type SignedCommand } from '../domain/command.ts';
import {
  clientOrderId,
  contentHash,
  keyOfContent,
  keyOfId,
  keyOfWindow,
  workflowId,
  type Sha256,
} from '../domain/ids.ts';
import { alertContent, intentBytesToSign, type Intent, type SignedIntent } from '../domain/intent.ts';
import { Refused } from './refused.ts';

/** What has not left after this long is not sent any more. Whoever wants out waits longer than whoever wants in. */
const ENTRY_LIFE_MS = 60_000;
const EXIT_LIFE_MS = 600_000;

const sha256: Sha256 = (text) => createHash('sha256').update(text).digest();

/** The key that ingress signs with, and the name under which workers know its public half. */
export interface SigningKey {
  readonly id: string;
  readonly key: KeyObject;
}

export interface FormedIntent {
  readonly workflowId: string;
  readonly signed: SignedIntent;
  /** Equal for two deliveries of one alert; different when an id is used for something else. */
  readonly digest: string;
}

/** Finds the window that an alert without id and time falls into; equal alerts within it are one. */
export type OpenWindow = (strategy: string, hash: string, windowMs: number) => Promise<string>;

/** Makes of an understood alert the one thing that workers act on, and signs it. */
export async function formIntent(
  alert: Alert,
  from: {
    others: Json;
    strategy: string;
    receivedAt: number;
    config: Config;
    signingKey: SigningKey;
    openWindow: OpenWindow;
  },
): Promise<FormedIntent> {
  const { strategy, receivedAt, config, signingKey } = from;
  const account = chooseAccount(alert, strategy, config);
  const content = alertContent(alert, account);
  // Members that mean nothing to us may be all that tells one alert from the next.
  const whole = contentHash([content, from.others], sha256);
  const windowMs = config.strategies[strategy]!.duplicateWindowMs[account]!;
  // Without a window every delivery is an order of its own: its key is nobody else's, and this delivery's to the end.
  const alertKey = await keyOf(alert, whole, async (hash) =>
    windowMs === null ? randomUUID() : from.openWindow(strategy, hash, windowMs),
  );
  const deployment = config.settings.HOLDFAST_DEPLOYMENT;
  const { id: _id, time, inferred, ignored, account: _account, ...order } = alert;
  const intent: Intent = {
    v: 2,
    strategy,
    account,
    clientOrderId: clientOrderId({ deployment, account, strategy, alertKey, leg: 'entry', generation: 0 }, sha256),
    ...order,
    ...(time === undefined ? {} : { alertTime: time }),
    receivedAt,
    notAfter: receivedAt + ('exit' in alert ? EXIT_LIFE_MS : ENTRY_LIFE_MS),
    ...(inferred.length === 0 ? {} : { inferred }),
    ...(ignored.length === 0 ? {} : { ignored }),
  };
  const id = workflowId(strategy, alertKey);
  const signature = signWith(signingKey, intentBytesToSign(intent, id));
  return { workflowId: id, signed: { intent, signature }, digest: contentHash(content, sha256) };
}

/** Signs a person's order about an order. */
export function signCommand(command: Command, signingKey: SigningKey): SignedCommand {
  return { command, signature: signWith(signingKey, commandBytesToSign(command)) };
}

function signWith({ id, key }: SigningKey, bytes: string): { key: string; value: string } {
  return { key: id, value: sign(null, Buffer.from(bytes), key).toString('base64') };
}

/** The alert's id is its key; else its content is, where that holds a time; else its content within a window. */
async function keyOf(alert: Alert, content: string, openWindow: (hash: string) => Promise<string>): Promise<string> {
  if (alert.id !== undefined) return keyOfId(alert.id, sha256);
  return alert.time === undefined ? keyOfWindow(content, await openWindow(content), sha256) : keyOfContent(content);
}

function chooseAccount(alert: Alert, strategy: string, config: Config): string {
  const allowed = config.strategies[strategy]!.accounts;
  const account = alert.account ?? (allowed.includes(config.defaultAccount) ? config.defaultAccount : allowed[0]!);
  if (allowed.includes(account)) return account;
  const message = `The field \`account\` is "${account}"; this strategy may use ${allowed.join(', ')}.`;
  throw new Refused('INVALID_FIELD', message, { field: 'account' });
}
