import type { Alert, EntryAlert, ExitAlert } from './alert.ts';
import { canonicalJson, type Json } from './canonical-json.ts';

/**
 * What one alert wants, as ingress understood it: the one thing that is signed, and all that a worker may act on.
 * It holds no secret, and nothing that a worker could look up differently on another day.
 */
export type Intent = EntryIntent | ExitIntent;

/** Buys or sells, whatever is held. */
export type EntryIntent = AnyIntent & Omit<EntryAlert, Replaced>;

/** Takes out what the strategy holds; which side that takes, the account tells when it is asked. */
export type ExitIntent = AnyIntent & Omit<ExitAlert, Replaced>;

type Replaced = 'id' | 'time' | 'account' | 'inferred' | 'ignored';

export const isExit = (intent: Intent): intent is ExitIntent => 'exit' in intent;

interface AnyIntent {
  /** What is promised of its answers: those of the first version tell no fee, and their histories stay as they are. */
  readonly v: 1 | 2;
  readonly strategy: string;
  readonly account: string;
  readonly clientOrderId: string;
  /** When the alert fired by its sender's clock, in milliseconds since 1970. */
  readonly alertTime?: number;
  /** When its last byte reached ingress, in milliseconds since 1970. */
  readonly receivedAt: number;
  /** From this moment on (milliseconds since 1970) nothing of it is sent any more. */
  readonly notAfter: number;
  readonly inferred?: readonly string[];
  readonly ignored?: readonly string[];
}

export interface Signature {
  /** Which public key proves it. */
  readonly key: string;
  /** Ed25519 over `intentBytesToSign`, base64. */
  readonly value: string;
}

/** The argument of `ExecuteOrder`, handed on to every activity: a plain value, so that it survives whatever carries it. */
export interface SignedIntent<I extends Intent = Intent> {
  readonly intent: I;
  readonly signature: Signature;
}

/**
 * The text under an intent's signature. The workflow's id is part of it without being in the intent: the same intent in
 * another workflow has no signature.
 */
export function intentBytesToSign(intent: Intent, workflowId: string): string {
  return `holdfast-intent-v1\n${canonicalJson([workflowId, { ...intent }])}`;
}

/**
 * What makes two deliveries the same alert: everything that changes the order, and its time. Not the `id` (that names
 * the alert), not the secret, and nothing that ingress added; what is ignored is counted by its values, elsewhere.
 */
export function alertContent(alert: Alert, account: string): Json {
  const { id: _id, inferred: _inferred, ignored: _ignored, ...content } = alert;
  return { ...content, account };
}
