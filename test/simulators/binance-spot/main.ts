import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createControl } from './control.ts';
import { FaultPlan } from './faults.ts';
import { HeldRequests } from './held-requests.ts';
import { Ledger } from './ledger.ts';
import { RateLimits } from './rate-limits.ts';
import { createRestApi } from './rest-api.ts';
import { readCommandLine, type Settings } from './settings.ts';
import { Venue } from './venue.ts';

const commandLine = readCommandLine(process.argv.slice(2));
const ledger = new Ledger(commandLine.data);
const venue = new Venue(ledger, commandLine.settings);
const parts = { venue, faults: new FaultPlan(), held: new HeldRequests(), limits: new RateLimits(venue) };
const restApi = createRestApi(parts);
const control = createControl(parts);

const port = await listen(restApi, commandLine.port);
const controlPort = await listen(control, commandLine.controlPort);
process.on('SIGTERM', stop);
process.on('SIGINT', stop);
if (commandLine.exitsWithParent) process.stdin.on('end', stop).resume();
else process.stderr.write(guide(port, controlPort, venue.settings));
process.stdout.write(`${JSON.stringify({ ready: true, port, controlPort })}\n`);

async function listen(server: Server, wanted: number): Promise<number> {
  // Loopback only: it speaks plain HTTP, and its control port asks nobody who they are.
  server.listen(wanted, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

function stop(): void {
  for (const server of [restApi, control]) {
    server.close();
    server.closeAllConnections();
  }
  ledger.close();
  process.exit(0);
}

function guide(restPort: number, portOfControl: number, settings: Settings): string {
  return `A simulated Binance spot exchange is open. Point an account of holdfast.yaml at it:

  accounts:
    demo:
      venue: ccxt
      exchange: binance
      mode: live
      api_key: ${settings.apiKey}
      api_secret: ${settings.apiSecret}
      http_origin: http://127.0.0.1:${restPort}

Move the market, or look at what it has booked:

  curl -d '{"symbol":"BTCUSDT","price":"68000"}' http://127.0.0.1:${portOfControl}/price
  curl http://127.0.0.1:${portOfControl}/ledger

`;
}
