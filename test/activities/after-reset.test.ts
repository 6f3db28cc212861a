import assert from 'node:assert/strict';
import { test } from 'node:test';

import { ApplicationFailure } from '@temporalio/common';

import { findOrder } from '../../activities/find-order.ts';
import { placeOrder } from '../../activities/place-order.ts';
import { sampleClock } from '../../activities/sample-clock.ts';
import type { OrderTicket } from '../../adapters/venue-adapter.ts';
import type { SignedIntent } from '../../domain/intent.ts';
import { anIntent } from '../support/an-intent.ts';
import { inActivity } from '../support/in-activity.ts';
import { deskOf } from './lying-engine.ts';
import { LyingVenue } from './lying-venue.ts';
import { World } from './lying-world.ts';

const LONG_AFTER_MS = 60_000;

/** A venue that proves absence as soon as its bound has passed, and keeps what is sent to it. */
class Silent extends LyingVenue {
  readonly sent: OrderTicket[] = [];

  override async place(ticket: OrderTicket): ReturnType<LyingVenue['place']> {
    this.sent.push(ticket);
    return { kind: 'unknown', evidence: 'The answer was lost.' };
  }
}

class Unreachable extends LyingVenue {
  override async now(): Promise<number> {
    throw new Error('ECONNREFUSED');
  }
}

const QUIET = { isBound: true, isWatchful: false, isFalse: false };

function signedAt(receivedAt: number): SignedIntent {
  const intent = anIntent({ receivedAt, notAfter: receivedAt + 10 * LONG_AFTER_MS });
  return { intent, signature: { key: '', value: '' } };
}

function attemptIn(runId: string, at: number): Parameters<typeof inActivity>[0] {
  const workflowExecution = { workflowId: 'order:trend:a-1', runId };
  return { workflowExecution, scheduledTimestampMs: at, currentAttemptScheduledTimestampMs: at };
}

/** The end of a loss, as one run asked about it and another looked: what was asked, found, and then done. */
async function settle(asking: string, looking: string): Promise<Silent> {
  const world = new World(new Uint8Array(), 0);
  const venue = new Silent(world, QUIET);
  const desk = deskOf(venue, world);
  const lostAt = world.now;
  const signed = signedAt(lostAt);
  world.pass(LONG_AFTER_MS);
  const attempt = attemptIn(looking, world.now);
  const question = { signed, lostAt, askedBy: asking };
  const answer = await inActivity(attempt, () => findOrder(desk, question));
  assert.ok(answer.kind === 'absent');
  const request = { signed, originalRunId: 'first', absence: answer.absence };
  await inActivity(attempt, () => placeOrder(desk, request));
  return venue;
}

test('what was lost and is proven absent is sent again', async () => {
  assert.equal((await settle('second', 'second')).sent.length, 1);
});

// A reset leaves what was scheduled to the next run. Between the question and the reset the run that asked may have had
// its answer and have sent the order on the strength of it, later than the moment which the question is about.
test('a question that an earlier run asked is no proof in the run that answers it', async () => {
  assert.equal((await settle('first', 'second')).sent.length, 0);
});

/** How reading the clock fails, in another run than the first; `found` is whether the worker serves the account. */
async function readClock(found: boolean): Promise<string | null | undefined> {
  const world = new World(new Uint8Array(), 0);
  const served = deskOf(new Unreachable(world, QUIET), world);
  const desk = found ? served : { ...served, accounts: new Map() };
  const request = { signed: signedAt(world.now), originalRunId: 'first' };
  const reading = inActivity(attemptIn('second', world.now), () => sampleClock(desk, request));
  const failure = await reading.catch((error: unknown) => error);
  assert.ok(failure instanceof ApplicationFailure);
  return failure.type;
}

// Whoever is told that nothing was sent sends the alert again under a new id.
for (const [name, isServed] of [
  ['a venue whose clock cannot be read', true],
  ['a worker that does not serve the account', false],
] as const) {
  test(`after a reset, ${name} says nothing of whether the order was sent`, async () => {
    assert.equal(await readClock(isServed), 'AskAgain');
  });
}
