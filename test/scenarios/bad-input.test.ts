import assert from 'node:assert/strict';
import { request } from 'node:http';
import { connect } from 'node:net';
import { after, before, test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { Holdfast, type Reply } from '../support/holdfast.ts';
import { WITHOUT_LIMITS } from '../support/limits-off.ts';

let holdfast: Holdfast;
before(async () => (holdfast = await Holdfast.start({ config: WITHOUT_LIMITS })));
after(() => holdfast?.dispose());

const WEBHOOK = '/webhook/tradingview';
const GOOD = { symbol: 'BTC/USDT', action: 'buy', quantity: 0.01, account: 'paper' };

interface Sent {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Sends bytes as they are, to a path as it is written. */
function send(body: string | Buffer, { path = WEBHOOK, method = 'POST', headers }: Sent = {}): Promise<Reply> {
  const options = { method, path, headers: headers ?? { 'content-type': 'application/json' } };
  return new Promise((resolve, reject) => {
    const sending = request(holdfast.publicUrl, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        const { statusCode = 0, headers: answered } = response;
        const parsed = (text.startsWith('{') ? JSON.parse(text) : { text }) as Reply['body'];
        resolve({ http: statusCode, type: answered['content-type'] ?? '', body: parsed });
      });
    });
    sending.on('error', reject).end(body);
  });
}

interface Refusal {
  readonly http: number;
  readonly code: string;
  readonly field?: string;
}

/** Every refusal has one shape: a problem document that begins with the original's three members. */
function assertRefused(reply: Reply, { http, code, field }: Refusal, about: string): void {
  const { body } = reply;
  assert.deepEqual(
    { http: reply.http, code: body.code, field: body.field },
    { http, code, field },
    `${about}: ${JSON.stringify(body)}`,
  );
  assert.match(reply.type, /^application\/problem\+json/, about);
  assert.deepEqual(Object.keys(body).slice(0, 3), ['success', 'order_id', 'error'], about);
  assert.deepEqual([body.success, body.order_id, body.status], [false, null, http], about);
  assert.equal(typeof body['type'], 'string', about);
  assert.equal(typeof body['title'], 'string', about);
  assert.equal(body['detail'], body.error, about);
  // One sentence, on one line.
  assert.match(String(body.error), /^[^\n\r]{3,400}$/, about);
  if (field !== undefined) assert.ok(String(body.error).includes(field), `${about}: ${String(body.error)}`);
}

const MALFORMED = { http: 400, code: 'MALFORMED' };

