import { DefaultLogger, Runtime } from '@temporalio/worker';

import { loadConfig, type Config } from '../config/config.ts';
import { connectEngine, type EngineConnection } from '../workers/connect.ts';
import { EncryptionCodec, parsePayloadKeys } from '../workers/payload-codec.ts';
import { rootFolder } from './root-folder.ts';

/** The installation that a command is about: its configuration, and its engine once it is needed. */
export class Installation {
  readonly root = rootFolder();
  readonly config: Config;
  #engine: Promise<EngineConnection> | undefined;

  constructor() {
    this.config = loadConfig(process.env, this.root, process.cwd());
    const debug = this.config.settings.LOG_LEVEL === 'debug';
    Runtime.install({
      // A command says itself what went wrong; what the library adds to that is for whoever looks for its cause.
      logger: new DefaultLogger('WARN', ({ message }) => void (debug && process.stderr.write(`${message}\n`))),
      shutdownSignals: [],
      telemetryOptions: { logging: { forward: {}, filter: { core: 'ERROR', other: 'ERROR' } } },
    });
  }

  /** What decrypts histories; not there where the configuration has no keys. */
  get codec(): EncryptionCodec | undefined {
    const pairs = this.config.settings.PAYLOAD_ENCRYPTION_KEYS;
    return pairs === undefined ? undefined : new EncryptionCodec(parsePayloadKeys(pairs));
  }

  /** The engine of `TEMPORAL_ADDRESS`, else the one that `npm start` embeds. */
  engine(): Promise<EngineConnection> {
    const address = process.env['TEMPORAL_ADDRESS'] ? undefined : `127.0.0.1:${this.config.settings.TEMPORAL_PORT}`;
    return (this.#engine ??= connectEngine({ config: this.config, root: this.root, address }));
  }

  async close(): Promise<void> {
    await (await this.#engine?.catch(() => undefined))?.connection.close();
  }
}
