/** The command was written wrongly: exit code 2. */
export class UsageFault extends Error {
  override readonly name = 'UsageFault';
}

/** The thing that was asked for is refused, or failed: exit code 1, and a code for programs. */
export class CommandFault extends Error {
  override readonly name = 'CommandFault';
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Exit codes of every command. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const;
