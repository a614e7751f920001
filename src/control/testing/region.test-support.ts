import { createHash } from 'node:crypto';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { implement } from '@orpc/server';
import { AppRecord, type AppView } from '../../protocol/app-record/record.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { regionContract } from '../../protocol/region-contract.ts';
import { enrol } from '../../region/agent/enrol.ts';
import { AgentIdentity } from '../../region/agent/identity.ts';
import { type Listener, startListener } from '../../region/agent/listener.ts';
import { LinkServer } from '../../region/link/link-server.ts';
import type { Identity } from '../../region/link/tls.ts';

/**
 * The edge of a region, with the real enrolment, certificates and listener, and an app list in memory behind it: for
 * tests of the control plane, which need no app to run.
 */
export class TestRegion {
  readonly name: string;
  readonly apps = new Map<string, AppView>();
  /** Names of apps that switch at this moment. */
  readonly switching = new Set<string>();
  /** What arrived in uploads: SHA-256 and length. */
  readonly builds: { sha256: string; bytes: number; matches: boolean }[] = [];
  readonly #identity: Identity;
  #listener: Listener | undefined;
  #port = 0;

  private constructor(name: string, identity: Identity, port: number) {
    this.name = name;
    this.#identity = identity;
    this.#port = port;
  }

  static async enrol(folder: string, server: string, token: string, name: string, port: number): Promise<TestRegion> {
    const order = { region: name, server, token, address: { host: '127.0.0.1', port, ingressPort: port } };
    const identity = await enrol(AgentIdentity.open(join(folder, name)), order);
    const region = new TestRegion(name, identity, port);
    await region.start();
    return region;
  }

  async start(): Promise<void> {
    this.#listener = await startListener({
      identity: this.#identity,
      listen: { host: '127.0.0.1', port: this.#port },
      router: this.#router(),
      link: new LinkServer({ region: this.name, authorise: () => {}, handlers: {} }),
      receiveBuild: (sha256, archive) => this.#receive(sha256, archive),
    });
  }

  async stop(): Promise<void> {
    await this.#listener?.close();
    this.#listener = undefined;
  }

  put(name: string, change: Partial<AppView> = {}): void {
    const record = AppRecord.parse({ name, processes: { web: { command: 'true' } } });
    const view = { id: `${this.name}-${name}`, name, region: this.name, status: 'running' as const, url: 'http://x' };
    const rest = {
      lockedBy: null,
      epoch: 0,
      role: 'active' as const,
      gate: 'serve' as const,
      remote: [],
      lent: [],
      record,
    };
    this.apps.set(name, { ...view, ...rest, ...change });
  }

  #router() {
    const api = implement(regionContract);
    const find = (app: string) => {
      const view = this.apps.get(app);
      if (!view) throw new StorkyError('unknown_app', { app, region: this.name });
      return view;
    };
    return {
      info: api.info.handler(() => ({
        address: { region: this.name, host: '127.0.0.1', port: this.#port, ingressPort: this.#port },
        version: '0',
        protocol: 1,
        platform: 'linux',
        arch: 'x64',
        libc: null,
        cpus: 1,
        memoryBytes: 1,
        freeMemoryBytes: 1,
        diskFreeBytes: 1,
        publicHttpPort: 1,
        publicHttpsPort: null,
        runtimes: [],
        engines: [],
      })),
      source: {
        switching: api.source.switching.handler(({ input }) => ({ running: this.switching.has(input.app) })),
      },
      apps: {
        list: api.apps.list.handler(() => [...this.apps.values()]),
        get: api.apps.get.handler(({ input }) => find(input.app)),
        setEnvironment: api.apps.setEnvironment.handler(({ input }) => {
          const { lockedBy } = find(input.app);
          if (lockedBy) throw new StorkyError('app_locked', { app: input.app, migration: lockedBy });
          return {};
        }),
      },
    };
  }

  async #receive(sha256: string, archive: Readable): Promise<void> {
    const hash = createHash('sha256');
    let bytes = 0;
    for await (const chunk of archive) {
      hash.update(chunk);
      bytes += chunk.length;
    }
    this.builds.push({ sha256, bytes, matches: hash.digest('hex') === sha256 });
  }
}
