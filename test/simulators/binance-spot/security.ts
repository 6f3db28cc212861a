import { createHmac, timingSafeEqual } from 'node:crypto';
import { mandatory, VenueError } from './errors.ts';
import type { Parameters } from './parameters.ts';
import type { Venue } from './venue.ts';

export interface TimeWindow {
  readonly timestamp: number;
  readonly recvWindow: number;
}

/**
 * A SIGNED request: key, then timing, then signature (rest-api.md, Endpoint security type, Timing security, SIGNED
 * Endpoint security). In which order the venue itself looks is not documented.
 */
export function authenticate(
  venue: Venue,
  apiKey: string | undefined,
  query: string,
  body: string,
  parameters: Parameters,
): TimeWindow {
  if (apiKey === undefined || apiKey === '') throw new VenueError(-2014, 'API-key format invalid.', 401);
  if (!/^[\w.-]{1,128}$/.test(apiKey)) throw new VenueError(-2014, 'API-key format invalid.', 401);
  if (apiKey !== venue.settings.apiKey)
    throw new VenueError(-2015, 'Invalid API-key, IP, or permissions for action.', 401);
  const timestamp = parameters.integer('timestamp');
  if (timestamp === null) throw mandatory('timestamp');
  const recvWindow = parameters.integer('recvWindow') ?? venue.settings.recvWindow;
  if (recvWindow > venue.settings.recvWindowMax)
    throw new VenueError(-1131, `recvWindow must be less than ${venue.settings.recvWindowMax}`);
  const window: TimeWindow = { timestamp: inMilliseconds(timestamp), recvWindow };
  checkWindow(venue, window);
  const signature = parameters.required('signature');
  if (!isSigned(venue.settings.apiSecret, query, body, signature))
    throw new VenueError(-1022, 'Signature for this request is not valid.');
  return window;
}

/**
 * `timestamp < (serverTime + 1000) && (serverTime - timestamp) <= recvWindow` (rest-api.md, Timing security). Asked on
 * arrival and once more just before the request goes to the matching engine.
 */
export function checkWindow(venue: Venue, window: TimeWindow): void {
  const serverTime = venue.now();
  if (window.timestamp >= serverTime + 1000)
    throw new VenueError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.");
  if (serverTime - window.timestamp > window.recvWindow)
    throw new VenueError(-1021, 'Timestamp for this request is outside of the recvWindow.');
}

/** "totalParams is defined as the query string concatenated with the request body"; the signature is not part of it. */
function isSigned(secret: string, query: string, body: string, signature: string): boolean {
  const payload = withoutSignature(query) + withoutSignature(body);
  const expected = createHmac('sha256', secret).update(payload).digest();
  // "The signature is not case sensitive."
  if (!/^[0-9a-f]{64}$/i.test(signature)) return false;
  return timingSafeEqual(expected, Buffer.from(signature, 'hex'));
}

function withoutSignature(text: string): string {
  return text
    .split('&')
    .filter((part) => !part.startsWith('signature='))
    .join('&');
}

/** "Timestamp parameters can be passed in milliseconds or microseconds" (rest-api.md, General API Information). */
function inMilliseconds(timestamp: number): number {
  return timestamp > 1e14 ? Math.floor(timestamp / 1000) : timestamp;
}
