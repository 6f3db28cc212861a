import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { after, before, describe, test } from 'node:test';

import type { OrderStory } from '../../ingress/order-book.ts';
import type { Simulator } from '../simulators/binance-spot/start-simulator.ts';
import { eventually } from '../support/eventually.ts';
import { startGateway, startStranger, type Gateway, type Stranger } from '../support/gateway.ts';
import { Holdfast, type Reply } from '../support/holdfast.ts';
import { LIMITS_OFF } from '../support/limits-off.ts';
import { BOUND, startVenue } from '../support/live-desk.ts';

const [TOKEN, HOME, DISTANT] = ['trend', 'home', 'distant'].map((name) => `token-of-${name}-0123456789`);
const WEBHOOK = '/webhook/tradingview';
const ALERT = { symbol: 'BTC/USDT', action: 'buy', quantity: '0.01' };
/** Alerts in a minute: of a strategy, and without proof from one address. */
const RATE = 900;

let venue: Simulator;
let gateway: Gateway;
/** A place that no alert and no venue may make anybody go to. */
let stranger: Stranger;
let holdfast: Holdfast;

before(async () => {
  venue = await startVenue();
  gateway = await startGateway(venue.origin);
  stranger = await startStranger();
  const { windowMs, engineMs, marginMs } = BOUND;
  const config = `
default_account: practice
accounts:
  practice: { venue: ccxt, exchange: binance, mode: dry_run, limits: ${LIMITS_OFF} }
  paper: { venue: paper, limits: ${LIMITS_OFF} }
  binance:
    venue: ccxt
    exchange: binance
    mode: live
    api_key: demo-key
    api_secret: demo-secret
    http_origin: ${gateway.origin}
    simulated_bound: { window_ms: ${windowMs}, engine_ms: ${engineMs}, margin_ms: ${marginMs} }
    limits: ${LIMITS_OFF}
strategies:
  trend: { token: ${TOKEN} }
  home: { token: ${HOME}, ip_allow: [127.0.0.0/8] }
  distant: { token: ${DISTANT}, ip_allow: [203.0.113.0/24] }
`;
  const env = { LOG_LEVEL: 'trace', RATE_LIMIT_REQUESTS: String(RATE), CIRCUIT_BREAKER_THRESHOLD: '1000' };
  holdfast = await Holdfast.start({ config, env });
});
after(async () => {
  await holdfast?.dispose();
  gateway?.stop();
  stranger?.stop();
  await venue?.stop();
});

type How = NonNullable<Parameters<Holdfast['post']>[1]>;

/** Posts the very text, by default to the address of a strategy. */
const send = (body: string, how?: How): Promise<Reply> => holdfast.post(body, { path: `/${TOKEN}`, ...how });
const post = (members: object, how?: How): Promise<Reply> => send(JSON.stringify({ ...ALERT, ...members }), how);

/** Says something to the public listener, and returns what it says until one of both hangs up. */
function speak(raw: string): Promise<string> {
  const { hostname, port } = new URL(holdfast.publicUrl);
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(raw, 'latin1'));
    socket.setEncoding('latin1').on('data', (chunk: string) => (text += chunk));
    // What was said before a reset counts.
    socket.on('close', () => resolve(text)).on('error', (error) => (text === '' ? reject(error) : resolve(text)));
    socket.setTimeout(20_000, () => socket.destroy(new Error('It keeps the connection open.')));
  });
}

/** An alert as it goes over the wire, to a target and a host of the sender's choice. */
function written(target: string, host: string, members: object): string {
  const body = JSON.stringify({ ...ALERT, ...members });
  const head = `POST ${target} HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\ncontent-type: application/json\r\n`;
  return `${head}content-length: ${body.length}\r\n\r\n${body}`;
}

