import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, test } from 'node:test';

import { eventually } from '../support/eventually.ts';
import { Holdfast, ROOT } from '../support/holdfast.ts';

/**
 * Every secret of this installation. One has digits only, so that without its quotes it is a number; one is short enough
 * for a parser's message to quote all of it.
 */
const SECRETS = {
  webhook: 'canary5kWebhookSecret7Qx',
  token: 'canary5kUrlToken8Zr',
  bodySecret: 'canary5kBodySecret2Lm',
  numericSecret: '770031415926535',
  shortSecret: 'k7cnryQ5',
  hmac: 'canary5kHmacSecret4Vt',
  apiKey: 'canary5kApiKey9Hw',
  apiSecret: 'canary5kApiSecret1Ng',
  operator: 'canary5kOperatorToken6Bd',
};
/** In the id of every alert that is accepted: what shows that the search below finds what is there. */
const CONTROL = 'control3jSeenEverywhere';

const CONFIG = `
default_account: binance
accounts:
  binance:
    venue: ccxt
    exchange: binance
    mode: dry_run
    api_key: \${API_KEY}
    api_secret: \${API_SECRET}
  paper: { venue: paper }
strategies:
  default: {}
  trend:
    token: \${TREND_TOKEN}
    body_secret: ["\${TREND_SECRET}", "\${NUMERIC_SECRET}", "\${SHORT_SECRET}"]
    hmac_secret: \${TREND_HMAC}
`;

let holdfast: Holdfast;
/** Everything that was answered, headers too. */
const answers: string[] = [];

before(async () => {
  holdfast = await Holdfast.start({
    config: CONFIG,
    env: {
      WEBHOOK_SECRET: SECRETS.webhook,
      TREND_TOKEN: SECRETS.token,
      TREND_SECRET: SECRETS.bodySecret,
      NUMERIC_SECRET: SECRETS.numericSecret,
      SHORT_SECRET: SECRETS.shortSecret,
      TREND_HMAC: SECRETS.hmac,
      API_KEY: SECRETS.apiKey,
      API_SECRET: SECRETS.apiSecret,
      OPERATOR_TOKEN: SECRETS.operator,
      LOG_LEVEL: 'trace',
    },
  });
});
after(() => holdfast?.dispose());

const WEBHOOK = '/webhook/tradingview';
const ALERT = { symbol: 'BTC/USDT', action: 'buy', quantity: 0.01, account: 'paper' };
const LIMIT = { order_type: 'limit', limit_price: 61_000 };

let count = 0;
const alertWith = (members: Readonly<Record<string, unknown>> = {}): string =>
  JSON.stringify({ id: `${CONTROL}-${(count += 1)}`, ...ALERT, ...members });

const signatureOf = (body: string, secret: string): { 'x-webhook-signature': string } => ({
  'x-webhook-signature': createHmac('sha256', secret).update(body).digest('hex'),
});

interface Sent {
  readonly path?: string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string | string[]>>;
}

/** Sends as it is told, and keeps the answer. The path goes out as written. */
function send(body: string, { path = WEBHOOK, method = 'POST', headers = {} }: Sent = {}): Promise<number> {
  const options = { method, path, headers: { 'content-type': 'application/json', ...headers } };
  return new Promise((resolve, reject) => {
    const sending = request(holdfast.publicUrl, options, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
      response.on('end', () => {
        answers.push(`${response.statusCode} ${JSON.stringify(response.headers)} ${text}`);
        resolve(response.statusCode ?? 0);
      });
    });
    sending.on('error', reject).end(body);
  });
}

const tokenPath = `${WEBHOOK}/${SECRETS.token}`;
const { webhook, bodySecret, numericSecret, shortSecret, hmac, token } = SECRETS;