test('a body that is no JSON object is malformed', async () => {
  const bodies: [string, string | Buffer][] = [
    ['nothing', ''],
    ['white space', ' \n\t'],
    ['a sentence', 'BUY 0.01 BTC/USDT'],
    ['half an object', '{"symbol":"BTC/USDT","action":"buy"'],
    ['an unquoted text', '{"symbol":BTCUSDT,"action":"buy","quantity":0.01}'],
    ['a missing number', '{"symbol":"BTC/USDT","action":"buy","quantity":}'],
    ['a number that is none', '{"symbol":"BTC/USDT","action":"buy","quantity":NaN}'],
    ['no end of numbers', '{"symbol":"BTC/USDT","action":"buy","quantity":Infinity}'],
    ['an unquoted placeholder', '{"symbol":"BTC/USDT","action":"buy","quantity":{{strategy.order.contracts}}}'],
    ['grouped digits without quotes', '{"symbol":"BTC/USDT","action":"buy","quantity":1,000}'],
    ['single quotes', "{'symbol':'BTC/USDT'}"],
    ['a trailing comma', '{"symbol":"BTC/USDT","action":"buy","quantity":0.01,}'],
    ['a comment', '{"symbol":"BTC/USDT","action":"buy","quantity":0.01} // buy'],
    ['two objects', `${JSON.stringify(GOOD)}${JSON.stringify(GOOD)}`],
    ['a list', `[${JSON.stringify(GOOD)}]`],
    ['a text', '"buy"'],
    ['a number', '42'],
    ['null', 'null'],
    ['no UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d])],
    ['a zipped body', gzipSync(JSON.stringify(GOOD))],
    ['a key said twice', '{"symbol":"BTC/USDT","action":"buy","action":"sell","quantity":0.01}'],
    ['a key said twice, once in disguise', '{"symbol":"BTC/USDT","action":"buy","\\u0061ction":"sell","quantity":1}'],
    ['a prototype', '{"__proto__":{"quantity":1},"symbol":"BTC/USDT","action":"buy","quantity":0.01}'],
    ['a very deep body', `${'['.repeat(30_000)}${']'.repeat(30_000)}`],
    [
      'a very deep member',
      `{"symbol":"BTC/USDT","action":"buy","quantity":0.01,"x":${'{"x":'.repeat(5_000)}1${'}'.repeat(5_001)}`,
    ],
    ['a control character in a text', '{"symbol":"BTC\nUSDT","action":"buy","quantity":0.01}'],
  ];
  for (const [name, body] of bodies) assertRefused(await send(body), MALFORMED, name);
});

test('a missing field is named', async () => {
  for (const field of ['symbol', 'action', 'quantity']) {
    const { [field as keyof typeof GOOD]: _left, ...rest } = GOOD;
    const reply = await holdfast.post(rest);
    assertRefused(reply, { http: 422, code: 'MISSING_FIELD', field }, `no ${field}`);
    assert.match(String(reply.body.error), new RegExp(`missing field \`${field}\``));
  }
  const prices = [
    { order_type: 'limit', field: 'limit_price' },
    { order_type: 'stop', field: 'stop_price' },
    { order_type: 'stop_limit', stop_price: 70_000, field: 'limit_price' },
    { order_type: 'stop_limit', limit_price: 70_000, field: 'stop_price' },
    { order_type: 'stop_limit', price: 70_000, field: 'limit_price' },
  ];
  for (const { field, ...alert } of prices) {
    const reply = await holdfast.post({ ...GOOD, ...alert });
    assertRefused(reply, { http: 422, code: 'MISSING_FIELD', field }, JSON.stringify(alert));
  }
});

test('whatever is no number is refused by name wherever a number belongs', async () => {
  const grouped = ['1,000', '1,000.5', '12,345,678', '1 000', "1'000", '1_000', '1.000,50', '0,01'];
  const words = 'NaN na Infinity -Infinity ten 0x10 1e 1e9999 --1 1.2.3 1/2 ٣ １ $5 5%'.split(' ');
  const placeholders = ['{{close}}', '{{strategy.order.contracts}}', '{{}}', '}}'];
  const long = ['9'.repeat(31), `0.${'1'.repeat(40)}`];
  const values = [
    null,
    true,
    false,
    [],
    [1],
    {},
    { value: 1 },
    '',
    ' ',
    '5 BTC',
    ...grouped,
    ...words,
    ...placeholders,
  ];
  const fields = ['quantity', 'price', 'limit_price', 'stop_price', 'stop_loss', 'take_profit', 'confidence'];
  for (const field of fields) {
    // A distance in percent is a level, though no number.
    const isBad = (value: unknown): boolean => value !== '5%' || !['stop_loss', 'take_profit'].includes(field);
    for (const value of [...values, ...long].filter(isBad)) {
      const alert = { ...GOOD, order_type: 'stop_limit', limit_price: 1, stop_price: 1, [field]: value };
      const about = `${field} = ${JSON.stringify(value)}`;
      assertRefused(await holdfast.post(alert), { http: 422, code: 'INVALID_FIELD', field }, about);
    }
  }
  for (const literal of ['1e400', '1E+999', '123456789012345678901234567890123']) {
    const reply = await send(`{"symbol":"BTC/USDT","action":"buy","account":"paper","quantity":${literal}}`);
    assertRefused(reply, { http: 422, code: 'INVALID_FIELD', field: 'quantity' }, literal);
  }
});

test('a value that a field cannot have is refused by name', async () => {
  const unusable: Readonly<Record<string, readonly unknown[]>> = {
    quantity: [0, -1, '0', '-0.01', '0.000', -0, '0e5'],
    price: [0, -5],
    stop_loss: [0, -5, '0%', '100%', { percent: 100 }, { price: 1, percent: 1 }, { trail_percent: 100 }, [1]],
    take_profit: [
      0,
      -5,
      '0%',
      '100%',
      { percent: 100 },
      { price: 1, percent: 1 },
      { breakeven_after: 1 },
      [],
      [1],
      ['4%'],
      [{ percent: 4 }],
      [{ percent: 4, quantity_percent: 99.99 }],
      [{ percent: 4, quantity_percent: 101 }],
      Array.from({ length: 6 }, () => ({ percent: 4, quantity_percent: '16.6' })),
    ],
    confidence: [-0.1, 1.01, 70, '1.5'],
    symbol: [
      '',
      ' ',
      'BTC USDT',
      'BTC\nUSDT',
      'x'.repeat(65),
      'ビット',
      '{{ticker}}',
      'BTC\u0000',
      null,
      5,
      true,
      [],
      {},
    ],
    order_type: ['', 'MARKET ORDER', 'trailing_stop', 'take_profit', '{{order_type}}', 1, null, []],
    account: ['', 'nobody', 'Paper', 'a b', 'x'.repeat(33), "paper' OR 1=1", 5, null, ['paper'], '{{account}}'],
    id: ['', 5, null, true, 'x'.repeat(1_025), '{{strategy.order.id}}', {}],
    time: [1_700_000_000, '1700000000', 'yesterday', '2026-11-24', '2026-11-24T09:30:00', '2026-02-30T09:30:00Z', null],
    action: [5, null, true, [], {}, '{{strategy.order.action}}'],
    // A market order has neither.
    limit_price: [60_000],
    stop_price: [60_000],
  };
  for (const [field, values] of Object.entries(unusable)) {
    for (const value of values) {
      const reply = await holdfast.post({ ...GOOD, [field]: value });
      const about = `${field} = ${JSON.stringify(value).slice(0, 60)}`;
      assertRefused(reply, { http: 422, code: 'INVALID_FIELD', field }, about);
    }
  }
});

test('an unknown action is refused in the words of the original', async () => {
  for (const action of ['exit', 'invalid_action', 'long', 'Buy!', 'b', 'buy sell']) {
    const reply = await holdfast.post({ ...GOOD, action });
    assertRefused(reply, { http: 400, code: 'INVALID_ACTION', field: 'action' }, action);
    assert.equal(reply.body.error, `Invalid action: ${action}`);
  }
});

test('a key that is nearly a known one is refused, with the one that was meant', async () => {
  const misspelt = {
    stop_loss: 'stop_los stoploss_ stop_lose',
    take_profit: 'take_proft take_profits',
    quantity: 'quantty quantiy QUANTITY',
    symbol: 'Symbol symbl',
    action: 'acton ACTION',
    limit_price: 'limt_price limit-price',
    stop_price: 'stop_prise',
    confidence: 'conf1dence',
    account: 'acount',
    order_type: 'ordertyp',
    price: 'prcie',
    leverage: 'leverge',
    time_in_force: 'time_in_forc',
  };
  for (const [meant, keys] of Object.entries(misspelt)) {
    for (const key of keys.split(' ')) {
      const reply = await holdfast.post({ ...GOOD, [key]: 1 });
      // A spelling that some other system uses is known by name; all that counts is that it is not passed over.
      const { code } = reply.body;
      assert.ok(code === 'MISSPELT_FIELD' || code === 'UNSUPPORTED_FIELD', `${key}: ${JSON.stringify(reply.body)}`);
      assertRefused(reply, { http: 422, code, field: key }, key);
      if (code === 'MISSPELT_FIELD') assert.ok(String(reply.body.error).includes(meant), String(reply.body.error));
    }
  }
  const reply = await holdfast.post({ ...GOOD, stop_los: 60_000 });
  assertRefused(reply, { http: 422, code: 'MISSPELT_FIELD', field: 'stop_los' }, 'stop_los');
});

test('no key of the grammar is passed over, whatever a build honors of it', async () => {
  const keys = [
    'exchange venue position prev_position position_size quantity_type trail_amount trail_percent activation_price',
    'time_in_force tif expire_at reduce_only reduceOnly post_only leverage margin_mode position_side cancel_first',
    'flatten_first require_position max_lag maxLag delay not_before execution approval strategy order_id comment tag',
    'interval dry_run extras orders ticker side qty contracts orderType type sl tp tp1 stopLoss takeProfit',
    'TAKE_PROFIT_PRICE_2 passphrase signalId timestamp score marketPosition targets message time id confidence',
    'stop_loss take_profit',
  ].flatMap((line) => line.split(' '));
  for (const key of keys) {
    // No build can take this for a value, so that a key which it honors is refused for that.
    const reply = await holdfast.post({ ...GOOD, [key]: [{ nonsense: true }] });
    const { code } = reply.body;
    assert.ok(code === 'UNSUPPORTED_FIELD' || code === 'INVALID_FIELD', `${key}: ${JSON.stringify(reply.body)}`);
    assertRefused(reply, { http: 422, code, field: key }, key);
  }
  for (const key of ['exchange', 'position', 'trail_amount', 'targets', 'qty', 'comment', 'orders']) {
    const reply = await holdfast.post({ ...GOOD, [key]: 1 });
    assertRefused(reply, { http: 422, code: 'UNSUPPORTED_FIELD', field: key }, key);
  }
});

test('all that is wrong with an alert is told at once', async () => {
  const { body } = await holdfast.post({ symbol: 5, action: 'exit', quantity: true, stop_los: 1, targets: [] });
  const issues = body['issues'] as { path: string; code: string }[];
  assert.deepEqual(issues.map(({ path, code }) => `${path} ${code}`).toSorted(), [
    'action INVALID_ACTION',
    'quantity INVALID_FIELD',
    'stop_los MISSPELT_FIELD',
    'symbol INVALID_FIELD',
    'targets UNSUPPORTED_FIELD',
  ]);
});

test('a body over 64 KiB is refused, however it comes', async () => {
  const large = JSON.stringify({ ...GOOD, filler: 'x'.repeat(64 * 1024) });
  assertRefused(await send(large), { http: 413, code: 'TOO_LARGE' }, 'with its length');
  const chunked = { 'content-type': 'application/json', 'transfer-encoding': 'chunked' };
  assertRefused(await send(large, { headers: chunked }), { http: 413, code: 'TOO_LARGE' }, 'in chunks');
});

test('another content type is refused', async () => {
  const body = JSON.stringify(GOOD);
  const types = [
    'application/x-www-form-urlencoded',
    'application/xml',
    'text/html',
    'multipart/form-data',
    'json',
    '*/*',
  ];
  for (const type of types) {
    assertRefused(await send(body, { headers: { 'content-type': type } }), { http: 415, code: 'CONTENT_TYPE' }, type);
  }
  assertRefused(await send(body, { headers: {} }), { http: 415, code: 'CONTENT_TYPE' }, 'none');
});

test('an address or a method that is not there is not found', async () => {
  const NOT_FOUND = { http: 404, code: 'NOT_FOUND' };
  const gets = [
    '//',
    '/',
    WEBHOOK,
    '/webhook',
    '/orders',
    '/metrics',
    '/../health',
    '/webhook//tradingview',
    `${WEBHOOK}/`,
    '/%2e%2e/',
  ];
  for (const path of gets)
    assertRefused(await send('', { path, method: 'GET', headers: {} }), NOT_FOUND, `GET ${path}`);
  for (const method of ['PUT', 'DELETE', 'PATCH', 'OPTIONS']) {
    assertRefused(await send('', { method, headers: {} }), NOT_FOUND, method);
  }
  const json = JSON.stringify(GOOD);
  for (const path of ['/', '/webhook', '/webhook/other', `${WEBHOOK}/a/b`, '/health', '/%00']) {
    assertRefused(await send(json, { path }), NOT_FOUND, `POST ${path}`);
  }
});

test('a secret address that nobody has is unknown, however it is written', async () => {
  for (const token of ['wrong', 'x'.repeat(256), '%20', 'a%2Fb', '%C3%BC', '..%2f..', '%00', '%F0%9F%92%B0']) {
    const reply = await send(JSON.stringify(GOOD), { path: `${WEBHOOK}/${token}` });
    assertRefused(reply, { http: 404, code: 'UNKNOWN_TOKEN' }, token);
  }
});

test('an address that cannot be read is refused in the same shape', async () => {
  for (const path of ['/%zz', `${WEBHOOK}/%zz`, `${WEBHOOK}/%`, '/%ff', `${WEBHOOK}/${'x'.repeat(300)}`]) {
    const reply = await send(JSON.stringify(GOOD), { path });
    assert.ok(reply.http >= 400 && reply.http < 500, `${path}: ${reply.http}`);
    assertRefused(reply, { http: reply.http, code: String(reply.body.code) }, path);
  }
});

test('what is no HTTP is answered with 4xx, and the connection is closed', async () => {
  const requests = [
    'HELLO\r\n\r\n',
    `GET /${'x'.repeat(20_000)} HTTP/1.1\r\nhost: a\r\n\r\n`,
    `POST ${WEBHOOK} HTTP/1.1\r\nhost: a\r\ncontent-length: -5\r\n\r\n`,
    `POST ${WEBHOOK} HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  ];
  for (const raw of requests) {
    const reply = await speak(raw);
    assert.match(reply, /^HTTP\/1\.1 4\d\d /, raw.slice(0, 60));
    assert.match(reply, /content-type: application\/problem\+json[^]*\r\n\r\n\{"success":false/, raw.slice(0, 60));
  }
  // The library itself answers what names no host.
  assert.match(await speak(`POST ${WEBHOOK} HTTP/1.1\r\n\r\n`), /^HTTP\/1\.1 400 /);
});

test('a proof that is wrong, and a proxy that speaks for somebody, leave an alert unproven', async () => {
  const UNPROVEN = { http: 401, code: 'UNPROVEN' };
  const json = { 'content-type': 'application/json' };
  const body = JSON.stringify(GOOD);
  const headers = [
    'x-webhook-signature',
    'x-forwarded-for',
    'forwarded',
    'x-real-ip',
    'x-forwarded-host',
    'x-forwarded-proto',
  ];
  for (const name of headers) {
    assertRefused(await send(body, { headers: { ...json, [name]: '127.0.0.1' } }), UNPROVEN, name);
  }
  assertRefused(await send(JSON.stringify({ ...GOOD, secret: 'guess' })), UNPROVEN, 'secret');
});

test('after all that, nothing was booked, no order was started, and it works as before', async () => {
  const { orders } = await holdfast.operator<{ orders: unknown[] }>('/orders');
  assert.deepEqual(orders, []);
  const ordersOrWindows = ['--query', "WorkflowType IN ('ExecuteOrder', 'DuplicateWindow')"];
  const counted = await holdfast.temporal('workflow', 'count', ...ordersOrWindows, '--output', 'json');
  assert.equal((JSON.parse(counted) as { count?: string }).count ?? '0', '0');
  assert.deepEqual(holdfast.paperBook().orders, []);
  assert.doesNotMatch(holdfast.output, /"level":(50|60)/);

  const health = await fetch(`${holdfast.publicUrl}/health`);
  assert.equal(health.status, 200);
  // The same alert as TradingView sends it, in both of its content types, and with all that is unusual and right.
  const good = { ...GOOD, id: 'good' };
  const first = await send(JSON.stringify(good), { headers: { 'content-type': 'text/plain; charset=utf-8' } });
  assert.deepEqual([first.http, first.body.status], [200, 'filled']);
  const again = await send(`\ufeff ${JSON.stringify(good)}\n`, {
    headers: { 'content-type': 'application/json; charset=utf-8' },
  });
  assert.deepEqual([again.http, again.body.duplicate], [200, true]);
});

test('unusual alerts that can be understood are carried out, and never break anything', async () => {
  const unusual: { readonly [key: string]: unknown }[] = [
    { quantity: '1e-2' },
    { quantity: ' 0.01 ' },
    { quantity: '+.01' },
    { action: ' BUY ' },
    { order_type: 'MARKET' },
    { quantity: '0.000000000000000001' },
    { id: 'ビットコイン' },
    { id: 'a\ud800b' },
    { id: 'a\u0000b\n' },
    { id: "'; DROP TABLE orders; --" },
    { id: '../../etc/passwd%2e%2e' },
    { id: '<script>alert(1)</script>' },
    { id: 'x'.repeat(1_024) },
    { symbol: 'X\'"\\/USDT', price: 5 },
    { 'a key\u0000 that\n means nothing': { deep: [1, null, '\ud800', { more: 1e308 }] } },
    Object.fromEntries(Array.from({ length: 2_000 }, (_, index) => [`zq${index}`, index])),
    { zqx: 'x'.repeat(64 * 1024 - 200) },
    { zqx: '\u0001'.repeat(10_000) },
  ];
  for (const [index, members] of unusual.entries()) {
    const reply = await holdfast.post({ id: `unusual-${index}`, ...GOOD, ...members });
    const about = `${JSON.stringify(members).slice(0, 80)}: ${JSON.stringify(reply.body).slice(0, 300)}`;
    assert.deepEqual([reply.http, reply.body.status], [200, 'filled'], about);
    const story = await fetch(`${holdfast.operatorUrl}/orders/${encodeURIComponent(reply.body.workflow_id)}`);
    assert.equal(story.status, 200, about);
  }
  assert.doesNotMatch(holdfast.output, /"level":(50|60)/);
});

/** Says something to the public listener, and returns what it says until it hangs up. */
function speak(raw: string): Promise<string> {
  const { hostname, port } = new URL(holdfast.publicUrl);
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = connect(Number(port), hostname, () => socket.write(raw));
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.on('close', () => resolve(text)).on('error', reject);
    socket.setTimeout(20_000, () => socket.destroy(new Error('It keeps the connection open.')));
  });
}
