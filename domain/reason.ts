/** Why an order did not become what was asked for: a code for machines, two sentences for people. */
export interface Reason {
  /** `CATEGORY_CONDITION`, stable. */
  readonly code: string;
  /** What was found, with the numbers that decided it. */
  readonly message: string;
  /** What to do about it; null where nothing is to be done. */
  readonly fix: string | null;
}

export function reason(code: string, message: string, fix: string | null = null): Reason {
  return { code, message, fix };
}
