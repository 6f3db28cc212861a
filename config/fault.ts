/** One thing that is wrong with the configuration, and what to do about it. */
export interface Fault {
  /** Where: `PORT`, or `accounts.binance.mode`. */
  readonly path: string;
  readonly message: string;
  readonly fix: string;
}

/** Everything that is wrong with the configuration, at once. The process ends with 78 (EX_CONFIG). */
export class ConfigFault extends Error {
  override readonly name = 'ConfigFault';
  readonly faults: readonly Fault[];

  constructor(faults: readonly Fault[]) {
    const lines = faults.map(({ path, message, fix }) => `  ${path}: ${message} ${fix}`);
    const count = faults.length === 1 ? 'one fault' : `${faults.length} faults`;
    super(`The configuration has ${count}; nothing was started.\n${lines.join('\n')}`);
    this.faults = faults;
  }
}

export const CONFIG_EXIT_CODE = 78;
