import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { test } from 'node:test';

import { eventually } from '../support/eventually.ts';
import type { Reply } from '../support/holdfast.ts';
import { LiveDesk, type Alert } from '../support/live-desk.ts';

const SIZE = 256 * 1024 * 1024;

function run(command: string, ...args: string[]): string | undefined {
  const { status, stdout } = spawnSync(command, args, { encoding: 'utf8' });
  return status === 0 ? stdout.trim() : undefined;
}

/** A disk of its own, which can be made to fail as a real one does: from one moment on nothing more is written to it. */
class Disk {
  readonly folder = mkdtempSync(join(tmpdir(), 'holdfast-ext4-'));
  readonly path = join(this.folder, 'disk');
  readonly #image = join(this.folder, 'image');
  #device = '';

  /** Whether this user may have one. */
  mount(): boolean {
    mkdirSync(this.path, { recursive: true });
    if (!existsSync(this.#image)) {
      writeFileSync(this.#image, '');
      truncateSync(this.#image, SIZE);
      if (run('mkfs.ext4', '-q', this.#image) === undefined) return false;
    }
    if (run('mount', '-o', 'loop,errors=remount-ro', this.#image, this.path) === undefined) return false;
    this.#device = basename(run('findmnt', '-n', '-o', 'SOURCE', this.path) ?? '');
    return existsSync(this.#trigger);
  }

  fail(): void {
    writeFileSync(this.#trigger, 'a test');
  }

  /** What an administrator does: unmounts it, has it checked, and mounts it again. */
  repair(): void {
    assert.notEqual(run('umount', this.path), undefined, 'the disk is let go');
    run('e2fsck', '-fy', this.#image);
    assert.ok(this.mount());
  }

  dispose(): void {
    run('umount', '-l', this.path);
    rmSync(this.folder, { recursive: true, force: true });
  }

  get #trigger(): string {
    return `/sys/fs/ext4/${this.#device}/trigger_fs_error`;
  }
}

test('row 15: a disk that lets nothing be written any more loses nothing that was answered', async (t) => {
  const disk = new Disk();
  const isMounted = disk.mount();
  const env = { HOLDFAST_DATA: join(disk.path, 'data') };
  const desk = isMounted ? await LiveDesk.start({ env }) : undefined;
  t.after(async () => {
    await desk?.dispose();
    disk.dispose();
  });
  if (desk === undefined)
    return t.skip('this user cannot have a disk (ext4 on a loop device) that can be made to fail');
  await desk.warm();
  await desk.post({ id: 'rests', order_type: 'limit', limit_price: '60000' });

  const sent: { alert: Alert; reply: Reply }[] = [];
  const post = async (): Promise<void> => {
    const alert = { id: `sent-${sent.length + 1}` };
    sent.push({ alert, reply: await desk.holdfast.post(desk.write(alert)) });
  };
  for (let count = 0; count < 3; count += 1) await post();
  disk.fail();
  const refused = (): number => sent.filter(({ reply }) => reply.http === 503).length;
  while (refused() < 3 && sent.length < 60) await post();
  assert.equal(refused(), 3, JSON.stringify(sent.at(-1)?.reply.body));
  for (const { reply } of sent) assert.ok([200, 202, 503].includes(reply.http), JSON.stringify(reply.body));

  // Nothing heals that by itself: it is stopped, the disk is checked, and it is started again.
  await desk.holdfast.killAll();
  disk.repair();
  await desk.holdfast.start();
  for (const { alert, reply } of sent) {
    if (reply.http === 503) {
      await eventually(
        () => desk.holdfast.post(desk.write(alert)),
        ({ http }) => http < 300,
        { withinMs: 30_000, what: `${alert.id} being taken` },
      );
    }
    const { order } = await desk.untilOver(`order:trend:${alert.id}`, 60_000);
    assert.deepEqual([order.status, (await desk.booked(alert)).length], ['filled', 1], alert.id);
  }
  const { order } = await desk.tell('order:trend:rests');
  assert.equal(order.status, 'working');
  t.diagnostic(`${sent.length} alerts, ${refused()} of them refused`);
  await desk.reconcile();
});
