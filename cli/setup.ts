import { generateKeyPairSync, randomBytes } from 'node:crypto';

import type { Command } from 'commander';

import { loadConfig } from '../config/config.ts';
import { configSchema } from '../config/schema.ts';
import { rootFolder } from './root-folder.ts';

/** What TradingView fills in when the alert fires; one id and one time for each. */
const TEMPLATE = {
  symbol: '{{exchange}}:{{ticker}}',
  action: '{{strategy.order.action}}',
  quantity: '{{strategy.order.contracts}}',
  price: '{{strategy.order.price}}',
  id: '{{ticker}}-{{strategy.order.id}}-{{timenow}}',
  time: '{{timenow}}',
};

const print = (value: unknown): void => void process.stdout.write(`${JSON.stringify(value, null, 2)}\n`);

/** What a new installation needs before its first alert: keys, a configuration that holds, a message to paste. */
export function addSetup(program: Command): void {
  program
    .command('keygen')
    .description('Make keys and secrets, as lines for an environment file. Nothing is stored.')
    .option('--json', 'as JSON')
    .action(({ json }: { json?: true }) => {
      const made = makeKeys();
      if (json === true) return print(made);
      for (const [name, value] of Object.entries(made)) process.stdout.write(`${name}=${value}\n`);
      process.stderr.write('Keep the first of them with ingress alone; workers get INTENT_VERIFY_KEYS only.\n');
    });
  const config = program.command('config').description('The configuration that is found here.');
  config
    .command('schema')
    .description('The JSON Schema of holdfast.yaml, for editors.')
    .option('--json', 'as it is anyway')
    .action(() => print(configSchema()));
  config
    .command('check')
    .description('Whether it holds; every fault with its path and a fix, and an exit code of 78.')
    .option('--json', 'as JSON')
    .action(({ json }: { json?: true }) => {
      const { file, accounts, strategies } = loadConfig(process.env, rootFolder(), process.cwd());
      const found = { file: file ?? null, accounts: Object.keys(accounts), strategies: Object.keys(strategies) };
      if (json === true) return print(found);
      const names = (what: string, all: readonly string[]): string => `${what}: ${all.join(', ')}`;
      process.stdout.write(
        `${found.file ?? 'There is no file; the defaults hold.'}\n${names('accounts', found.accounts)}\n${names('strategies', found.strategies)}\n`,
      );
    });
  program
    .command('alert-template')
    .description('The message for a TradingView strategy alert, to paste.')
    .action(() => print(TEMPLATE));
}

/** One line each: what has several lines is given as the base64 inside it. */
function makeKeys(): Record<string, string> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  return {
    INTENT_SIGNING_KEY: privateKey.export({ type: 'pkcs8', format: 'der' }).toString('base64'),
    INTENT_VERIFY_KEYS: publicKey.export({ type: 'spki', format: 'der' }).toString('base64'),
    WEBHOOK_SECRET: randomBytes(32).toString('hex'),
    WEBHOOK_TOKEN: randomBytes(24).toString('base64url'),
    OPERATOR_TOKEN: randomBytes(24).toString('base64url'),
    PAYLOAD_ENCRYPTION_KEYS: `first:${randomBytes(32).toString('base64')}`,
  };
}
