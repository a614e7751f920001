import { log } from '../../base/log.ts';
import type { SourceEndpoint } from '../../drivers/store.ts';
import type { LinkClient } from '../link/link-client.ts';
import { openTunnel, type Tunnel, type TunnelOptions } from '../link/tunnel.ts';
import type { MigrationRecord, MigrationRecords } from '../migrations/records.ts';
import type { Pace } from '../pressure/pace.ts';
import { bookmarkOf } from './bookmark.ts';
import type { Governors } from './governors.ts';
import { isUnder } from './under.ts';

/** Where a store's server reaches this host, if not on loopback. */
type HostFor = (app: string, store: string) => Promise<string | undefined>;

/**
 * The ways to the stores of the sources, one for each store that is carried here. Kept as long as the migration runs: a
 * database that follows goes through its tunnel for days, and must not lose it when a job that opened it ends.
 */
export class Endpoints {
  readonly #link: LinkClient;
  readonly #records: MigrationRecords;
  readonly #governors: Governors;
  readonly #hostFor: HostFor;
  readonly #open = new Map<string, Promise<{ endpoint: SourceEndpoint; tunnel: Tunnel | undefined }>>();

  constructor(
    link: LinkClient,
    records: MigrationRecords,
    governors: Governors,
    hostFor: HostFor = async () => undefined,
  ) {
    this.#link = link;
    this.#records = records;
    this.#governors = governors;
    this.#hostFor = hostFor;
  }

  async get(record: MigrationRecord, name: string, kind: 'database' | 'files'): Promise<SourceEndpoint> {
    const key = `${record.stream}/${name}`;
    let opened = this.#open.get(key);
    if (!opened) {
      opened = this.#dig(record, name, kind);
      opened.catch(() => this.#open.delete(key));
      this.#open.set(key, opened);
    }
    return (await opened).endpoint;
  }

  /** Of a stream, of one of its stores, or all (''). */
  async close(path: string): Promise<void> {
    for (const [key, opened] of [...this.#open].filter(([key]) => isUnder(key, path))) {
      this.#open.delete(key);
      await opened.then(({ tunnel }) => tunnel?.close()).catch(() => {});
    }
  }

  async #dig(record: MigrationRecord, store: string, kind: 'database' | 'files') {
    const { migration, peer, peerApp } = record;
    const governor = this.#governors.of(migration);
    const pace = governor.pace(store);
    const hello = { migration, app: peerApp, store };
    const tunnel = kind === 'files' ? undefined : await this.#tunnel(record, { kind: 'tunnel', ...hello }, pace);
    const openStream = (signal: AbortSignal) => this.#link.open(peer, { kind: 'store', ...hello }, signal, pace);
    const rest = () => governor.rest();
    const bookmark = bookmarkOf(this.#records, migration, store);
    const atLeast = (bytesPerSecond: number) => pace.mustKeep(bytesPerSecond);
    const endpoint = { host: tunnel?.host ?? '', port: tunnel?.port ?? 0, openStream, rest, bookmark, atLeast };
    return { endpoint, tunnel };
  }

  /** On the port that it had, where that is free: a database that follows then goes on by itself. */
  async #tunnel({ app, migration, peer }: MigrationRecord, hello: TunnelOptions['hello'], pace: Pace): Promise<Tunnel> {
    const order = { link: this.#link, address: peer, hello, pace, host: await this.#hostFor(app, hello.store) };
    const known = this.#records.find(migration, 'target')?.stores[hello.store];
    const tunnel = await openTunnel({ ...order, port: known?.port }).catch((error: Error) => {
      if (known?.port === undefined) throw error;
      log.warn({ port: known.port, detail: error.message }, 'the tunnel takes another port');
      return openTunnel(order);
    });
    if (known && known.port !== tunnel.port)
      this.#records.change(migration, 'target', (draft) => {
        draft.stores[hello.store]!.port = tunnel.port;
      });
    return tunnel;
  }
}