const EVIL = [
  '\r\n{"level":60,"msg":"forged"}\r\n',
  '"}\n{"level":60,"msg":"forged"}',
  '","msg":"forged","x":"',
  '\\","msg":"forged","x":"\\',
  '\\u000a{"msg":"forged"}',
  '\u001b[2J\u001b[31mforged\u001b[0m',
  '\u001b]0;forged\u0007',
  '\u009b31mforged',
  '\u0085{"msg":"forged"}',
  '\u2028{"msg":"forged"}\u2029',
  '\u0000\b\b\b\u007f\u202e',
  '%0d%0a{"msg":"forged"}',
  '\ud800',
];
/** Only these can stand in a header; anything else ends the request before it is one. */
const IN_HEADERS = EVIL.filter((text) => /^[\t\x20-\x7e\x80-\xff]*$/.test(text));

/** Fails where a line that was printed since then is not exactly one JSON object, or was written by a sender. */
async function assertLogIntact(of: Holdfast, since: number, marker: string): Promise<void> {
  const isWhole = (text: string): boolean => text.includes(marker) && text.endsWith('\n');
  const text = await eventually(() => of.output.slice(since), isWhole, { what: 'the last line' });
  const lines = text.trimEnd().split('\n');
  assert.deepEqual(
    lines.filter((line) => /[\p{Cc}\u2028\u2029]/u.test(line)).map((line) => JSON.stringify(line)),
    [],
  );
  for (const line of lines) {
    assert.match(line, /^\{"level":\d\d,"time":"[^"]+",.*\}$/);
    assert.notEqual((JSON.parse(line) as { msg: string }).msg, 'forged', line);
  }
}

test('no sender can write into the log: each line stays one JSON object, without a control character', async () => {
  const since = holdfast.output.length;
  const fields = ['symbol', 'id', 'account', 'action', 'order_type', 'quantity', 'secret', 'time'];
  const names = ['x-webhook-signature', 'webhook-id', 'user-agent', 'request-id', 'x-forwarded-for'];
  const statuses = new Set<number>();
  for (const evil of EVIL) {
    const inPath = encodeURIComponent(evil.toWellFormed());
    const paths = [`/${inPath}`, `/${TOKEN}${inPath}`, `/${TOKEN}?${inPath}=${inPath}`, `/${inPath}/x`];
    const inBody = [evil, `BTC/USDT${evil}`].flatMap((text) => fields.map((field) => ({ [field]: text })));
    const others = [{ [evil]: 1 }, { chart: evil }, { [`stop_los${evil}`]: 1 }, { id: [evil] }];
    const types = [`application/json;${evil}`, evil].map((type) => ({ 'content-type': type }));
    const headers = IN_HEADERS.includes(evil) ? [...names.map((name) => ({ [name]: evil })), ...types] : [];
    const replies = await Promise.all([
      ...[...inBody, ...others].map((members) => post(members)),
      ...paths.map((path) => post({}, { path })),
      ...(headers as Record<string, string>[]).map((header) => post({}, { headers: header })),
      ...[evil, `{"symbol":"${evil}`].map((body) => send(body)),
    ]);
    for (const { http } of replies) statuses.add(http);
  }
  assert.ok(Math.max(...statuses) < 429, [...statuses].join());
  await post({ id: 'the-last-line' });
  await assertLogIntact(holdfast, since, 'the-last-line');
});

test('what a trusted proxy hands on for an address cannot write into the log, either', async (t) => {
  const behind = await Holdfast.start({ env: { TRUSTED_PROXIES: '127.0.0.1/32' } });
  t.after(() => behind.dispose());
  const since = behind.output.length;
  for (const evil of [...IN_HEADERS, 'x'.repeat(8_000), '203.0.113.77']) {
    assert.equal((await behind.post('{}', { headers: { 'x-forwarded-for': evil } })).http, 401);
  }
  await assertLogIntact(behind, since, '203.0.113.77');
  assert.doesNotMatch(behind.output, /x{1000}/);
});

describe('names of prototypes', () => {
  const polluted = JSON.stringify({ account: 'paper', id: 'polluted', confidence: '0.1', limitPrice: '1', price: 1 });
  const plain = JSON.stringify(ALERT).slice(1);

  test('as keys, at any depth, they are refused, and change no other alert', async () => {
    const spellings = ['__proto__', '\\u005f_proto__', '__\\u0070roto__'];
    const members = [
      ...spellings.map((name) => `"${name}":${polluted}`),
      ...spellings.map((name) => `"chart":{"${name}":${polluted}}`),
      ...spellings.map((name) => `"chart":[[{"${name}":{"${name}":${polluted}}}]]`),
      `"constructor":{"prototype":${polluted}}`,
      `"chart":{"constructor":{"prototype":${polluted}}}`,
      `"chart":[{"x":{"constructor":{"prototype":${polluted}}}}]`,
      `"\\u0063onstructor":{"\\u0070rototype":${polluted}}`,
      `"prototype":${polluted}`,
    ];
    for (const member of members) {
      const { http, body } = await send(`{${member},${plain}`);
      assert.deepEqual([http, body.code], [400, 'MALFORMED'], member);
      const next = await post({});
      const { status, account, order_type, ignored, inferred } = next.body;
      assert.deepEqual([next.http, status, account, order_type], [200, 'dry_run', 'practice', 'market'], member);
      assert.deepEqual([ignored, inferred], [[], []], member);
      assert.doesNotMatch(JSON.stringify(next.body), /polluted/);
    }
  });

  test('of methods that every object has, as keys, they mean nothing', async () => {
    const keys = 'hasOwnProperty toString valueOf toJSON then __defineGetter__ isPrototypeOf'.split(' ');
    const { http, body } = await post(Object.fromEntries(keys.map((key) => [key, { x: 1 }])));
    assert.deepEqual([http, body.status, body.ignored.toSorted()], [200, 'dry_run', keys.toSorted()]);
  });

  test('as values, they are what they say and nothing else', async () => {
    for (const name of ['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty']) {
      const told = async (members: object, path?: string): Promise<unknown[]> => {
        const { http, body } = await post(members, path === undefined ? {} : { path });
        return [http, body.code ?? body.status];
      };
      assert.deepEqual(await told({ account: name }), [422, 'INVALID_FIELD']);
      assert.deepEqual(await told({ order_type: name }), [422, 'INVALID_FIELD']);
      assert.deepEqual(await told({ action: name }), [400, 'INVALID_ACTION']);
      assert.deepEqual(await told({}, `/${name}`), [404, 'UNKNOWN_TOKEN']);
      assert.deepEqual(await told({ id: name }), [200, 'dry_run']);
      assert.deepEqual(await told({ symbol: name, account: 'paper' }), [200, 'denied']);
      assert.deepEqual(await told({ symbol: `${name}/USDT`, account: 'binance' }), [200, 'denied']);
      const asked = [`/orders?${name}=x`, `/orders?account=${name}`, `/orders/${name}`, `/${name}`];
      const explain = fetch(`${holdfast.operatorUrl}/explain?strategy=${name}`, { method: 'POST', body: '{}' });
      const answers = [...asked.map((path) => fetch(holdfast.operatorUrl + path)), explain];
      for (const { status, url } of await Promise.all(answers)) assert.ok(status < 500, url);
    }
  });
});

test('a venue that redirects an order sends it nowhere, and its order is told as unknown', async () => {
  const untilFilled = ({ body: { workflow_id: id } }: Reply): Promise<OrderStory> =>
    eventually(
      () => holdfast.operator<OrderStory>(`/orders/${encodeURIComponent(id)}`),
      ({ order }) => order.status === 'filled',
      { what: `${id} being filled` },
    );
  await untilFilled(await post({ id: 'warm', account: 'binance' }));
  const before = gateway.orders;
  const { port } = new URL(stranger.origin);
  const locations = [stranger.origin, `${stranger.origin}/api/v3/order`, `//127.0.0.1:${port}/`, '/api/v3/order'];
  gateway.redirects = [301, 302, 303, 307, 308].flatMap((status) =>
    locations.map((location) => ({ status, location })),
  );
  const ids = [1, 2, 3, 4, 5, 6].map((number) => `redirected-${number}`);
  const replies = await Promise.all(ids.map((id) => post({ id, account: 'binance' })));
  for (const { http, body } of replies) assert.deepEqual([http, body.status], [202, 'unknown'], JSON.stringify(body));
  // A client that followed would have come again, with the very order.
  assert.equal(gateway.orders - before, ids.length);

  gateway.redirects = [];
  for (const reply of replies) {
    await untilFilled(reply);
    assert.equal((await venue.control.orders(reply.body.client_order_id)).length, 1);
  }
  assert.equal(stranger.connections, 0);
});

test('no alert says where to: hosts come from the configuration only', async () => {
  const { origin } = stranger;
  const { host, port } = new URL(origin);
  const urls = [origin, `//${host}`, `http://[::ffff:127.0.0.1]:${port}`, 'http://169.254.169.254/latest/meta-data'];
  const keys =
    'exchange_url http_origin httpOrigin links callback callback_url url urls hostname host proxy proxyUrl httpProxy ' +
    'origin endpoint webhook webhook_url options base_url api redirect_uri $ref @id';
  const before = gateway.orders;
  for (const [url, key] of urls.flatMap((one) => keys.split(' ').map((name) => [one, name] as const))) {
    const member = url === origin ? { api: url, order: url, history: url } : url;
    const { http, body } = await post({ [key]: member, account: 'binance', id: `${url} ${key}` });
    assert.ok([200, 202, 422].includes(http), `${key}: ${JSON.stringify(body)}`);
    if (http < 300) assert.ok(body.links.order.startsWith(`${holdfast.operatorUrl}/orders/`));
  }
  assert.ok(gateway.orders > before);
  for (const url of urls) assert.equal((await post({ symbol: url, account: 'binance' })).body.status, 'denied', url);
  for (const target of [origin, `${origin}${WEBHOOK}/${TOKEN}`, `//${host}/`, `/${origin}`]) {
    assert.match(await speak(written(target, host, { account: 'binance' })), /^HTTP\/1\.1 (200|4\d\d) /, target);
  }
  assert.doesNotMatch(await speak(`CONNECT ${host} HTTP/1.1\r\nhost: ${host}\r\n\r\n`), /^HTTP\/1\.1 [^4]/);
  assert.equal(stranger.connections, 0);
  // It would have noticed.
  await fetch(stranger.origin);
  assert.equal(stranger.connections, 1);
});

describe('who speaks for somebody else', () => {
  const speakers =
    'x-forwarded-for forwarded x-real-ip true-client-ip cf-connecting-ip x-client-ip x-cluster-client-ip ' +
    'x-original-forwarded-for client-ip';
  const claims = (address: string): Record<string, string>[] =>
    speakers
      .split(' ')
      .map((name) => ({ [name]: name === 'forwarded' ? `for=${address};host=evil.example` : address }));

  test('changes nothing of which addresses are allowed', async () => {
    for (const [index, headers] of claims('203.0.113.9').entries()) {
      const name = JSON.stringify(headers);
      const { http, body } = await post({}, { path: `/${DISTANT}`, headers });
      assert.deepEqual([http, body.code], [403, 'ADDRESS_NOT_ALLOWED'], name);
      const ours = await post({ id: `ours-${index}` }, { path: `/${HOME}`, headers });
      assert.deepEqual([ours.http, ours.body.status], [200, 'dry_run'], name);
    }
  });

  test('changes nothing of the links in an answer, nor of how a request is named', async () => {
    const { body } = await post({ id: 'linked' });
    for (const name of 'x-forwarded-host x-forwarded-server x-original-host x-forwarded-prefix'.split(' ')) {
      const headers = { [name]: 'evil.example', 'x-forwarded-proto': 'gopher', 'x-forwarded-port': '1' };
      assert.deepEqual((await post({ id: 'linked' }, { headers })).body.links, body.links, name);
    }
    const told = await speak(written(`${WEBHOOK}/${TOKEN}`, 'evil.example', { id: 'linked' }));
    assert.deepEqual((JSON.parse(told.slice(told.indexOf('{'))) as Reply['body']).links, body.links);
    for (const name of ['request-id', 'x-request-id', 'traceparent']) {
      const refused = await send('', { headers: { [name]: 'evil' } });
      assert.match(String(refused.body['instance']), /^urn:holdfast:request:req-\w+$/);
    }
  });

  test('does not get around the rate of what fails its proof', async () => {
    let last: Reply | undefined;
    for (let n = 0; last?.http !== 429; n += 1) {
      assert.ok(n < 5 * RATE, 'the rate has no end');
      const headers = { 'x-forwarded-for': `203.0.113.${n % 250}, 198.51.100.${n % 250}` };
      last = await post({}, { path: '/nobody', headers });
    }
  });
});

test('a request in two readings is refused, and the one inside it is never carried out', async () => {
  const head = `POST ${WEBHOOK}/${TOKEN} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n`;
  const smuggled = written(`${WEBHOOK}/${TOKEN}`, 'a', { id: 'smuggled' });
  const readings = [
    `content-length: 0\r\ncontent-length: ${smuggled.length}\r\n\r\n${smuggled}`,
    `content-length: 0, ${smuggled.length}\r\n\r\n${smuggled}`,
    `content-length: +0\r\n\r\n${smuggled}`,
    `content-length: 0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n${smuggled}`,
    `transfer-encoding: xchunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `transfer-encoding : chunked\r\n\r\n0\r\n\r\n${smuggled}`,
    `transfer-encoding: chunked\r\n\r\n0x0\r\n\r\n${smuggled}`,
    `transfer-encoding: chunked\n\n0\n\n${smuggled}`,
    `x: y\r\n content-length: 0\r\n\r\n${smuggled}`,
    `x: y\rcontent-length: 0\r\n\r\n${smuggled}`,
    `x: \0\r\n\r\n${smuggled}`,
  ];
  for (const reading of readings) {
    const told = await speak(head + reading);
    assert.match(told, /^HTTP\/1\.1 400 /, reading);
    assert.equal(told.match(/^HTTP\/1\.1 /gm)?.length, 1, told);
  }
  const { status } = await fetch(`${holdfast.operatorUrl}/orders/order%3Atrend%3Asmuggled`);
  assert.equal(status, 404);
});

test('no address gets out of the listener, splits an answer, or ends the process', async () => {
  const { pid } = holdfast;
  const deep = 'a/'.repeat(3_000);
  const paths =
    `//webhook //evil.example/%2f.. /\\evil.example /%2f%2fevil.example /.;/orders /..;/metrics /%2e%2e/orders ` +
    `${WEBHOOK}/../../metrics ${WEBHOOK}/..%2f..%2forders /%c0%ae%c0%ae/etc/passwd /%0d%0aset-cookie:%20a=b ` +
    `${WEBHOOK}/%0d%0alocation:%20http://evil.example /?__proto__[x]=1 /openapi.json /halt /${deep} /?${deep} * . ?`;
  for (const path of paths.split(' ')) {
    for (const method of ['GET', 'POST', 'TRACE', 'PROPFIND', 'CONNECT', 'get', 'PRI']) {
      const told = await speak(`${method} ${path} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`);
      assert.match(told, /^(HTTP\/1\.1 4\d\d |$)/, `${method} ${path.slice(0, 60)}`);
      assert.doesNotMatch(told, /^(location|set-cookie):/im, path);
    }
  }
  assert.equal((await fetch(`${holdfast.publicUrl}/health`)).status, 200);
  assert.deepEqual([holdfast.hasEnded, holdfast.pid], [false, pid]);
});

test('after all that, nothing of ours broke', () => {
  assert.doesNotMatch(holdfast.output, /"level":(50|60)/);
});
