import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RouterClient } from '../../../src/router/client.ts';
import { type AtEnd, projectRoot, type Spawned, spawnForTest } from '../../support/spawned.ts';
import { waitFor } from '../../support/wait-for.ts';

export interface RegionOptions {
  name: string;
  folder: string;
  server: string;
  token: string;
  /** Extra arguments, such as `--https-port`. */
  args?: string[];
  env?: Record<string, string>;
  /** Where it listens and is reached. Default loopback. */
  host?: string;
  /** Default 0: free ones. */
  ports?: { agent: number; http: number; ingress: number };
  /** Default `onTestFinished`. */
  atEnd?: AtEnd;
  /** Gets what the agent says, over all of its restarts. */
  logFile?: string;
  /** The command that runs the given one elsewhere, such as in a network namespace. */
  enter?: (command: string[]) => string[];
}

/** One region of a test: an agent that can be killed and started again on the same folder, and what it leaves running. */
export class Region {
  readonly name: string;
  readonly folder: string;
  readonly #options: RegionOptions;
  #agent!: Spawned;
  #http = 0;

  private constructor(options: RegionOptions) {
    this.#options = options;
    this.name = options.name;
    this.folder = options.folder;
  }

  static async start(options: RegionOptions): Promise<Region> {
    const region = new Region(options);
    await region.startAgent();
    return region;
  }

  /** `http://host:port` of its router. */
  get url(): string {
    return `http://${this.#options.host ?? '127.0.0.1'}:${this.#http}`;
  }

  get agent(): Spawned {
    return this.#agent;
  }

  async startAgent(more: Record<string, string> = {}): Promise<void> {
    const { name, folder, server, token, host = '127.0.0.1', args = [], env } = this.#options;
    const { ports = { agent: 0, http: 0, ingress: 0 }, enter = (command) => command } = this.#options;
    const { atEnd, logFile } = this.#options;
    const place = ['--listen', `${host}:${ports.agent}`, '--advertise', host, '--domain', `${name}.localhost`];
    const doors = ['--http-port', `${ports.http}`, '--ingress-port', `${ports.ingress}`];
    const origin = ['--name', name, '--server', server, '--token', token, '--data', folder];
    const [program, ...rest] = enter([
      process.execPath,
      `${projectRoot}bin/storky.js`,
      'agent',
      ...[...origin, ...place, ...doors, '--stop-all', '--json', ...args],
    ]);
    // A restart is most of a disaster's length on a busy machine; half of it is the compiling.
    const quick = { NODE_DISABLE_COMPILE_CACHE: undefined, NODE_COMPILE_CACHE: join(folder, '..', 'compiled') };
    this.#agent = spawnForTest(program!, rest, {
      env: { STORKY_LOG: 'info', ...quick, ...env, ...more },
      atEnd,
      logFile,
    });
    await this.#agent.says(/"httpPort": *(\d+)/, 180_000);
    this.#http = (JSON.parse(this.#agent.stdout()) as { httpPort: number }).httpPort;
  }

  /** As a crash would: apps, database and router go on. */
  async killAgent(): Promise<void> {
    this.#agent.signal('SIGKILL');
    await this.#agent.ended;
  }

  async restartAgent(more?: Record<string, string>): Promise<void> {
    await this.killAgent();
    await this.startAgent(more);
  }

  get routerSocket(): string {
    return (JSON.parse(readFileSync(join(this.folder, 'router', 'config.json'), 'utf8')) as { socketPath: string })
      .socketPath;
  }

  async router<T>(ask: (router: RouterClient) => Promise<T>): Promise<T> {
    const router = new RouterClient(this.routerSocket);
    try {
      return await ask(router);
    } finally {
      router.close();
    }
  }

  /** Kills the router as a crash would and waits until its supervisor has brought it back. */
  async killRouter(): Promise<void> {
    const { pid } = await this.router((router) => router.status());
    process.kill(pid, 'SIGKILL');
    await waitFor(async () => (await this.router((router) => router.status())).pid !== pid, {
      timeout: 20_000,
      what: 'a new router',
    });
  }

  exists(app: string): boolean {
    return existsSync(join(this.folder, 'apps', app, 'app.json'));
  }

  /** What the agent keeps of an app; tests run as root on both machines. */
  document(app: string): {
    instances: {
      addon: string;
      engine: string;
      user: string;
      password: string;
      adminUser: string;
      adminPassword: string;
      host: string;
      port: number;
      database: string;
      folder: string;
    }[];
    remotes: { addon: string; port: number }[];
    loans: { addon: string; region: string; app: string }[];
    lockedBy: string | null;
  } {
    return JSON.parse(readFileSync(join(this.folder, 'apps', app, 'app.json'), 'utf8'));
  }

  databaseUrl(app: string, as: 'app' | 'admin' = 'app'): string {
    const { user, password, adminUser, adminPassword, host, port, database } = this.document(app).instances[0]!;
    const [name, secret] = as === 'app' ? [user, password] : [adminUser, adminPassword];
    return `postgres://${name}:${encodeURIComponent(secret)}@${host}:${port}/${database}`;
  }

  treeFolder(app: string, tree: string): string {
    return join(this.folder, 'apps', app, 'files', tree);
  }
}
