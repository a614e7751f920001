import type { SourceEndpoint } from '../../../store.ts';
import { sourceAddress, type Ticket } from '../ticket.ts';
import { type Client, connect, disconnect, plainText, socketOf } from '../wire/connect.ts';
import { identifier, literal } from '../wire/sql.ts';
import { Differs } from './differs.ts';
import { decode, type Message } from './messages.ts';

interface Wire {
  on(event: 'copyData', listener: (message: { chunk: Buffer }) => void): void;
  once(event: 'replicationStart', listener: () => void): void;
  sendCopyFromChunk(chunk: Buffer): void;
}

/** Bytes that wait to be applied; beyond, the source has to wait. */
const mostWaiting = 8 * 1024 ** 2;
/** The source ends a stream of which it hears nothing for a minute. */
const sayEveryMs = 2_000;

/** One stream from the slot, in order. What was told to have been applied, the source forgets. */
export class LogStream {
  readonly #client: Client;
  readonly #waiting: Buffer[] = [];
  #bytes = 0;
  /** Up to here all is applied, and on disk. */
  #applied: bigint;
  /** As far as the source has read its log, when it last said so with nothing of it left to send. */
  #idleAt = 0n;
  #wake: () => void = () => {};
  #ended: Error | undefined;
  #timer: NodeJS.Timeout | undefined;
  heardAt = performance.now();

  private constructor(client: Client, at: bigint) {
    this.#client = client;
    this.#applied = at;
  }

  /** @throws the source's own error where the slot cannot be read, such as 55006 while another stream holds it */
  static async open(ticket: Ticket, from: SourceEndpoint, at: bigint): Promise<LogStream> {
    const client = await connect(sourceAddress(ticket, from), {
      name: 'storky stream',
      replication: true,
      settings: { ...plainText, client_encoding: 'UTF8' },
    });
    const stream = new LogStream(client, at);
    try {
      await stream.#begin(ticket, at);
      return stream;
    } catch (error) {
      await stream.close();
      throw error;
    }
  }

  async #begin({ slot, publication }: Ticket, at: bigint): Promise<void> {
    const wire = (this.#client as unknown as { connection: Wire }).connection;
    wire.on('copyData', ({ chunk }) => this.#take(chunk));
    this.#client.once('end', () => this.#end(new Error('the stream was cut')));
    const options = `proto_version '1', publication_names ${literal(identifier(publication))}`;
    await this.#assertKept(slot, at);
    await new Promise<void>((resolve, reject) => {
      wire.once('replicationStart', resolve);
      this.#client
        .query(`START_REPLICATION SLOT ${identifier(slot)} LOGICAL ${lsnText(at)} (${options})`)
        .then(() => this.#end(new Error('the source ended the stream')))
        .catch((error: Error) => {
          this.#end(error);
          reject(error);
        });
    });
    this.#timer = setInterval(() => this.say(), sayEveryMs);
  }

  /**
   * Nothing is told to the source before it is committed here, so it cannot be ahead, unless this side's server has gone back
   * to an earlier state, as where a copy of it took over: what was lost with that comes from the source no more.
   */
  async #assertKept(slot: string, at: bigint): Promise<void> {
    const { rows } = await this.#client.query(
      `SELECT confirmed_flush_lsn::text AS told FROM pg_replication_slots WHERE slot_name = ${literal(slot)}`,
    );
    if (rows[0]?.told && lsnOf(rows[0].told) > at)
      throw new Differs('the database has lost what was committed in it, such as by a standby that took over');
  }

  /** Whether something is there already, so that `next` does not wait. */
  get more(): boolean {
    return this.#waiting.length > 0;
  }

  /** The next message. @throws the reason for which there is none */
  async next(): Promise<Message> {
    for (;;) {
      const chunk = this.#waiting.shift();
      if (chunk) {
        this.#bytes -= chunk.length;
        if (this.#bytes < mostWaiting / 2) socketOf(this.#client).resume();
        const message = this.#read(chunk);
        if (message) return message;
        continue;
      }
      if (this.#ended) throw this.#ended;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }

  /** All up to here is applied, and on disk. */
  applied(at: bigint): void {
    if (at > this.#applied) this.#applied = at;
    this.say();
  }

  /** Where nothing is under way: up to here the source has read its log, and all of it that is for this side was taken. */
  get idleAt(): bigint | undefined {
    return this.more ? undefined : this.#idleAt;
  }

  say(): void {
    if (this.#ended) return;
    const status = Buffer.alloc(34);
    status[0] = 0x72; // r
    for (const place of [1, 9, 17]) status.writeBigUInt64BE(this.#applied, place);
    status.writeBigInt64BE(BigInt(Date.now() - startOf2000) * 1000n, 25);
    (this.#client as unknown as { connection: Wire }).connection.sendCopyFromChunk(status);
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    this.#end(new Error('the stream was closed'));
    socketOf(this.#client).destroy();
    await disconnect(this.#client);
  }

  #take(chunk: Buffer): void {
    this.heardAt = performance.now();
    // The parser uses its buffer again.
    this.#waiting.push(Buffer.from(chunk));
    this.#bytes += chunk.length;
    if (this.#bytes > mostWaiting) socketOf(this.#client).pause();
    this.#wake();
  }

  /** What the source says of itself is taken in its turn, after all that was sent before it. */
  #read(chunk: Buffer): Message | undefined {
    if (chunk[0] === 0x77) return decode(chunk.subarray(25)); // w
    if (chunk[0] !== 0x6b) throw new Error('a message that is not of the replication protocol');
    this.#idleAt = chunk.readBigUInt64BE(1);
    return { t: 'alive' };
  }

  #end(error: Error): void {
    this.#ended ??= error;
    clearInterval(this.#timer);
    this.#wake();
  }
}

const startOf2000 = Date.UTC(2000, 0, 1);

export const lsnText = (at: bigint): string =>
  `${(at >> 32n).toString(16).toUpperCase()}/${(at & 0xffffffffn).toString(16).toUpperCase()}`;

export function lsnOf(text: string): bigint {
  const [high, low] = text.split('/');
  return (BigInt(`0x${high}`) << 32n) + BigInt(`0x${low}`);
}
