import { z } from 'zod';

const booked = z.boolean().default(false);
const ms = z.number().int().min(0).max(600_000);
/** What becomes of the client's connection while its request is held. */
const connection = z.enum(['keep', 'reset']).default('keep');
const page = { status: z.number().int().min(200).max(599).default(502), body: z.string().optional() };

/**
 * What may go wrong with one request. Those with `booked` ask whether the order was on the books before the answer went
 * wrong; those called "before" never reached the exchange, those called "after" or "execute-then" did.
 */
const detailed = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('drop-before') }),
  z.strictObject({ kind: z.literal('silence') }),
  z.strictObject({ kind: z.literal('execute-then-drop') }),
  z.strictObject({ kind: z.literal('execute-then-fin') }),
  z.strictObject({ kind: z.literal('execute-then-silence') }),
  z.strictObject({ kind: z.literal('truncate') }),
  z.strictObject({ kind: z.literal('stall-body') }),
  z.strictObject({ kind: z.literal('status-before'), ...page }),
  z.strictObject({ kind: z.literal('status-after'), ...page }),
  z.strictObject({ kind: z.literal('engine-timeout-booked'), ms: ms.default(0) }),
  z.strictObject({ kind: z.literal('engine-timeout-unbooked'), ms: ms.default(0) }),
  z.strictObject({ kind: z.literal('-1000'), booked }),
  z.strictObject({ kind: z.literal('-1001'), booked }),
  z.strictObject({ kind: z.literal('-1006'), booked }),
  z.strictObject({ kind: z.literal('-1008'), booked }),
  z.strictObject({ kind: z.literal('429'), retryAfter: z.number().int().default(1) }),
  z.strictObject({ kind: z.literal('418'), retryAfter: z.number().int().default(120) }),
  z.strictObject({ kind: z.literal('-1003'), retryAfter: z.number().int().default(1) }),
  z.strictObject({ kind: z.literal('-1015') }),
  z.strictObject({ kind: z.literal('empty'), booked }),
  z.strictObject({ kind: z.literal('html'), booked }),
  z.strictObject({ kind: z.literal('wrong-json'), booked, json: z.unknown() }),
  z.strictObject({
    kind: z.literal('raw'),
    booked,
    bytes: z.string(),
    encoding: z.enum(['utf8', 'base64']).optional(),
  }),
  z.strictObject({ kind: z.literal('duplicate-text'), booked }),
  z.strictObject({
    kind: z.literal('reject'),
    code: z.number().int(),
    msg: z.string(),
    status: z.number().int().default(400),
  }),
  z.strictObject({ kind: z.literal('lie-absent') }),
  z.strictObject({ kind: z.literal('partial'), quantity: z.string() }),
  z.strictObject({ kind: z.literal('delay'), ms }),
  z.strictObject({ kind: z.literal('late'), ms: ms.optional(), engineMs: ms.optional(), connection }),
  z.strictObject({ kind: z.literal('late-unchecked'), ms: ms.optional(), connection }),
]);

export type Fault = z.output<typeof detailed>;

export const ruleSchema = z.strictObject({
  match: z
    .strictObject({
      method: z.string().optional(),
      path: z.string().optional(),
      clientOrderId: z.string().optional(),
      /** Only the n-th request that matches all else, counted from 1 since the rule was added. */
      nth: z.number().int().min(1).optional(),
    })
    .default({}),
  /** How often it strikes; null: until it is cleared. */
  times: z.number().int().min(1).nullable().default(1),
  fault: z.preprocess((value) => (typeof value === 'string' ? { kind: value } : value), detailed),
});

type RuleInput = z.input<typeof ruleSchema>;
type FaultInput = z.input<typeof detailed>;
/** A fault without settings may be given by its name alone. */
export type FaultRule = Omit<RuleInput, 'fault'> & { fault: FaultInput | FaultInput['kind'] };

export interface ArmedRule extends z.output<typeof ruleSchema> {
  readonly id: number;
  seen: number;
  struck: number;
}

export interface FaultTarget {
  readonly method: string;
  readonly path: string;
  readonly clientOrderIds: readonly string[];
}

/** The plan lives in memory only: a venue that was killed comes back healthy. */
export class FaultPlan {
  #rules: ArmedRule[] = [];
  #added = 0;

  add(rule: z.output<typeof ruleSchema>): ArmedRule {
    this.#added += 1;
    const armed: ArmedRule = { ...rule, id: this.#added, seen: 0, struck: 0 };
    this.#rules.push(armed);
    return armed;
  }

  list(): readonly ArmedRule[] {
    return this.#rules;
  }

  clear(): void {
    this.#rules = [];
  }

  /** The first rule that strikes; every rule that matches counts the request all the same. */
  strike(target: FaultTarget): Fault | null {
    let struck: ArmedRule | null = null;
    for (const rule of this.#rules) {
      if (!matches(rule, target)) continue;
      rule.seen += 1;
      const isDue = rule.match.nth === undefined || rule.match.nth === rule.seen;
      if (struck === null && isDue && (rule.times === null || rule.struck < rule.times)) struck = rule;
    }
    if (struck === null) return null;
    struck.struck += 1;
    return struck.fault;
  }
}

function matches({ match }: ArmedRule, target: FaultTarget): boolean {
  if (match.method !== undefined && match.method !== target.method) return false;
  if (match.path !== undefined && match.path !== target.path) return false;
  return match.clientOrderId === undefined || target.clientOrderIds.includes(match.clientOrderId);
}
