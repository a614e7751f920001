/**
 * Cuts a client's bytes into turns. A turn ends where the server has to answer: a simple query, or the Sync (or Flush)
 * that closes a run of Parse, Bind and Execute. Turns, not single messages, are what may be interleaved: the unnamed
 * statement belongs to the one session that all connections share, so a stranger's Parse between our Parse and Bind
 * would execute the wrong statement.
 */
const QUERY = 0x51;
const SYNC = 0x53;
const FLUSH = 0x48;
const TERMINATE = 0x58;
const startupHeader = 8;

export class TurnReader {
  #buffer: Buffer = Buffer.alloc(0);
  #started = false;

  /** Whole turns in `bytes` and what was left over before; `startup` and `terminate` are turns of their own. */
  read(bytes: Buffer): Turn[] {
    this.#buffer = Buffer.concat([this.#buffer, bytes]);
    const turns: Turn[] = [];
    if (!this.#started) {
      if (this.#buffer.length < startupHeader || this.#buffer.length < this.#buffer.readInt32BE(0)) return turns;
      this.#buffer = this.#buffer.subarray(this.#buffer.readInt32BE(0));
      this.#started = true;
      turns.push({ kind: 'startup' });
    }
    for (let at = 0; this.#buffer.length >= at + 5; ) {
      const end = at + 1 + this.#buffer.readInt32BE(at + 1);
      if (this.#buffer.length < end) break;
      const type = this.#buffer[at];
      at = end;
      if (type === TERMINATE) return [...turns, { kind: 'terminate' }];
      if (type !== QUERY && type !== SYNC && type !== FLUSH) continue;
      turns.push({ kind: 'messages', bytes: Uint8Array.from(this.#buffer.subarray(0, end)) });
      this.#buffer = this.#buffer.subarray(end);
      at = 0;
    }
    return turns;
  }
}

export type Turn = { kind: 'startup' } | { kind: 'terminate' } | { kind: 'messages'; bytes: Uint8Array };

/** AuthenticationOk and ReadyForQuery: the session behind is open already. */
export const welcome = Buffer.from([0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49]);

/** True when an answer ends with ReadyForQuery outside a transaction: only then may another connection have its turn. */
export function endsIdle(answer: Uint8Array): boolean {
  const tail = answer.subarray(-6);
  return tail.length === 6 && tail[0] === 0x5a && tail[4] === 5 && tail[5] === 0x49;
}

/** True when the answer ends with ReadyForQuery at all, as opposed to after a Flush. */
export function endsReady(answer: Uint8Array): boolean {
  const tail = answer.subarray(-6);
  return tail.length === 6 && tail[0] === 0x5a && tail[4] === 5;
}

export const rollback: Uint8Array = simpleQuery('ROLLBACK');
export const sync: Uint8Array = Uint8Array.from([SYNC, 0, 0, 0, 4]);

function simpleQuery(sql: string): Uint8Array {
  const text = Buffer.from(`${sql}\0`);
  const head = Buffer.alloc(5);
  head[0] = QUERY;
  head.writeInt32BE(4 + text.length, 1);
  return Uint8Array.from(Buffer.concat([head, text]));
}
