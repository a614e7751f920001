import { lengthAt } from './packets.ts';

const tab = 0x09;
const newline = 0x0a;
const backslash = 0x5c;
const noValue = 0xfb;

/** What one byte of a row becomes at most: `\N` and what ends the field. */
export const mostForOne = 3;

/** A row that is too long to be held: it becomes a line as it comes, cut anywhere. The same line as of a row in one piece. */
export class RowInPieces {
  readonly #columns: number;
  #column = 0;
  /** Bytes of the field's length, until all of them are here. */
  #length: number[] = [];
  /** Bytes of the field that are still to come; undefined while its length is. */
  #left: number | undefined;

  constructor(columns: number) {
    this.#columns = columns;
  }

  /** Writes to `out` from `to`, where there must be room for `mostForOne` times the piece; returns where it ended. */
  take(piece: Buffer, out: Buffer, to: number): number {
    let end = to;
    for (let at = 0; at < piece.length; ) {
      if (this.#left === undefined) {
        const byte = piece[at++]!;
        if (byte === noValue && this.#length.length === 0) {
          out[end++] = backslash;
          out[end++] = 0x4e; // \N
          this.#left = 0;
        } else this.#lengthByte(byte);
      } else {
        const until = Math.min(piece.length, at + this.#left);
        this.#left -= until - at;
        while (at < until) {
          const byte = piece[at++]!;
          if (byte === backslash || byte === tab || byte === newline) out[end++] = backslash;
          out[end++] = byte;
        }
      }
      if (this.#left !== 0) continue;
      this.#left = undefined;
      out[end++] = ++this.#column === this.#columns ? newline : tab;
    }
    return end;
  }

  #lengthByte(byte: number): void {
    this.#length.push(byte);
    const first = this.#length[0]!;
    const needed = first < noValue ? 1 : ({ 252: 3, 253: 4 }[first] ?? 9);
    if (this.#length.length < needed) return;
    this.#left = lengthAt(Buffer.from(this.#length), 0)[0];
    this.#length = [];
  }
}
