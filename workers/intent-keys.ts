import { createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, type KeyObject } from 'node:crypto';
import { linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Config } from '../config/config.ts';
import { ConfigFault } from '../config/fault.ts';

const SIGNING_FILE = 'intent-signing-key.pem';
const VERIFY_FILE = 'intent-verify-keys.pem';

/** Where the signing key is kept that was made at the first start. */
export const signingKeyFile = ({ dataDir }: Config): string => join(dataDir, SIGNING_FILE);

/** The key that ingress signs with: from the configuration, else from the data folder. */
export function loadSigningKey(config: Config): KeyObject {
  const written = config.settings.INTENT_SIGNING_KEY ?? readIfThere(signingKeyFile(config));
  if (written === undefined) throw missing('INTENT_SIGNING_KEY', 'Ingress signs every order');
  return parse('INTENT_SIGNING_KEY', () => createPrivateKey(pemOf(written, 'PRIVATE KEY')));
}

/** The public keys that a worker believes; several while one replaces another. */
export function loadVerifyKeys(config: Config): KeyObject[] {
  const written = config.settings.INTENT_VERIFY_KEYS ?? readIfThere(join(config.dataDir, VERIFY_FILE));
  if (written === undefined) throw missing('INTENT_VERIFY_KEYS', 'A worker believes signed orders only');
  const pems = written.match(/-----BEGIN PUBLIC KEY-----[^-]+-----END PUBLIC KEY-----/g) ?? written.split(/[\s,]+/);
  return parse('INTENT_VERIFY_KEYS', () =>
    pems.filter(Boolean).map((pem) => createPublicKey(pemOf(pem, 'PUBLIC KEY'))),
  );
}

/**
 * Makes the keys of an installation that has none. Each file appears whole or not at all, and the first one stands:
 * of two processes that start at once, both end up with the same key.
 */
export function createMissingKeys(config: Config): void {
  if (config.settings.INTENT_SIGNING_KEY === undefined) {
    const { privateKey } = generateKeyPairSync('ed25519');
    createOnce(config.dataDir, SIGNING_FILE, String(privateKey.export({ type: 'pkcs8', format: 'pem' })));
  }
  if (config.settings.INTENT_VERIFY_KEYS === undefined) {
    const publicKey = createPublicKey(loadSigningKey(config));
    createOnce(config.dataDir, VERIFY_FILE, String(publicKey.export({ type: 'spki', format: 'pem' })));
  }
}

function createOnce(folder: string, name: string, content: string): void {
  const file = join(folder, name);
  if (readIfThere(file) !== undefined) return;
  mkdirSync(folder, { recursive: true });
  const whole = join(folder, `.${name}.${randomUUID()}`);
  writeFileSync(whole, content, { mode: 0o600, flag: 'wx', flush: true });
  try {
    linkSync(whole, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    rmSync(whole);
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

/** Accepts a PEM text, or the base64 inside one: an environment variable has one line. */
function pemOf(text: string, label: string): string {
  return text.includes('-----BEGIN') ? text : `-----BEGIN ${label}-----\n${text.trim()}\n-----END ${label}-----\n`;
}

function parse<T>(path: string, read: () => T): T {
  try {
    return read();
  } catch {
    const fix = 'Give it in PEM, or as the base64 inside a PEM.';
    throw new ConfigFault([{ path, message: 'This is no Ed25519 key.', fix }]);
  }
}

function missing(path: string, why: string): ConfigFault {
  const fix = `Set ${path} (or ${path}_FILE), or share HOLDFAST_DATA with an installation that has made its keys.`;
  return new ConfigFault([{ path, message: `${why}, and there is no key.`, fix }]);
}
