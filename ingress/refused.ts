import type { RefusalCode } from '../domain/alert.ts';

export type ProblemCode =
  | RefusalCode
  | 'UNPROVEN'
  | 'ADDRESS_NOT_ALLOWED'
  | 'ACTION_NOT_ALLOWED'
  | 'CROSS_SITE'
  | 'UNKNOWN_TOKEN'
  | 'ALERT_CONFLICT'
  | 'TOO_SLOW'
  | 'TOO_LARGE'
  | 'HEADERS_TOO_LARGE'
  | 'CONTENT_TYPE'
  | 'RATE_LIMITED'
  | 'UNAVAILABLE'
  | 'NOT_FOUND'
  | 'BAD_REQUEST'
  | 'NOT_AUTHORIZED'
  | 'INTERNAL';

const HTTP: Record<ProblemCode, { status: number; title: string }> = {
  MALFORMED: { status: 400, title: 'The body is no alert' },
  INVALID_ACTION: { status: 400, title: 'Unknown action' },
  BAD_REQUEST: { status: 400, title: 'Bad request' },
  UNPROVEN: { status: 401, title: 'The sender is not proven' },
  NOT_AUTHORIZED: { status: 401, title: 'The operator token is missing or wrong' },
  ADDRESS_NOT_ALLOWED: { status: 403, title: 'The address is not allowed' },
  ACTION_NOT_ALLOWED: { status: 403, title: 'The action is not allowed' },
  CROSS_SITE: { status: 403, title: 'A page of another origin' },
  UNKNOWN_TOKEN: { status: 404, title: 'Unknown webhook' },
  NOT_FOUND: { status: 404, title: 'Not found' },
  ALERT_CONFLICT: { status: 409, title: 'The id is taken by another alert' },
  TOO_SLOW: { status: 408, title: 'The request took too long' },
  TOO_LARGE: { status: 413, title: 'The body is too large' },
  CONTENT_TYPE: { status: 415, title: 'Unknown content type' },
  MISSING_FIELD: { status: 422, title: 'A field is missing' },
  INVALID_FIELD: { status: 422, title: 'A field cannot be used' },
  MISSPELT_FIELD: { status: 422, title: 'A field is misspelt' },
  UNSUPPORTED_FIELD: { status: 422, title: 'A field is not supported' },
  HEADERS_TOO_LARGE: { status: 431, title: 'The headers are too large' },
  RATE_LIMITED: { status: 429, title: 'Too many alerts' },
  INTERNAL: { status: 500, title: 'Internal error' },
  UNAVAILABLE: { status: 503, title: 'The engine cannot be reached' },
};

/** RFC 9457, with the members of every answer first. */
export interface Problem {
  readonly success: false;
  readonly order_id: null;
  readonly error: string;
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: ProblemCode;
  readonly [member: string]: unknown;
}

/** A request that ends here: nothing was started. */
export class Refused extends Error {
  override readonly name = 'Refused';
  readonly code: ProblemCode;
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: ProblemCode, message: string, members: Readonly<Record<string, unknown>> = {}) {
    super(message);
    this.code = code;
    this.members = members;
  }

  problem(): Problem {
    const { status, title } = HTTP[this.code];
    return {
      success: false,
      order_id: null,
      error: this.message,
      type: `urn:holdfast:problem:${this.code.toLowerCase().replaceAll('_', '-')}`,
      title,
      status,
      detail: this.message,
      code: this.code,
      ...this.members,
    };
  }
}
