import type { Config } from '../config/config.ts';

export interface Addresses {
  readonly config: Config;
  readonly publicUrl: string;
  readonly operatorUrl: string;
  readonly uiUrl: string | null;
}

/** What a person sees when everything runs: where to look, and one line to paste. */
export function welcome({ config, publicUrl, operatorUrl, uiUrl }: Addresses): string {
  const accounts = Object.entries(config.accounts).map(([name, account]) => `${name} (${modeOf(account)})`);
  return [
    '',
    'Holdfast is ready.',
    `  Webhook    ${publicUrl}/webhook/tradingview`,
    `  Orders     ${operatorUrl}/orders`,
    ...(uiUrl === null ? [] : [`  Web UI     ${uiUrl}`]),
    `  Accounts   ${accounts.join(', ')}; default ${config.defaultAccount}`,
    `  Data       ${config.dataDir}`,
    '',
    'Try it:',
    `  ${exampleCurl(config, publicUrl)}`,
    '',
    '',
  ].join('\n');
}

function modeOf(account: Config['accounts'][string]): string {
  return account.venue === 'paper' ? 'paper money' : `${account.exchange}, ${account.mode.replace('_', ' ')}`;
}

/** One alert that works as pasted; where a proof is asked for, the shell fills it in. */
function exampleCurl(config: Config, publicUrl: string): string {
  const names = Object.keys(config.strategies);
  const name = names.find((known) => config.strategies[known]!.isOpen) ?? names[0]!;
  const { accounts, bodySecrets, tokens, hmacSecrets } = config.strategies[name]!;
  const account = accounts.find((known) => config.accounts[known]?.venue === 'paper') ?? accounts[0]!;
  const alert = `"symbol":"BTC/USDT","action":"buy","quantity":0.01,"account":"${account}"`;
  const post = `curl -s ${publicUrl}/webhook/tradingview`;
  const json = `-H 'content-type: application/json'`;
  if (bodySecrets.length > 0) return `${post} ${json} -d '{${alert},"secret":"'"$WEBHOOK_SECRET"'"}'`;
  if (tokens.length > 0) return `${post}/$WEBHOOK_TOKEN ${json} -d '{${alert}}'`;
  if (hmacSecrets.length === 0) return `${post} ${json} -d '{${alert}}'`;
  const signature = `$(printf '%s' '{${alert}}' | openssl dgst -sha256 -hmac "$WEBHOOK_SECRET" | sed 's/.* //')`;
  return `${post} ${json} -H "x-webhook-signature: ${signature}" -d '{${alert}}'`;
}
