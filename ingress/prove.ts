import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

import type { StrategyConfig } from '../config/config.ts';
import { Refused } from './refused.ts';
import { isTimely, signaturesOf, signDelivery, type WebhookHeaders } from './standard-webhooks.ts';

/** What a request brings along to prove who sent it. */
export interface Evidence {
  /** The secret part of the URL. */
  readonly token: string | undefined;
  /** The header `X-Webhook-Signature`. */
  readonly signature: string | undefined;
  /** The headers of Standard Webhooks. */
  readonly delivery: WebhookHeaders | 'incomplete' | undefined;
  /** Whether the peer is this machine, and no proxy speaks for somebody else. */
  readonly isLocal: boolean;
}

type Proof = 'token' | 'body' | 'hmac' | 'webhook';

interface Secrets {
  readonly name: string;
  /** Hashed: what is compared has one length, and a dump of the memory holds no token. */
  readonly tokens: readonly Buffer[];
  readonly bodySecrets: readonly Buffer[];
  readonly hmacSecrets: readonly string[];
  readonly webhookKeys: readonly string[];
  /** The kinds of proof that must all be there; empty where any one will do. */
  readonly required: readonly Proof[];
  readonly isOpen: boolean;
}

const HOW =
  'Send a known secret: in the URL, as "secret" in the body, as HMAC-SHA256 in X-Webhook-Signature, or by Standard Webhooks.';

/** Which strategies a request may still be from, and what has proven it so far. */
export interface Standing {
  readonly candidates: readonly string[];
  readonly proofs: readonly Proof[];
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
      webhookKeys: strategy.webhookKeys,
      required: strategy.requireAll ? kindsOf(strategy) : [],
      isOpen: strategy.isOpen,
    }));
  }

  /** Judges the URL and the headers over the raw bytes, before anything reads them. */
  judge({ token, signature, delivery, isLocal }: Evidence, body: Buffer): Standing {
    let candidates = this.#strategies;
    const proofs: Proof[] = [];
    if (token !== undefined) {
      const given = hash(token);
      candidates = candidates.filter(({ tokens }) => matchesAny(tokens, given));
      if (candidates.length === 0) throw new Refused('UNKNOWN_TOKEN', 'There is no webhook at this address.');
      proofs.push('token');
    }
    if (signature !== undefined) {
      const given = hash(signature);
      candidates = candidates.filter(({ hmacSecrets }) => matchesAny(hmacSecrets.map(hmacOf(body)), given));
      if (candidates.length === 0) throw unproven('The signature fits no secret.');
      proofs.push('hmac');
    }
    if (delivery !== undefined) {
      if (delivery === 'incomplete' || !isTimely(delivery, Date.now())) {
        throw unproven(
          'The webhook-id, webhook-timestamp and webhook-signature headers must all be there, and recent.',
        );
      }
      const given = signaturesOf(delivery).map(hash);
      const fits = (key: string): boolean =>
        given.some((one) => matchesAny([hash(signDelivery(key, delivery, body))], one));
      candidates = candidates.filter(({ webhookKeys }) => webhookKeys.some(fits));
      if (candidates.length === 0) throw unproven('The webhook signature fits no secret.');
      proofs.push('webhook');
    }
    if (proofs.length > 0) return { candidates: names(candidates), proofs, trusted: true };
    // Whoever has no proof in URL or header may still have one in the body, or be alone with this machine.
    const possible = candidates.filter((known) => known.bodySecrets.length > 0 || (known.isOpen && isLocal));
    if (possible.length === 0) throw unproven('The alert has no proof of its sender.');
    return { candidates: names(possible), proofs, trusted: possible.some((known) => known.isOpen) };
  }

  /** Judges the body's secret, and says which strategy it is. */
  settle(standing: Standing, secret: string | undefined): string {
    let candidates = this.#strategies.filter(({ name }) => standing.candidates.includes(name));
    const proofs = [...standing.proofs];
    if (secret !== undefined) {
      const given = hash(secret);
      candidates = candidates.filter(({ bodySecrets }) => matchesAny(bodySecrets, given));
      if (candidates.length === 0) throw unproven('The secret in the body fits no strategy.');
      proofs.push('body');
    } else if (proofs.length === 0) {
      candidates = candidates.filter((known) => known.isOpen);
      if (candidates.length === 0) throw unproven('The alert has no proof of its sender.');
    }
    const complete = candidates.filter(({ required }) => required.every((kind) => proofs.includes(kind)));
    if (complete.length === 0) throw unproven('This strategy asks for every kind of proof that it has.');
    if (complete.length > 1) throw unproven('The proof fits several strategies; give each a secret of its own.');
    return complete[0]!.name;
  }
}

function kindsOf({ tokens, bodySecrets, hmacSecrets, webhookKeys }: StrategyConfig): Proof[] {
  const kinds = { token: tokens, body: bodySecrets, hmac: hmacSecrets, webhook: webhookKeys };
  return (Object.keys(kinds) as Proof[]).filter((kind) => kinds[kind].length > 0);
}

const names = (strategies: readonly Secrets[]): string[] => strategies.map(({ name }) => name);

export const unproven = (message: string): Refused => new Refused('UNPROVEN', `${message} ${HOW}`);

const hash = (text: string): Buffer => createHash('sha256').update(text).digest();

const hmacOf =
  (body: Buffer) =>
  (secret: string): Buffer =>
    hash(createHmac('sha256', secret).update(body).digest('hex'));

/** Looks at every one, so that the time taken says nothing about which. */
function matchesAny(known: readonly Buffer[], given: Buffer): boolean {
  return known.reduce((found, one) => timingSafeEqual(one, given) || found, false);
}
