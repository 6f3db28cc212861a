import assert from 'node:assert/strict';
import { appendFileSync, cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { readChain } from '../../workers/audit-record.ts';
import type { Link } from '../../domain/audit-chain.ts';
import { eventually } from '../support/eventually.ts';
import { Holdfast } from '../support/holdfast.ts';
import { runCommand } from '../support/run-command.ts';

let holdfast: Holdfast;
before(async () => (holdfast = await Holdfast.start()));
after(() => holdfast?.dispose());

const folder = (): string => join(holdfast.dataDir, 'data', 'audit');
const buy = (id: string): Promise<unknown> =>
  holdfast.post({ id, account: 'paper', symbol: 'BTC/USDT', action: 'buy', quantity: '0.01' });

const untilCopied = (count: number): Promise<Link[]> =>
  eventually(
    () => readChain(folder()),
    (links) => links.length >= count,
    { withinMs: 40_000, what: `${count} histories in the record` },
  );

/** A copy of the record in which something was changed. */
async function auditOfChanged(change: (copy: string) => void): Promise<{ code: number | null; stderr: string }> {
  const copy = join(holdfast.dataDir, 'copy');
  rmSync(copy, { recursive: true, force: true });
  cpSync(folder(), copy, { recursive: true });
  change(copy);
  return runCommand(['audit', copy]);
}

test('every order that is over is copied, with its history as the engine has it', async () => {
  for (const id of ['one', 'two', 'three']) await buy(id);
  const links = await untilCopied(3);
  assert.deepEqual(
    links.map(({ workflow_id: id }) => id).toSorted(),
    ['one', 'three', 'two'].map((id) => `order:default:${id}`),
  );
  const [first] = links;
  const copied = JSON.parse(readFileSync(join(folder(), first!.file), 'utf8')) as { events: unknown[] };
  const stored = JSON.parse(await holdfast.history(first!.workflow_id)) as { events: unknown[] };
  assert.equal(copied.events.length, stored.events.length);
});

test('the record is whole, and replays without an engine', async () => {
  const { code, stdout } = await runCommand(['audit', folder(), '--json']);
  assert.deepEqual([code, (JSON.parse(stdout) as { histories: number }).histories], [0, 3]);
  const month = readChain(folder())[0]!.file.split('/')[0]!;
  const replayed = await runCommand(['replay', join(folder(), month)]);
  assert.equal(replayed.code, 0, replayed.stderr);
});

test('nothing is copied twice and nothing left out by kills and restarts', async () => {
  for (let round = 0; round < 3; round += 1) {
    await buy(`killed-${round}`);
    await holdfast.killAll();
    // What a process leaves behind that dies while it writes.
    appendFileSync(join(folder(), 'chain.jsonl'), '{"seq":99,"workflow_id":"ord');
    await holdfast.start();
  }
  await buy('last');
  const links = await untilCopied(7);
  assert.equal(new Set(links.map(({ run_id: run }) => run)).size, links.length);
  assert.equal((await runCommand(['audit', folder()])).code, 0);
});

test('a record that somebody has changed is found out, by name', async () => {
  const links = readChain(folder());
  const write = (copy: string, changed: readonly Link[]): void =>
    writeFileSync(join(copy, 'chain.jsonl'), changed.map((link) => `${JSON.stringify(link)}\n`).join(''));
  const [, second] = links;
  const cases: readonly [RegExp, (copy: string) => void][] = [
    [/link 2 .* has been changed/, (copy) => appendFileSync(join(copy, second!.file), ' ')],
    [/link 2 .* is gone/, (copy) => rmSync(join(copy, second!.file))],
    [
      /Link 2 is missing/,
      (copy) =>
        write(
          copy,
          links.filter((link) => link !== second),
        ),
    ],
    [
      /Link 2 .* has been changed/,
      (copy) =>
        write(
          copy,
          links.map((link) => (link === second ? { ...link, status: 'FAILED' } : link)),
        ),
    ],
  ];
  for (const [words, change] of cases) {
    const { code, stderr } = await auditOfChanged(change);
    assert.equal(code, 1);
    assert.match(stderr, words);
  }
});
