// `npm run bench:front-door`: what strangers cost. Refused proofs per second, the CPU time of reading a 16 KB body, and
// what a healthy sender notices of 500 sockets that dribble.
import { connect, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';

import { Agent, request } from 'undici';

import { parseAlert } from '../domain/alert.ts';
import { readJson } from '../ingress/read-json.ts';
import { Holdfast } from '../test/support/holdfast.ts';
import { LIMITS_OFF } from '../test/support/limits-off.ts';

const BODY = JSON.stringify({ symbol: 'BTC/USDT', action: 'buy', quantity: '0.01' });
const JSON_TYPE = { 'content-type': 'application/json' };

const holdfast = await Holdfast.start({
  config: `accounts: { paper: { venue: paper, limits: ${LIMITS_OFF} } }\nstrategies: { s: { hmac_secret: some-secret-of-some-sender } }\n`,
  env: { RATE_LIMIT_REQUESTS: '1000000' },
});
const url = `${holdfast.publicUrl}/webhook/tradingview`;
const agent = new Agent({ connections: 16 });
try {
  await refusals(500);
  const { perSecond, p50, p99 } = await refusals(20_000);
  console.log(`Refused proofs: ${perSecond} a second (16 connections), p50 ${p50} ms, p99 ${p99} ms`);
  console.log(`Reading a 16 KB body: ${validation()} ms of CPU time`);
  const alone = await healthy();
  const sockets = await dribblers(500);
  const crowded = await healthy();
  for (const socket of sockets) socket.destroy();
  const ratio = (crowded.p99 / alone.p99).toFixed(2);
  console.log(
    `A refusal's p99 beside 500 dribbling sockets: ${crowded.p99} ms, alone ${alone.p99} ms (${ratio} times)`,
  );
} finally {
  await agent.close();
  await holdfast.dispose();
}

/** A closed loop over 16 connections: every request carries a signature that fits nothing. */
async function refusals(count: number): Promise<{ perSecond: number; p50: string; p99: string }> {
  const times: number[] = [];
  const begun = performance.now();
  const lanes = Array.from({ length: 16 }, async () => {
    for (let n = 0; n < count / 16; n++)
      times.push(await timed({ ...JSON_TYPE, 'x-webhook-signature': 'f'.repeat(64) }));
  });
  await Promise.all(lanes);
  const seconds = (performance.now() - begun) / 1000;
  return {
    perSecond: Math.round(times.length / seconds),
    p50: at(times, 50).toFixed(2),
    p99: at(times, 99).toFixed(2),
  };
}

async function timed(headers: Record<string, string>): Promise<number> {
  const begun = performance.now();
  const reply = await request(url, { method: 'POST', body: BODY, headers, dispatcher: agent });
  await reply.body.dump();
  if (reply.statusCode !== 401) throw new Error(`The answer was ${reply.statusCode}, not 401.`);
  return performance.now() - begun;
}

function validation(): string {
  const filler = Array.from({ length: 400 }, (_, n) => [`bar_value_${n}`, `${n}.123456789`]);
  const body = Buffer.from(
    JSON.stringify({ ...(JSON.parse(BODY) as object), ...Object.fromEntries(filler) }).padEnd(16_384),
  );
  const runs = 500;
  for (let n = 0; n < runs; n++) parseAlert(readJson(body));
  const before = process.cpuUsage();
  for (let n = 0; n < runs; n++) parseAlert(readJson(body));
  const { user, system } = process.cpuUsage(before);
  return ((user + system) / 1000 / runs).toFixed(2);
}

/** One sender at ten a second: its requests are refused, so that nothing but the door is measured. */
async function healthy(): Promise<{ p99: number }> {
  const times: number[] = [];
  for (let n = 0; n < 300; n++) {
    times.push(await timed({ ...JSON_TYPE, 'x-webhook-signature': 'f'.repeat(64) }));
    await sleep(10);
  }
  return { p99: Number(at(times, 99).toFixed(2)) };
}

/** Sockets that send a header a byte at a time, and never end it. */
async function dribblers(count: number): Promise<Socket[]> {
  const { hostname, port } = new URL(url);
  const sockets = Array.from({ length: count }, () => connect(Number(port), hostname));
  for (const socket of sockets) socket.on('error', () => undefined);
  await sleep(500);
  const text = 'POST /webhook/tradingview HTTP/1.1\r\nHost: x\r\nX-Slow: ';
  for (const socket of sockets) socket.write(text);
  const drip = setInterval(() => sockets.forEach((socket) => socket.writable && socket.write('a')), 250);
  drip.unref();
  return sockets;
}

function at(times: readonly number[], p: number): number {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * p) / 100))] ?? Number.NaN;
}
