import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';

import { runningProcesses } from '../../workers/process-table.ts';
import { boot, type Ending } from '../support/boot.ts';
import { eventually } from '../support/eventually.ts';
import { freePorts } from '../support/free-port.ts';
import { Holdfast, ROOT, type Reply } from '../support/holdfast.ts';
import { WITHOUT_LIMITS } from '../support/limits-off.ts';

/** A folder of the test's own. What still runs on it a while after the test is a fault, and is stopped. */
function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'holdfast-boot-'));
  t.after(async () => {
    await eventually(
      () => leftOn(folder),
      (pids) => pids.length === 0,
      { withinMs: 10_000, what: 'the end of what was started' },
    ).finally(() => {
      for (const pid of leftOn(folder)) process.kill(pid, 'SIGKILL');
      rmSync(folder, { recursive: true, force: true });
    });
  });
  return folder;
}

/** Processes whose command line names a folder: the engine's does, by its database. */
const leftOn = (folder: string): number[] =>
  runningProcesses()
    .filter(({ command }) => command.includes(folder))
    .map(({ pid }) => pid);

/** Settings of an installation that is sound. */
async function soundEnv(folder: string): Promise<Record<string, string>> {
  const [port, operatorPort, temporalPort, uiPort] = await freePorts(4);
  return {
    HOLDFAST_DATA: join(folder, 'data'),
    PORT: String(port),
    OPERATOR_PORT: String(operatorPort),
    TEMPORAL_PORT: String(temporalPort),
    TEMPORAL_UI_PORT: String(uiPort),
  };
}

