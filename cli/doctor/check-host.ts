import { accessSync, constants, existsSync, statfsSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { dirname } from 'node:path';

import { loadSigningKey, loadVerifyKeys, signingKeyFile } from '../../workers/intent-keys.ts';
import { stateFolder } from '../../workers/epoch-file.ts';
import { fault, faultsOf, notChecked, ok, warning, type Check, type Verdict } from './verdict.ts';

const MIB = 1024 * 1024;
/** An engine that cannot write takes no alerts; the warning comes some ten thousand orders earlier. */
const FREE_LEAST = 100 * MIB;
const FREE_WANTED = 1024 * MIB;
/** Other users' rights to a file. */
const OTHERS = 0o077;

/** @param wanted the oldest version that will do, such as `>=22.18` */
export function checkNode(wanted: string): Verdict {
  const parts = (text: string): number[] => text.replace(/^\D+/, '').split('.').map(Number);
  const [major = 0, minor = 0] = parts(process.versions.node);
  const [leastMajor = 0, leastMinor = 0] = parts(wanted);
  const isOld = major < leastMajor || (major === leastMajor && minor < leastMinor);
  const found = `Node is ${process.versions.node}`;
  return isOld
    ? fault('node', `${found}, and ${wanted} is needed.`, 'Install a newer Node, or start it by "npm start".')
    : ok('node', `${found}.`);
}

export const checkDataFolder: Check = ({ config: { dataDir } }) => {
  const problem = notWritable(dataDir, 'data', 'HOLDFAST_DATA');
  if (problem !== undefined) return [problem];
  const { bavail, bsize } = statfsSync(existing(dataDir));
  const free = bavail * bsize;
  const found = `${dataDir} is writable, and its disk has ${Math.floor(free / MIB)} MiB left`;
  const fix = 'Free some space, or set HOLDFAST_DATA to a folder on another disk.';
  if (free < FREE_LEAST) return [fault('data', `${found}, too little to keep orders in.`, fix)];
  return [free < FREE_WANTED ? warning('data', `${found}.`, fix) : ok('data', `${found}.`)];
};

export const checkStateFolder: Check = ({ config }) => {
  try {
    const folder = stateFolder(config);
    const found = ok('state', `${folder} is writable, and apart from the data folder.`);
    return [notWritable(folder, 'state', 'HOLDFAST_STATE') ?? found];
  } catch (error) {
    return faultsOf('state', error);
  }
};

export const checkKeys: Check = ({ config }) => {
  const { INTENT_SIGNING_KEY: signing, INTENT_VERIFY_KEYS: verifying } = config.settings;
  const file = signing === undefined ? signingKeyFile(config) : process.env['INTENT_SIGNING_KEY_FILE'];
  const isThere = signing !== undefined || existsSync(signingKeyFile(config));
  if (!isThere && verifying === undefined) {
    if (!process.env['TEMPORAL_ADDRESS']) return [ok('keys', 'There are none yet; "npm start" makes them.')];
    return [fault('keys', 'There are neither keys to sign with nor keys to verify with.', 'See "holdfast keygen".')];
  }
  try {
    const verdicts: Verdict[] = [];
    if (!isThere) verdicts.push(notChecked('keys', 'There is no key to sign with here, which ingress alone needs.'));
    else {
      loadSigningKey(config);
      const others = file === undefined || process.platform === 'win32' ? 0 : statSync(file).mode & OTHERS;
      const open = fault('keys', `Other users can reach the signing key ${file}: it trades.`, `chmod 600 ${file}`);
      verdicts.push(others === 0 ? ok('keys', 'The signing key is there, and for this user only.') : open);
    }
    const count = loadVerifyKeys(config).length;
    return [...verdicts, ok('keys', `Workers here believe ${count === 1 ? 'one key' : `${count} keys`}.`)];
  } catch (error) {
    return faultsOf('keys', error);
  }
};

export const checkPorts: Check = async ({ config: { settings }, health }) => {
  const isRunning = health !== undefined;
  const judge = async (name: 'PORT' | 'OPERATOR_PORT', host: string): Promise<Verdict> => {
    const port = settings[name];
    const where = `${name} ${port} on ${host}`;
    const code = await listenFault(host, port);
    if (code === undefined && isRunning) {
      const fix = `Was it started with another ${name}? Run the doctor with the same settings.`;
      return warning('ports', `Holdfast runs, and nobody listens at ${where}.`, fix);
    }
    if (code === undefined) return ok('ports', `${where} is free.`);
    if (code !== 'EADDRINUSE') return fault('ports', `${where} cannot be listened on (${code}).`, `Correct it.`);
    if (isRunning) return ok('ports', `${where} is in use by Holdfast.`);
    return fault('ports', `${where} is taken by another program.`, `Stop it, or set ${name} to another port.`);
  };
  return Promise.all([judge('PORT', settings.HOST), judge('OPERATOR_PORT', settings.OPERATOR_HOST)]);
};

function notWritable(folder: string, check: string, setting: string): Verdict | undefined {
  const there = existing(folder);
  const fix = `Make it writable for this user, or set ${setting} to another folder.`;
  if (!statSync(there).isDirectory()) return fault(check, `${there} is no folder.`, `Set ${setting} to a folder.`);
  try {
    accessSync(there, constants.W_OK | constants.X_OK);
    return undefined;
  } catch {
    return fault(check, `${there} is not writable.`, fix);
  }
}

/** The folder itself, or the nearest one above it that is there. */
function existing(folder: string): string {
  let there = folder;
  while (!existsSync(there)) there = dirname(there);
  return there;
}

/** Why a port cannot be listened on; undefined where it can. */
function listenFault(host: string, port: number): Promise<string | undefined> {
  return new Promise((done) => {
    const server = createServer();
    server.once('error', ({ code }: NodeJS.ErrnoException) => done(code ?? 'unknown'));
    server.listen({ host, port, exclusive: true }, () => server.close(() => done(undefined)));
  });
}
