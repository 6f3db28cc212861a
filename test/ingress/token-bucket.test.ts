import assert from 'node:assert/strict';
import { test } from 'node:test';

import fc from 'fast-check';

import { TokenBuckets } from '../../ingress/token-bucket.ts';
import { RUNS } from '../support/property-runs.ts';

const RATE = { requests: 100, windowMs: 60_000 };

test('a full bucket holds as many as a window allows, and not one more', () => {
  const buckets = new TokenBuckets(RATE, () => 0);
  const waits = Array.from({ length: 101 }, () => buckets.take('trend'));
  assert.deepEqual(waits.filter((wait) => wait === 0).length, 100);
  assert.equal(waits[100], 600);
});

test('whoever waits as long as told gets through, and a refusal costs nothing', () => {
  let now = 0;
  const buckets = new TokenBuckets(RATE, () => now);
  for (let n = 0; n < 100; n++) buckets.take('trend');
  for (let n = 0; n < 50; n++) assert.ok(buckets.take('trend') > 0);
  now += buckets.take('trend') - 1;
  assert.ok(buckets.take('trend') > 0);
  now += 1;
  assert.equal(buckets.take('trend'), 0);
});

test('one sender’s haste is not another’s wait', () => {
  const buckets = new TokenBuckets({ requests: 1, windowMs: 1_000 }, () => 0);
  assert.equal(buckets.take('a'), 0);
  assert.ok(buckets.take('a') > 0);
  assert.equal(buckets.take('b'), 0);
});

test('in any stretch of time no more pass than fit in the bucket and flow in meanwhile', () => {
  const steps = fc.array(fc.integer({ min: 0, max: 5_000 }), { minLength: 1, maxLength: 300 });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.integer({ min: 1, max: 10_000 }),
      steps,
      (requests, windowMs, pauses) => {
        let now = 0;
        const buckets = new TokenBuckets({ requests, windowMs }, () => now);
        let passed = 0;
        for (const pause of pauses) {
          now += pause;
          if (buckets.take('x') === 0) passed += 1;
          // A whisker for the rounding of fractions of a token.
          assert.ok(passed <= requests + (now * requests) / windowMs + 1e-6);
        }
      },
    ),
    RUNS,
  );
});

test('a flood of other keys forgets the oldest, and never the memory of the process', () => {
  const buckets = new TokenBuckets({ requests: 1, windowMs: 1e9 }, () => 0);
  for (let n = 0; n < 10_001; n++) assert.equal(buckets.take(`key-${n}`), 0);
  assert.ok(buckets.take('key-10000') > 0);
  assert.equal(buckets.take('key-0'), 0);
});
