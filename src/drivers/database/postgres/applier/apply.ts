import type { QueryResult } from 'pg';
import type { Client } from '../wire/connect.ts';
import { Differs } from './differs.ts';
import type { LogStream } from './log-stream.ts';
import type { Change, Message, Relation } from './messages.ts';
import { progress } from './progress.ts';
import { statementOf, type Table } from './statements.ts';

/** Changes, or bytes of statements, that are sent to the server at once. */
const atOnce = { changes: 500, bytes: 1024 ** 2 };
/** Whole transactions of the source that become one here, where more is there already: each commit waits for the disk. */
const together = 2_000;

/** The source's other work moves its log too, of which nothing is for this side. */
const idleEveryMs = 250;

/** Applies what a stream brings. Its transactions are never parted, and their order is that of their commits. */
export class Apply {
  readonly #client: Client;
  readonly #stream: LogStream;
  readonly #id: string;
  readonly #tables = new Map<number, Table>();
  #statements: { sql: string; rows: number | null; what: string }[] = [];
  #bytes = 0;
  /** Changes of transactions that are not committed here. */
  #open = 0;
  #begun = false;
  /** Within a transaction of the source. */
  #inside = false;
  #skipped = false;
  #reached: bigint;
  #upTo: bigint;
  #idleSaid = Number.NEGATIVE_INFINITY;

  constructor(client: Client, stream: LogStream, id: string, upTo: bigint) {
    [this.#client, this.#stream, this.#id] = [client, stream, id];
    this.#upTo = upTo;
    this.#reached = upTo;
  }

  /** All before is applied. */
  get upTo(): bigint {
    return this.#upTo;
  }

  async take(message: Message): Promise<void> {
    if (message.t === 'relation') return this.#know(message);
    if (message.t === 'begin') {
      // It was applied before the stream was cut: the source had not heard of it.
      this.#skipped = message.commitAt < this.#upTo;
      this.#inside = true;
      return;
    }
    if (message.t === 'commit') return await this.#committed(message.next);
    if (message.t === 'alive') return await this.#alive();
    if (message.t === 'other' || this.#skipped) return;
    this.#add(message);
    if (this.#statements.length >= atOnce.changes || this.#bytes >= atOnce.bytes) await this.#flush();
  }

  #add(change: Change): void {
    const sql = statementOf(change, (id) => this.#table(id));
    if (!sql) return;
    const what =
      change.t === 'truncate'
        ? 'a table'
        : `${this.#table(change.relation).schema}.${this.#table(change.relation).name}`;
    this.#statements.push({ sql, rows: change.t === 'truncate' ? null : 1, what });
    this.#bytes += sql.length;
    this.#open++;
  }

  async #committed(next: bigint): Promise<void> {
    this.#inside = false;
    if (this.#skipped) return;
    this.#reached = next;
    await this.#commitSoon();
  }

  async #alive(): Promise<void> {
    if (this.#inside) return;
    await this.#commitSoon();
    const at = this.#stream.idleAt;
    const now = performance.now();
    if (this.#open > 0 || at === undefined || at <= this.#upTo || now - this.#idleSaid < idleEveryMs) return;
    this.#idleSaid = now;
    this.#reached = at;
    await this.#commit();
  }

  /** With those that are there already; what comes after the last of them brings this here again. */
  async #commitSoon(): Promise<void> {
    if (this.#open > 0 && (!this.#stream.more || this.#open >= together)) await this.#commit();
  }

  async #commit(): Promise<void> {
    this.#statements.push({
      sql: progress(this.#id, this.#upTo, this.#reached),
      rows: 1,
      what: 'how far the stream has come',
    });
    await this.#flush();
    await this.#client.query('COMMIT');
    this.#begun = false;
    this.#open = 0;
    this.#upTo = this.#reached;
    this.#stream.applied(this.#upTo);
  }

  /** One way to the server and back for all of them. Each must have changed what it is about (of the 25: 10). */
  async #flush(): Promise<void> {
    const statements = this.#statements;
    this.#statements = [];
    this.#bytes = 0;
    const sql = [...(this.#begun ? [] : ['BEGIN']), ...statements.map(({ sql }) => sql)];
    const results = (await this.#client.query(`${sql.join(';\n')};`)) as unknown as QueryResult | QueryResult[];
    const counts = [results].flat().slice(this.#begun ? 0 : 1);
    this.#begun = true;
    for (const [n, { rows, what }] of statements.entries())
      if (rows !== null && counts[n]?.rowCount !== rows)
        throw new Differs(`a change of ${what} met ${counts[n]?.rowCount} rows`);
  }

  #table(id: number): Table {
    const known = this.#tables.get(id);
    if (!known) throw new Error(`a change of the relation ${id}, which the stream has not named`);
    return known;
  }

  async #know(relation: Relation): Promise<void> {
    // Outside of any transaction's way: the catalog is asked by the session that applies.
    const { rows } = await this.#client.query(
      `SELECT attname AS name FROM pg_catalog.pg_attribute WHERE attidentity = 'a' AND NOT attisdropped
        AND attrelid = pg_catalog.to_regclass(pg_catalog.format('%I.%I', $1::text, $2::text))`,
      [relation.schema, relation.name],
    );
    this.#tables.set(relation.id, { ...relation, always: new Set(rows.map(({ name }) => name as string)) });
  }
}
