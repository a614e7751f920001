import { Duplex } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { passed } from '../../base/passing-buffers.ts';
import { type ErrorReport, StorkyError } from '../../protocol/errors.ts';
import type { Pace } from '../pressure/pace.ts';
import { FrameKind, FrameReader, frameHeader } from './frames.ts';

export interface LinkTuning {
  /** Bytes that may wait here for the application, and again for the socket. */
  highWaterMark?: number;
  /** Milliseconds between beats on an idle link; after four without a byte from the peer it counts as lost. */
  beatMs?: number;
}

export interface LinkStreamOptions extends LinkTuning {
  /** Names both ends in `link_lost`. */
  region: string;
  peer: string;
  /** What is read here is read no faster; beats pass all the same. */
  pace?: Pace | undefined;
}

const silentBeats = 4;
/** How long a peer that we gave up on may take to read why. */
const lingerMs = 5000;

/**
 * One link stream over one TLS connection. What its user may rely on:
 *  1. `end` means that the peer ended its direction; a cut, a kill or a silence is always an `error`.
 *  2. Each direction ends alone; the stream closes after both.
 *  3. No more than `highWaterMark` waits in either direction, however slow the reader.
 *  4. `destroy(error)` reaches the peer as the same error where the connection still lives.
 */
export class LinkStream extends Duplex {
  readonly #socket: TLSSocket;
  readonly #options: LinkStreamOptions;
  readonly #beat: NodeJS.Timeout;
  #ended = { sent: false, received: false };
  #silent = 0;
  #wrote = false;
  #resting = false;
  #wanted = true;

  constructor(socket: TLSSocket, options: LinkStreamOptions) {
    super({ allowHalfOpen: true, highWaterMark: options.highWaterMark ?? 256 * 1024 });
    this.#socket = socket;
    this.#options = options;
    socket.setNoDelay(true);
    socket.setTimeout(0);
    const reader = new FrameReader({
      data: (piece) => {
        this.#wanted = this.push(piece);
        if (!this.#wanted) socket.pause();
        this.#rest(piece.length);
      },
      end: () => this.#receivedEnd(),
      error: (json) => this.#peerFailed(StorkyError.fromReport(JSON.parse(json) as ErrorReport)),
    });
    socket.on('data', (chunk: Buffer) => this.#received(reader, chunk));
    socket.on('error', (error) => this.#lost(error.message));
    socket.on('end', () => this.#ended.received || this.#lost('the connection ended before the stream did'));
    socket.on('close', () => this.#closed());
    this.#beat = setInterval(() => this.#tick(), options.beatMs ?? 5000);
    this.#beat.unref();
  }

  override _read(): void {
    this.#wanted = true;
    if (!this.#resting && this.#socket.isPaused()) this.#socket.resume();
  }

  override _write(chunk: Buffer, _encoding: string, done: (error?: Error) => void): void {
    this.#writeAll([chunk], done);
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error) => void): void {
    this.#writeAll(
      chunks.map(({ chunk }) => chunk),
      done,
    );
  }

  /** The socket stays open for the other direction, and for the beats that keep watch over it. */
  override _final(done: (error?: Error) => void): void {
    this.#ended.sent = true;
    this.#send(frameHeader(FrameKind.end), () => done());
    this.#closeWhenBothEnded();
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (!this.#bothEnded()) this.#breakOff(error);
    done(error);
  }

  #rest(bytes: number): void {
    const rest = this.#options.pace?.spend(bytes);
    if (!rest || this.#resting) return;
    this.#resting = true;
    this.#socket.pause();
    void rest.then(() => {
      this.#resting = false;
      if (this.#wanted) this.#socket.resume();
    });
  }

  #writeAll(chunks: Buffer[], done: (error?: Error) => void): void {
    const socket = this.#socket;
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    passed(bytes);
    socket.cork();
    socket.write(frameHeader(FrameKind.data, bytes));
    for (const chunk of chunks) socket.write(chunk);
    const more = !socket.writableNeedDrain;
    socket.uncork();
    this.#wrote = true;
    // A socket that dies while it is full never drains; then `destroy` answers instead.
    if (more) done();
    else socket.once('drain', done);
  }

  #send(frame: Buffer, done?: () => void): void {
    this.#wrote = true;
    if (this.#socket.writable) this.#socket.write(frame, done && (() => done()));
  }

  #received(reader: FrameReader, chunk: Buffer): void {
    this.#silent = 0;
    passed(chunk.length);
    if (this.destroyed) return;
    try {
      reader.read(chunk);
    } catch (error) {
      this.#lost((error as Error).message);
    }
  }

  #receivedEnd(): void {
    this.#ended.received = true;
    this.push(null);
    this.#closeWhenBothEnded();
  }

  /** Only our direction of TCP: what the peer still has on its way must find a reader, or a reset destroys our last bytes. */
  #closeWhenBothEnded(): void {
    if (!this.#bothEnded()) return;
    this.#socket.end();
    this.#socket.resume();
  }

  #breakOff(error: Error | null): void {
    const socket = this.#socket;
    if (!(error instanceof StorkyError) || error.code === 'link_lost' || !socket.writable) return void socket.destroy();
    const json = Buffer.from(JSON.stringify(error.report()));
    socket.resume();
    socket.end(Buffer.concat([frameHeader(FrameKind.error, json.length), json]));
    setTimeout(() => socket.destroy(), lingerMs).unref();
  }

  #peerFailed(error: StorkyError): void {
    this.#socket.destroy();
    this.destroy(error);
  }

  #closed(): void {
    clearInterval(this.#beat);
    if (!this.#bothEnded()) this.#lost('the connection closed before the stream ended');
  }

  #lost(detail: string): void {
    const { region, peer } = this.#options;
    this.#socket.destroy();
    if (!this.#bothEnded()) this.destroy(new StorkyError('link_lost', { region, peer, detail }));
  }

  /** Counts ticks, not time: a process that was itself stopped for a minute has missed nothing. */
  #tick(): void {
    if (!this.#wrote && this.#socket.writable && !this.#socket.writableNeedDrain)
      this.#send(frameHeader(FrameKind.beat));
    this.#wrote = false;
    this.#silent = this.#socket.isPaused() ? 0 : this.#silent + 1;
    if (this.#silent > silentBeats) this.#lost('the peer has been silent for too long');
  }

  #bothEnded(): boolean {
    return this.#ended.sent && this.#ended.received;
  }
}
