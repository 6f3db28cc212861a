import { createHmac, randomUUID } from 'node:crypto';

import type { Command } from 'commander';

import { loadConfig, type Config, type StrategyConfig } from '../config/config.ts';
import type { Linked } from '../ingress/links.ts';
import { signDelivery } from '../ingress/standard-webhooks.ts';
import { CommandFault, UsageFault } from './exit.ts';
import { explainAlert, readAlert } from './explain.ts';
import { rootFolder } from './root-folder.ts';

const DEADLINE_MS = 5_000;

interface Options {
  readonly strategy?: string;
  readonly dryRun?: true;
  readonly json?: true;
}

/** `holdfast send`: sends an alert as its sender would, with every proof that its strategy knows. */
export function addSend(program: Command): void {
  program
    .command('send')
    .description('Sign and send an alert, as its strategy would.')
    .argument('<FILE>', 'the alert; - for standard input')
    .option('--strategy <NAME>', 'whose alert it is; the first of the configuration where none is named')
    .option('--dry-run', 'only say what it would do')
    .option('--json', 'the answer as JSON')
    .action(async (file: string, { strategy, dryRun, json }: Options) => {
      if (dryRun === true) return explainAlert(file, { strategy, json });
      const answer = await post(readAlert(file), strategy);
      const { status, workflow_id: id, filled_quantity: filled, average_price: at } = answer;
      const fill = at === null ? '' : `, ${filled} at ${at}`;
      process.stdout.write(json === true ? `${JSON.stringify(answer, null, 2)}\n` : `${id}  ${status}${fill}\n`);
      if (!answer.success) process.exitCode = 1;
      if (answer.error !== null) process.stderr.write(`${answer.error}\n`);
    });
}

async function post(alert: Buffer, strategyName: string | undefined): Promise<Linked> {
  const config = loadConfig(process.env, rootFolder(), process.cwd());
  const { PORT: port } = config.settings;
  const origin = `http://127.0.0.1:${port}`;
  const { path, headers, body } = proven(alert, strategyOf(config, strategyName));
  const response = await fetch(`${origin}/webhook/tradingview${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body,
    redirect: 'error',
    signal: AbortSignal.timeout(DEADLINE_MS),
  }).catch(() => {
    throw new CommandFault('UNREACHABLE', `Holdfast cannot be reached at ${origin}. Is it running, and is PORT right?`);
  });
  const answer = (await response.json()) as Linked & { readonly code?: string };
  if (response.ok) return answer;
  throw new CommandFault(answer.code ?? 'REFUSED', answer.error ?? `Holdfast answered ${response.status}.`);
}

function strategyOf({ strategies }: Config, name = Object.keys(strategies)[0] ?? ''): StrategyConfig {
  if (Object.hasOwn(strategies, name)) return strategies[name]!;
  throw new UsageFault(`There is no strategy ${name}; use ${Object.keys(strategies).join(', ')}.`);
}

/** The request with every proof that the strategy has a secret for, the newest of each. */
function proven(alert: Buffer, { tokens, bodySecrets, hmacSecrets, webhookKeys }: StrategyConfig) {
  const body = withSecret(alert, bodySecrets[0]);
  const [hmac, key] = [hmacSecrets[0], webhookKeys[0]];
  return {
    path: tokens[0] === undefined ? '' : `/${encodeURIComponent(tokens[0])}`,
    headers: {
      ...(hmac === undefined ? {} : { 'x-webhook-signature': createHmac('sha256', hmac).update(body).digest('hex') }),
      ...(key === undefined ? {} : delivery(body, key)),
    },
    body,
  };
}

/** Written into the text as it is: reading it as JSON would cost digits. */
function withSecret(alert: Buffer, secret: string | undefined): Buffer {
  const text = alert.toString();
  const at = text.indexOf('{');
  if (secret === undefined || at < 0 || /"secret"\s*:/.test(text)) return alert;
  const comma = /^\s*\}/.test(text.slice(at + 1)) ? '' : ',';
  return Buffer.from(`${text.slice(0, at + 1)}"secret":${JSON.stringify(secret)}${comma}${text.slice(at + 1)}`);
}

/** The headers of Standard Webhooks. */
function delivery(body: Buffer, key: string): Record<string, string> {
  const id = `msg_${randomUUID()}`;
  const timestamp = String(Math.floor(Date.now() / 1_000));
  const signature = signDelivery(key, { id, timestamp, signature: '' }, body);
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': `v1,${signature}` };
}
