import assert from 'node:assert/strict';
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { test } from 'node:test';

import { ApplicationFailure } from '@temporalio/common';

import { keyId, VerifyKeys } from '../../activities/verify-keys.ts';
import { commandBytesToSign, type Command } from '../../domain/command.ts';
import { intentBytesToSign, type EntryIntent, type SignedIntent } from '../../domain/intent.ts';
import { anIntent } from '../support/an-intent.ts';

const ID = 'order:trend:a-1';
const [older, newer, stranger] = [1, 2, 3].map(() => generateKeyPairSync('ed25519'));

function signed(
  intent: EntryIntent,
  { privateKey, publicKey }: { privateKey: KeyObject; publicKey: KeyObject },
): SignedIntent {
  const value = sign(null, Buffer.from(intentBytesToSign(intent, ID)), privateKey).toString('base64');
  return { intent, signature: { key: keyId(publicKey), value } };
}

function verdict(step: () => void): string {
  try {
    step();
    return 'believed';
  } catch (error) {
    return error instanceof ApplicationFailure
      ? `${error.type} ${error.nonRetryable ? 'for good' : 'for now'}`
      : String(error);
  }
}

test('while keys are rotated, both are believed; when the old one has left the list, it is not', () => {
  const [byOld, byNew] = [signed(anIntent(), older!), signed(anIntent(), newer!)];
  const both = new VerifyKeys([older!.publicKey, newer!.publicKey]);
  assert.deepEqual(
    [byOld, byNew].map((one) => verdict(() => both.requireIntent(one, ID))),
    ['believed', 'believed'],
  );
  const after = new VerifyKeys([newer!.publicKey]);
  assert.equal(
    verdict(() => after.requireIntent(byNew, ID)),
    'believed',
  );
  assert.equal(
    verdict(() => after.requireIntent(byOld, ID)),
    'NotSent for now',
  );
});

test('a key that is unknown may be on its way: nothing is sent, and nothing is denied', () => {
  const keys = new VerifyKeys([newer!.publicKey]);
  assert.equal(
    verdict(() => keys.requireIntent(signed(anIntent(), stranger!), ID)),
    'NotSent for now',
  );
});

test('after a reset, an unknown key does not say that nothing was sent: an earlier run may have sent it', () => {
  const keys = new VerifyKeys([newer!.publicKey]);
  assert.equal(
    verdict(() => keys.requireIntent(signed(anIntent(), stranger!), ID, true)),
    'AskAgain for now',
  );
});

test('whatever is changed under a signature is denied for good, and so is another workflow', () => {
  const keys = new VerifyKeys([newer!.publicKey]);
  const { intent, signature } = signed(anIntent(), newer!);
  const changed: SignedIntent[] = Object.keys(intent).map((key) => ({
    intent: { ...intent, [key]: 'changed' },
    signature,
  }));
  changed.push({ intent: { ...intent, stopLoss: { price: '1' } }, signature });
  for (const one of changed) {
    assert.equal(
      verdict(() => keys.requireIntent(one, ID)),
      'IntentNotProven for good',
      JSON.stringify(one.intent),
    );
  }
  assert.equal(
    verdict(() => keys.requireIntent({ intent, signature }, 'order:trend:a-2')),
    'IntentNotProven for good',
  );
});

test('an intent’s signature proves no command, and a command is for one order', () => {
  const keys = new VerifyKeys([newer!.publicKey]);
  const command: Command = { kind: 'cancel', workflowId: ID, at: 1 };
  const value = sign(null, Buffer.from(commandBytesToSign(command)), newer!.privateKey).toString('base64');
  const proper = { command, signature: { key: keyId(newer!.publicKey), value } };
  assert.equal(
    verdict(() => keys.requireCommand(proper, ID)),
    'believed',
  );
  assert.equal(
    verdict(() => keys.requireCommand(proper, 'order:trend:a-2')),
    'IntentNotProven for good',
  );
  const borrowed = { command, signature: signed(anIntent(), newer!).signature };
  assert.equal(
    verdict(() => keys.requireCommand(borrowed, ID)),
    'IntentNotProven for good',
  );
});
