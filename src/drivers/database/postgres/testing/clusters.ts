import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket, connect as tcp } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SourceEndpoint } from '../../../store.ts';
import type { DatabaseInstance } from '../../contract.ts';
import { engine } from '../engine.ts';
import { adminOf, type Client, connect } from '../wire/connect.ts';

/** Real servers in a folder of their own; everything is gone after `dispose`. */
export class Clusters {
  readonly folder = mkdtempSync(join(tmpdir(), 'storky-pg-'));
  readonly #instances: DatabaseInstance[] = [];
  readonly #clients: Client[] = [];

  constructor() {
    // The database's account has to pass through it.
    chmodSync(this.folder, 0o711);
  }

  async provision(name: string, version?: string, plan = 'sandbox'): Promise<DatabaseInstance> {
    const instance = await engine.provision({
      app: 'shop',
      addon: name,
      plan,
      version: version ?? (await engine.versions()).at(-1)!,
      database: 'shop-db',
      user: 'Shop "User"',
      password: "s3cret ' pass",
      folder: join(this.folder, name),
    });
    this.#instances.push(instance);
    return instance;
  }

  async client(instance: DatabaseInstance, as: 'app' | 'admin' = 'app'): Promise<Client> {
    const { host, port, user, password, database } = instance;
    const client = await connect(as === 'admin' ? adminOf(instance) : { host, port, user, password, database }, {
      name: 'test',
    });
    this.#clients.push(client);
    return client;
  }

  async dispose(): Promise<void> {
    for (const client of this.#clients) await client.end().catch(() => {});
    for (const instance of this.#instances) await engine.destroy(instance);
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** Stands for the link: a port that leads to the source, and that can be cut. */
export class Tunnel implements SourceEndpoint {
  readonly host = '127.0.0.1';
  port = 0;
  bytes = 0;
  /** Called with every amount that came from the source. */
  onBytes: (total: number) => void = () => {};
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
  }

  static async to(instance: DatabaseInstance): Promise<Tunnel> {
    const server = createServer();
    const tunnel = new Tunnel(server);
    server.on('connection', (near) => {
      const far = tcp(instance.port, instance.host);
      for (const socket of [near, far]) {
        socket.setNoDelay(true);
        tunnel.#sockets.add(socket);
        socket
          .on('error', () => {})
          .on('close', () => {
            tunnel.#sockets.delete(socket);
            near.destroy();
            far.destroy();
          });
      }
      far.on('data', (chunk) => {
        tunnel.bytes += chunk.length;
        tunnel.onBytes(tunnel.bytes);
      });
      near.pipe(far);
      far.pipe(near);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    tunnel.port = (server.address() as { port: number }).port;
    return tunnel;
  }

  openStream(): Promise<never> {
    return Promise.reject(new Error('a database is reached through its port'));
  }

  /** Cuts every connection; new ones get through. */
  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  close(): void {
    this.#server.close();
    this.cut();
  }
}

export const soon = (ms = 10_000) => ({ at: performance.now() + ms, signal: new AbortController().signal });
export const never = new AbortController().signal;
