import { createHash } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';

import { nextLink, type Link } from '../domain/audit-chain.ts';

/** The name of the chain's file. */
export const CHAIN = 'chain.jsonl';

export const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest();

/** A folder of closed histories, one file each, and the chain that holds them together. One process writes it. */
export class AuditRecord {
  readonly #folder: string;
  readonly #runs = new Set<string>();
  #last: Link | undefined;

  constructor(folder: string) {
    this.#folder = folder;
    mkdirSync(folder, { recursive: true });
    cutOffBeginning(join(folder, CHAIN));
    for (const link of readChain(folder)) {
      this.#runs.add(link.run_id);
      this.#last = link;
    }
  }

  /** When the latest of what it holds was closed, in ISO 8601. */
  get lastClosedAt(): string | undefined {
    return this.#last?.closed_at;
  }

  has(runId: string): boolean {
    return this.#runs.has(runId);
  }

  /** Adds a history; when this returns it is on disk. */
  add(entry: Pick<Link, 'workflow_id' | 'run_id' | 'status' | 'closed_at'>, history: string): void {
    const seq = (this.#last?.seq ?? 0) + 1;
    const name = `${String(seq).padStart(8, '0')}-${entry.workflow_id.replace(/[^A-Za-z0-9_.-]/g, '_').slice(0, 100)}.json`;
    const file = `${entry.closed_at.slice(0, 7)}/${name}`;
    mkdirSync(dirname(join(this.#folder, file)), { recursive: true });
    writeForGood(join(this.#folder, file), 'w', history);
    const link = nextLink({ ...entry, file, sha256: sha256(history).toString('hex') }, this.#last, sha256);
    const chain = join(this.#folder, CHAIN);
    try {
      writeForGood(chain, 'a', `${JSON.stringify(link)}\n`);
    } catch (error) {
      cutOffBeginning(chain);
      throw error;
    }
    this.#last = link;
    this.#runs.add(entry.run_id);
  }
}

/** The links of a record, in order; a line that is being written is not one yet. */
export function readChain(folder: string): Link[] {
  const path = join(folder, CHAIN);
  const text = existsSync(path) ? wholeLines(readFileSync(path, 'utf8')) : '';
  return text
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Link);
}

/** What a dying process has left behind of a line is no link, and the next one must not follow on it. */
function cutOffBeginning(path: string): void {
  if (!existsSync(path)) return;
  truncateSync(path, Buffer.byteLength(wholeLines(readFileSync(path, 'utf8'))));
}

const wholeLines = (text: string): string => text.slice(0, text.lastIndexOf('\n') + 1);

function writeForGood(path: string, flags: 'w' | 'a', text: string): void {
  const file = openSync(path, flags, 0o600);
  try {
    writeFileSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
