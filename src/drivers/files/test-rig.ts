import { hash } from 'node:crypto';
import * as fs from 'node:fs';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SourceEndpoint, SourceStore, TargetStore } from '../store.ts';
import { treeSource, treeTarget } from './tree.ts';

const migration = '6f0bd6e1-9b13-4c8e-a9a3-0d9d7f1c2b11';

interface RigOptions {
  /** An empty folder; it is removed at the end. */
  base?: string;
  ignore?: string[];
  maxWatches?: number;
  maxSuspects?: number;
}

/** Two real folders and a TCP connection between them, which can be cut. For tests and benchmarks. */
export class Rig implements AsyncDisposable {
  readonly base: string;
  readonly from: string;
  readonly to: string;
  readonly stop = new AbortController();
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly endpoint: SourceEndpoint;
  readonly options: RigOptions;
  source: SourceStore;
  target: TargetStore;
  /** Bytes that went from the source to the target. */
  sent = 0;
  /** Cuts each new stream after so many bytes. */
  cutAfter = Number.POSITIVE_INFINITY;

  private constructor(options: RigOptions) {
    this.options = options;
    this.base = options.base ?? fs.mkdtempSync(join(tmpdir(), 'storky-files-'));
    this.from = join(this.base, 'from');
    this.to = join(this.base, 'to');
    fs.mkdirSync(this.from);
    this.source = this.newSource();
    this.target = this.newTarget();
    this.#server = createServer((socket) => this.#accept(socket));
    this.endpoint = { host: '127.0.0.1', port: 0, openStream: (signal) => this.#open(signal) };
  }

  static async start(options: RigOptions = {}): Promise<Rig> {
    const rig = new Rig(options);
    await new Promise<void>((resolve) => rig.#server.listen(0, '127.0.0.1', resolve));
    rig.endpoint.port = (rig.#server.address() as AddressInfo).port;
    return rig;
  }

  newSource(): SourceStore {
    return treeSource({
      root: this.from,
      ignore: this.options.ignore ?? [],
      stateFolder: join(this.base, 'state-from'),
      maxWatches: this.options.maxWatches,
    });
  }

  newTarget(): TargetStore {
    return treeTarget({
      root: this.to,
      ignore: this.options.ignore ?? [],
      stateFolder: join(this.base, 'state-to'),
      maxSuspects: this.options.maxSuspects,
    });
  }

  async copy(): Promise<{ bytes: number; items: number }> {
    const { ticket } = await this.source.open(migration);
    return this.target.copy(migration, ticket, this.endpoint, () => {}, this.stop.signal);
  }

  async follow(): Promise<void> {
    const { ticket } = await this.source.open(migration);
    await this.target.follow(migration, ticket, this.endpoint, this.stop.signal);
  }

  async copyAndFollow(): Promise<void> {
    await this.copy();
    await this.follow();
    await this.inSync();
  }

  async inSync(): Promise<void> {
    for (let i = 0; i < 400; i++) {
      if ((await this.target.lag()).ms === 0) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error('not in sync after 10 s');
  }

  /** The marker's whole way; milliseconds. */
  async switch(epoch: number, budgetMs = 10_000): Promise<number> {
    const deadline = { at: performance.now() + budgetMs, signal: AbortSignal.timeout(budgetMs) };
    const start = performance.now();
    await Promise.all([this.source.mark(migration, epoch, deadline), this.target.applied(migration, epoch, deadline)]);
    return performance.now() - start;
  }

  async verify(over: Partial<SourceEndpoint> = {}) {
    const { ticket } = await this.source.open(migration);
    return this.target.verify(migration, ticket, { ...this.endpoint, ...over }, () => {}, this.stop.signal);
  }

  async verifyChanged(over: Partial<SourceEndpoint> = {}) {
    return this.target.verifyChanged!(migration, { ...this.endpoint, ...over }, () => {}, this.stop.signal);
  }

  async rehearse() {
    return this.target.rehearse(migration, this.endpoint, this.stop.signal);
  }

  async close(): Promise<void> {
    await this.target.close(migration);
    await this.source.close(migration);
  }

  cut(): void {
    for (const socket of this.#sockets) socket.destroy();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stop.abort();
    await this.target[Symbol.asyncDispose]();
    await this.source[Symbol.asyncDispose]();
    this.cut();
    await new Promise((resolve) => this.#server.close(resolve));
    fs.rmSync(this.base, { recursive: true, force: true });
  }

  #accept(socket: Socket): void {
    this.#sockets.add(socket);
    const start = this.sent;
    const write = socket.write.bind(socket) as (...args: unknown[]) => boolean;
    socket.write = ((chunk: Buffer, ...rest: unknown[]) => {
      this.sent += chunk.length;
      if (this.sent - start > this.cutAfter) socket.destroy();
      return write(chunk, ...rest);
    }) as typeof socket.write;
    socket.on('close', () => this.#sockets.delete(socket));
    void this.source.serve!(socket, migration);
  }

  async #open(signal: AbortSignal): Promise<Socket> {
    const socket = connect({ port: this.endpoint.port, host: '127.0.0.1', signal });
    await new Promise<void>((resolve, reject) => socket.once('connect', resolve).once('error', reject));
    return socket;
  }
}

/** What a tree is, read without any of the code under test: one line an entry, sorted. */
export function picture(root: string): string[] {
  const lines: string[] = [];
  const inodes = new Map<bigint, string>();
  const look = (path: Buffer, name: string) => {
    const st = fs.lstatSync(path, { bigint: true });
    const what = [
      JSON.stringify(name),
      (st.mode & 0o7777n).toString(8),
      st.uid,
      st.gid,
      st.isSymbolicLink() ? 'link' : st.mtimeNs / 1000n,
    ];
    if (st.isFile()) what.push(st.size, hash('sha256', fs.readFileSync(path)).slice(0, 16));
    if (st.isSymbolicLink()) what.push(fs.readlinkSync(path, 'latin1'), st.mtimeNs / 1000n);
    if (st.isFIFO()) what.push('fifo');
    if (st.isFile() && st.nlink > 1n) {
      if (!inodes.has(st.ino)) inodes.set(st.ino, name);
      what.push(`same as ${JSON.stringify(inodes.get(st.ino))}`);
    }
    lines.push(what.join(' '));
    if (!st.isDirectory()) return;
    const names = (fs.readdirSync(path, { encoding: 'latin1' }) as string[]).sort();
    for (const child of names)
      look(Buffer.concat([path, Buffer.from('/'), Buffer.from(child, 'latin1')]), `${name}/${child}`);
  };
  look(Buffer.from(root), '');
  return lines;
}
