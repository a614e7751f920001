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

/**
 * Takes an idle session's socket from the client library for one conversation, and gives it back. `onPacket` gets every
 * payload; it is only valid during the call. Payloads that are longer than a packet are put together.
 */
export class Conversation {
  readonly #socket: Socket;
  readonly #onPacket: (payload: Buffer) => void;
  readonly #onClosed: () => void;
  readonly #library: ((...args: unknown[]) => void)[];
  #waiting: Buffer[] = [];
  #waitingBytes = 0;
  #needed = header;
  #parts: Buffer[] = [];
  #over = false;

  constructor(socket: Socket, onPacket: (payload: Buffer) => void, onClosed: () => void) {
    this.#socket = socket;
    this.#onPacket = onPacket;
    this.#onClosed = onClosed;
    this.#library = socket.listeners('data') as ((...args: unknown[]) => void)[];
    socket.removeAllListeners('data');
    socket.on('data', this.#take);
    socket.once('close', onClosed);
    if (socket.destroyed) queueMicrotask(onClosed);
  }

  /** Nothing comes any more; the session is the library's again. */
  end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket.removeListener('data', this.#take);
    this.#socket.removeListener('close', this.#onClosed);
    for (const listener of this.#library) this.#socket.on('data', listener);
    this.#socket.resume();
  }

  #take = (chunk: Buffer): void => {
    this.#waiting.push(chunk);
    this.#waitingBytes += chunk.length;
    // A large row comes in many chunks: they are put together once, not again for each.
    if (this.#waitingBytes < this.#needed) return;
    const bytes = this.#waiting.length === 1 ? chunk : Buffer.concat(this.#waiting, this.#waitingBytes);
    let at = 0;
    this.#needed = header;
    while (bytes.length - at >= header && !this.#over) {
      const length = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16);
      if (bytes.length - at < header + length) {
        this.#needed = header + length;
        break;
      }
      this.#packet(bytes.subarray(at + header, at + header + length), length);
      at += header + length;
    }
    this.#waiting = at < bytes.length ? [bytes.subarray(at)] : [];
    this.#waitingBytes = bytes.length - at;
  };

  #packet(payload: Buffer, length: number): void {
    if (length === longest) this.#parts.push(payload);
    else if (this.#parts.length === 0) this.#onPacket(payload);
    else {
      const whole = Buffer.concat([...this.#parts, payload]);
      this.#parts = [];
      this.#onPacket(whole);
    }
  }
}
