import { reason, type Reason } from '../../domain/reason.ts';
import { withoutUrl, type VenueCall } from './venue-call.ts';

/** What a failed placement proves. Whatever is not on one of these lists proves nothing. */
export type Verdict =
  | { readonly kind: 'not_sent'; readonly retryAfterMs: number; readonly why: string }
  | { readonly kind: 'rejected'; readonly reason: Reason }
  /** Nothing was sent: the library itself would not make a request of it. */
  | { readonly kind: 'denied'; readonly reason: Reason }
  /** An order under this id is there already. */
  | { readonly kind: 'exists' }
  | { readonly kind: 'outside_window'; readonly why: string }
  | { readonly kind: 'unknown'; readonly why: string };

/** Texts of a connection that was never made. A reset or a closed socket is not among them: bytes may have left. */
const NEVER_CONNECTED = [
  /connect ECONNREFUSED/,
  /getaddrinfo (ENOTFOUND|EAI_AGAIN)/,
  /Connect Timeout Error/,
  /connect (ENETUNREACH|EHOSTUNREACH)/,
];

/** Binance's codes for "refused before the matching engine, for there were too many" (errors.md, 10xx). */
const LIMITED_CODES = [-1003, -1015];
/** Binance's codes after which the order may be there (errors.md: "execution status unknown", and internal faults). */
const UNKNOWN_CODES = [-1000, -1001, -1006, -1007, -1008];
const OUTSIDE_WINDOW_CODE = -1021;

/**
 * The library's classes that are a venue's no. `BadResponse`, `OperationFailed`, `NetworkError` and their kind are not:
 * the order may be live behind them.
 */
const FINAL_CLASSES = new Set([
  'AuthenticationError',
  'PermissionDenied',
  'AccountNotEnabled',
  'AccountSuspended',
  'ArgumentsRequired',
  'BadRequest',
  'BadSymbol',
  'OperationRejected',
  'NoChange',
  'MarketClosed',
  'ManualInteractionNeeded',
  'RestrictedLocation',
  'InsufficientFunds',
  'InvalidOrder',
  'InvalidAddress',
  'OrderImmediatelyFillable',
  'OrderNotFillable',
  'ContractUnavailable',
  'NotSupported',
]);

/** HTTP statuses of the 400s that are no verdict about the order: time-out, too early, too many, banned. */
const NO_VERDICT_STATUSES = [408, 418, 425, 429];
const LIMITED_STATUSES = [418, 429];

const LIMITED_WAIT_MS = 10_000;
const CONNECT_WAIT_MS = 1_000;

/**
 * Decides what a failure of placing an order proves, from what was seen on the wire and from the library's class.
 * @param saysNoWith200 whether the exchange refuses orders under the HTTP status 200; elsewhere that status is no refusal
 */
export function classify(error: unknown, call: VenueCall, saysNoWith200: boolean): Verdict {
  const why = wordsOf(error, call);
  const names = classNames(error);
  const code = codeOf(call.body);
  if (!call.sent) return locally(names, why);
  if (call.status === undefined) {
    if (NEVER_CONNECTED.some((text) => text.test(messageOf(error)))) {
      return { kind: 'not_sent', retryAfterMs: CONNECT_WAIT_MS, why };
    }
    return { kind: 'unknown', why };
  }
  const refusedByStatus = call.status >= 400 && call.status < 500 && !NO_VERDICT_STATUSES.includes(call.status);
  const limitedByCode = refusedByStatus && code !== undefined && LIMITED_CODES.includes(code);
  if (LIMITED_STATUSES.includes(call.status) || limitedByCode) {
    return { kind: 'not_sent', retryAfterMs: call.retryAfterMs ?? LIMITED_WAIT_MS, why };
  }
  if (refusedByStatus && code === OUTSIDE_WINDOW_CODE) return { kind: 'outside_window', why };
  if (code !== undefined && UNKNOWN_CODES.includes(code)) return { kind: 'unknown', why };
  if (isDuplicate(names, call.body)) return { kind: 'exists' };
  const isFinal = FINAL_CLASSES.has(names[0] ?? '');
  // Exchanges that answer 200 for everything say no in the body; then only a class that means no will do.
  if (refusedByStatus || (call.status === 200 && isFinal && saysNoWith200 && parsed(call.body) !== undefined)) {
    return { kind: 'rejected', reason: reason(codeName(names[0]), why, null) };
  }
  return { kind: 'unknown', why };
}

