import { readFileSync } from 'node:fs';

import type { Fault } from './fault.ts';

/** The environment, and the files that it names for secrets. */
export class SecretSource {
  readonly #env: NodeJS.ProcessEnv;
  readonly #faults: Fault[];

  constructor(env: NodeJS.ProcessEnv, faults: Fault[]) {
    this.#env = env;
    this.#faults = faults;
  }

  /** The value of a variable, or of the file that `<NAME>_FILE` names. An empty variable counts as not set. */
  read(name: string, mayBeFile: boolean): string | undefined {
    const direct = this.#env[name] || undefined;
    const path = mayBeFile ? this.#env[`${name}_FILE`] || undefined : undefined;
    if (path === undefined) return direct;
    if (direct !== undefined) {
      const message = `Both ${name} and ${name}_FILE are set.`;
      this.#faults.push({ path: name, message, fix: 'Remove one of them.' });
      return direct;
    }
    try {
      return readFileSync(path, 'utf8').replace(/\r?\n$/, '');
    } catch (error) {
      const message = `The file ${path} cannot be read (${(error as NodeJS.ErrnoException).code}).`;
      this.#faults.push({ path: `${name}_FILE`, message, fix: 'Name a file that this user can read.' });
      return undefined;
    }
  }

  /** Replaces `${NAME}` in every text of a value; an unknown name is a fault at its path. */
  substitute(value: unknown, path: string): unknown {
    if (typeof value === 'string') return this.#substituteText(value, path);
    if (Array.isArray(value)) return value.map((member, index) => this.substitute(member, `${path}.${index}`));
    if (typeof value !== 'object' || value === null) return value;
    const entries = Object.entries(value);
    return Object.fromEntries(
      entries.map(([key, member]) => [key, this.substitute(member, path === '' ? key : `${path}.${key}`)]),
    );
  }

  #substituteText(value: string, path: string): string {
    return value.replace(/\$\{([A-Z][A-Z0-9_]*)\}/g, (placeholder, name: string) => {
      const found = this.read(name, true);
      if (found !== undefined) return found;
      const message = `The variable ${name} is not set.`;
      this.#faults.push({ path, message, fix: `Set ${name}, or ${name}_FILE to a file that holds it.` });
      return placeholder;
    });
  }
}
