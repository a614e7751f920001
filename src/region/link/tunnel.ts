import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { log } from '../../base/log.ts';
import { StorkyError } from '../../protocol/errors.ts';
import type { LinkHello } from '../../protocol/link.ts';
import type { RegionAddress } from '../../protocol/region-contract.ts';
import type { Pace } from '../pressure/pace.ts';
import type { LinkClient } from './link-client.ts';
import { breakOff, splice } from './splice.ts';

export interface TunnelOptions {
  link: LinkClient;
  address: RegionAddress;
  hello: Extract<LinkHello, { kind: 'tunnel' | 'loan' }>;
  /** A restarted agent asks for the port it had, since subscriptions remember it. */
  port?: number | undefined;
  /** Where it listens: loopback, if not the address by which a container's server reaches this host. */
  host?: string | undefined;
  /** What comes from the other region comes no faster. */
  pace?: Pace | undefined;
}

export interface Tunnel {
  host: string;
  port: number;
  close(): Promise<void>;
}

/**
 * A loopback port that leads to a port in the other region. Every connection dials anew, so a link that was cut serves
 * the next connection as soon as it is back. Aborting the signal closes it, with all that passes through.
 */
export async function openTunnel(options: TunnelOptions, signal?: AbortSignal): Promise<Tunnel> {
  signal?.throwIfAborted();
  const { link, address, hello, pace } = options;
  const closing = new AbortController();
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true, highWaterMark }, (local) => {
    void carry(local, () => link.open(address, hello, closing.signal, pace));
  });
  const host = options.host ?? '127.0.0.1';
  server.listen(options.port ?? 0, host);
  await once(server, 'listening').catch((error: Error) => {
    throw new StorkyError('internal', { detail: `tunnel to ${address.region}: ${error.message}` }, { cause: error });
  });
  const close = async () => {
    closing.abort(
      new StorkyError('link_lost', { region: address.region, peer: address.region, detail: 'tunnel closed' }),
    );
    signal?.removeEventListener('abort', close);
    await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  signal?.addEventListener('abort', close, { once: true });
  return { host, port: (server.address() as AddressInfo).port, close };
}

/** Bytes that may wait for a slow side. More made one tunnel on loopback no faster; it has to cover a pause, not the way. */
const highWaterMark = 256 * 1024;

async function carry(local: Socket, dial: () => Promise<Duplex>): Promise<void> {
  local.on('error', () => {});
  try {
    const remote = await dial();
    if (local.destroyed) return void remote.destroy();
    await splice(local, remote);
  } catch (error) {
    log.warn({ error: (error as Error).message }, 'tunnel: the other region could not be reached');
    breakOff(local, null);
  }
}

type Place = { host: string; port: number };

/** The other end: joins a granted tunnel stream with the port of a database. */
export async function serveTunnel(stream: Duplex, to: Place, dial = () => dialPort(to)): Promise<void> {
  const database = await dial().catch((error: Error) => {
    const { host, port } = to;
    throw new StorkyError('link_lost', { region: `${host}:${port}`, peer: 'the database', detail: error.message });
  });
  await splice(database, stream);
}

async function dialPort({ host, port }: Place): Promise<Duplex> {
  const socket = connect({ host, port, allowHalfOpen: true, noDelay: true });
  await once(socket, 'connect');
  return socket;
}
