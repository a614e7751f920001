import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import type { SourceEndpoint, SourceStore, TargetStore, WayBack } from '../store.ts';
import { treeSource, treeTarget, treeWayBack } from './tree.ts';

/** One home of the tree, with every role; others reach it over real connections that name their stream first. */
export class Side {
  readonly root: string;
  readonly stateFolder: string;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  source!: SourceStore;
  target!: TargetStore;
  wayBack!: WayBack;
  /** Bytes that left this side. */
  sent = 0;

  constructor(base: string, name: string) {
    this.root = join(base, name);
    this.stateFolder = join(base, `state-${name}`);
    this.#server = createServer((socket) => void this.#accept(socket));
    this.start();
  }

  start(): void {
    const options = { root: this.root, ignore: [], stateFolder: this.stateFolder };
    this.source = treeSource(options);
    this.target = treeTarget(options);
    this.wayBack = treeWayBack(options);
  }

  /** As an agent that is killed: nothing is tidied but what a kernel closes. */
  async kill(): Promise<void> {
    await this.target[Symbol.asyncDispose]();
    await this.source[Symbol.asyncDispose]();
    this.cut();
    this.start();
  }

  async listen(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  endpoint(stream: string): SourceEndpoint {
    const { port } = this.#server.address() as AddressInfo;
    const openStream = async (signal: AbortSignal) => {
      const socket = connect({ port, host: '127.0.0.1', signal });
      await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
      socket.write(stream);
      return socket;
    };
    return { host: '127.0.0.1', port, openStream };
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.target[Symbol.asyncDispose]();
    await this.source[Symbol.asyncDispose]();
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  async #accept(socket: Socket): Promise<void> {
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket)).on('error', () => {});
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    socket.write = ((chunk: Buffer, ...rest: unknown[]) => {
      this.sent += chunk.length;
      return write(chunk, ...rest);
    }) as typeof socket.write;
    await new Promise((resolve) => socket.once('readable', resolve));
    const stream = socket.read(36) as Buffer | null;
    if (stream) await this.source.serve!(socket, stream.toString());
  }
}
