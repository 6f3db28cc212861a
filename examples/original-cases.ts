// Sends the five alerts of the original system's end-to-end report, and compares what comes back with what that system
// answered: `node examples/original-cases.ts [URL]`.
//
// URL is a listener (http://127.0.0.1:4700 unless given) or a whole webhook address with its token. Where the strategy
// has an HMAC secret, set WEBHOOK_SECRET and the alerts are signed. The first three cases are real orders: the answers
// fit where the default account is in dry run, as it is with no configuration.
import { createHmac } from 'node:crypto';

interface Case {
  readonly name: string;
  readonly body: string;
  readonly http: number;
  /** The members that the original had, and what each must be. */
  readonly answer: { readonly success: boolean; readonly order_id: null; readonly error: string | RegExp | null };
}

const NOTHING_SENT = { success: true, order_id: null, error: null } as const;

const CASES: readonly Case[] = [
  {
    name: 'Buy at market',
    body: '{"symbol":"BTC/USDT","action":"buy","order_type":"market","quantity":0.01,"confidence":0.85}',
    http: 200,
    answer: NOTHING_SENT,
  },
  {
    name: 'Sell at a limit, with stop-loss and take-profit',
    body:
      '{"symbol":"ETH/USDT","action":"sell","order_type":"limit","quantity":0.5,"price":3500.0,' +
      '"stop_loss":3600.0,"take_profit":3400.0,"confidence":0.75}',
    http: 200,
    answer: NOTHING_SENT,
  },
  {
    name: 'The least that an alert may say',
    body: '{"symbol":"BTC/USDT","action":"buy","quantity":0.01}',
    http: 200,
    answer: NOTHING_SENT,
  },
  {
    name: 'An unknown action',
    body: '{"symbol":"BTC/USDT","action":"invalid_action","quantity":0.01}',
    http: 400,
    answer: { success: false, order_id: null, error: 'Invalid action: invalid_action' },
  },
  {
    name: 'A missing field',
    body: '{\n  "symbol": "BTC/USDT",\n  "action": "buy"\n  }',
    http: 422,
    // The original's parser went on with the position of the closing brace.
    answer: { success: false, order_id: null, error: /missing field `quantity`/ },
  },
];

const webhook = webhookAddress(process.argv[2] ?? 'http://127.0.0.1:4700');
let differences = 0;
for (const [index, one] of CASES.entries()) {
  const { http, text, error } = await send(one.body);
  const found = error === undefined ? findDifferences(one, http, text) : [error];
  if (found.length > 0) differences += 1;
  console.log(`${found.length === 0 ? '✓' : '✗'} ${index + 1} ${one.name}`);
  console.log(`    ${one.body.replace(/\s+/g, ' ')}`);
  if (error === undefined) console.log(`    ${http} ${text}`);
  for (const difference of found) console.log(`    ${difference}`);
}
console.log(differences === 0 ? 'All five cases answer as the original did.' : `${differences} of 5 cases differ.`);
process.exitCode = differences === 0 ? 0 : 1;

function webhookAddress(given: string): string {
  const url = new URL(given);
  if (!url.pathname.startsWith('/webhook/')) url.pathname = '/webhook/tradingview';
  return url.href;
}

async function send(body: string): Promise<{ http: number; text: string; error?: string }> {
  const secret = process.env['WEBHOOK_SECRET'];
  const signature = secret ? { 'x-webhook-signature': createHmac('sha256', secret).update(body).digest('hex') } : {};
  try {
    const response = await fetch(webhook, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...signature },
      body,
    });
    return { http: response.status, text: await response.text() };
  } catch (error) {
    const { cause } = error as Error;
    return { http: 0, text: '', error: `No answer from ${new URL(webhook).origin}: ${String(cause ?? error)}` };
  }
}

function findDifferences({ http, answer }: Case, gotHttp: number, text: string): string[] {
  let got: Record<string, unknown>;
  try {
    got = JSON.parse(text) as Record<string, unknown>;
  } catch {
    return ['The answer is no JSON.'];
  }
  const members = Object.entries(answer).filter(([name, wanted]) =>
    wanted instanceof RegExp ? !wanted.test(String(got[name])) : got[name] !== wanted,
  );
  return [
    ...(gotHttp === http ? [] : [`Expected HTTP ${http}.`]),
    ...members.map(
      ([name, wanted]) => `Expected "${name}" to be ${wanted instanceof RegExp ? wanted : JSON.stringify(wanted)}.`,
    ),
  ];
}
