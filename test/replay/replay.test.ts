import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, describe, test } from 'node:test';

import {
  eventsOf,
  parseHistory,
  withoutActivity,
  type HistoryEventJson,
  type HistoryJson,
} from '../support/history.ts';
import { ROOT } from '../support/holdfast.ts';
import { runCommand } from '../support/run-command.ts';

const GOLDEN = join(ROOT, 'test', 'replay');
const files = globSync('**/*.json', { cwd: GOLDEN }).toSorted();
const folder = mkdtempSync(join(tmpdir(), 'holdfast-replay-'));
after(() => rmSync(folder, { recursive: true, force: true }));

interface Report {
  readonly histories: readonly {
    readonly source: string;
    readonly workflow_id: string | null;
    readonly order_status: string | null;
    readonly verdict: string;
    readonly differences: readonly { where: string; path: string; recorded?: unknown; now?: unknown }[];
    readonly problem: string | null;
  }[];
  readonly replayed: number;
  readonly same: number;
  readonly other: number;
}

const golden = (name: string): HistoryJson => parseHistory(readFileSync(join(GOLDEN, `${name}.json`), 'utf8'));

function write(name: string, content: unknown): string {
  const file = join(folder, name);
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

/** What the command reports of one history, and with which exit code. */
async function replayOne(content: unknown): Promise<Report['histories'][number] & { code: number | null }> {
  const { code, stdout, stderr } = await runCommand(['replay', write('one.json', content), '--json']);
  assert.notEqual(stdout, '', stderr);
  const { histories } = JSON.parse(stdout) as Report;
  assert.equal(histories.length, 1);
  return { ...histories[0]!, code };
}

/** The same history with one member of one value changed, as if the code had decided otherwise when it was recorded. */
function changed(history: HistoryJson, at: HistoryEventJson | undefined, path: string, value: unknown): HistoryJson {
  const copy = structuredClone(history) as { events: HistoryEventJson[] };
  const event = copy.events.find(({ eventId }) => eventId === at?.eventId);
  let count = 0;
  const rewrite = (node: unknown): void => {
    if (typeof node !== 'object' || node === null) return;
    const { data, metadata } = node as { data?: unknown; metadata?: unknown };
    if (typeof data !== 'string' || metadata === undefined) return Object.values(node).forEach(rewrite);
    const content = JSON.parse(Buffer.from(data, 'base64').toString()) as Record<string, unknown> | number;
    // A memo holds more than the answer.
    if (typeof content === 'number') return;
    const names = path.split('.');
    const holder = names
      .slice(0, -1)
      .reduce<unknown>((inner, name) => (inner as Record<string, unknown>)[name], content);
    (holder as Record<string, unknown>)[names.at(-1)!] = value;
    (node as { data: string }).data = Buffer.from(JSON.stringify(content)).toString('base64');
    count += 1;
  };
  rewrite(Object.entries(event ?? {}).find(([name]) => name.endsWith('EventAttributes'))?.[1]);
  assert.equal(count, 1, 'one value is changed');
  return copy;
}

describe('the recorded histories', () => {
  test('are there for each way in which an order can go, and all replay the same', async () => {
    const { code, stdout, stderr } = await runCommand(['replay', ...files.map((file) => join(GOLDEN, file)), '--json']);
    const { histories, ...counts } = JSON.parse(stdout) as Report;
    assert.deepEqual(
      histories.filter(({ verdict }) => verdict !== 'same'),
      [],
    );
    assert.deepEqual(counts, { replayed: files.length, same: files.length, other: 0 });
    assert.deepEqual([code, stderr], [0, '']);
    const statuses = Object.fromEntries(histories.map((each) => [basename(each.source, '.json'), each.order_status]));
    assert.deepEqual(statuses, {
      account: null,
      'breaker-open': 'filled',
      canceled: 'canceled',
      closed: 'closed',
      denied: 'denied',
      exit: 'filled',
      expired: 'expired',
      filled: 'filled',
      held: 'closed',
      moved: 'closed',
      partial: 'canceled',
      rejected: 'rejected',
      resting: 'working',
      'taken-out': 'closed',
      trailed: 'closed',
      'unknown-then-absent': 'filled',
      'unknown-then-found': 'filled',
      watched: 'closed',
    });
  });

  test('make one line each where a folder is named, and a summary', async () => {
    const { code, stdout } = await runCommand(['replay', GOLDEN]);
    const lines = stdout.trimEnd().split('\n');
    const count = files.filter((file) => file === basename(file)).length;
    assert.equal(lines.length, count + 1);
    assert.match(lines[0]!, /^account:binance {2}same {2}\(.*account\.json\)$/);
    assert.match(lines[1]!, /^order:trend:breaker-open {2}filled {2}same {2}\(.*breaker-open\.json\)$/);
    assert.equal(lines.at(-1), `${count} replayed: ${count} the same, 0 not.`);
    assert.equal(code, 0);
  });

  test('hold what their names say', () => {
    const activities = (name: string): string[] =>
      eventsOf(golden(name), 'ACTIVITY_TASK_SCHEDULED').map(
        (event) =>
          (event['activityTaskScheduledEventAttributes'] as { activityType: { name: string } }).activityType.name,
      );
    assert.deepEqual(activities('denied'), []);
    assert.deepEqual(activities('unknown-then-found'), ['placeOrder', 'findOrder']);
    assert.deepEqual(activities('unknown-then-absent'), ['placeOrder', 'findOrder', 'placeOrder']);
    assert.match(JSON.stringify(golden('breaker-open')), /The circuit breaker is open\./);
    assert.equal(eventsOf(golden('canceled'), 'WORKFLOW_EXECUTION_UPDATE_COMPLETED').length, 1);
    assert.equal(eventsOf(golden('resting'), 'WORKFLOW_EXECUTION_COMPLETED').length, 0);
    assert.match(
      JSON.stringify(eventsOf(golden('partial'), 'UPSERT_WORKFLOW_SEARCH_ATTRIBUTES')),
      /InBhcnRpYWxseV9maWxsZWQi/,
    );
  });

  test('tell of no machine and hold no secret', () => {
    for (const file of files) {
      const text = readFileSync(join(GOLDEN, file), 'utf8');
      const values = [...text.matchAll(/"([A-Za-z0-9+/=]{8,})"/g)].map(([, data]) => Buffer.from(data!, 'base64'));
      const open = [text, ...values].join('\n');
      for (const [, identity] of text.matchAll(/"identity": "(.*)"/g)) assert.equal(identity, 'worker@holdfast');
      for (const [, stack] of text.matchAll(/"stackTrace": "(.*)"/g)) assert.equal(stack, '');
      for (const tale of ['file:///', 'node_modules', 'demo-key', 'demo-secret', 'the secret of', '127.0.0.1']) {
        assert.ok(!open.includes(tale), `${file}: ${tale}`);
      }
    }
  });
});

test('what is recorded is never recorded over', () => {
  const before = files.map((file) => statSync(join(GOLDEN, file)).mtimeMs);
  const script = join(ROOT, 'scripts', 'record-histories.ts');
  const { status, stderr } = spawnSync(process.execPath, [script], { cwd: ROOT, encoding: 'utf8' });
  assert.equal(status, 1);
  assert.match(stderr, /Recorded histories are never rewritten/);
  const after = files.map((file) => statSync(join(GOLDEN, file)).mtimeMs);
  assert.deepEqual(after, before);
});

describe('a history that the code does not agree with is reported, with exit code 1', () => {
  test('an activity that was taken out of it', async () => {
    const { verdict, problem, code } = await replayOne(withoutActivity(golden('filled'), 'placeOrder'));
    assert.deepEqual([verdict, code], ['nondeterministic', 1]);
    assert.match(problem!, /activity/i);
  });

  test('another activity in the place of one', async () => {
    const text = JSON.stringify(golden('filled')).replace('"name":"placeOrder"', '"name":"cancelOrder"');
    const { verdict, problem, code } = await replayOne(text);
    assert.deepEqual([verdict, code], ['nondeterministic', 1]);
    assert.match(problem!, /cancelOrder.*placeOrder/);
  });

  const scheduled = (name: string): HistoryEventJson | undefined =>
    eventsOf(golden(name), 'ACTIVITY_TASK_SCHEDULED')[0];
  const ending = (name: string): HistoryEventJson | undefined =>
    eventsOf(golden(name), 'WORKFLOW_EXECUTION_COMPLETED')[0];

  test('another quantity in what placeOrder was given', async () => {
    const history = changed(golden('filled'), scheduled('filled'), 'signed.intent.quantity', '0.02');
    const { verdict, differences, code } = await replayOne(history);
    const where = 'placeOrder (activity 2)';
    assert.deepEqual([verdict, code], ['differs', 1]);
    assert.deepEqual(differences, [{ where, path: 'signed.intent.quantity', recorded: '0.02', now: '0.01' }]);
  });

  test('a member that placeOrder was given, and is not given now', async () => {
    const history = changed(golden('filled'), scheduled('filled'), 'absence', { runId: 'x', proof: 'y' });
    const { verdict, differences } = await replayOne(history);
    assert.equal(verdict, 'differs');
    assert.deepEqual(differences, [
      { where: 'placeOrder (activity 2)', path: 'absence', recorded: { runId: 'x', proof: 'y' } },
    ]);
  });

  test('another result', async () => {
    const { verdict, differences, code } = await replayOne(
      changed(golden('filled'), ending('filled'), 'filled_quantity', '0.5'),
    );
    assert.deepEqual([verdict, code], ['differs', 1]);
    assert.deepEqual(differences, [{ where: 'the result', path: 'filled_quantity', recorded: '0.5', now: '0.01' }]);
  });

  test('another answer to an update', async () => {
    const [answered] = eventsOf(golden('canceled'), 'WORKFLOW_EXECUTION_UPDATE_COMPLETED');
    const { differences } = await replayOne(changed(golden('canceled'), answered, 'status', 'filled'));
    assert.deepEqual(differences, [
      { where: 'the answer to cancel', path: 'status', recorded: 'filled', now: 'canceled' },
    ]);
  });

  test('another answer published while it rested', async () => {
    const [published] = eventsOf(golden('resting'), 'WORKFLOW_PROPERTIES_MODIFIED');
    const { differences } = await replayOne(changed(golden('resting'), published, 'order_id', '7'));
    assert.deepEqual(
      differences.map(({ where, path, recorded }) => ({ where, path, recorded })),
      [{ where: 'memo (change 1)', path: 'answer.order_id', recorded: '7' }],
    );
  });

  test('another status in the list of orders', async () => {
    const text = JSON.stringify(golden('rejected'));
    const [from, to] = ['"rejected"', '"canceled"'].map((status) => Buffer.from(status).toString('base64'));
    const { differences } = await replayOne(text.replace(from!, to!));
    assert.deepEqual(differences, [
      { where: 'search attributes (change 1)', path: 'OrderStatus', recorded: 'canceled', now: 'rejected' },
    ]);
  });

  test('another order at the start than the one that was checked and placed', async () => {
    const [started] = eventsOf(golden('filled'), 'WORKFLOW_EXECUTION_STARTED');
    const text = JSON.stringify(golden('filled'));
    const input = (started!['workflowExecutionStartedEventAttributes'] as { input: { payloads: [{ data: string }] } })
      .input;
    const { data } = input.payloads[0];
    const sold = Buffer.from(Buffer.from(data, 'base64').toString().replace('"buy"', '"sell"')).toString('base64');
    const { differences } = await replayOne(text.replace(data, sold));
    assert.deepEqual(
      differences.map(({ where, path, now }) => [where, path, now]),
      [
        ['placeOrder (activity 2)', 'signed.intent.side', 'sell'],
        ['the result', 'side', 'sell'],
      ],
    );
  });
});

describe('the command', () => {
  test('reads what the Web UI saves and the HTTP API sends as well', async () => {
    const { events } = golden('filled');
    const shapes = [write('list.json', events), write('page.json', { history: { events }, nextPageToken: '' })];
    const { code, stdout } = await runCommand(['replay', ...shapes]);
    assert.match(stdout, /^2 replayed: 2 the same, 0 not\.$/m);
    assert.equal(code, 0);
  });

  test('says of what is no history that it is none, and replays the rest', async () => {
    const { events } = golden('filled');
    const cases: [string, RegExp][] = [
      [write('text.json', 'hello'), /it is not JSON/],
      [write('other.json', { a: 1 }), /there are no "events" in it/],
      [write('tail.json', { events: events.slice(3) }), /its first event is not the start/],
      [
        write('gap.json', { events: events.filter(({ eventId }) => !['6', '7', '8'].includes(eventId)) }),
        /out of order/,
      ],
    ];
    const named = [...cases.map(([file]) => file), join(GOLDEN, 'filled.json')];
    const { code, stdout } = await runCommand(['replay', ...named]);
    const lines = stdout.trimEnd().split('\n');
    assert.deepEqual([lines.length, code], [cases.length + 2, 1]);
    for (const [index, [, says]] of cases.entries()) assert.match(lines[index]!, says);
    assert.equal(lines.at(-1), '5 replayed: 1 the same, 4 not.');
  });

  test('ends with 2 where it is used wrongly, and with 78 where the configuration is wrong', async () => {
    const nothing = await runCommand(['replay']);
    assert.deepEqual([nothing.code, nothing.stdout], [2, '']);
    assert.match(nothing.stderr, /Name a file, a folder or a workflow id/);
    const missing = await runCommand(['replay', 'no-such-file.json']);
    assert.equal(missing.code, 2);
    assert.match(missing.stderr, /There is no file or folder no-such-file\.json/);
    assert.equal((await runCommand(['replay', '--no-such-option'])).code, 2);
    assert.equal((await runCommand(['no-such-command'])).code, 2);
    assert.equal((await runCommand(['--help'])).code, 0);
    const misconfigured = await runCommand(['replay', GOLDEN], { PORT: 'many' });
    assert.deepEqual([misconfigured.code, misconfigured.stdout], [78, '']);
  });

  test('says which engine does not answer', async () => {
    const { code, stderr } = await runCommand(['replay', 'order:trend:x', '--json'], {
      TEMPORAL_ADDRESS: '127.0.0.1:1',
    });
    assert.equal(code, 1);
    assert.match(stderr, /The Temporal server at 127\.0\.0\.1:1 does not answer/);
  });
});
