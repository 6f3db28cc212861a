// The baseline's process: HTTP in, one eager workflow with one eager activity that places the order, HTTP out. No proof
// of sender, no schema, no signature, no duplicate, no rule, no search attribute.
import { join } from 'node:path';

import { Client } from '@temporalio/client';
import { bundleWorkflowCode, NativeConnection, Worker } from '@temporalio/worker';
import { fastify } from 'fastify';

import { openExchange } from '../adapters/ccxt/exchange.ts';

const [address, httpOrigin, port] = process.argv.slice(2) as [string, string, string];
const taskQueue = 'bench-bare';
const connection = await NativeConnection.connect({ address, grpcCompression: { codec: 'none' } });
const client = new Client({ connection });
const keys = { apiKey: 'demo-key', apiSecret: 'demo-secret' };
const account = { exchange: 'binance', mode: 'live', ...keys, httpOrigin, options: {}, timeoutMs: 15_000 } as const;
const { exchange } = await openExchange(account);
exchange.options['fetchMarkets'] = { types: ['spot'] };
exchange.options['fetchMargins'] = false;
exchange.has['fetchCurrencies'] = false;
await exchange.loadMarkets();
const workflowBundle = await bundleWorkflowCode({ workflowsPath: join(import.meta.dirname, 'bare-workflow.ts') });
const worker = await Worker.create({
  connection,
  taskQueue,
  workflowBundle,
  activities: {
    place: ({ id, quantity }: { id: string; quantity: string }) =>
      exchange.createOrder('BTC/USDT', 'market', 'buy', quantity as never, undefined, { clientOrderId: id }),
  },
  maxConcurrentWorkflowTaskExecutions: 100,
  maxConcurrentActivityTaskExecutions: 200,
  workflowTaskPollerBehavior: { type: 'simple-maximum', maximum: 5 },
  activityTaskPollerBehavior: { type: 'simple-maximum', maximum: 5 },
});
const ended = worker.run();
const app = fastify();
app.post('/', async (request) => {
  const alert = request.body as { id: string; quantity: string };
  await client.workflow.execute('Bare', {
    workflowId: `bare:${alert.id}`,
    taskQueue,
    args: [alert],
    requestEagerStart: true,
    workflowTaskTimeout: 4_000,
  });
  return { status: 'filled' };
});
await app.listen({ port: Number(port), host: '127.0.0.1' });
process.stdout.write('ready\n');
process.on('SIGTERM', () => {
  void app.close();
  worker.shutdown();
});
await ended;
await connection.close();
