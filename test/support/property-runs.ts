import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { before, type TestContext } from 'node:test';

/** A property that has held for fewer inputs has not been tried where sequences go wrong, which is deep in them. */
const RUNS_DEFAULT = 10_000;

const numRuns = countFrom('HOLDFAST_PROPERTY_RUNS') ?? RUNS_DEFAULT;
const seed = countFrom('HOLDFAST_PROPERTY_SEED') ?? randomInt(1, 2 ** 31);

/**
 * How many inputs each property is tried with, and where their making starts. HOLDFAST_PROPERTY_RUNS makes the search
 * longer or shorter; HOLDFAST_PROPERTY_SEED makes it the same as an earlier one.
 */
export const RUNS = { numRuns, seed };

// Said also where everything holds: a later failure may be one that this search had come near.
before((file) => {
  const said = `${numRuns} runs of each property from seed ${seed}; HOLDFAST_PROPERTY_SEED=${seed} repeats them.`;
  // Outside of every suite a hook is given the file's own test.
  (file as TestContext).diagnostic(said);
});

/** No number would mean no runs, and no runs would be green. */
function countFrom(name: string): number | undefined {
  const text = process.env[name];
  if (text === undefined || text === '') return undefined;
  const count = Number(text);
  assert.ok(Number.isSafeInteger(count) && count > 0, `${name} is ${text}; expected a whole number above zero.`);
  return count;
}
