import { canonicalJson, type Json } from './canonical-json.ts';

/** SHA-256 of UTF-8 text. Handed in, because this folder does no cryptography of its own. */
export type Sha256 = (text: string) => Uint8Array;

/** Names of accounts, strategies and the deployment. */
export const NAME = /^[a-z0-9_-]{1,32}$/;

/** The alphabet of Crockford's base 32: no I, L, O, U. Upper case and digits pass every venue's rule for ids. */
export const BASE32 = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

const TAG_LENGTH = 3;
const CLIENT_ORDER_ID_LENGTH = 26;

/** `order:<strategy>:<alert key>`: one id for an order's whole life, and the reason why a second delivery finds the first. */
export function workflowId(strategy: string, alertKey: string): string {
  return `order:${strategy}:${alertKey}`;
}

/** `account:<name>`: the one execution per account. */
export function accountId(name: string): string {
  return `account:${name}`;
}

/** The inverse of `workflowId`; undefined for any other text. */
export function parseWorkflowId(id: string): { strategy: string; alertKey: string } | undefined {
  const match = /^order:([a-z0-9_-]{1,32}):([\x21-\x7e][\x20-\x7e]*)$/.exec(id);
  return match ? { strategy: match[1]!, alertKey: match[2]! } : undefined;
}

/** The marker that is open for as long as an equal alert without id and time counts as the same one. */
export function windowId(strategy: string, contentHash: string): string {
  return `window:${strategy}:${contentHash}`;
}

/**
 * The key of an alert that names itself: its `id`, hashed where it is too long for a workflow id or holds what would
 * not survive being shown (anything but printable ASCII).
 */
export function keyOfId(id: string, sha256: Sha256): string {
  if (/^[\x21-\x7e]([\x20-\x7e]{0,126}[\x21-\x7e])?$/.test(id) && !DERIVED.test(id)) return id;
  // Half a character has no bytes of its own; written as JSON, two different ones stay different.
  return `h-${base32(sha256(`id\n${id.isWellFormed() ? id : JSON.stringify(id)}`), 26)}`;
}

/** The shape of a key that was derived: an id that looks like one must not meet one. */
const DERIVED = /^[hcw]-[0-9A-HJKMNP-TV-Z]{26}$/;

/** The key of an alert whose content holds its time: the content is the identity. */
export function keyOfContent(contentHash: string): string {
  return `c-${contentHash}`;
}

/** The key of an alert with neither id nor time: its content, and the window that it fell into. */
export function keyOfWindow(contentHash: string, windowRunId: string, sha256: Sha256): string {
  return `w-${base32(sha256(`window\n${contentHash}\n${windowRunId}`), 26)}`;
}

/** What two deliveries of one alert have in common and two different alerts have not. */
export function contentHash(content: Json, sha256: Sha256): string {
  return base32(sha256(canonicalJson(content)), 26);
}

/** Three characters that mark every order of one installation at the venue, so that reconciliation knows them. */
export function deploymentTag(deployment: string, sha256: Sha256): string {
  return base32(sha256(canonicalJson(['deployment', deployment])), TAG_LENGTH);
}

export interface ClientOrderIdInput {
  readonly deployment: string;
  readonly account: string;
  readonly strategy: string;
  readonly alertKey: string;
  /** `entry`: legs bear their entry's id. */
  readonly leg: string;
  /** Rises when a leg is replaced on purpose; never on a re-send, so that the venue can still catch a late first one. */
  readonly generation: number;
}

/**
 * 26 characters chosen before the first byte is sent: the order is asked for under this id for as long as it takes.
 * At several venues it is unique among open orders only: it makes look-up possible, it is no idempotency key.
 */
export function clientOrderId(input: ClientOrderIdInput, sha256: Sha256): string {
  const { deployment, account, strategy, alertKey, leg, generation } = input;
  const digest = sha256(canonicalJson([deployment, account, strategy, alertKey, leg, generation]));
  return deploymentTag(deployment, sha256) + base32(digest, CLIENT_ORDER_ID_LENGTH - TAG_LENGTH);
}

/** The mark between an order's id and what tells its legs apart. */
const LEG_MARK = '-';

/**
 * The client order id of a leg: its entry's, and behind it which leg it is. So a person at the venue sees what belongs
 * together, and whoever knows the entry knows its legs.
 * @param generation rises when a leg is replaced on purpose; never on a re-send
 */
export function legId(entryId: string, name: string, part: number, generation: number): string {
  return `${entryId}${LEG_MARK}${name.charAt(0).toUpperCase()}${part}.${generation}`;
}

/** The client order id of the entry that a leg belongs to; of an entry, its own. */
export const entryIdOf = (clientOrderId: string): string => clientOrderId.split(LEG_MARK)[0]!;

/** The first `length` characters of the bytes in Crockford's base 32, five bits each. */
export function base32(bytes: Uint8Array, length: number): string {
  let text = '';
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    bits += 8;
    while (bits >= 5 && text.length < length) {
      bits -= 5;
      text += BASE32[(held >> bits) & 31];
    }
  }
  return text;
}
