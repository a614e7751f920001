/**
 * What passes on a link after the upgrade: frames, each a kind (one byte), a length (four, big endian) and a payload.
 * TLS alone does not tell a finished stream from one whose process was killed, and a killed peer behind a cut cable is
 * not noticed for a quarter of an hour; `end` and `beat` tell both. `error` carries why the other side gave up.
 */
export const FrameKind = { data: 0, end: 1, error: 2, beat: 3 } as const;
export type FrameKind = (typeof FrameKind)[keyof typeof FrameKind];

const headerBytes = 5;
const maxErrorBytes = 64 * 1024;

export function frameHeader(kind: FrameKind, length = 0): Buffer {
  const header = Buffer.allocUnsafe(headerBytes);
  header.writeUInt8(kind, 0);
  header.writeUInt32BE(length, 1);
  return header;
}

export interface FrameEvents {
  /** A piece of a data frame, as it arrives: no frame is ever held in memory as a whole. */
  data(piece: Buffer): void;
  end(): void;
  error(json: string): void;
}

/** Reads frames from any cut of the bytes. Throws on what is no frame. */
export class FrameReader {
  readonly #events: FrameEvents;
  #header: Buffer = Buffer.alloc(0);
  #kind: FrameKind = FrameKind.beat;
  #left = 0;
  #error = '';

  constructor(events: FrameEvents) {
    this.#events = events;
  }

  read(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) {
      at += this.#left > 0 ? this.#payload(chunk, at) : this.#nextHeader(chunk, at);
    }
  }

  #nextHeader(chunk: Buffer, at: number): number {
    const taken = Math.min(headerBytes - this.#header.length, chunk.length - at);
    this.#header = Buffer.concat([this.#header, chunk.subarray(at, at + taken)]);
    if (this.#header.length < headerBytes) return taken;
    this.#kind = this.#header.readUInt8(0) as FrameKind;
    this.#left = this.#header.readUInt32BE(1);
    this.#header = Buffer.alloc(0);
    if (this.#kind > FrameKind.beat || (this.#kind === FrameKind.error && this.#left > maxErrorBytes)) {
      throw new Error('the peer does not speak this link protocol');
    }
    if (this.#kind === FrameKind.end) this.#events.end();
    return taken;
  }

  #payload(chunk: Buffer, at: number): number {
    const piece = chunk.subarray(at, at + this.#left);
    this.#left -= piece.length;
    if (this.#kind === FrameKind.data) this.#events.data(piece);
    if (this.#kind === FrameKind.error) this.#error += piece.toString('latin1');
    if (this.#kind === FrameKind.error && this.#left === 0) {
      this.#events.error(Buffer.from(this.#error, 'latin1').toString('utf8'));
    }
    return piece.length;
  }
}
