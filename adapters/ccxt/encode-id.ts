import { BASE32, entryIdOf } from '../../domain/ids.ts';

// An entry's id is 26 letters and digits, a leg's has `-`, which leg it is, one digit for its part, `.` and its generation
// behind it. Venues that take fewer characters, or others, still have to be told a different id for each.

/** For letters and digits only: what falls away stands at the same places of every id. */
export const toLettersAndDigits = (id: string): string => id.replaceAll(/[-.]/g, '');

const BITS = 130;
const UUID_BITS = 122;
/** Room for which leg it is, at the end of the UUID: one bit for the name, 3 for the part, 16 for the generation. */
const LEG_BITS = 20n;

/**
 * The first 122 of an entry's 130 bits as a UUID of version 4 without dashes: the deployment's tag stays in front. In a
 * leg's, the last bits are turned over where the number of the leg has a one, so that it is neither its entry's nor
 * another leg's.
 */
export function toUuid(id: string): string {
  const entry = Array.from(entryIdOf(id), (digit) => BASE32.indexOf(digit).toString(2).padStart(5, '0')).join('');
  const number = BigInt(`0b${entry}`) >> BigInt(BITS - UUID_BITS);
  const bits = (number ^ legNumber(id)).toString(2).padStart(UUID_BITS, '0');
  const uuid = `${bits.slice(0, 48)}0100${bits.slice(48, 60)}10${bits.slice(60)}`;
  return BigInt(`0b${uuid}`).toString(16).padStart(32, '0');
}

/** Above zero for every leg. */
function legNumber(id: string): bigint {
  const leg = /-([PE])(\d)\.(\d+)$/.exec(id);
  if (leg === null) return 0n;
  const [, name, part, generation] = leg;
  const number = ((BigInt(part!) + 1n) << 16n) + BigInt(generation!);
  const named = ((name === 'P' ? 0n : 1n) << (LEG_BITS - 1n)) + number;
  if (BigInt(generation!) >= 1n << 16n || BigInt(part!) > 6n)
    throw new Error(`The leg ${id} has no number of its own.`);
  return named;
}

/** Of 28 characters at most: a leg gives away the end of its entry's id, and keeps its `-`, which no entry has. */
export function toShort(id: string): string {
  const entry = entryIdOf(id);
  return entry === id ? id : `${entry.slice(0, 20)}${id.slice(entry.length)}`;
}
