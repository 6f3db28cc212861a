import { invalidSymbol } from './errors.ts';
import type { Ledger } from './ledger.ts';
import type { Settings } from './settings.ts';
import { VenueState, type Market } from './state.ts';

/** What everything in the simulator shares: the books, the bounds, the clock, the disk. */
export class Venue {
  readonly ledger: Ledger;
  readonly settings: Settings;
  readonly #asStarted: Settings;
  state: VenueState;

  constructor(ledger: Ledger, settings: Settings) {
    this.ledger = ledger;
    this.#asStarted = { ...settings };
    // What the control port changed outlives a crash: a venue that comes back has not moved its clock.
    this.settings = { ...settings, ...(ledger.setting('patch') as Partial<Settings> | undefined) };
    this.state = new VenueState(ledger);
  }

  now(): number {
    return Date.now() + this.settings.clockOffsetMs;
  }

  marketOf(symbol: string): Market {
    const market = this.state.market(symbol);
    if (market === undefined) throw invalidSymbol();
    return market;
  }

  change(patch: Partial<Settings>): Settings {
    Object.assign(this.settings, patch);
    const kept = (this.ledger.setting('patch') as Partial<Settings> | undefined) ?? {};
    this.ledger.keepSetting('patch', { ...kept, ...patch });
    return this.settings;
  }

  reset(): void {
    this.ledger.wipe();
    Object.assign(this.settings, this.#asStarted);
    this.state = new VenueState(this.ledger);
  }
}
