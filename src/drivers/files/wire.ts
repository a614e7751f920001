import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { blockSize } from './blocks.ts';
import { breathe } from './breath.ts';
import type { Message } from './messages.ts';

/** A piece of the file whose `put` came last on this stream. `zeros` stands for that many blocks of zeros. */
export interface Piece {
  t: 'piece';
  index: number;
  data: Buffer | null;
  zeros: number;
}

const maxFrame = 8 * 1024 * 1024;
const kinds = { message: 0, data: 1, zeros: 2 } as const;

/**
 * Frames on one stream: length (4 bytes), kind (1), then JSON, or a block's index (4) with its bytes. A frame over 8 MiB,
 * or one that is not understood, destroys the stream. Sending waits while the peer is slow, so memory stays bounded.
 */
export class Wire {
  readonly stream: Duplex;
  #draining: Promise<void> | undefined;

  constructor(stream: Duplex) {
    this.stream = stream;
    // A marker must not wait for the acknowledgement of what was sent before it.
    if ('setNoDelay' in stream) (stream as Socket).setNoDelay(true);
    stream.on('error', () => {}); // The reader sees it; without a listener it would end the process.
  }

  get open(): boolean {
    return !this.stream.destroyed && this.stream.writable;
  }

  async send(message: Message): Promise<void> {
    const body = Buffer.from(JSON.stringify(message), 'utf8');
    await this.#write(head(kinds.message, body.length), body);
  }

  /** True where the block has left our hands, so that its buffer may be used again. */
  async sendBlock(index: number, data: Buffer): Promise<boolean> {
    const start = head(kinds.data, data.length + 4, 4);
    start.writeUInt32BE(index, 5);
    return this.#write(start, data);
  }

  async sendZeros(index: number, count: number): Promise<void> {
    const start = head(kinds.zeros, 8, 8);
    start.writeUInt32BE(index, 5);
    start.writeUInt32BE(count, 9);
    await this.#write(start);
  }

  /** A piece's bytes are valid until the next message is asked for: one buffer serves all frames. */
  async *read(): AsyncGenerator<Message | Piece> {
    let frame = Buffer.alloc(blockSize + 64);
    let held = 0;
    for await (const chunk of this.stream as AsyncIterable<Buffer>) {
      for (let at = 0; at < chunk.length; ) {
        const size = held < 5 ? 5 : frame.readUInt32BE(0) + 5;
        if (size > maxFrame) throw new Error(`a frame of ${size} bytes`);
        if (size > frame.length) frame = Buffer.concat([frame], size);
        const taken = chunk.copy(frame, held, at, at + size - held);
        held += taken;
        at += taken;
        if (held < 5 || held < frame.readUInt32BE(0) + 5) continue;
        held = 0;
        await breathe();
        yield decode(frame[4]!, frame.subarray(5, frame.readUInt32BE(0) + 5));
      }
    }
  }

  close(): void {
    this.stream.destroy();
  }

  async #write(...parts: Buffer[]): Promise<boolean> {
    if (!this.open) throw new Error('the stream is closed');
    this.stream.cork();
    process.nextTick(() => this.stream.uncork());
    let room = true;
    for (const part of parts) room = this.stream.write(part);
    if (room) return false;
    this.#draining ??= this.#drained();
    await this.#draining;
    return this.stream.writableLength === 0;
  }

  #drained(): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (error?: Error) => {
        this.#draining = undefined;
        this.stream.off('drain', drained).off('close', closed);
        if (error) reject(error);
        else resolve();
      };
      const drained = () => done();
      const closed = () => done(new Error('the stream was closed'));
      this.stream.on('drain', drained).on('close', closed);
    });
  }
}

function head(kind: number, length: number, extra = 0): Buffer {
  const buffer = Buffer.allocUnsafe(5 + extra);
  buffer.writeUInt32BE(length, 0);
  buffer[4] = kind;
  return buffer;
}

function decode(kind: number, body: Buffer): Message | Piece {
  if (kind === kinds.message) return JSON.parse(body.toString('utf8')) as Message;
  if (kind === kinds.data) return { t: 'piece', index: body.readUInt32BE(0), data: body.subarray(4), zeros: 0 };
  if (kind === kinds.zeros) return { t: 'piece', index: body.readUInt32BE(0), data: null, zeros: body.readUInt32BE(4) };
  throw new Error(`a frame of the unknown kind ${kind}`);
}