/** Texts and codes of "an order under this id is there already": Binance -2010, OKX 51016, Bybit 110072 and 170141. */
const DUPLICATES = /Duplicate order sent|"(?:sCode|retCode|code)"\s*:\s*"?(?:51016|110072|170141)\b/i;

function isDuplicate(names: readonly string[], body = ''): boolean {
  return names.includes('DuplicateOrderId') || DUPLICATES.test(body);
}

/** The library refused its arguments, or something broke before any request: positive evidence that nothing left. */
function locally(names: readonly string[], why: string): Verdict {
  if (FINAL_CLASSES.has(names[0] ?? '')) {
    return {
      kind: 'denied',
      reason: reason('VENUE_CANNOT_TAKE_IT', why, 'Change the order to what the exchange can take.'),
    };
  }
  return { kind: 'not_sent', retryAfterMs: CONNECT_WAIT_MS, why };
}

/** The class of an error and its ancestors, by name: an instance from another copy of the library is no `instanceof`. */
export function classNames(error: unknown): string[] {
  const names: string[] = [];
  for (let proto: unknown = Object.getPrototypeOf(error ?? {}); proto !== null; proto = Object.getPrototypeOf(proto)) {
    const { name } = (proto as { constructor: { name: string } }).constructor;
    if (name === 'Error' || name === 'Object') break;
    names.push(name);
  }
  return names;
}

/** Whether a failure says that the venue is out of order: what opens the breaker. Its refusals never do. */
export function isOutage(call: VenueCall): boolean {
  if (!call.sent) return false;
  if (call.status === undefined) return true;
  return call.status >= 500 || LIMITED_STATUSES.includes(call.status) || call.status === 408;
}

/** `InsufficientFunds` is `VENUE_INSUFFICIENT_FUNDS`. */
function codeName(name = 'Rejected'): string {
  return `VENUE_${name.replace(/([a-z])([A-Z])/g, '$1_$2').toUpperCase()}`;
}

/** The `code` of a body that is an object, at its top: one that stands deeper belongs to something else. */
function codeOf(body: string | undefined): number | undefined {
  const code = Number((parsed(body) as { code?: unknown } | undefined)?.code ?? Number.NaN);
  return Number.isInteger(code) ? code : undefined;
}

function parsed(body: string | undefined): object | undefined {
  try {
    const value: unknown = JSON.parse(body ?? '');
    return typeof value === 'object' && value !== null ? value : undefined;
  } catch {
    return undefined;
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** The venue's words where it had some, else the library's; one line. */
function wordsOf(error: unknown, { status, body }: VenueCall): string {
  const words = body === undefined || body.trim() === '' ? withoutUrl(messageOf(error)) : (messageIn(body) ?? body);
  const line = words
    .replace(/[\s\p{Cc}]+/gu, ' ')
    .trim()
    .slice(0, 500);
  return status === undefined ? line : `HTTP ${status}: ${line}`;
}

/** `{"code":-2010,"msg":"…"}` is `… (code -2010)`: the exchange's own sentence, where it has one. */
function messageIn(body: string): string | undefined {
  const message = /"(?:msg|message|retMsg|sMsg)"\s*:\s*"([^"\\]{3,})"/.exec(body)?.[1];
  const code = codeOf(body);
  return message !== undefined && code !== undefined ? `${message} (code ${code})` : message;
}
