import { parseArgs } from 'node:util';

/**
 * The bounds of the venue as settings. The defaults are the documented ones (rest-api.md, Timing security and LIMITS),
 * so that a test may run them shortened without the rules changing.
 */
export interface Settings {
  /** recvWindow of a request that sends none. */
  recvWindow: number;
  /** The largest recvWindow accepted; above it -1131. */
  recvWindowMax: number;
  /** The longest time a request may spend in the matching engine after the second look at its timestamp. */
  engineMs: number;
  /** How long after booking the reads do not see it ("Memory => Database" against "Matching Engine"). */
  readLagMs: number;
  /** The venue's clock is this machine's clock plus this. */
  clockOffsetMs: number;
  commissionRate: string;
  /** REQUEST_WEIGHT per minute; 0 switches the limit off. */
  weightLimit: number;
  /** Unfilled orders per 10 seconds; 0 switches the limit off. */
  orderLimit: number;
  /** Requests answered 429 in one minute before the address is banned with 418. */
  banAfter: number;
  banSeconds: number;
  canTrade: boolean;
  enableWithdrawals: boolean;
  apiKey: string;
  apiSecret: string;
}

const DEFAULT_SETTINGS: Settings = {
  recvWindow: 5_000,
  recvWindowMax: 60_000,
  engineMs: 10_000,
  readLagMs: 0,
  clockOffsetMs: 0,
  commissionRate: '0.001',
  weightLimit: 6_000,
  orderLimit: 100,
  banAfter: 50,
  banSeconds: 120,
  canTrade: true,
  enableWithdrawals: false,
  apiKey: 'demo-key',
  apiSecret: 'demo-secret',
};

export interface CommandLine {
  port: number;
  controlPort: number;
  data: string;
  /** Ends when its standard input does, so that a test that dies leaves nothing running. */
  exitsWithParent: boolean;
  settings: Settings;
}

const NUMBER_FLAGS = {
  'recv-window': 'recvWindow',
  'recv-window-max': 'recvWindowMax',
  'engine-ms': 'engineMs',
  'read-lag-ms': 'readLagMs',
  'clock-offset-ms': 'clockOffsetMs',
  'weight-limit': 'weightLimit',
  'order-limit': 'orderLimit',
} as const;

const TEXT_FLAGS = { 'commission-rate': 'commissionRate', 'api-key': 'apiKey', 'api-secret': 'apiSecret' } as const;

export function readCommandLine(args: readonly string[]): CommandLine {
  const names = ['port', 'control-port', 'data', ...Object.keys(NUMBER_FLAGS), ...Object.keys(TEXT_FLAGS)];
  const options = {
    ...Object.fromEntries(names.map((name) => [name, { type: 'string' as const }])),
    'exit-with-parent': { type: 'boolean' as const },
  };
  const values: Record<string, string | boolean | (string | boolean)[] | undefined> = parseArgs({
    args: [...args],
    options,
    strict: true,
  }).values;
  const settings: Settings = { ...DEFAULT_SETTINGS };
  for (const [flag, name] of Object.entries(NUMBER_FLAGS)) {
    if (values[flag] !== undefined) settings[name] = wholeNumber(flag, String(values[flag]));
  }
  for (const [flag, name] of Object.entries(TEXT_FLAGS)) {
    if (values[flag] !== undefined) settings[name] = String(values[flag]);
  }
  const data = values['data'];
  if (typeof data !== 'string' || data === '') throw new Error('--data DIR is required: the ledger is kept there');
  return {
    port: wholeNumber('port', String(values['port'] ?? '9443')),
    controlPort: wholeNumber('control-port', String(values['control-port'] ?? '9444')),
    data,
    exitsWithParent: values['exit-with-parent'] === true,
    settings,
  };
}

function wholeNumber(flag: string, text: string): number {
  if (!/^-?\d+$/.test(text)) throw new Error(`--${flag} wants a whole number, not '${text}'`);
  return Number(text);
}
