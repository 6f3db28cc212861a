import { canonicalJson } from './canonical-json.ts';
import type { Sha256 } from './ids.ts';

/** One closed history in the audit record. Its hash covers the one before, so that none can be changed or taken out unseen. */
export interface Link {
  /** From 1, without a gap. */
  readonly seq: number;
  readonly workflow_id: string;
  readonly run_id: string;
  /** How the run ended, in the engine's words. */
  readonly status: string;
  /** ISO 8601. */
  readonly closed_at: string;
  /** The history's file, from the folder of the chain. */
  readonly file: string;
  /** SHA-256 of that file, in hex. */
  readonly sha256: string;
  /** The hash of the link before; 64 zeros for the first. */
  readonly previous: string;
  /** SHA-256 of all of the above as canonical JSON, in hex. */
  readonly hash: string;
}

const NO_LINK = '0'.repeat(64);

/** The link that comes after another. */
export function nextLink(
  entry: Omit<Link, 'seq' | 'previous' | 'hash'>,
  after: Link | undefined,
  sha256: Sha256,
): Link {
  const link = { ...entry, seq: (after?.seq ?? 0) + 1, previous: after?.hash ?? NO_LINK };
  return { ...link, hash: hex(sha256(canonicalJson(link))) };
}

/** What is wrong with a chain, in a sentence; undefined when nothing is. Whether the files are what they were is not seen here. */
export function brokenAt(links: readonly Link[], sha256: Sha256): string | undefined {
  let before: Link | undefined;
  for (const { seq, previous, hash, ...entry } of links) {
    const expected = nextLink(entry, before, sha256);
    if (seq !== expected.seq) return `Link ${expected.seq} is missing: after it comes ${seq}.`;
    if (previous !== expected.previous) return `Link ${seq} does not follow on the one before it.`;
    if (hash !== expected.hash) return `Link ${seq} (${entry.workflow_id}) has been changed.`;
    before = expected;
  }
  return undefined;
}

function hex(bytes: Uint8Array): string {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}
