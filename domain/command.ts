import { canonicalJson } from './canonical-json.ts';
import type { DecimalString } from './decimal.ts';
import type { Signature } from './intent.ts';

/** A person's order about an order, or about an account. Signed by ingress like an intent, so that writing to the engine is not enough. */
export type Command =
  | { readonly kind: 'cancel'; readonly workflowId: string; readonly at: number }
  | {
      readonly kind: 'resolve';
      readonly workflowId: string;
      readonly at: number;
      /** The loss that this settles (milliseconds since 1970): an answer to an earlier one settles nothing. */
      readonly lostAt: number;
      readonly verdict: ResolveVerdict;
      readonly note: string;
    }
  /** About an account, whose execution `workflowId` names; it lifts the halts that the person saw, and no others. */
  | { readonly kind: 'resume'; readonly workflowId: string; readonly at: number; readonly halts: readonly number[] };

/** What a person found out at the venue. None of these sends anything. */
export type ResolveVerdict =
  | { readonly outcome: 'absent' }
  | { readonly outcome: 'rejected' }
  | {
      readonly outcome: 'filled' | 'canceled';
      readonly venueOrderId: string;
      readonly filledQuantity: DecimalString;
      readonly averagePrice: DecimalString | null;
    };

export interface SignedCommand {
  readonly command: Command;
  readonly signature: Signature;
}

/** The text under a command's signature; its own first line, so that no signature of an intent can stand for it. */
export function commandBytesToSign(command: Command): string {
  return `holdfast-command-v1\n${canonicalJson({ ...command })}`;
}
