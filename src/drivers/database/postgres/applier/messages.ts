/** What a server says of its log with its own plugin `pgoutput`, in version 1 of that protocol. Values are text. */
export interface Column {
  /** Part of what the stream names a row by. */
  key: boolean;
  name: string;
}

export interface Relation {
  t: 'relation';
  id: number;
  schema: string;
  name: string;
  /** Named by the whole row, for want of a key. */
  full: boolean;
  columns: Column[];
}

/** Undefined: it is too large to be in the log again, and stayed as it was. */
export type Value = string | null | undefined;

export type Change =
  | { t: 'insert'; relation: number; row: Value[] }
  /** `old`: how the row was named before, where that has changed, or its whole. */
  | { t: 'update'; relation: number; old: Value[] | null; row: Value[] }
  | { t: 'delete'; relation: number; old: Value[] }
  | { t: 'truncate'; relations: number[]; restart: boolean };

export type Message =
  | Relation
  | Change
  | { t: 'begin'; commitAt: bigint }
  /** `next`: where the log goes on. */
  | { t: 'commit'; next: bigint }
  /** The source lives. */
  | { t: 'alive' }
  | { t: 'other' };

/** @throws Error for what this version of the protocol does not have: it must not be passed over in silence. */
export function decode(bytes: Buffer): Message {
  const reader = new Reader(bytes);
  const kind = reader.char();
  if (kind === 'B') return { t: 'begin', commitAt: reader.int64() };
  if (kind === 'C') {
    reader.skip(9);
    return { t: 'commit', next: reader.int64() };
  }
  if (kind === 'R') return relation(reader);
  if (kind === 'I') {
    const id = reader.int32();
    reader.skip(1);
    return { t: 'insert', relation: id, row: reader.tuple() };
  }
  if (kind === 'U') return update(reader);
  if (kind === 'D') {
    const id = reader.int32();
    reader.skip(1);
    return { t: 'delete', relation: id, old: reader.tuple() };
  }
  if (kind === 'T') return truncate(reader);
  // Where it came from; the name of a type.
  if (kind === 'O' || kind === 'Y') return { t: 'other' };
  throw new Error(`a message ${JSON.stringify(kind)} in the stream`);
}

function relation(reader: Reader): Relation {
  const id = reader.int32();
  // Nothing stands for pg_catalog, whose tables are in no stream.
  const [schema, name] = [reader.text(), reader.text()];
  const full = reader.char() === 'f';
  const columns = Array.from({ length: reader.int16() }, () => {
    const key = reader.byte() === 1;
    const column = { key, name: reader.text() };
    reader.skip(8);
    return column;
  });
  return { t: 'relation', id, schema, name, full, columns };
}

function update(reader: Reader): Message {
  const id = reader.int32();
  const first = reader.char();
  const old = first === 'N' ? null : reader.tuple();
  if (old) reader.skip(1);
  return { t: 'update', relation: id, old, row: reader.tuple() };
}

function truncate(reader: Reader): Message {
  const count = reader.int32();
  const restart = (reader.byte() & 2) !== 0;
  return { t: 'truncate', relations: Array.from({ length: count }, () => reader.int32()), restart };
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  byte(): number {
    return this.#bytes.readUInt8(this.#at++);
  }
  char(): string {
    return String.fromCharCode(this.byte());
  }
  int16(): number {
    this.#at += 2;
    return this.#bytes.readInt16BE(this.#at - 2);
  }
  int32(): number {
    this.#at += 4;
    return this.#bytes.readUInt32BE(this.#at - 4);
  }
  int64(): bigint {
    this.#at += 8;
    return this.#bytes.readBigUInt64BE(this.#at - 8);
  }
  skip(bytes: number): void {
    this.#at += bytes;
  }
  text(): string {
    const end = this.#bytes.indexOf(0, this.#at);
    const text = this.#bytes.toString('utf8', this.#at, end);
    this.#at = end + 1;
    return text;
  }
  tuple(): Value[] {
    return Array.from({ length: this.int16() }, () => this.#value());
  }
  #value(): Value {
    const kind = this.char();
    if (kind === 'n') return null;
    if (kind === 'u') return undefined;
    if (kind !== 't') throw new Error(`a value of the kind ${JSON.stringify(kind)} in the stream`);
    const length = this.int32();
    this.#at += length;
    return this.#bytes.toString('utf8', this.#at - length, this.#at);
  }
}
