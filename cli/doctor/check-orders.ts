import { existsSync } from 'node:fs';

import type { HaltView } from '../../ingress/halts.ts';
import { haltFile } from '../../workers/standings.ts';
import { askOperator } from '../operator.ts';
import { listenerUrl } from './public-listener.ts';
import { fault, notChecked, ok, sentence, warning, type Check, type Verdict } from './verdict.ts';

const DEADLINE_MS = 3_000;

/** Whether alerts are taken: of an ingress that runs. */
export const checkIngress: Check = async ({ config, health, version }) => {
  if (health === undefined) return [notChecked('ingress', 'Holdfast is not running here.')];
  const runs = `Holdfast ${health.version} has been running for ${health.uptime_seconds} s`;
  const older = warning('ingress', `${runs}, and this is ${version}.`, 'Start it again to run this version.');
  const alive = health.version === version ? ok('ingress', `${runs}.`) : older;
  try {
    const response = await fetch(`${listenerUrl(config)}/ready`, { signal: AbortSignal.timeout(DEADLINE_MS) });
    if (response.ok) return [alive, ok('ingress', 'It is ready for alerts.')];
    const { checks } = (await response.json()) as { checks?: Record<string, boolean> };
    const message = `It is not ready for alerts: ${JSON.stringify(checks)}.`;
    return [alive, fault('ingress', message, 'See its log for the part that is missing.')];
  } catch (error) {
    return [alive, fault('ingress', `It does not say whether it is ready: ${sentence(error)}`, 'See its log.')];
  }
};

export const checkStrategies: Check = ({ config: { strategies } }) => {
  const open = Object.keys(strategies).filter((name) => strategies[name]!.isOpen);
  if (open.length === 0) return [ok('strategies', 'Every strategy asks for a proof of its sender.')];
  const fix = 'Give it a token, body_secret, hmac_secret or webhook_key (WEBHOOK_SECRET for "default").';
  return open.map((name) =>
    warning('strategies', `The strategy ${name} takes alerts without proof, from this machine only.`, fix),
  );
};

/** What keeps orders back. */
export const checkHalts: Check = async ({ config, health }) => {
  const file = haltFile(config.dataDir);
  const verdicts: Verdict[] = existsSync(file)
    ? [warning('halts', `The file ${file} halts every account of this host's worker.`, 'Remove it when it is settled.')]
    : [];
  if (health === undefined) return [...verdicts, notChecked('halts', 'The engine keeps them, and does not run here.')];
  try {
    const { halts } = await askOperator<{ halts: HaltView[] }>('/halt');
    const inForce = halts.map(({ account, scope, code, since, reason }) => {
      const how = code === 'ENGINE_RESTORED' ? `resume ${account} --restored` : `resume ${account}`;
      const message = `The account ${account} is halted (${scope}, ${code}) since ${since}: ${sentence(reason)}`;
      return warning('halts', message, `When it is settled: npm run holdfast -- ${how}`);
    });
    return [...verdicts, ...inForce, ...(halts.length === 0 ? [ok('halts', 'No account is halted.')] : [])];
  } catch (error) {
    return [...verdicts, fault('halts', sentence(error), 'See whether OPERATOR_PORT and OPERATOR_TOKEN are its own.')];
  }
};
