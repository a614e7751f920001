import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { authorityWith } from '../../../src/cli/connection/certificate.ts';
import { type Connection, connectTo } from '../../../src/cli/connection/client.ts';
import { type AtEnd, type Spawned, spawnStorky } from '../../support/spawned.ts';
import { tempFolder } from '../../support/temp-folder.ts';
import { killUnder } from './processes-under.ts';
import { Region, type RegionOptions } from './region.ts';

export interface StageOptions {
  /** Who ends everything, and a folder that stays. Default: the test, and one that goes with it. */
  own?: { atEnd: AtEnd; folder: string };
  /** For the server. */
  env?: Record<string, string>;
  /** Where the server listens. Default loopback. */
  host?: string;
  /** More of a region's options, by its name and its folder. */
  region?: (name: string, folder: string) => Partial<RegionOptions>;
}

/** A control plane and two regions, each a process with its own folder, all killed and started at the test's will. */
export class Stage {
  readonly folder: string;
  west!: Region;
  east!: Region;
  #server!: Spawned;
  #address: string;
  #connection!: Connection;
  readonly #regionOptions: NonNullable<StageOptions['region']>;
  readonly #serverEnv: Record<string, string>;
  readonly #atEnd: AtEnd;

  readonly #keepsLogs: boolean;

  private constructor({ host = '127.0.0.1', region = () => ({}), own, env = {} }: StageOptions) {
    this.folder = own?.folder ?? tempFolder('stage');
    this.#atEnd = own?.atEnd ?? onTestFinished;
    this.#serverEnv = env;
    this.#keepsLogs = own !== undefined;
    this.#address = `${host}:0`;
    this.#regionOptions = region;
  }

  /** Everything ends with the test, also what killed agents left running. */
  static async set(options: StageOptions = {}): Promise<Stage> {
    const stage = new Stage(options);
    stage.#atEnd(() => killUnder(stage.folder));
    await stage.startServer();
    [stage.west, stage.east] = await Promise.all([stage.addRegion('west'), stage.addRegion('east')]);
    return stage;
  }

  get api(): Connection['api'] {
    return this.#connection.api;
  }

  get server(): Spawned {
    return this.#server;
  }

  /** For `storky …` as a user types it. */
  get env(): Record<string, string> {
    return { XDG_CONFIG_HOME: join(this.folder, 'config') };
  }

  async startServer(): Promise<void> {
    this.#server = spawnStorky(
      ['server', '--data', join(this.folder, 'server'), '--listen', this.#address, '--login', '--json'],
      {
        env: { ...this.env, STORKY_LOG: 'info', ...this.#serverEnv },
        atEnd: this.#atEnd,
        logFile: this.#logOf('server'),
      },
    );
    await this.#server.says(/"loggedIn": *\w+/, 180_000);
    const { address, fingerprint, firstToken } = JSON.parse(this.#server.stdout()) as {
      address: string;
      fingerprint: string;
      firstToken: string | null;
    };
    this.#address = new URL(address).host;
    if (firstToken === null) return;
    this.#connection = connectTo({ address, token: firstToken, ca: await authorityWith(fingerprint, address) });
    this.#atEnd(() => this.#connection.close());
  }

  #logOf(name: string): string | undefined {
    return this.#keepsLogs ? join(this.folder, `${name}.log`) : undefined;
  }

  async killServer(): Promise<void> {
    this.#server.signal('SIGKILL');
    await this.#server.ended;
  }

  async restartServer(): Promise<void> {
    await this.killServer();
    await this.startServer();
  }

  async addRegion(name: string): Promise<Region> {
    const { token } = await this.api.regions.add({ name });
    const folder = join(this.folder, name);
    const { address: server } = this.#connection;
    const [atEnd, logFile] = [this.#atEnd, this.#logOf(name)];
    return await Region.start({ name, folder, server, token, atEnd, logFile, ...this.#regionOptions(name, folder) });
  }
}
