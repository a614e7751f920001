import type { Socket } from 'node:net';
import { passed } from '../../../../base/passing-buffers.ts';
import type { LoadData } from './load-data.ts';
import { Conversation, command, lengthAt, ServerError } from './packets.ts';
import { mostForOne, RowInPieces } from './row-in-pieces.ts';

const tab = 0x09;
const newline = 0x0a;
const backslash = 0x5c;
const packetBytes = 128 * 1024;
/** What is taken of a long row at once, so that its line fits into a packet. */
const pieceBytes = 32 * 1024;
const header = 4;

/** How the lines of `RowsToLines` are read; `binary` takes every byte as it is. */
export const lineFormat = `CHARACTER SET binary FIELDS TERMINATED BY '\\t' ESCAPED BY '\\\\' LINES TERMINATED BY '\\n'`;

/** The reading half: the answer to a SELECT, each row as a line for LOAD DATA. */
export class RowsToLines {
  readonly #socket: Socket;
  readonly #writer: LoadData;
  /** Called with all bytes so far. */
  readonly #onBytes: (total: number) => void;
  readonly #done = Promise.withResolvers<number>();
  #conversation: Conversation | undefined;
  #columns = -1;
  /** Packets before the first row: one for each column, and the end of these. */
  #head = 0;
  #out = Buffer.allocUnsafe(packetBytes);
  #at = header;
  #bytes = 0;
  #long: RowInPieces | undefined;
  rows = 0;

  constructor(socket: Socket, writer: LoadData, onBytes: (total: number) => void) {
    this.#socket = socket;
    this.#writer = writer;
    this.#onBytes = onBytes;
  }

  /** Resolves with the bytes of all lines when the last row was handed to the writer. */
  async run(sql: string): Promise<number> {
    const off = this.#writer.onDrain(() => this.#socket.resume());
    this.#conversation = new Conversation(this.#socket, {
      packet: (payload) => this.#packet(payload),
      piece: (piece, last) => this.#piece(piece, last),
      closed: () => this.fail(new Error('the connection was cut')),
    });
    this.#socket.write(command(sql));
    try {
      return await this.#done.promise;
    } finally {
      off();
    }
  }

  fail(error: Error): void {
    this.#conversation?.end();
    this.#done.reject(error);
  }

  #packet(payload: Buffer): void {
    if (payload[0] === 0xff) this.fail(new ServerError(payload));
    else if (this.#columns < 0) {
      this.#columns = lengthAt(payload, 0)[0];
      this.#head = this.#columns + 1;
    } else if (this.#head > 0) this.#head--;
    else if (payload[0] === 0xfe && payload.length < 9) this.#end();
    else this.#row(payload);
  }

  #end(): void {
    this.#flush();
    this.#conversation!.end();
    this.#done.resolve(this.#bytes);
  }

  /** Every byte may have to be escaped, in the worst case. */
  #row(row: Buffer): void {
    this.rows++;
    const most = row.length * 2 + this.#columns * 2;
    if (this.#at + most > this.#out.length) {
      this.#flush();
      if (header + most > this.#out.length) this.#out = Buffer.allocUnsafe(header + most);
    }
    const out = this.#out;
    let to = this.#at;
    let at = 0;
    for (let n = this.#columns; n > 0; n--) {
      if (row[at] === 0xfb) {
        at++;
        out[to++] = backslash;
        out[to++] = 0x4e; // \N
      } else {
        let length = row[at]!;
        if (length < 0xfb) at++;
        else [length, at] = lengthAt(row, at);
        for (const end = at + length; at < end; ) {
          const byte = row[at++]!;
          if (byte === backslash || byte === tab || byte === newline) out[to++] = backslash;
          out[to++] = byte;
        }
      }
      out[to++] = n === 1 ? newline : tab;
    }
    this.#at = to;
  }

  /** Of a row that no buffer has to hold. */
  #piece(piece: Buffer, last: boolean): void {
    this.#long ??= new RowInPieces(this.#columns);
    for (let from = 0; from < piece.length; from += pieceBytes) {
      const some = piece.subarray(from, from + pieceBytes);
      if (this.#at + some.length * mostForOne > this.#out.length) this.#flush();
      this.#at = this.#long.take(some, this.#out, this.#at);
    }
    if (!last) return;
    this.#long = undefined;
    this.rows++;
  }

  #flush(): void {
    const end = this.#at;
    this.#at = header;
    if (end === header) return;
    this.#bytes += end - header;
    this.#onBytes(this.#bytes);
    passed(end);
    const ready = this.#writer.send(this.#out.subarray(0, end));
    // What was sent may not have left yet, so it is not written over.
    this.#out = Buffer.allocUnsafe(packetBytes);
    if (!ready) this.#socket.pause();
  }
}
