import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Command } from 'commander';

import { loadConfig } from '../config/config.ts';
import { brokenAt, type Link } from '../domain/audit-chain.ts';
import { CHAIN, readChain, sha256 } from '../workers/audit-record.ts';
import { CommandFault } from './exit.ts';
import { rootFolder } from './root-folder.ts';

/** `holdfast audit`: whether the audit record is whole, and as it was written. */
export function addAudit(program: Command): void {
  program
    .command('audit')
    .description('Checks the audit record: every closed order’s history, none missing, none changed.')
    .argument('[FOLDER]', 'the record; that of this installation where none is named')
    .option('--json', 'the result as JSON')
    .action((folder: string | undefined, { json }: { json?: boolean }) => {
      const record = folder ?? ownRecord();
      if (!existsSync(join(record, CHAIN)))
        throw new CommandFault('NOT_FOUND', `There is no audit record at ${record}.`);
      const links = readLinks(record);
      const broken = brokenAt(links, sha256) ?? firstChangedFile(record, links);
      if (broken !== undefined) throw new CommandFault('BROKEN', broken);
      const last = links.at(-1);
      const summary = { histories: links.length, last: last?.closed_at ?? null, hash: last?.hash ?? null };
      process.stdout.write(
        json === true
          ? `${JSON.stringify(summary)}\n`
          : `${links.length} histories, whole and unchanged. The last hash, to be kept elsewhere: ${summary.hash ?? 'none'}\n`,
      );
    });
}

function ownRecord(): string {
  const { settings, dataDir } = loadConfig(process.env, rootFolder(), process.cwd());
  return settings.HOLDFAST_AUDIT ?? join(dataDir, 'audit');
}

function readLinks(folder: string): Link[] {
  try {
    return readChain(folder);
  } catch {
    throw new CommandFault('BROKEN', `A line of ${join(folder, CHAIN)} is no JSON.`);
  }
}

function firstChangedFile(folder: string, links: readonly Link[]): string | undefined {
  for (const { seq, file, sha256: expected, workflow_id: id } of links) {
    const path = join(folder, file);
    if (!existsSync(path)) return `The history of link ${seq} (${id}) is gone: ${path}.`;
    if (sha256(readFileSync(path, 'utf8')).toString('hex') !== expected) {
      return `The history of link ${seq} (${id}) has been changed: ${path}.`;
    }
  }
  return undefined;
}
