/** What a dump key by key consists of. `end` has the number of keys, so that one that was cut off is known. */
export type Piece =
  | { kind: 'functions'; value: Buffer }
  | { kind: 'database'; number: number }
  /** `number`: when it ends, milliseconds of the epoch; 0 is never. */
  | { kind: 'key'; name: Buffer; value: Buffer; number: number }
  | { kind: 'end'; number: number };

const kinds = ['functions', 'database', 'key', 'end'] as const;
const headBytes = 1 + 8 + 4 + 4;
const none = Buffer.alloc(0);

export function written(piece: Piece): Buffer {
  const name = 'name' in piece ? piece.name : none;
  const value = 'value' in piece ? piece.value : none;
  const head = Buffer.alloc(headBytes);
  head.writeUInt8(kinds.indexOf(piece.kind), 0);
  head.writeBigInt64BE(BigInt('number' in piece ? piece.number : 0), 1);
  head.writeUInt32BE(name.length, 9);
  head.writeUInt32BE(value.length, 13);
  return Buffer.concat([head, name, value]);
}

/** @throws Error where the stream ends before its `end` */
export async function* piecesIn(chunks: AsyncIterable<Buffer>): AsyncGenerator<Piece> {
  let waiting: Buffer[] = [];
  let length = 0;
  let wanted = headBytes;
  for await (const chunk of chunks) {
    waiting.push(chunk);
    length += chunk.length;
    if (length < wanted) continue;
    let rest = Buffer.concat(waiting);
    for (wanted = wantedOf(rest); rest.length >= wanted; wanted = wantedOf(rest)) {
      yield pieceOf(rest.subarray(0, wanted));
      rest = rest.subarray(wanted);
    }
    waiting = [rest];
    length = rest.length;
  }
  if (length > 0) throw new Error('the dump ended in the middle of a key');
}

/** Of the next piece, as far as that is known. */
const wantedOf = (bytes: Buffer): number =>
  bytes.length < headBytes ? headBytes : headBytes + bytes.readUInt32BE(9) + bytes.readUInt32BE(13);

function pieceOf(bytes: Buffer): Piece {
  const kind = kinds[bytes.readUInt8(0)];
  if (!kind) throw new Error('this is not a dump');
  const number = Number(bytes.readBigInt64BE(1));
  const nameEnd = headBytes + bytes.readUInt32BE(9);
  const [name, value] = [bytes.subarray(headBytes, nameEnd), bytes.subarray(nameEnd)];
  if (kind === 'key') return { kind, name, value, number };
  return kind === 'functions' ? { kind, value } : { kind, number };
}
