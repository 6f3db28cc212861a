// Records one history for each way in which an order can go, and one of an account, against the Binance-spot simulator, for
// `test/replay/replay.test.ts` to replay: `node scripts/record-histories.ts [--folder FOLDER] [OUTCOME...]`.
// What is recorded stays as it is: it stands for the histories that installations have, which no later code can change.
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { parseArgs } from 'node:util';

import { eventually } from '../test/support/eventually.ts';
import { BOUND, LiveDesk, type Alert } from '../test/support/live-desk.ts';

const ROOT = join(import.meta.dirname, '..');
/** From the loss of a request to the end of the next one. */
const ABSENCE_MS = 20 * (BOUND.windowMs + BOUND.engineMs + BOUND.marginMs);
const BREAKER_THRESHOLD = 5;

interface Life {
  readonly alert: Omit<Alert, 'id'>;
  /** How the order stands when its history is recorded. */
  readonly status: string;
  /** What is arranged before it is posted, and done to it afterwards. */
  readonly arrange?: (desk: LiveDesk, alert: Alert) => Promise<unknown>;
  readonly goOn?: (desk: LiveDesk, workflowId: string, clientOrderId: string) => Promise<unknown>;
  /** Whether it goes on after it was recorded. */
  readonly isOpen?: true;
}

const ETH = { symbol: 'ETH/USDT', quantity: '0.5' };
const limit = { order_type: 'limit', limit_price: '60000' };

const lives: Readonly<Record<string, Life>> = {
  filled: { alert: {}, status: 'filled' },
  partial: {
    alert: limit,
    status: 'canceled',
    goOn: async (desk, workflowId, clientOrderId) => {
      await desk.control.fill({ clientOrderId, quantity: '0.004' });
      await desk.untilStatus(workflowId, 'partially_filled');
      await desk.control.fill({ clientOrderId, quantity: '0.001' });
      await eventually(
        () => desk.tell(workflowId),
        ({ order }) => order.filled_quantity === '0.005',
        { what: 'the second fill' },
      );
      await desk.command(workflowId, 'cancel');
    },
  },
  resting: { alert: limit, status: 'working', isOpen: true },
  rejected: { alert: { quantity: '100' }, status: 'rejected' },
  denied: { alert: { confidence: 0.1 }, status: 'denied' },
  expired: { alert: { time: new Date(Date.now() - 600_000).toISOString() }, status: 'expired' },
  'unknown-then-found': {
    alert: {},
    status: 'filled',
    arrange: (desk, alert) => desk.failPlacing(alert, 'execute-then-drop'),
  },
  'unknown-then-absent': {
    alert: {},
    status: 'filled',
    arrange: (desk, alert) => desk.failPlacing(alert, 'drop-before'),
  },
  'breaker-open': { alert: { account: 'outage' }, status: 'filled', arrange: openBreaker },
  closed: { alert: { stop_loss: '66000', take_profit: '2%' }, status: 'closed', goOn: reachTarget },
  // ETH/USDT takes no target beside a stop here.
  held: {
    alert: { ...ETH, stop_loss: '3400', take_profit: '3600' },
    status: 'closed',
    goOn: (desk, workflowId) => reach(desk, workflowId, 'ETHUSDT', '3600'),
  },
  moved: {
    alert: { ...ETH, stop_loss: { price: '3400', breakeven_after: '1%' }, take_profit: '3600' },
    status: 'closed',
    goOn: async (desk, workflowId) => {
      await untilWatched(desk, workflowId, 1);
      await desk.control.price('ETHUSDT', '3540');
      await untilWatched(desk, workflowId, 2);
      await desk.control.price('ETHUSDT', '3490');
    },
  },
  trailed: {
    alert: { stop_loss: { trail_amount: '1000' }, take_profit: '70000' },
    status: 'closed',
    goOn: async (desk, workflowId) => {
      await untilWatched(desk, workflowId, 1);
      await desk.control.price('BTCUSDT', '68500');
      await untilWatched(desk, workflowId, 2);
      await desk.control.price('BTCUSDT', '67400');
      await desk.untilOver(workflowId);
      await desk.control.price('BTCUSDT', '67500');
    },
  },
  // BNB/USDT takes no stops.
  watched: {
    alert: { symbol: 'BNB/USDT', quantity: '1', stop_loss: '550', take_profit: '650' },
    status: 'closed',
    goOn: async (desk, workflowId) => {
      await eventually(
        () => desk.tell(workflowId),
        ({ events }) => events.at(-1)?.kind === 'watchPrice_scheduled',
        { what: 'the watch' },
      );
      await desk.control.price('BNBUSDT', '540');
    },
  },
  // Somebody sends a close while it is protected.
  'taken-out': {
    alert: { stop_loss: '66000', take_profit: '2%' },
    status: 'closed',
    goOn: async (desk, workflowId) => {
      await untilWatched(desk, workflowId, 1);
      await desk.post({ id: 'takes-it-out', action: 'close', quantity: undefined });
    },
  },
  exit: {
    alert: { action: 'close', quantity: undefined },
    status: 'filled',
    arrange: async (desk) => desk.untilOver((await desk.post({ id: 'to-be-closed' })).body.workflow_id),
  },
  canceled: {
    alert: limit,
    status: 'canceled',
    goOn: (desk, workflowId) => desk.command(workflowId, 'cancel'),
  },
};

