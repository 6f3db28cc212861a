import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { before, describe, type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { tsToMs } from '@temporalio/common/lib/time.js';
import { EngineFault, startEmbeddedTemporal } from '../../workers/embedded-temporal.ts';
import { runningProcesses } from '../../workers/process-table.ts';
import { findTemporalCli } from '../../workers/temporal-cli.ts';

const root = join(import.meta.dirname, '..', '..');
const DAY_MS = 24 * 60 * 60 * 1_000;

let cli = '';
/** What the running test has started, stopped before its folder goes. */
const started: (() => Promise<void>)[] = [];

before(async () => {
  cli = await findTemporalCli({ env: process.env, cacheDir: join(root, '.cache'), note: () => undefined });
});

function dataFolder(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'holdfast-engine-')));
  t.after(async () => {
    await Promise.allSettled(started.splice(0).map((stop) => stop()));
    // A test that failed half way may have left something running.
    for (const pid of serversOn(folder)) process.kill(pid, 'SIGKILL');
    await until(() => serversOn(folder).length === 0);
    rmSync(folder, { recursive: true, force: true });
  });
  return folder;
}

async function start(dataDir: string, more: Partial<Parameters<typeof startEmbeddedTemporal>[0]> = {}) {
  const said: string[] = [];
  const say = (_: object, line: string) => said.push(line);
  const log = { info: say, warn: say, error: say };
  const server = await startEmbeddedTemporal({ cli, dataDir, port: 0, uiPort: 0, log, ...more });
  started.push(() => server.stop());
  return { server, said };
}

/** Another process that owns a server, as `npm start` does. */
async function startElsewhere(dataDir: string) {
  const source = `
    import { startEmbeddedTemporal } from ${JSON.stringify(join(root, 'workers', 'embedded-temporal.ts'))};
    const log = { info() {}, warn() {}, error() {} };
    const [cli, dataDir] = process.argv.slice(1);
    const { address } = await startEmbeddedTemporal({ cli, dataDir, port: 0, uiPort: 0, log });
    console.log(address);
  `;
  const flags = ['--disable-warning=ExperimentalWarning', '--input-type=module', '--eval', source];
  const owner = spawn(process.execPath, [...flags, cli, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = once(owner, 'exit');
  const kill = async () => {
    owner.kill('SIGKILL');
    await ended;
  };
  started.push(kill);
  const [address] = (await once(createInterface(owner.stdout), 'line')) as [string];
  return { pid: owner.pid, address, kill };
}

function serversOn(dataDir: string): number[] {
  const ours = runningProcesses().filter(({ command }) => command.includes(` ${join(dataDir, 'temporal.db')} `));
  return ours.map(({ pid }) => pid);
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 20_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, 'what was waited for did not come within 20 seconds');
    await sleep(10);
  }
}

async function retentionOf(address: string): Promise<number> {
  const connection = await Connection.connect({ address, connectTimeout: '2 seconds' });
  try {
    const { config } = await connection.workflowService.describeNamespace({ namespace: 'default' });
    return tsToMs(config?.workflowExecutionRetentionTtl);
  } finally {
    await connection.close();
  }
}

async function heldPort() {
  const holder = createServer().listen(0, '127.0.0.1');
  await once(holder, 'listening');
  const release = async () => {
    holder.close();
    await once(holder, 'close');
  };
  return { port: (holder.address() as AddressInfo).port, release };
}