test('alerts that prove their sender are accepted, in every way of proving it', async () => {
  assert.equal(await send(alertWith({ secret: webhook })), 200);
  assert.equal(await send(alertWith({ secret: bodySecret, ...LIMIT })), 200);
  assert.equal(await send(alertWith({ secret: numericSecret })), 200);
  assert.equal(await send(alertWith(), { path: tokenPath }), 200);
  assert.equal(await send(alertWith({ secret: bodySecret }), { path: tokenPath }), 200);
  for (const secret of [webhook, hmac]) {
    const body = alertWith({ account: 'binance' });
    assert.equal(await send(body, { headers: signatureOf(body, secret) }), 200);
  }
  const everything = alertWith({ secret: bodySecret, confidence: 0.1, chart: 'a member that means nothing' });
  assert.equal(await send(everything, { path: tokenPath, headers: signatureOf(everything, hmac) }), 200);
  // A duplicate, and the same id with other content.
  const twice = { id: `${CONTROL}-twice`, secret: webhook };
  assert.equal(await send(alertWith(twice)), 200);
  assert.equal(await send(alertWith(twice)), 200);
  assert.equal(await send(alertWith({ ...twice, quantity: 0.02 })), 409);
  assert.equal(await send(alertWith({ secret: webhook, symbol: 'NOPRICE/USDT' })), 200);
});

test('alerts that prove nothing, or wrongly, are refused', async () => {
  assert.equal(await send(alertWith()), 401);
  assert.equal(await send(alertWith({ secret: `${webhook}x` })), 401);
  assert.equal(await send(alertWith({ secret: [webhook] })), 401);
  assert.equal(await send(alertWith({ secret: { value: bodySecret } })), 401);
  assert.equal(await send(alertWith({ secret: webhook }), { path: tokenPath }), 401);
  assert.equal(await send(alertWith({ secret: bodySecret }), { headers: signatureOf('other', hmac) }), 401);
  assert.equal(await send(alertWith(), { headers: { 'x-webhook-signature': hmac } }), 401);
  assert.equal(await send(alertWith(), { headers: { 'x-webhook-signature': [hmac, webhook] } }), 401);
  assert.equal(await send(alertWith(), { headers: { authorization: `Bearer ${token}` } }), 401);
  assert.equal(await send(alertWith(), { path: `${WEBHOOK}/${webhook}` }), 404);
});

test('secrets at addresses that are nobody’s are not repeated', async () => {
  const paths = [
    `${tokenPath}/more`,
    `${tokenPath}x`,
    `${WEBHOOK}?token=${token}`,
    `/${token}`,
    `/${token}/%zz`,
    `//${token}`,
    `${tokenPath}%zz`,
    `${tokenPath}%00`,
    `${tokenPath}${'x'.repeat(300)}`,
    `/health?secret=${webhook}`,
  ];
  for (const path of paths) {
    assert.ok((await send(alertWith(), { path })) >= 400 || path.startsWith('/health'), path);
    await send('', { path, method: 'GET' });
    await send('', { path, method: 'PUT' });
  }
  await send(alertWith({ secret: webhook }), { headers: { 'content-type': `text/${token}` } });
  await send(alertWith({ secret: webhook }), { headers: { 'content-type': `application/json; secret=${webhook}` } });
});

test('a body that cannot be used is not quoted where it holds a secret', async () => {
  const bodies = [
    `{"secret":${token}}`,
    `{"secret":"${webhook}"`,
    `{"secret":"${webhook}","symbol":BTC}`,
    `{"symbol":"BTC/USDT","secret":"${bodySecret}" "action":"buy"}`,
    `{"symbol":"BTC/USDT","secret":${bodySecret},"action":"buy"}`,
    `{"symbol":"BTC/USDT","secret":'${bodySecret}',"action":"buy"}`,
    `secret=${bodySecret}`,
    `"${bodySecret}"`,
    `[${bodySecret}]`,
    `{"secret":${shortSecret}}`,
    `{"symbol":"BTC/USDT","secret":"${shortSecret}"x}`,
    `secret: ${shortSecret}`,
    `{"secret":"${bodySecret}","secret":"${bodySecret}"}`,
    `{"secret":"${bodySecret}\n"}`,
    JSON.stringify({ ...ALERT, secret: Number(numericSecret) }),
    JSON.stringify({ ...ALERT, secret: null }),
    JSON.stringify({ ...ALERT, secret: bodySecret, quantity: null, stop_los: 1 }),
    JSON.stringify({ ...ALERT, passphrase: bodySecret }),
    JSON.stringify({ ...ALERT, Secret: bodySecret }),
    JSON.stringify({ ...ALERT, secrt: bodySecret }),
  ];
  for (const body of bodies) {
    // A stranger is told nothing of what is wrong; whoever has the token is told a lot.
    for (const path of [WEBHOOK, tokenPath]) assert.ok((await send(body, { path })) >= 400, body);
    const signed = await send(body, { headers: signatureOf(body, hmac) });
    assert.ok(signed >= 400, body);
  }
});