/** Waits until its position is protected, and lets the market come to the target. */
async function reachTarget(desk: LiveDesk, workflowId: string): Promise<void> {
  await reach(desk, workflowId, 'BTCUSDT', '69500');
  await desk.control.price('BTCUSDT', '67500');
}

/** Waits until its position is protected, and lets the market come to a price that takes it out. */
async function reach(desk: LiveDesk, workflowId: string, market: string, price: string): Promise<void> {
  await eventually(
    () => desk.tell(workflowId),
    ({ order }) => Number(order.protection?.guarded_quantity ?? 0) > 0,
    { what: 'the protection' },
  );
  await desk.control.price(market, price);
  await desk.untilOver(workflowId);
}

/** Waits until the leg is followed that is the position's first, second, … */
async function untilWatched(desk: LiveDesk, workflowId: string, turn: number): Promise<void> {
  await eventually(
    () => desk.tell(workflowId),
    ({ events }) => events.filter(({ kind }) => kind === 'followOrder_scheduled').length === turn,
    { what: `protection ${turn}` },
  );
}

/** The history of the account itself: what it admits and denies, halted and resumed. */
const ACCOUNT = 'account';

async function recordAccount(desk: LiveDesk): Promise<string> {
  const headers = { 'content-type': 'application/json' };
  const command = (path: string): Promise<unknown> =>
    desk.holdfast.operator(path, { method: 'POST', headers, body: '{"account":"binance"}' });
  const { body: resting } = await desk.post({ ...limit, id: 'account-open' });
  await desk.post({ ...limit, id: 'account-one-too-many' });
  await command('/halt');
  await desk.post({ id: 'account-halted' });
  await command('/resume');
  await desk.command(resting.workflow_id, 'cancel');
  await desk.untilOver((await desk.post({ id: 'account-filled' })).body.workflow_id);
  return desk.holdfast.history('account:binance');
}

/** Another order whose answer, and the questions after it, meet an outage. */
async function openBreaker(desk: LiveDesk): Promise<void> {
  const alert = { id: 'outage', account: 'outage' };
  await desk.warm(alert.account);
  await desk.failPlacing(alert, { kind: 'status-after', status: 503 });
  await desk.failAsking(alert, { kind: 'status-before', status: 503 }, { times: BREAKER_THRESHOLD - 1 });
  await desk.post(alert);
  await eventually(
    () => desk.circuitState(alert.account),
    (state) => state === 2,
    { what: 'the open breaker', everyMs: 20 },
  );
}