/** One sentence or two for a person: no stack, no code of a library on its own, and no object. */
function assertSentence({ code, output }: Ending, exitCode: number, ...words: (string | RegExp)[]): void {
  assert.equal(code, exitCode, output);
  assert.doesNotMatch(output, /^\s+at .+:\d+:\d+/m, output);
  assert.doesNotMatch(output, /\[object |undefined|Holdfast is ready/, output);
  assert.match(output, /^[A-Z].*[a-z)'"]\. [A-Z].*\.$/m, `a sentence and what to do about it: ${output}`);
  for (const word of words) assert.match(output, word instanceof RegExp ? word : new RegExp(escaped(word)), output);
}

const escaped = (text: string): string => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

async function listen(t: TestContext, server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

test('everything that is wrong with the configuration is told at once, and nothing is started', async (t) => {
  const folder = folderOf(t);
  const file = join(folder, 'holdfast.yaml');
  writeFileSync(
    file,
    `
default_account: nobody
accounts:
  Main: { venue: paper }
  futures: { venue: ninjatrader }
  paper: { venue: paper, balances: { USDT: plenty }, colour: red }
strategies:
  trend: { token: "\${NO_SUCH_VARIABLE}", accounts: [elsewhere], ip_allow: [tradingview] }
`,
  );
  const ending = await boot({
    env: {
      ...(await soundEnv(folder)),
      HOLDFAST_CONFIG: file,
      OPERATOR_PORT: 'high',
      MIN_CONFIDENCE: '7',
      HOLDFAST_DEPLOYMENT: 'My House',
      LOG_LEVEL: 'loud',
      OPERATOR_HOST: '0.0.0.0',
      WEBHOOK_SECRET_FILE: join(folder, 'no-such-file'),
    },
  });
  assert.equal(ending.code, 78, ending.output);
  const paths = [
    'OPERATOR_PORT',
    'MIN_CONFIDENCE',
    'HOLDFAST_DEPLOYMENT',
    'LOG_LEVEL',
    'OPERATOR_TOKEN',
    'WEBHOOK_SECRET_FILE',
    'accounts.Main',
    'accounts.futures',
    'accounts.paper.balances.USDT',
    'accounts.paper.colour',
    'strategies.trend.token',
  ];
  for (const path of paths) {
    const line = new RegExp(`^ +${escaped(path)}\\S*: ["A-Z].+[.?!] [A-Z].+\\.$`, 'm');
    assert.match(ending.output, line, `${path} with a sentence and a fix: ${ending.output}`);
  }
  assert.match(ending.output, /The configuration has \d+ faults; nothing was started\./);
  assert.ok(!existsSync(join(folder, 'data')));
});

test('faults of meaning are told at once too', async (t) => {
  const folder = folderOf(t);
  const file = join(folder, 'holdfast.yaml');
  writeFileSync(
    file,
    `
default_account: nobody
accounts: { paper: { venue: paper } }
strategies:
  one: { accounts: [elsewhere] }
  two: {}
`,
  );
  const env = { ...(await soundEnv(folder)), HOLDFAST_CONFIG: file, HOST: '0.0.0.0', WEBHOOK_SECRET: 'secret' };
  const ending = await boot({ env });
  assert.equal(ending.code, 78, ending.output);
  for (const path of [
    'default_account',
    'strategies.one.accounts',
    'strategies.one',
    'strategies.two',
    'WEBHOOK_SECRET',
  ]) {
    assert.match(ending.output, new RegExp(`^ +${escaped(path)}: `, 'm'), `${path}: ${ending.output}`);
  }
});

test('a fault of form does not hide a fault of meaning', async (t) => {
  const folder = folderOf(t);
  const file = join(folder, 'holdfast.yaml');
  const strategy = 'strategies: { one: { accounts: [elsewhere] } }';
  writeFileSync(file, `accounts: { paper: { venue: paper, colour: red } }\ndefault_account: nobody\n${strategy}\n`);
  const ending = await boot({ env: { ...(await soundEnv(folder)), HOLDFAST_CONFIG: file } });
  assert.equal(ending.code, 78, ending.output);
  for (const path of ['accounts.paper.colour', 'default_account', 'strategies.one.accounts']) {
    assert.match(ending.output, new RegExp(`^ +${escaped(path)}: `, 'm'), `${path}: ${ending.output}`);
  }
});

test('one mistake in the YAML is one fault', async (t) => {
  const folder = folderOf(t);
  const file = join(folder, 'holdfast.yaml');
  // Inside braces a text with braces of its own needs quotes.
  const accounts = [
    'binance: { venue: ccxt, exchange: binance, mode: dry_run, api_key: ${KEY} }',
    'paper: { venue: paper }',
  ];
  writeFileSync(file, `accounts:\n${accounts.map((line) => `  ${line}\n`).join('')}strategies:\n  one: {}\n`);
  const ending = await boot({ env: { ...(await soundEnv(folder)), HOLDFAST_CONFIG: file } });
  assert.equal(ending.code, 78, ending.output);
  assert.match(ending.output, /HOLDFAST_CONFIG: .*YAML.*line 2/);
  assert.match(ending.output, /The configuration has one fault/);
});

test('a file that is not there, and one that is no YAML, are faults', async (t) => {
  const folder = folderOf(t);
  const env = await soundEnv(folder);
  const missing = await boot({ env: { ...env, HOLDFAST_CONFIG: join(folder, 'missing.yaml') } });
  assert.equal(missing.code, 78, missing.output);
  assert.match(missing.output, /HOLDFAST_CONFIG: .*missing\.yaml/);
  const file = join(folder, 'broken.yaml');
  writeFileSync(file, 'accounts: { paper: { venue: paper }\nstrategies: [');
  const broken = await boot({ env: { ...env, HOLDFAST_CONFIG: file } });
  assert.equal(broken.code, 78, broken.output);
  assert.match(broken.output, /no valid YAML/);
});

for (const entry of ['ingress', 'order-worker']) {
  test(`without a key, ${entry} on its own is a fault of the configuration`, async (t) => {
    const folder = folderOf(t);
    const ending = await boot({ entry, env: { ...(await soundEnv(folder)), TEMPORAL_ADDRESS: '127.0.0.1:9' } });
    assert.equal(ending.code, 78, ending.output);
    assert.match(ending.output, entry === 'ingress' ? /INTENT_SIGNING_KEY/ : /INTENT_VERIFY_KEYS/);
  });
}

for (const setting of ['PORT', 'OPERATOR_PORT']) {
  test(`a taken ${setting} ends the start with a sentence that names it`, async (t) => {
    const folder = folderOf(t);
    const port = await listen(t, createServer());
    const ending = await boot({ env: { ...(await soundEnv(folder)), [setting]: String(port) } });
    assertSentence(ending, 1, `port ${port}`, new RegExp(`\\b${setting}\\b`));
  });
}

test('taken ports of the engine are replaced by free ones', async () => {
  const first = await Holdfast.start();
  const { port } = new URL(`http://${first.temporalAddress}`);
  const second = await Holdfast.start({ env: { TEMPORAL_PORT: port } });
  try {
    assert.match(second.output, new RegExp(`Port ${port} is taken`));
    const { body } = await second.post({ symbol: 'BTC/USDT', action: 'buy', quantity: 1 });
    assert.equal(body.status, 'dry_run');
  } finally {
    await Promise.all([first.dispose(), second.dispose()]);
  }
});

test('a second start on the same data folder ends with a sentence, and leaves the first alone', async (t) => {
  const holdfast = await Holdfast.start();
  t.after(() => holdfast.dispose());
  const folder = folderOf(t);
  const env = { ...(await soundEnv(folder)), HOLDFAST_DATA: join(holdfast.dataDir, 'data') };
  assertSentence(await boot({ env }), 1, 'Another Holdfast is running', 'HOLDFAST_DATA');
  const { body } = await holdfast.post({ symbol: 'BTC/USDT', action: 'buy', quantity: 1, account: 'paper' });
  assert.equal(body.status, 'filled');
});

test('a data folder that is a file, or under a file, ends the start with a sentence', async (t) => {
  const folder = folderOf(t);
  const file = join(folder, 'file');
  writeFileSync(file, 'not a folder');
  for (const HOLDFAST_DATA of [file, join(file, 'data')]) {
    const ending = await boot({ env: { ...(await soundEnv(folder)), HOLDFAST_DATA } });
    assertSentence(ending, 1, HOLDFAST_DATA);
  }
});

test('a data folder whose database is damaged ends the start with a sentence', async (t) => {
  const folder = folderOf(t);
  const env = await soundEnv(folder);
  mkdirSync(join(folder, 'data'));
  writeFileSync(join(folder, 'data', 'temporal.db'), 'This is no database. '.repeat(1_000));
  const ending = await boot({ env });
  assert.equal(ending.code, 1, ending.output);
  assert.match(ending.output, /temporal/i);
  assert.ok(readdirSync(join(folder, 'data')).includes('temporal.db'), 'it is not replaced');
});

/** Nobody, for whom a folder of root's is read-only. */
const NOBODY = 65_534;

/** Whether a user could run this checkout at all. */
function canRun(uid: number): boolean {
  const script = "fs.readdirSync('.cache/workflows'); fs.readFileSync('package.json')";
  const tried = spawnSync(process.execPath, ['--eval', script], { cwd: ROOT, uid, gid: uid });
  return tried.status === 0;
}

test('a data folder that is read-only ends the start with a sentence', async (t) => {
  const isRoot = process.getuid?.() === 0;
  if (isRoot && !canRun(NOBODY)) return t.skip('root writes everywhere, and this checkout is closed to other users');
  const folder = folderOf(t);
  const env = await soundEnv(folder);
  const uid = isRoot ? { uid: NOBODY } : {};
  mkdirSync(join(folder, 'data'));
  try {
    for (const one of [join(folder, 'data'), folder]) chmodSync(one, 0o555);
    assertSentence(await boot({ env, ...uid }), 1, join(folder, 'data'), 'not writable');
    // A folder that cannot even be made.
    const HOLDFAST_DATA = join(folder, 'other');
    assertSentence(await boot({ env: { ...env, HOLDFAST_DATA }, ...uid }), 1, HOLDFAST_DATA);
  } finally {
    for (const one of [folder, join(folder, 'data')]) chmodSync(one, 0o755);
  }
});

test('a data folder on a full disk ends the start with a sentence', async (t) => {
  const folder = folderOf(t);
  const disk = join(folder, 'disk');
  mkdirSync(disk);
  if (!runs('mount', '-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk))
    return t.skip('this user cannot mount a disk that is small enough');
  try {
    const env = { ...(await soundEnv(folder)), HOLDFAST_DATA: join(disk, 'data') };
    // There is room for the keys, and not for the engine; then there is none at all.
    assertSentence(await boot({ env }), 1, join(disk, 'data'), /full/);
    rmSync(join(disk, 'data'), { recursive: true });
    assert.throws(() => writeFileSync(join(disk, 'filler'), Buffer.alloc(128 * 1024)), /ENOSPC/);
    assertSentence(await boot({ env }), 1, join(disk, 'data'), /full/);
  } finally {
    runs('umount', '-l', disk);
  }
});

/** Whether a command of the system, which may not be there, does what it is told. */
function runs(command: string, ...args: string[]): boolean {
  return spawnSync(command, args).status === 0;
}

const ADDRESSES = {
  'nobody answers': async () => (await freePorts(1))[0]!,
  'a web server answers': (t: TestContext) =>
    listen(
      t,
      createHttpServer((_, response) => response.end('hello')),
    ),
  'somebody listens in silence': (t: TestContext) => listen(t, createServer()),
  'somebody hangs up': (t: TestContext) =>
    listen(
      t,
      createServer((socket) => socket.destroy()),
    ),
};

for (const [name, portOf] of Object.entries(ADDRESSES)) {
  test(`TEMPORAL_ADDRESS where ${name} ends the start with a sentence`, async (t) => {
    const folder = folderOf(t);
    const address = `127.0.0.1:${await portOf(t)}`;
    const ending = await boot({ env: { ...(await soundEnv(folder)), TEMPORAL_ADDRESS: address } });
    assert.equal(ending.code, 1, ending.output);
    assert.doesNotMatch(ending.output, /^\s+at .+:\d+:\d+/m, ending.output);
    assert.match(ending.output, new RegExp(`^[A-Z].*${escaped(address)}.*`, 'm'), ending.output);
  });
}

test('Ctrl-C, twice as a terminal and a launcher send it, is a clean end', async () => {
  const holdfast = await Holdfast.start();
  const engine = holdfast.enginePid()!;
  await holdfast.post({ symbol: 'BTC/USDT', action: 'buy', quantity: 0.01, account: 'paper' });
  const ended = holdfast.ended();
  holdfast.signal('SIGINT');
  await eventually(
    () =>
      fetch(`${holdfast.publicUrl}/ready`).then(
        ({ ok }) => ok,
        () => false,
      ),
    (ready) => !ready,
    { everyMs: 5, what: 'the stop being under way' },
  );
  holdfast.signal('SIGINT');
  assert.equal(await ended, 0, holdfast.output);
  assert.ok(!runningProcesses().some(({ pid, command }) => pid === engine && command.includes('temporal.db')));
  const left = readdirSync(join(holdfast.dataDir, 'data'));
  assert.ok(!left.includes('lock') && !left.includes('temporal.pid'), left.join());
  // It starts again on what it left.
  await holdfast.start();
  await holdfast.dispose();
});

const MOMENTS: Readonly<Record<string, (folder: string, output: string) => boolean>> = {
  'the engine has just been started': (folder) => leftOn(folder).length > 0,
  'the engine is ready': (_folder, output) => output.includes('Temporal server is ready'),
};

for (const [moment, hasCome] of Object.entries(MOMENTS)) {
  test(`Ctrl-C when ${moment} is a clean end`, async (t) => {
    const folder = folderOf(t);
    const ending = await boot({
      env: await soundEnv(folder),
      meanwhile: async (child, output) => {
        await eventually(() => hasCome(folder, output()), Boolean, { everyMs: 5, what: moment });
        child.kill('SIGINT');
      },
    });
    assert.equal(ending.code, 0, ending.output);
  });
}

test('a stop while alerts come in loses nothing that was answered, and books nothing twice', async () => {
  const holdfast = await Holdfast.start({ config: WITHOUT_LIMITS });
  try {
    const answered: Reply[] = [];
    const other: string[] = [];
    let sent = 0;
    let over = false;
    const sender = async (): Promise<void> => {
      while (!over) {
        const id = `stop-${(sent += 1)}`;
        const resting = sent % 5 === 0 ? { order_type: 'limit', limit_price: 60_000 } : {};
        const alert = { id, symbol: 'BTC/USDT', action: 'buy', quantity: '0.001', account: 'paper', ...resting };
        await holdfast.post(alert).then(
          (reply) =>
            reply.http < 300
              ? answered.push(reply)
              : other.push(`${reply.http} ${reply.body.code ?? JSON.stringify(reply.body)}`),
          () => (over = true),
        );
      }
    };
    const senders = Array.from({ length: 8 }, sender);
    await eventually(
      () => answered.length,
      (count) => count >= 40,
      { what: 'forty answers' },
    );
    const code = await holdfast.stop();
    over = true;
    await Promise.all(senders);
    assert.equal(code, 0, holdfast.output);
    // Whoever comes while it stops is told to come again, and nothing worse.
    assert.deepEqual(
      other.filter((what) => what !== '503 UNAVAILABLE'),
      [],
    );

    await holdfast.start();
    for (const { body } of answered) {
      const wanted = body.order_type === 'limit' ? 'working' : 'filled';
      await eventually(
        () => holdfast.operator<{ order: { status: string } }>(`/orders/${encodeURIComponent(body.workflow_id)}`),
        ({ order }) => order.status === wanted,
        { what: `${body.workflow_id} being ${wanted}` },
      );
    }
    const booked = holdfast.paperBook().orders.map(({ client_order_id: id }) => id);
    assert.deepEqual(
      answered.filter(({ body }) => !booked.includes(body.client_order_id)),
      [],
    );
    assert.ok(booked.length <= sent, `${booked.length} orders of ${sent} alerts`);
  } finally {
    await holdfast.dispose();
  }
});
