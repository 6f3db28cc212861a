import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

import type { StrategyConfig } from '../config/config.ts';
import { Refused } from './refused.ts';

/** What a request brings along to prove who sent it. */
export interface Evidence {
  /** The secret part of the URL. */
  readonly token: string | undefined;
  /** The header `X-Webhook-Signature`. */
  readonly signature: string | undefined;
  /** Whether the peer is this machine, and no proxy speaks for somebody else. */
  readonly isLocal: boolean;
}

interface Secrets {
  readonly name: string;
  /** Hashed: what is compared has one length, and a dump of the memory holds no token. */
  readonly tokens: readonly Buffer[];
  readonly bodySecrets: readonly Buffer[];
  readonly hmacSecrets: readonly string[];
  readonly isOpen: boolean;
}

const HOW = 'Send a known secret: in the URL, as "secret" in the body, or as HMAC-SHA256 in X-Webhook-Signature.';

/** Which strategies a request may still be from, and whether anything has proven it yet. */
export interface Standing {
  readonly candidates: readonly string[];
  readonly proven: boolean;
  /** Whether the body may be talked about: a stranger is told nothing of what is wrong with it. */
  readonly trusted: boolean;
}

/** Decides which strategy sent an alert. One valid proof suffices; one that is wrong refuses it, whatever else is right. */
export class Prover {
  readonly #strategies: readonly Secrets[];

  constructor(strategies: Readonly<Record<string, StrategyConfig>>) {
    this.#strategies = Object.entries(strategies).map(([name, strategy]) => ({
      name,
      tokens: strategy.tokens.map(hash),
      bodySecrets: strategy.bodySecrets.map(hash),
      hmacSecrets: strategy.hmacSecrets,
      isOpen: strategy.isOpen,
    }));
  }

  /** Judges the URL and the headers over the raw bytes, before anything reads them. */
  judge(evidence: Evidence, body: Buffer): Standing {
    let candidates = this.#strategies;
    let proven = false;
    if (evidence.token !== undefined) {
      const given = hash(evidence.token);
      candidates = candidates.filter(({ tokens }) => matchesAny(tokens, given));
      if (candidates.length === 0) throw new Refused('UNKNOWN_TOKEN', 'There is no webhook at this address.');
      proven = true;
    }
    if (evidence.signature !== undefined) {
      const given = hash(evidence.signature);
      candidates = candidates.filter(({ hmacSecrets }) => matchesAny(hmacSecrets.map(signed(body)), given));
      if (candidates.length === 0) throw unproven('The signature fits no secret.');
      proven = true;
    }
    if (proven) return { candidates: names(candidates), proven, trusted: true };
    // Whoever has no proof in URL or header may still have one in the body, or be alone with this machine.
    const possible = candidates.filter((known) => known.bodySecrets.length > 0 || (known.isOpen && evidence.isLocal));
    if (possible.length === 0) throw unproven('The alert has no proof of its sender.');
    return { candidates: names(possible), proven, trusted: possible.some((known) => known.isOpen) };
  }

  /** Judges the body's secret, and says which strategy it is. */
  settle(standing: Standing, secret: string | undefined): string {
    let candidates = this.#strategies.filter(({ name }) => standing.candidates.includes(name));
    if (secret !== undefined) {
      const given = hash(secret);
      candidates = candidates.filter(({ bodySecrets }) => matchesAny(bodySecrets, given));
      if (candidates.length === 0) throw unproven('The secret in the body fits no strategy.');
    } else if (!standing.proven) {
      candidates = candidates.filter((known) => known.isOpen);
      if (candidates.length === 0) throw unproven('The alert has no proof of its sender.');
    }
    if (candidates.length > 1) throw unproven('The proof fits several strategies; give each a secret of its own.');
    return candidates[0]!.name;
  }
}

const names = (strategies: readonly Secrets[]): string[] => strategies.map(({ name }) => name);

export const unproven = (message: string): Refused => new Refused('UNPROVEN', `${message} ${HOW}`);

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();

const signed =
  (body: Buffer) =>
  (secret: string): Buffer =>
    hash(createHmac('sha256', secret).update(body).digest('hex'));

/** Looks at every one, so that the time taken says nothing about which. */
function matchesAny(known: readonly Buffer[], given: Buffer): boolean {
  return known.reduce((found, one) => timingSafeEqual(one, given) || found, false);
}
