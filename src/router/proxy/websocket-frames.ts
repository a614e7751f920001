/** Close, with code 1012: "service restart" (RFC 6455, 7.4; IANA). Unmasked, as a server sends it. */
export const closeToClient = Buffer.from([0x88, 0x02, 0x03, 0xf4]);

/** The same as a client sends it: masked. A mask of zeros is a mask, and leaves the code readable in a trace. */
export const closeToServer = Buffer.from([0x88, 0x82, 0, 0, 0, 0, 0x03, 0xf4]);

export const opcodeClose = 8;

/** Follows the frames of one direction of a WebSocket, so that a frame of ours can go between two of theirs. */
export class FrameReader {
  /** Bytes of the current header read so far. */
  #header = 0;
  #masked = false;
  #lengthBytes = 0;
  #length = 0;
  #payloadLeft = 0;

  get atBoundary(): boolean {
    return this.#header === 0 && this.#payloadLeft === 0;
  }

  /** Reads on, up to the first frame at which `stop` says so: the number of bytes before it, or the chunk's length. */
  read(chunk: Buffer, stop: (opcode: number) => boolean): number {
    let at = 0;
    while (at < chunk.length) {
      if (this.#payloadLeft > 0) {
        const taken = Math.min(this.#payloadLeft, chunk.length - at);
        this.#payloadLeft -= taken;
        at += taken;
        continue;
      }
      const byte = chunk[at]!;
      if (this.#header === 0 && stop(byte & 0x0f)) return at;
      this.#readHeader(byte);
      at++;
    }
    return at;
  }

  #readHeader(byte: number): void {
    const position = this.#header++;
    if (position === 0) return;
    if (position === 1) {
      this.#masked = byte >= 0x80;
      const short = byte & 0x7f;
      this.#lengthBytes = short === 127 ? 8 : short === 126 ? 2 : 0;
      this.#length = this.#lengthBytes === 0 ? short : 0;
    } else if (position < 2 + this.#lengthBytes) this.#length = this.#length * 256 + byte;
    if (this.#header < 2 + this.#lengthBytes + (this.#masked ? 4 : 0)) return;
    this.#header = 0;
    this.#payloadLeft = this.#length;
  }
}
