import { createHash, verify, type KeyObject } from 'node:crypto';

import { ApplicationFailure } from '@temporalio/common';

import { commandBytesToSign, type SignedCommand } from '../domain/command.ts';
import { base32 } from '../domain/ids.ts';
import { intentBytesToSign, type Signature, type SignedIntent } from '../domain/intent.ts';
import { askAgain, notSent } from './not-sent.ts';

/** How long an unknown key may be one that has not reached this worker yet. */
const KEY_RETRY_MS = 5_000;

/** The public keys that this worker believes. It holds no private one: what it cannot sign it cannot forge. */
export class VerifyKeys {
  readonly #keys: ReadonlyMap<string, KeyObject>;

  constructor(keys: readonly KeyObject[]) {
    this.#keys = new Map(keys.map((key) => [keyId(key), key]));
  }

  /**
   * Throws unless the intent is signed, by a known key and for this workflow. Under an unknown key nothing is sent; but
   * after a reset an earlier run may have sent the order, and then that is not said.
   */
  requireIntent({ intent, signature }: SignedIntent, workflowId: string, afterReset = false): void {
    const otherwise = `The order was not signed by this installation for the workflow ${workflowId}.`;
    this.#require(signature, intentBytesToSign(intent, workflowId), otherwise, afterReset ? askAgain : notSent);
  }

  /** Throws unless the command is signed by a known key, and is about this order. */
  requireCommand(signed: SignedCommand, workflowId: string): void {
    this.#require(
      signed.signature,
      commandBytesToSign(signed.command),
      'The command was not signed by this installation.',
    );
    if (signed.command.workflowId !== workflowId) throw notProven('The command is about another order.');
  }

  #require(
    signature: Signature,
    bytes: string,
    otherwise: string,
    notYet: (why: string, retryAfterMs: number) => ApplicationFailure = notSent,
  ): void {
    const key = this.#keys.get(signature.key);
    // A rotation reaches workers one after another: a key that is unknown now may be known soon.
    if (key === undefined) throw notYet(`No public key ${signature.key} is known to this worker.`, KEY_RETRY_MS);
    if (!verify(null, Buffer.from(bytes), key, Buffer.from(signature.value, 'base64'))) throw notProven(otherwise);
  }
}

export function notProven(why: string): ApplicationFailure {
  return ApplicationFailure.create({ type: 'IntentNotProven', message: why, nonRetryable: true });
}

/** The name of a public key: what a signature says it can be checked with. */
export function keyId(publicKey: KeyObject): string {
  return base32(
    createHash('sha256')
      .update(publicKey.export({ type: 'spki', format: 'der' }))
      .digest(),
    8,
  );
}
