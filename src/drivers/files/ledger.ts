import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { bootId } from './boot.ts';
import { breathe } from './breath.ts';
import type { Entry } from './entry.ts';
import { ListDigest } from './list-digest.ts';
import { base, join, parent, type TreePath } from './names.ts';

export interface Row {
  kind: string;
  /** The source's signature of what lies here; '' when this is not known to be current. */
  sig: string;
  hash: string;
  blocks: Uint8Array | null;
  ino: string | null;
  entry: Entry;
  /** Signature of what was put here, on this side; '' when that is not known. */
  here: string;
}

/**
 * What the target has applied: one row an entry, with the source's signature at that time. On disk, so that memory does
 * not grow with the tree, and a killed agent goes on where it was. Written after the tree, never before: a row that is
 * missing or old costs a hash, a row that is ahead would lose a change.
 */
export class Ledger {
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  #writing = false;

  constructor(file: string) {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    this.#db = new DatabaseSync(file);
    if (this.#version() !== version) this.#db.exec(`drop table if exists entries; pragma user_version = ${version}`);
    this.#db.exec(schema);
    this.#doubtAfterCrash();
  }

  get(path: TreePath): Row | undefined {
    const row = this.#sql(
      'select kind, sig, hash, blocks, ino, entry, here from entries where dir = ? and name = ?',
    ).get(...key(path));
    return row && ({ ...row, entry: JSON.parse(row.entry as string) } as unknown as Row);
  }

  sigOf(path: TreePath): string | undefined {
    return this.#sql('select sig from entries where dir = ? and name = ?').get(...key(path))?.sig as string | undefined;
  }

  hereOf(path: TreePath): string | undefined {
    return this.#sql('select here from entries where dir = ? and name = ?').get(...key(path))?.here as
      | string
      | undefined;
  }

  /** The entry and everything below it. */
  under(path: TreePath): TreePath[] {
    const rows = this.#sql('select dir, name from entries where dir = ? or (dir >= ? and dir < ?)');
    const below = rows.all(path, `${path}/`, `${path}0`).map((row) => join(row.dir as string, row.name as string));
    return [path, ...below];
  }

  put(entry: Entry, hash: string, blocks: Uint8Array | null, here: string, sig = entry.sig): void {
    this.#write();
    this.#sql('insert or replace into entries values (?, ?, ?, ?, ?, ?, ?, ?, ?)').run(
      ...key(entry.path),
      entry.kind,
      sig,
      hash,
      blocks,
      entry.ino ?? null,
      JSON.stringify(entry),
      here,
    );
  }

  /** Forgets the entry and everything below it. */
  drop(path: TreePath): void {
    this.#write();
    this.#sql('delete from entries where dir = ? and name = ?').run(...key(path));
    this.#sql('delete from entries where dir = ? or (dir >= ? and dir < ?)').run(path, `${path}/`, `${path}0`);
  }

  /** The content is no longer known to be the source's, so it is asked for again. */
  doubt(path: TreePath): void {
    this.#write();
    this.#sql("update entries set sig = '', hash = '', blocks = null, here = '' where dir = ? and name = ?").run(
      ...key(path),
    );
  }

  /** Something in the directory was changed here: its times have to be set again by `settle`. */
  touch(dir: TreePath): void {
    this.#write();
    this.#sql("update entries set sig = '' where dir = ? and name = ? and kind = 'dir'").run(...key(dir));
  }

  /** Directories that `touch` named, deepest first. */
  touched(limit: number): Entry[] {
    const rows = this.#sql(
      "select entry from entries where kind = 'dir' and sig = '' order by dir desc, name desc limit ?",
    );
    return rows.all(limit).map((row) => JSON.parse(row.entry as string) as Entry);
  }

  settled(dir: Entry): void {
    this.#write();
    this.#sql('update entries set sig = ? where dir = ? and name = ?').run(dir.sig, ...key(dir.path));
  }

  /** In pages, since a directory may have a million names; between two of them the directory may be changed. */
  *list(dir: TreePath): Generator<{ name: string; sig: string }> {
    const page = this.#sql('select name, sig from entries where dir = ? and name > ? order by name limit 500');
    for (let after = ''; ; ) {
      const rows = page.all(dir, after) as { name: string; sig: string }[];
      yield* rows;
      if (rows.length < 500) return;
      after = rows.at(-1)!.name;
    }
  }

  /** Other names of the same file of the source. */
  namesOf(ino: string): { path: TreePath; hash: string; blocks: Uint8Array | null }[] {
    const rows = this.#sql('select dir, name, hash, blocks from entries where ino = ? and ino is not null').all(ino);
    return rows.map((row) => ({
      path: join(row.dir as string, row.name as string),
      hash: row.hash as string,
      blocks: row.blocks as Uint8Array | null,
    }));
  }

  async digest(dir: TreePath): Promise<string> {
    const sum = new ListDigest();
    for (const { name, sig } of this.list(dir)) {
      await breathe();
      sum.add(name, sig);
    }
    return sum.value();
  }

  note(name: string): string | undefined {
    return this.#sql('select value from notes where name = ?').get(name)?.value as string | undefined;
  }

  setNote(name: string, value: string): void {
    this.#write();
    this.#sql('insert or replace into notes values (?, ?)').run(name, value);
  }

  /** Makes the rows so far durable against a kill of this process. */
  commit(): void {
    if (this.#writing) this.#db.exec('commit');
    this.#writing = false;
  }

  close(): void {
    this.setNote('clean', '1');
    this.commit();
    this.#statements.clear();
    this.#db.close();
  }

  /**
   * After a kill the times of directories may be newer than their rows say; after a crash of the machine the contents may
   * be missing too, since the copy does not sync each file. Hashes of what is really here settle it without sending it again.
   */
  #doubtAfterCrash(): void {
    const boot = bootId();
    if (this.note('boot') !== undefined) {
      if (this.note('clean') !== '1') this.#db.exec("update entries set sig = '' where kind = 'dir'");
      if (this.note('boot') !== boot) this.#db.exec("update entries set sig = '', hash = '', blocks = null, here = ''");
    }
    this.setNote('boot', boot);
    this.setNote('clean', '0');
    this.commit();
  }

  /** Of what is in the file; another one's rows are not understood, and are found again by hashes. */
  #version(): number {
    return this.#db.prepare('pragma user_version').get()!.user_version as number;
  }

  #write(): void {
    if (this.#writing) return;
    this.#db.exec('begin');
    this.#writing = true;
  }

  #sql(text: string): StatementSync {
    const statement = this.#statements.get(text) ?? this.#db.prepare(text);
    this.#statements.set(text, statement);
    return statement;
  }
}

/** The root is its own entry, in no directory. */
const key = (path: TreePath): [string, string] => (path === '' ? ['/', ''] : [parent(path), base(path)]);

const version = 2;

const schema = `
  pragma journal_mode = wal;
  pragma synchronous = normal;
  create table if not exists entries (dir text not null, name text not null, kind text not null, sig text not null,
    hash text not null, blocks blob, ino text, entry text not null, here text not null, primary key (dir, name)) without rowid;
  create index if not exists names_of on entries (ino) where ino is not null;
  create index if not exists touched on entries (dir, name) where kind = 'dir' and sig = '';
  create table if not exists notes (name text primary key, value text not null);
`;
