/**
 * An answer `{code, msg}` of the venue. Codes and texts are those of errors.md; where the document leaves the HTTP
 * status open, 4xx means "your fault" and 5xx "execution status unknown" (rest-api.md, HTTP Return Codes).
 */
export class VenueError extends Error {
  readonly code: number;
  readonly status: number;
  readonly headers: Record<string, string>;

  constructor(code: number, message: string, status = 400, headers: Record<string, string> = {}) {
    super(message);
    this.code = code;
    this.status = status;
    this.headers = headers;
  }
}

export const UNKNOWN_ORDER = 'Unknown order sent.';
/** Seen from the venue; errors.md has no text of its own for lists. */
export const UNKNOWN_LIST = 'Unknown order list sent.';
export const DUPLICATE_ORDER = 'Duplicate order sent.';
export const INSUFFICIENT_BALANCE = 'Account has insufficient balance for requested action.';
export const WOULD_MATCH = 'Order would immediately match and take.';
/** errors.md says "Order would trigger immediately."; the text below is what the venue has been seen to send. */
export const WOULD_TRIGGER = 'Stop price would trigger immediately.';
/** errors.md: "OCO is not enabled on the symbol." */
export const NO_OCO = 'OCO orders are not supported for this symbol';
export const BAD_RELATIONSHIP = 'The relationship of the prices for the orders is not correct.';

/** Refused by the matching engine (errors.md, Messages for -1010, -2010 and -2011). */
export function orderRejected(message: string): VenueError {
  return new VenueError(-2010, message);
}

export function cancelRejected(message: string = UNKNOWN_ORDER): VenueError {
  return new VenueError(-2011, message);
}

/** Refused by the API, so it never reached the engine (errors.md, -1013 INVALID_MESSAGE). */
export function invalidMessage(message: string): VenueError {
  return new VenueError(-1013, message);
}

export function filterFailure(filter: string): VenueError {
  return invalidMessage(`Filter failure: ${filter}`);
}

export function mandatory(name: string): VenueError {
  return new VenueError(-1102, `Mandatory parameter '${name}' was not sent, was empty/null, or malformed.`);
}

export function oneOf(first: string, second: string): VenueError {
  return new VenueError(-1102, `Param '${first}' or '${second}' must be sent, but both were empty/null!`);
}

export function notRequired(name: string): VenueError {
  return new VenueError(-1106, `Parameter '${name}' sent when not required.`);
}

export function badCombination(): VenueError {
  return new VenueError(-1128, 'Combination of optional parameters invalid.');
}

export function invalidSymbol(): VenueError {
  return new VenueError(-1121, 'Invalid symbol.');
}

export function noSuchOrder(): VenueError {
  return new VenueError(-2013, 'Order does not exist.');
}

/** Seen from the venue (binance-spot-api-docs, pull request 43); errors.md has neither the code nor the text. */
export function noSuchList(): VenueError {
  return new VenueError(-2018, 'Order list does not exist.');
}
