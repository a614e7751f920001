import { request as httpsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { connect, type TLSSocket } from 'node:tls';
import { StorkyError } from '../../protocol/errors.ts';
import type { LinkHello } from '../../protocol/link.ts';
import { reason } from '../../protocol/orpc-errors.ts';
import type { RegionAddress } from '../../protocol/region-contract.ts';
import type { Pace } from '../pressure/pace.ts';
import { upgradeName } from './link-server.ts';
import { LinkStream, type LinkTuning } from './link-stream.ts';
import { readReport, readText } from './refusal.ts';
import { clientTls, type Identity } from './tls.ts';

/** Milliseconds for the connection, and again for the peer's answer. */
const patienceMs = 5000;

/**
 * Opens streams to other regions' agents. Every stream is a connection of its own, so that a full one never holds up the
 * switch; sessions are not resumed, so that each one proves anew who answers (in TLS 1.3 that costs no round trip more).
 */
export class LinkClient {
  readonly #identity: Identity;
  readonly #tuning: LinkTuning;
  readonly #streams = new Set<LinkStream>();

  constructor(identity: Identity, tuning: LinkTuning = {}) {
    this.#identity = identity;
    this.#tuning = tuning;
  }

  /**
   * Resolves when the peer has granted the hello. Throws `region_unreachable`, or what the peer refused it with.
   * The signal ends the stream too, at any time. With a pace, what comes is read no faster.
   */
  async open(address: RegionAddress, hello: LinkHello, signal?: AbortSignal, pace?: Pace): Promise<Duplex> {
    signal?.throwIfAborted();
    const socket = await this.#upgrade(address, hello, signal);
    const stream = new LinkStream(socket, { region: this.#identity.name, peer: address.region, pace, ...this.#tuning });
    this.#streams.add(stream);
    // Whoever reads or writes learns of a cut by that; a stream that nobody uses at the moment must not end the process.
    stream.on('error', () => {});
    const abort = () => stream.destroy(signal!.reason as Error);
    signal?.addEventListener('abort', abort, { once: true });
    stream.once('close', () => {
      this.#streams.delete(stream);
      signal?.removeEventListener('abort', abort);
    });
    return stream;
  }

  /** One JSON value that the peer answers with, once it has ended. */
  async openJson<T>(address: RegionAddress, hello: LinkHello, signal?: AbortSignal): Promise<T> {
    const stream = await this.open(address, hello, signal);
    stream.end();
    return JSON.parse(await readText(stream)) as T;
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  close(): void {
    const region = this.#identity.name;
    for (const stream of this.#streams) {
      stream.destroy(new StorkyError('link_lost', { region, peer: region, detail: 'the agent stops' }));
    }
  }

  #upgrade(address: RegionAddress, hello: LinkHello, signal?: AbortSignal): Promise<TLSSocket> {
    const { region, host, port } = address;
    const tls = { ...clientTls(this.#identity, region), host, port };
    return new Promise((resolve, reject) => {
      const unreachable = (error: unknown) => {
        if (signal?.aborted) return reject(signal.reason);
        reject(new StorkyError('region_unreachable', { region, address: `${host}:${port}`, detail: reason(error) }));
      };
      const request = httpsRequest({
        host,
        port,
        path: '/link',
        signal,
        headers: { connection: 'Upgrade', upgrade: upgradeName, 'storky-hello': JSON.stringify(hello) },
        createConnection: () => connect(tls).once('secureConnect', () => patience.refresh()),
      });
      const patience = setTimeout(() => request.destroy(new Error(`no answer within ${patienceMs} ms`)), patienceMs);
      request.once('close', () => clearTimeout(patience));
      request.once('error', unreachable);
      request.once('response', (response) => readReport(response).then(reject, unreachable));
      request.once('upgrade', (_response, socket, head) => {
        clearTimeout(patience);
        if (head.length > 0) socket.unshift(head);
        resolve(socket as TLSSocket);
      });
      request.end();
    });
  }
}