describe('the embedded Temporal server', () => {
  test('retention is 90 days, also on the second start', async (t) => {
    const folder = dataFolder(t);
    for (const _ of [1, 2]) {
      const { server } = await start(folder);
      assert.equal(await retentionOf(server.address), 90 * DAY_MS);
      await server.stop();
    }
  });

  test('stopping twice is the same as once and leaves no process and no lock', async (t) => {
    const folder = dataFolder(t);
    const { server } = await start(folder);
    assert.equal(serversOn(folder).length, 1);
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    assert.deepEqual(serversOn(folder), []);
    assert.equal(existsSync(join(folder, 'temporal.pid')), false);
    assert.equal(existsSync(join(folder, 'lock')), false);
  });

  test('a server left behind by a killed run is stopped, never doubled', async (t) => {
    const folder = dataFolder(t);
    const killed = await startElsewhere(folder);
    await killed.kill();
    const [orphan] = serversOn(folder);
    assert.ok(orphan, 'the server outlives its killed owner');

    let most = 0;
    let isUp = false;
    const starting = start(folder).finally(() => (isUp = true));
    await until(() => {
      most = Math.max(most, serversOn(folder).length);
      return isUp;
    });
    const { server } = await starting;
    assert.equal(most, 1);
    assert.equal(serversOn(folder).length, 1);
    assert.notEqual(serversOn(folder)[0], orphan);
    assert.equal(await retentionOf(server.address), 90 * DAY_MS);
  });

  test('a lost server is started again on the same port', async (t) => {
    const folder = dataFolder(t);
    const reasons: string[] = [];
    const { server, said } = await start(folder, { onGone: (reason) => reasons.push(reason) });
    for (const losses of [1, 2]) {
      const [lost = 0] = serversOn(folder);
      process.kill(lost, 'SIGKILL');
      await until(() => said.filter((line) => line === 'The embedded Temporal server is ready').length === losses + 1);
      assert.equal(reasons.length, losses);
      assert.equal(await retentionOf(server.address), 90 * DAY_MS);
      const { pid } = JSON.parse(readFileSync(join(folder, 'temporal.pid'), 'utf8')) as { pid: number };
      assert.deepEqual(serversOn(folder), [pid]);
      assert.notEqual(pid, lost);
    }
  });

  test('a lost server is not started again once the stop has begun', async (t) => {
    const folder = dataFolder(t);
    const { server } = await start(folder);
    const [lost = 0] = serversOn(folder);
    process.kill(lost, 'SIGKILL');
    await until(() => serversOn(folder).length === 0);
    await server.stop();
    assert.deepEqual(serversOn(folder), []);
  });

  test('a second owner of the same data folder is refused by pid', async (t) => {
    const folder = dataFolder(t);
    const other = await startElsewhere(folder);
    await assert.rejects(start(folder), (error: Error) => {
      assert.ok(error instanceof EngineFault);
      assert.match(
        error.message,
        new RegExp(`Another Holdfast is running on .*process ${other.pid}\\b.*HOLDFAST_DATA`),
      );
      return true;
    });
    assert.equal(serversOn(folder).length, 1);
    assert.equal(await retentionOf(other.address), 90 * DAY_MS);
  });

  test('of several that start on one data folder at the same moment, one does', async (t) => {
    const folder = dataFolder(t);
    const starts = await Promise.allSettled([1, 2, 3].map(() => start(folder)));
    assert.equal(starts.filter(({ status }) => status === 'fulfilled').length, 1);
    assert.equal(serversOn(folder).length, 1);
  });

  test('a server that somebody started by hand on the database is not touched', async (t) => {
    const folder = dataFolder(t);
    const { port, release } = await heldPort();
    await release();
    const database = ['--db-filename', join(folder, 'temporal.db')];
    const byHand = spawn(cli, ['server', 'start-dev', '--headless', '--port', String(port), ...database]);
    await until(() => serversOn(folder).length === 1);
    await assert.rejects(start(folder), new RegExp(`did not start \\(process ${byHand.pid}\\)`));
    assert.equal(byHand.exitCode, null);
    assert.equal(existsSync(join(folder, 'lock')), false);
  });

  test('ports that are free are used as wanted', async (t) => {
    const [{ port, release }, ui] = [await heldPort(), await heldPort()];
    await Promise.all([release(), ui.release()]);
    const { server } = await start(dataFolder(t), { port, uiPort: ui.port });
    assert.equal(server.address, `127.0.0.1:${port}`);
    assert.equal(server.uiUrl, `http://127.0.0.1:${ui.port}`);
  });

  test('a taken port moves to a free one', async (t) => {
    const [held, uiHeld] = [await heldPort(), await heldPort()];
    started.push(held.release, uiHeld.release);
    const { port } = held;
    const { port: uiPort } = uiHeld;
    const { server, said } = await start(dataFolder(t), { port, uiPort });
    assert.notEqual(server.address, `127.0.0.1:${port}`);
    assert.notEqual(server.uiUrl, `http://127.0.0.1:${uiPort}`);
    assert.equal(await retentionOf(server.address), 90 * DAY_MS);
    assert.equal((await fetch(server.uiUrl)).status, 200);
    assert.ok(said.some((line) => line.startsWith(`Port ${port} is taken`)));
    assert.ok(said.some((line) => line.startsWith(`Port ${uiPort} is taken`)));
  });

  test('a CLI that ends at once is a fault that quotes its last lines', async (t) => {
    const folder = dataFolder(t);
    const broken = join(folder, 'broken-cli');
    writeFileSync(broken, '#!/bin/sh\necho "cannot go on" >&2\nexit 3\n');
    chmodSync(broken, 0o755);
    await assert.rejects(start(folder, { cli: broken }), (error: Error) => {
      assert.ok(error instanceof EngineFault);
      assert.match(error.message, /ended at once \(exit code 3\).*cannot go on/);
      return true;
    });
    // The fault leaves the folder free for the next start.
    const { server } = await start(folder);
    assert.equal(await retentionOf(server.address), 90 * DAY_MS);
  });

  test('a data folder that cannot be one is a fault that names it', async (t) => {
    const file = join(dataFolder(t), 'a-file');
    writeFileSync(file, '');
    await assert.rejects(start(join(file, 'data')), (error: Error) => {
      assert.ok(error instanceof EngineFault);
      assert.ok(error.message.includes(join(file, 'data')), error.message);
      return true;
    });
  });

  test('a full disk and a folder without permission are told apart', async (t) => {
    const folder = dataFolder(t);
    const saying = (line: string) => {
      const path = join(folder, 'stand-in');
      writeFileSync(path, `#!/bin/sh\necho "${line}" >&2\nexit 1\n`);
      chmodSync(path, 0o755);
      return path;
    };
    const full = saying('Error: failed starting server: database or disk is full (13)');
    await assert.rejects(start(folder, { cli: full }), /The disk of the data folder .* is full/);
    const closed = saying('Error: unable to create SQLite admin DB: unable to open database file (14)');
    await assert.rejects(start(folder, { cli: closed }), /The data folder .* is not writable/);
  });
});
