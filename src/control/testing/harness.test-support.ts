import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createORPCClient } from '@orpc/client';
import { RPCLink } from '@orpc/client/fetch';
import type { ContractRouterClient } from '@orpc/contract';
import { Agent, fetch as undiciFetch } from 'undici';
import { freePort } from '../../base/free-port.ts';
import type { controlContract } from '../../protocol/control-contract.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { unwrapErrors } from '../../protocol/orpc-errors.ts';
import { type RunningServer, type ServerOptions, startServer } from '../server.ts';
import { TestRegion } from './region.test-support.ts';

export const testToken = 'sty_for-the-tests-only';

/** A server on a temporary folder with its own port, and regions that enrol with it. */
export class Harness {
  readonly folder = mkdtempSync(join(tmpdir(), 'storky-control-'));
  readonly #regions: TestRegion[] = [];
  readonly #clients: Agent[] = [];
  server!: RunningServer;
  #port = 0;

  async start(options: Partial<ServerOptions> = {}): Promise<this> {
    this.#port ||= await freePort();
    this.server = await startServer({
      dataFolder: join(this.folder, 'data'),
      listen: { host: '127.0.0.1', port: this.#port },
      token: testToken,
      retries: { forMs: 1_500, firstWaitMs: 50 },
      ...options,
    });
    return this;
  }

  async restart(options: Partial<ServerOptions> = {}): Promise<void> {
    await this.server.close();
    await this.start(options);
  }

  /** The API as the CLI uses it, trusting only the server's authority. */
  async api(token: string | null = testToken): Promise<ContractRouterClient<typeof controlContract>> {
    const dispatcher = await this.dispatcher();
    const unreachable = (detail: string) =>
      new StorkyError('server_unreachable', { address: this.server.address, detail });
    return createORPCClient(
      new RPCLink({
        url: `${this.server.address}/rpc`,
        headers: token ? { authorization: `Bearer ${token}` } : {},
        fetch: (request, init) => fetch(request, { ...init, dispatcher } as RequestInit),
        interceptors: [unwrapErrors(unreachable)],
      }),
    );
  }

  async get(path: string, init: { method?: string; body?: unknown; token?: string } = {}) {
    const { method = 'GET', body, token = testToken } = init;
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const dispatcher = await this.dispatcher();
    return undiciFetch(this.server.address + path, {
      method,
      headers,
      body: body as never,
      dispatcher,
      duplex: 'half',
    });
  }

  async region(name: string): Promise<TestRegion> {
    const { token } = await (await this.api()).regions.add({ name });
    const region = await TestRegion.enrol(this.folder, this.server.address, token, name, await freePort());
    this.#regions.push(region);
    return region;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#clients.map((client) => client.destroy()));
    await this.server?.close();
    await Promise.all(this.#regions.map((region) => region.stop()));
    rmSync(this.folder, { recursive: true, force: true });
  }

  async dispatcher(): Promise<Agent> {
    const insecure = new Agent({ connect: { rejectUnauthorized: false } });
    const ca = await (await undiciFetch(`${this.server.address}/ca.pem`, { dispatcher: insecure })).text();
    await insecure.destroy();
    const client = new Agent({ connect: { ca }, bodyTimeout: 0 });
    this.#clients.push(client);
    return client;
  }
}

export const caught = (promise: Promise<unknown>): Promise<StorkyError | undefined> =>
  promise.then(
    () => undefined,
    (error: unknown) => error as StorkyError,
  );
