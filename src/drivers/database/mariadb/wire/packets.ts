import type { Socket } from 'node:net';

/** The longest payload of one packet; one of exactly this length goes on in the next. */
export const longest = 0xffffff;
const header = 4;

/** A command as the first packet of a conversation. */
export function command(sql: string): Buffer {
  const text = Buffer.from(sql, 'utf8');
  const packet = Buffer.allocUnsafe(header + 1 + text.length);
  packet.writeUIntLE(text.length + 1, 0, 3);
  packet[3] = 0;
  packet[4] = 3; // COM_QUERY
  text.copy(packet, 5);
  return packet;
}

export class ServerError extends Error {
  readonly errno: number;
  readonly sqlState: string;

  /** From the payload of an error packet. */
  constructor(payload: Buffer) {
    const marked = payload[3] === 0x23;
    super(payload.toString('utf8', marked ? 9 : 3));
    this.errno = payload.readUInt16LE(1);
    this.sqlState = marked ? payload.toString('latin1', 4, 9) : 'HY000';
  }
}

/** A number of one to nine bytes at `at`, and where it ends. */
export function lengthAt(bytes: Buffer, at: number): [value: number, next: number] {
  const first = bytes[at]!;
  if (first < 0xfb) return [first, at + 1];
  if (first === 0xfc) return [bytes.readUInt16LE(at + 1), at + 3];
  if (first === 0xfd) return [bytes.readUIntLE(at + 1, 3), at + 4];
  return [Number(bytes.readBigUInt64LE(at + 1)), at + 9];
}

/** A longer payload is handed over in pieces: a row may be of a gigabyte, and several sessions read at once. */
const longestWhole = 60 * 1024;

/** What is given is only valid during the call. */
export interface Listener {
  /** A whole payload of up to `longestWhole` bytes. */
  packet(payload: Buffer): void;
  /** Of a longer one, and of one that goes on over several packets; it may be empty. */
  piece(piece: Buffer, last: boolean): void;
  closed(): void;
}

/** Takes an idle session's socket from the client library for one conversation, and gives it back. */
export class Conversation {
  readonly #socket: Socket;
  readonly #listener: Listener;
  readonly #library: ((...args: unknown[]) => void)[];
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #needed = header;
  /** Bytes that are still to come of the packet that is handed over in pieces. */
  #left = 0;
  /** The payload goes on in the next packet. */
  #goesOn = false;
  #over = false;

  constructor(socket: Socket, listener: Listener) {
    this.#socket = socket;
    this.#listener = listener;
    this.#library = socket.listeners('data') as ((...args: unknown[]) => void)[];
    socket.removeAllListeners('data');
    socket.on('data', this.#take);
    socket.once('close', listener.closed);
    if (socket.destroyed) queueMicrotask(listener.closed);
  }

  /** Nothing comes any more; the session is the library's again. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.removeListener('data', this.#take);
    this.#socket.removeListener('close', this.#listener.closed);
    for (const listener of this.#library) this.#socket.on('data', listener);
    this.#socket.resume();
  }

  #take = (chunk: Buffer): void => {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    if (this.#waitingBytes < this.#needed) return;
    const bytes = this.#waiting.length === 1 ? chunk : Buffer.concat(this.#waiting, this.#waitingBytes);
    let at = 0;
    this.#needed = 1;
    while (at < bytes.length && !this.#over) {
      if (this.#left > 0) {
        at += this.#piece(bytes.subarray(at, at + this.#left));
        continue;
      }
      const used = this.#packet(bytes, at);
      if (used === 0) break;
      at += used;
    }
    this.#waiting = at < bytes.length ? [bytes.subarray(at)] : [];
    this.#waitingBytes = bytes.length - at;
  };

  /** Returns how many bytes it took: none where more has to come first. */
  #packet(bytes: Buffer, at: number): number {
    const there = bytes.length - at;
    this.#needed = header;
    if (there < header) return 0;
    const length = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
    if (length > longestWhole || this.#goesOn) {
      this.#goesOn = length === longest;
      this.#left = length;
      if (length === 0) this.#piece(bytes.subarray(0, 0));
      return header;
    }
    this.#needed += length;
    if (there < this.#needed) return 0;
    this.#needed = header;
    this.#listener.packet(bytes.subarray(at + header, at + header + length));
    return header + length;
  }

  #piece(piece: Buffer): number {
    this.#left -= piece.length;
    this.#needed = 1;
    this.#listener.piece(piece, this.#left === 0 && !this.#goesOn);
    return piece.length;
  }
}