test('the operator’s token opens its pages and nothing else does', async () => {
  for (const authorization of [undefined, 'Bearer wrong', SECRETS.operator, `Basic ${SECRETS.operator}`]) {
    const response = await fetch(`${holdfast.operatorUrl}/orders?cursor=${SECRETS.operator}`, {
      headers: authorization === undefined ? {} : { authorization },
    });
    answers.push(`${response.status} ${await response.text()}`);
    assert.equal(response.status, 401, String(authorization));
  }
  assert.equal((await operator('/orders?status=working')).status, 200);
  await operator(`/orders?account=${SECRETS.operator}`);
  await operator(`/orders/${SECRETS.operator}`);
});

test('the original’s cases pass with a signature, and their script shows no secret', async () => {
  const flags = ['--disable-warning=ExperimentalWarning'];
  const script = join(ROOT, 'examples', 'original-cases.ts');
  const env = { ...process.env, WEBHOOK_SECRET: webhook };
  const child = spawn(process.execPath, [...flags, script, holdfast.publicUrl], { env });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise((resolve) => child.on('close', resolve));
  assert.equal(code, 0, output);
  answers.push(output);
});

test('no secret is in an answer', () => assertClean({ answers: answers.join('\n') }, { control: true }));

test('no secret is in what the processes print', async () => {
  const logged = (): boolean => holdfast.output.includes(CONTROL);
  await eventually(logged, Boolean, { what: 'a log line about an order' });
  assertClean({ output: holdfast.output }, { control: true });
});

test('no secret is on the operator’s pages or among the metrics', async () => {
  const ids = await orderIds();
  assert.ok(ids.length > 8, `${ids.length} orders`);
  const pages: Record<string, string> = { '/orders': (await operator('/orders')).text };
  for (const id of ids) {
    const path = `/orders/${encodeURIComponent(id)}`;
    pages[path] = (await operator(path)).text;
  }
  assertClean(pages, { control: false });
  assert.ok(pages['/orders']!.includes(CONTROL));
  const metrics = (await operator('/metrics')).text;
  assertClean({ '/metrics': metrics }, { control: false });
  // Labels come from what is configured, never from what is sent.
  assert.doesNotMatch(metrics, new RegExp(CONTROL));
});

test('no secret is in a history, as the engine’s command line prints it', async () => {
  const histories: Record<string, string> = {};
  for (const id of await orderIds()) histories[id] = await holdfast.history(id);
  const list = ['workflow', 'list', '--limit', '1000', '--output', 'json'];
  assertClean({ list: await holdfast.temporal(...list), ...histories }, { control: false });
  const all = Object.values(histories).join('\n');
  assertClean({ all }, { control: true });
});

test('no secret is in a file of the data folder', async () => {
  const folder = join(holdfast.dataDir, 'data');
  const databases = readdirSync(folder).filter((name) => /\.db/.test(name));
  assert.ok(databases.includes('temporal.db') && databases.includes('paper-paper.db'), databases.join());
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const contents = Object.fromEntries(
    files.map(({ parentPath, name }) => [name, readIfThere(join(parentPath, name)).toString('latin1')]),
  );
  assertClean(contents, { control: false });
  const engine = Object.entries(contents).flatMap(([name, text]) => (name.startsWith('temporal.db') ? [text] : []));
  assertClean({ engine: engine.join('') }, { control: true });
});

