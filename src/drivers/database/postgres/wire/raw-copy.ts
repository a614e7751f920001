import type { Socket } from 'node:net';
import type pg from 'pg';
import { type Client, socketOf } from './connect.ts';

/**
 * COPY … TO STDOUT of one server straight into COPY … FROM STDIN of another. A CopyData message is the same in both
 * directions, so the bytes of the one socket are written to the other as they are: nothing is parsed but the lengths, and
 * nothing is kept. A slow writer stops the reader, so the memory needed does not depend on the amount.
 */
export async function rawCopy(
  from: Client,
  copyOut: string,
  to: Client,
  copyIn: string,
  onBytes: (bytes: number) => void,
  signal: AbortSignal,
): Promise<void> {
  signal.throwIfAborted();
  const writer = new CopyInQuery(copyIn);
  to.query(writer);
  await writer.accepted;
  const reader = new CopyOutQuery(copyOut, from, socketOf(to), onBytes);
  const stop = () => {
    socketOf(from).destroy();
    socketOf(to).destroy();
  };
  signal.addEventListener('abort', stop, { once: true });
  const writerFailed = writer.done.catch((error: unknown) => {
    reader.fail(error);
    throw error;
  });
  try {
    from.query(reader);
    await Promise.all([reader.done.then(() => writer.finish()), writerFailed]);
  } catch (error) {
    // Somewhere within a message: neither session can be used for anything else.
    stop();
    throw signal.aborted ? signal.reason : error;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

interface PgConnection {
  query(text: string): void;
  stream: Socket;
}

/** The parts of a query that pg calls. */
abstract class RawQuery implements pg.Submittable {
  readonly done: Promise<void>;
  protected resolve!: () => void;
  protected reject!: (error: unknown) => void;
  protected readonly text: string;

  constructor(text: string) {
    this.text = text;
    this.done = new Promise((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.done.catch(() => {});
  }

  abstract submit(connection: object): void;
  handleError(error: unknown): void {
    this.reject(error);
  }
  handleReadyForQuery(): void {
    this.resolve();
  }
  handleRowDescription(): void {}
  handleDataRow(): void {}
  handleCommandComplete(): void {}
  handlePortalSuspended(): void {}
  handleEmptyQuery(): void {}
  handleCopyData(): void {}
  callback(): void {}
}

const copyDone = Buffer.from([0x63, 0, 0, 0, 4]);

class CopyInQuery extends RawQuery {
  readonly accepted: Promise<void>;
  #accept!: () => void;
  #refuse!: (error: unknown) => void;
  #socket: Socket | undefined;

  constructor(text: string) {
    super(text);
    this.accepted = new Promise((resolve, reject) => {
      this.#accept = resolve;
      this.#refuse = reject;
    });
    this.accepted.catch(() => {});
  }

  override submit(connection: object): void {
    this.#socket = (connection as PgConnection).stream;
    (connection as PgConnection).query(this.text);
  }
  handleCopyInResponse(): void {
    this.#accept();
  }
  override handleError(error: unknown): void {
    this.#refuse(error);
    super.handleError(error);
  }
  finish(): void {
    this.#socket!.write(copyDone);
  }
}

/** Bytes of a header; message types as the protocol numbers them. */
const header = 5;
const copyData = 0x64;
const ended = [0x63, 0x45];

class CopyOutQuery extends RawQuery {
  readonly #client: Client;
  readonly #to: Socket;
  readonly #onBytes: (bytes: number) => void;
  #socket: Socket | undefined;
  #parser: ((chunk: Buffer) => void) | undefined;
  /** Bytes of the message under way that are still to come; its header, where it was cut. */
  #rest = 0;
  #header = Buffer.alloc(0);

  constructor(text: string, client: Client, to: Socket, onBytes: (bytes: number) => void) {
    super(text);
    this.#client = client;
    this.#to = to;
    this.#onBytes = onBytes;
  }

  override submit(connection: object): void {
    this.#socket = socketOf(this.#client);
    this.#parser = this.#socket.listeners('data')[0] as (chunk: Buffer) => void;
    this.#socket.removeListener('data', this.#parser);
    this.#socket.on('data', this.#take);
    this.#socket.once('close', this.#closed);
    this.#to.on('drain', this.#drained);
    (connection as PgConnection).query(this.text);
  }

  fail(error: unknown): void {
    this.#release();
    this.reject(error);
  }

  override handleReadyForQuery(): void {
    this.#release();
    super.handleReadyForQuery();
  }

  #closed = () => this.fail(new Error('the connection was cut'));
  #drained = () => void this.#socket?.resume();

  #take = (chunk: Buffer): void => {
    const bytes = this.#header.length > 0 ? Buffer.concat([this.#header, chunk]) : chunk;
    let start = 0;
    let at = Math.min(this.#rest, bytes.length);
    this.#rest -= at;
    while (bytes.length - at >= header) {
      const type = bytes[at]!;
      const size = bytes.readUInt32BE(at + 1) + 1;
      if (type === copyData) {
        at += size;
        if (at <= bytes.length) continue;
        this.#rest = at - bytes.length;
        at = bytes.length;
        break;
      }
      this.#forward(bytes.subarray(start, at));
      start = at;
      // From the end on, or an error, pg's own parser understands it.
      if (ended.includes(type)) {
        this.#handBack(bytes.subarray(at));
        return;
      }
      // The answer to the query, a notice, a setting that changed: not for the other side.
      if (bytes.length - at < size) break;
      start = at += size;
    }
    this.#forward(bytes.subarray(start, at));
    this.#header = Buffer.from(bytes.subarray(at));
  };

  #forward(bytes: Buffer): void {
    if (bytes.length === 0) return;
    this.#onBytes(bytes.length);
    if (!this.#to.write(bytes)) this.#socket!.pause();
  }

  #handBack(rest: Buffer): void {
    const parser = this.#parser!;
    this.#socket!.removeListener('data', this.#take);
    this.#socket!.on('data', parser);
    this.#parser = undefined;
    parser(rest);
    this.#socket!.resume();
  }

  #release(): void {
    this.#socket?.removeListener('close', this.#closed);
    this.#to.removeListener('drain', this.#drained);
  }
}
