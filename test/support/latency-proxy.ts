import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

interface LatencyProxyOptions {
  /** Port on loopback; 0, the default, takes a free one. */
  listen?: number;
  target: { host: string; port: number };
  /** Each way, milliseconds: a round trip takes twice as long. */
  delayMs: number;
}

export interface LatencyProxy {
  readonly port: number;
  /** Bytes that have gone through, both ways. */
  readonly passed: number;
  setDelay(delayMs: number): void;
  /** Resets every connection and refuses new ones, until `restore`. */
  cut(): void;
  /** Keeps connections open and lets nothing through, until `restore`: a network that swallows packets. */
  stall(): void;
  restore(): void;
  close(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Bytes that one direction may have under way; enough for 80 ms at 800 MB/s. Beyond it the sender is slowed down, as by TCP. */
const underWayMax = 64 * 1024 * 1024;

/** A TCP proxy that delays each direction without limiting its throughput. */
export async function latencyProxy({ listen = 0, target, delayMs }: LatencyProxyOptions): Promise<LatencyProxy> {
  const link = { delayMs, stalled: false, cut: false, passed: 0 };
  const wires = new Set<Wire>();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    if (link.cut) return void client.resetAndDestroy();
    const upstream = connect({ ...target, allowHalfOpen: true, noDelay: true });
    const there = new Wire(client, upstream, link);
    const back = new Wire(upstream, client, link);
    for (const wire of [there, back]) wires.add(wire);
    for (const socket of [client, upstream])
      socket
        .on('error', () => {
          client.resetAndDestroy();
          upstream.resetAndDestroy();
        })
        .on('close', () => {
          wires.delete(there);
          wires.delete(back);
          if (link.cut) client.destroy();
        });
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(listen, '127.0.0.1', resolve));

  const reset = () => {
    for (const wire of wires) wire.reset();
  };
  const close = async () => {
    reset();
    await new Promise((resolve) => server.close(resolve));
  };
  return {
    port: (server.address() as AddressInfo).port,
    get passed() {
      return link.passed;
    },
    setDelay: (ms) => {
      link.delayMs = ms;
    },
    cut: () => {
      link.cut = true;
      reset();
    },
    stall: () => {
      link.stalled = true;
    },
    restore: () => {
      Object.assign(link, { cut: false, stalled: false });
      for (const wire of wires) wire.deliver();
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** One direction of one connection: a queue of chunks with the times at which they arrive. An end travels in the queue too. */
class Wire {
  readonly #from: Socket;
  readonly #to: Socket;
  readonly #link: { delayMs: number; stalled: boolean; passed: number };
  #queue: { at: number; chunk: Buffer | null }[] = [];
  #underWay = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(from: Socket, to: Socket, link: { delayMs: number; stalled: boolean; passed: number }) {
    this.#from = from;
    this.#to = to;
    this.#link = link;
    from.on('data', (chunk) => this.#put(chunk)).on('end', () => this.#put(null));
    to.on('drain', () => this.deliver()).on('close', () => clearTimeout(this.#timer));
  }

  reset(): void {
    clearTimeout(this.#timer);
    this.#queue = [];
    this.#from.resetAndDestroy();
    this.#to.resetAndDestroy();
  }

  deliver(): void {
    clearTimeout(this.#timer);
    if (this.#link.stalled || this.#to.destroyed) return;
    while (this.#queue[0] && this.#queue[0].at <= performance.now()) {
      if (this.#to.writableNeedDrain) return;
      const { chunk } = this.#queue.shift()!;
      if (chunk === null) return void this.#to.end();
      this.#underWay -= chunk.length;
      this.#link.passed += chunk.length;
      this.#to.write(chunk);
    }
    if (this.#underWay < underWayMax) this.#from.resume();
    if (this.#queue[0])
      this.#timer = setTimeout(() => this.deliver(), Math.max(0, this.#queue[0].at - performance.now()));
  }

  #put(chunk: Buffer | null): void {
    this.#queue.push({ at: performance.now() + this.#link.delayMs, chunk });
    this.#underWay += chunk?.length ?? 0;
    if (this.#underWay > underWayMax) this.#from.pause();
    if (this.#queue.length === 1) this.deliver();
  }
}