test('the key that signs orders is nowhere but in its file', async () => {
  const pem = readFileSync(join(holdfast.dataDir, 'data', 'intent-signing-key.pem'), 'utf8');
  const key = pem.split('\n')[1]!;
  // The first bytes of every such key are the same; what tells it from another is at its end.
  const secretPart = key.slice(-40, -4);
  assert.ok(secretPart.length === 36);
  const databases = ['temporal.db', 'temporal.db-wal', 'paper-paper.db', 'paper-paper.db-wal'];
  const texts = databases.map((name) => readIfThere(join(holdfast.dataDir, 'data', name)).toString('latin1'));
  const raw = Buffer.from(key, 'base64').subarray(-32).toString('latin1');
  for (const text of [...texts, holdfast.output, answers.join('\n')]) {
    assert.ok(!text.includes(secretPart) && !text.includes(raw));
  }
});

/** Fails where a text holds a secret, plainly or in a usual encoding; and where the control is missing. */
function assertClean(texts: Readonly<Record<string, string>>, { control }: { control: boolean }): void {
  for (const [name, text] of Object.entries(texts)) {
    if (control)
      assert.ok(
        formsOf(CONTROL).some((form) => text.includes(form)),
        `${name} lacks what must be there`,
      );
  }
  assert.deepEqual(hitsIn(texts), []);
}

/** Where a text holds a secret, with what is around it. */
function hitsIn(texts: Readonly<Record<string, string>>): string[] {
  return Object.entries(texts).flatMap(([name, text]) =>
    Object.entries(SECRETS).flatMap(([which, secret]) =>
      formsOf(secret).flatMap((form) =>
        [...text.matchAll(new RegExp(form.replace(/[+/]/g, '\\$&'), 'g'))].map(({ index }) => {
          const around = text.slice(Math.max(0, index - 60), index + form.length + 30);
          return `${name} holds ${which}: ${JSON.stringify(around)}`;
        }),
      ),
    ),
  );
}

/** A text as it may be written: as it is, in hexadecimal, and in base64 at each of the three places in a group. */
function formsOf(text: string): string[] {
  const base64 = [0, 1, 2].map((shift) => {
    const encoded = Buffer.from(`${'\0'.repeat(shift)}${text}`).toString('base64');
    // What the bytes before and after it have a share in is left out.
    return encoded.slice(Math.ceil((shift * 4) / 3), Math.floor(((shift + text.length) * 4) / 3));
  });
  return [text, Buffer.from(text).toString('hex'), ...base64];
}

test('a secret in a member that means nothing to us is not kept', async () => {
  const strays = [{ password: bodySecret }, { chart: { secret: bodySecret } }, { chart: [`https://host/${token}`] }];
  const ids: string[] = [];
  for (const stray of strays) {
    const body = alertWith({ ...stray, secret: bodySecret });
    if ((await send(body)) === 200) ids.push(`order:trend:${(JSON.parse(body) as { id: string }).id}`);
  }
  const histories: Record<string, string> = {};
  for (const id of ids) histories[id] = (await holdfast.history(id)) + (await operator(`/orders/${id}`)).text;
  assert.deepEqual(hitsIn({ answers: answers.slice(-strays.length).join('\n'), ...histories }), []);
});

async function operator(path: string): Promise<{ status: number; text: string }> {
  const headers = { authorization: `Bearer ${SECRETS.operator}` };
  const response = await fetch(`${holdfast.operatorUrl}${path}`, { headers });
  const text = await response.text();
  if (response.status >= 400) answers.push(text);
  return { status: response.status, text };
}

/** Every order that was started. The engine's list follows within a second. */
async function orderIds(): Promise<string[]> {
  const started = new Set(answers.flatMap((answer) => /"workflow_id":"([^"]+)"/.exec(answer)?.[1] ?? []));
  const page = await eventually(
    async () => JSON.parse((await operator('/orders')).text) as { orders: { workflow_id: string }[] },
    ({ orders }) => orders.length >= started.size,
    { what: `${started.size} orders` },
  );
  return page.orders.map((order) => order.workflow_id);
}

function readIfThere(file: string): Buffer {
  return existsSync(file) ? readFileSync(file) : Buffer.alloc(0);
}
