import type { ResolveVerdict } from '../domain/command.ts';
import { isPositive, parseDecimal } from '../domain/decimal.ts';
import { Refused } from './refused.ts';

const HOW =
  'Send {"outcome":"absent"|"rejected","note":"…"}, or {"outcome":"filled"|"canceled","venue_order_id":"…",' +
  '"filled_quantity":"0.01","average_price":"67500","note":"…"}.';

/** Reads what an operator found out at the venue. Throws `Refused` with the field at fault. */
export function readVerdict(body: unknown): { verdict: ResolveVerdict; note: string } {
  if (typeof body !== 'object' || body === null) throw new Refused('BAD_REQUEST', HOW);
  const given = body as Record<string, unknown>;
  const note = given['note'];
  // Whoever reads the history later has nothing but this to go by.
  if (typeof note !== 'string' || note.trim() === '' || note.length > 500)
    throw fault('note', 'say how it was found out');
  const outcome = given['outcome'];
  if (outcome === 'absent' || outcome === 'rejected') return { verdict: { outcome }, note };
  if (outcome !== 'filled' && outcome !== 'canceled') throw fault('outcome', 'absent, rejected, filled or canceled');
  const venueOrderId = given['venue_order_id'];
  if (typeof venueOrderId !== 'string' || !/^[\x21-\x7e]{1,64}$/.test(venueOrderId)) {
    throw fault('venue_order_id', "the venue's id of the order, in quotes");
  }
  const filledQuantity = decimal(given['filled_quantity'] ?? (outcome === 'canceled' ? '0' : undefined));
  if (filledQuantity === undefined || (outcome === 'filled' && !isPositive(filledQuantity))) {
    throw fault('filled_quantity', 'what was filled, such as "0.01"');
  }
  const averagePrice = decimal(given['average_price']);
  if (averagePrice === undefined && isPositive(filledQuantity))
    throw fault('average_price', 'the average price of the fills');
  return { verdict: { outcome, venueOrderId, filledQuantity, averagePrice: averagePrice ?? null }, note };
}

function decimal(value: unknown): string | undefined {
  const text = typeof value === 'string' || typeof value === 'number' ? parseDecimal(String(value)) : undefined;
  return text === undefined || text.startsWith('-') ? undefined : text;
}

function fault(field: string, expected: string): Refused {
  return new Refused(
    'BAD_REQUEST',
    `The field \`${field}\` is missing or cannot be used; expected ${expected}. ${HOW}`,
    { field },
  );
}