async function record(desk: LiveDesk, outcome: string, life: Life): Promise<string> {
  const alert: Alert = { ...life.alert, id: outcome };
  await life.arrange?.(desk, alert);
  const { body } = await desk.post(alert);
  await life.goOn?.(desk, body.workflow_id, body.client_order_id);
  if (life.isOpen === undefined) await desk.untilOver(body.workflow_id, ABSENCE_MS);
  await desk.untilStatus(body.workflow_id, life.status);
  return desk.holdfast.history(body.workflow_id);
}

/** The same history as any other machine would have written it. */
function neutral(history: string): string {
  const members: Readonly<Record<string, string>> = {
    identity: 'worker@holdfast',
    buildId: 'recorded',
    binaryChecksum: 'recorded',
    // A stack names files of this machine, and nothing depends on it.
    stackTrace: '',
  };
  const isSticky = (value: unknown): boolean => (value as { kind?: string } | null)?.kind === 'TASK_QUEUE_KIND_STICKY';
  const replace = (key: string, value: unknown): unknown => {
    if (typeof value === 'string') return members[key] ?? value;
    return isSticky(value) ? { ...(value as object), name: 'sticky@holdfast' } : value;
  };
  return `${JSON.stringify(JSON.parse(history, replace), null, 2)}\n`;
}

/** What of this machine, or of the secrets in use, a text still holds, in the open or inside a value. */
function tellsTales(text: string): string[] {
  const values = [...text.matchAll(/"([A-Za-z0-9+/=]{4,})"/g)].map(([, value]) => Buffer.from(value!, 'base64'));
  const all = [text, ...values.map(String)].join('\n');
  const machine = [hostname(), homedir(), ROOT, `/${userInfo().username}/`, process.cwd(), 'file:///', 'node_modules'];
  return [...machine, 'demo-secret', 'demo-key', 'the secret of'].filter((tale) => tale !== '/' && all.includes(tale));
}

const { values, positionals } = parseArgs({
  options: { folder: { type: 'string', default: join('test', 'replay') } },
  allowPositionals: true,
});
const names = [...Object.keys(lives), ACCOUNT];
const outcomes = positionals.length === 0 ? names : positionals;
const fileOf = (outcome: string): string => join(resolve(ROOT, values.folder), `${outcome}.json`);
const unknown = outcomes.filter((outcome) => !names.includes(outcome));
const there = outcomes.filter((outcome) => existsSync(fileOf(outcome)));
if (unknown.length > 0) {
  console.error(`There is no outcome ${unknown.join(', ')}; there are ${names.join(', ')}.`);
  process.exitCode = 2;
} else if (there.length > 0) {
  console.error(`Recorded histories are never rewritten, and these exist in ${values.folder}: ${there.join(', ')}.`);
  console.error('Name the outcomes that are new, or another folder: --folder test/replay/RELEASE.');
  process.exitCode = 1;
} else {
  await recordAll();
}

async function recordAll(): Promise<void> {
  const env = { CIRCUIT_BREAKER_TIMEOUT: '1', CIRCUIT_BREAKER_THRESHOLD: String(BREAKER_THRESHOLD) };
  const limits = '{ max_open_orders: 1, price_collar: off, orders_per_minute: off }';
  const desk = await LiveDesk.start({
    accounts: ['binance', 'outage'],
    limits,
    env,
    prepare: async (control) => {
      await control.symbol('ETHUSDT', { rules: { ocoAllowed: false } });
      await control.symbol('BNBUSDT', { rules: { stopLossAllowed: false } });
    },
  });
  try {
    await desk.warm();
    mkdirSync(resolve(ROOT, values.folder), { recursive: true });
    for (const outcome of outcomes) {
      await desk.control.price('ETHUSDT', '3500');
      await desk.control.price('BNBUSDT', '600');
      const life = lives[outcome];
      const text = neutral(await (life === undefined ? recordAccount(desk) : record(desk, outcome, life)));
      const tales = tellsTales(text);
      if (tales.length > 0) throw new Error(`The history of ${outcome} tells of this machine: ${tales.join(', ')}.`);
      writeFileSync(fileOf(outcome), text, { flag: 'wx' });
      console.log(`${outcome}: ${relative(ROOT, fileOf(outcome))}`);
    }
  } finally {
    await desk.dispose();
  }
}
