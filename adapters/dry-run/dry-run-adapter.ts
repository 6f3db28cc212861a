import type { Placement } from '../../domain/outcome.ts';
import type { AdapterLookup, Capabilities, OrderTicket, Plan, VenueAdapter } from '../venue-adapter.ts';

const NEVER_HOLDS = 'An account in dry run holds no orders.';

/** An account that goes the whole way and stops where the first byte would leave. */
export class DryRunAdapter implements VenueAdapter {
  readonly capabilities: Capabilities = {
    orderTypes: ['market', 'limit', 'stop', 'stop_limit'],
    brackets: true,
    enforcesWindow: false,
    provesAbsence: true,
    dryRun: true,
  };

  async open(): Promise<void> {}

  async plan(_ticket: OrderTicket): Promise<Plan> {
    return { kind: 'ready', notes: [] };
  }

  async place(_ticket: OrderTicket): Promise<Placement> {
    return { kind: 'dry_run' };
  }

  async find(): Promise<AdapterLookup> {
    return { kind: 'absent', proof: NEVER_HOLDS };
  }

  async fetch(): Promise<null> {
    return null;
  }

  async cancel(): Promise<never> {
    throw new Error(NEVER_HOLDS);
  }

  async close(): Promise<void> {}
}
