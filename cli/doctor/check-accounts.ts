import type { Inspection } from '../../adapters/ccxt/inspect-account.ts';
import type { ExchangeAccount } from '../../config/config.ts';
import {
  exchangeAccounts,
  inspect,
  judgeClock,
  judgeHosts,
  judgeKey,
  type Finding,
} from '../../workers/account-safety.ts';
import { fault, faultsOf, notChecked, ok, sentence, warning, type Check, type Verdict } from './verdict.ts';

/** Every account: whether it can be reached, whether its credentials are good, and what is unsafe about it. */
export const checkAccounts: Check = async ({ config }) => {
  const exchanges = new Map(exchangeAccounts(config));
  const all = await Promise.all(
    Object.entries(config.accounts).map(async ([name, { venue }]) => {
      const account = exchanges.get(name);
      if (account !== undefined) return checkExchange(name, account);
      return [ok(`account ${name}`, venue === 'paper' ? 'Paper money.' : 'A dry run: nothing is sent.')];
    }),
  );
  return all.flat();
};

async function checkExchange(name: string, account: ExchangeAccount): Promise<Verdict[]> {
  const check = `account ${name}`;
  let inspection: Inspection;
  try {
    inspection = await inspect(name, account);
  } catch (error) {
    return faultsOf(check, error);
  }
  try {
    const hosts = judgeHosts(name, account.mode, inspection.hosts).map((finding) => warn(check, finding));
    // First, because what follows is signed with the venue's time.
    const clock = await checkClock(check, name, inspection);
    const markets = await inspection.markets().then((count) => `${count} spot markets`, sentence);
    const where = `${account.exchange}, ${account.mode}`;
    if (!markets.endsWith('spot markets')) {
      const fix = 'See whether the exchange is up, and whether this host and http_origin reach it.';
      return [...hosts, fault(check, `The markets of ${where} cannot be read: ${markets}`, fix)];
    }
    const reached = ok(check, `It is reached (${where}), and has ${markets}.`);
    return [
      ...hosts,
      reached,
      clock,
      await checkCredentials(check, inspection),
      ...(await checkKey(check, name, inspection)),
    ];
  } finally {
    await inspection.close();
  }
}

async function checkClock(check: string, name: string, inspection: Inspection): Promise<Verdict> {
  try {
    const reading = await inspection.clock();
    if (reading === undefined) return notChecked(check, "Its clock: orders there don't depend on it.");
    const finding = judgeClock(name, 'venue', reading);
    return finding === undefined ? ok(check, "The venue's clock and this host's agree.") : warn(check, finding);
  } catch (error) {
    return warning(check, `The venue did not tell its time: ${sentence(error)}`, 'Run the doctor again.');
  }
}

async function checkCredentials(check: string, inspection: Inspection): Promise<Verdict> {
  try {
    await inspection.credentials();
    return ok(check, 'The credentials are accepted: the balances can be read.');
  } catch (error) {
    const fix =
      'Compare api_key, api_secret and password with those at the exchange, and the mode with where they are from.';
    return fault(check, `The balances cannot be read with these credentials: ${sentence(error)}`, fix);
  }
}

async function checkKey(check: string, name: string, inspection: Inspection): Promise<Verdict[]> {
  try {
    const rights = await inspection.rights();
    if (rights === undefined) {
      return [
        notChecked(check, 'What its key may do cannot be asked here; see at the exchange that it cannot withdraw.'),
      ];
    }
    const found = judgeKey(name, rights).map((finding) => warn(check, finding));
    return rights.canWithdraw ? found : [ok(check, 'Its key cannot withdraw.'), ...found];
  } catch (error) {
    return [notChecked(check, `What its key may do: ${sentence(error)}`)];
  }
}

const warn = (check: string, { message, fix }: Finding): Verdict => warning(check, message, fix);
