import { identifier, literal, qualified } from '../wire/sql.ts';
import type { Change, Relation, Value } from './messages.ts';

/** A relation of the stream, with what this side's table says of its columns. */
export interface Table extends Relation {
  /** Columns whose numbers the server gives always: an UPDATE may not name them, and never changes them. */
  always: Set<string>;
}

/** One change as a statement; of what it changes exactly one row must be here, but where a table is emptied. Undefined: nothing is changed. */
export function statementOf(change: Change, table: (id: number) => Table): string | undefined {
  if (change.t === 'truncate') {
    const names = change.relations.map((id) => nameOf(table(id)));
    return `TRUNCATE ${names.map((name) => `ONLY ${name}`).join(', ')}${change.restart ? ' RESTART IDENTITY' : ''}`;
  }
  const here = table(change.relation);
  const name = nameOf(here);
  if (change.t === 'insert') return insert(here, change.row);
  if (change.t === 'delete') return `DELETE FROM ONLY ${name} WHERE ${row(here, change.old)}`;
  const set = here.columns
    .map((column, n) => ({ ...column, value: change.row[n] }))
    .filter(({ name, value }) => value !== undefined && !here.always.has(name))
    .map(({ name, value }) => `${identifier(name)} = ${constant(value)}`);
  if (set.length === 0) return undefined;
  return `UPDATE ONLY ${name} SET ${set.join(', ')} WHERE ${row(here, change.old ?? change.row)}`;
}

const nameOf = ({ schema, name }: Relation) => qualified(schema, name);

function insert(table: Table, values: Value[]): string {
  if (table.columns.length === 0) return `INSERT INTO ${nameOf(table)} DEFAULT VALUES`;
  const columns = table.columns.map(({ name }) => identifier(name)).join(', ');
  return `INSERT INTO ${nameOf(table)} (${columns}) OVERRIDING SYSTEM VALUE VALUES (${values.map(constant).join(', ')})`;
}

/** By its key; else one of those that are the same in every column, as text, since not every type knows when it is equal. */
function row(table: Table, values: Value[]): string {
  const parts = table.columns.map((column, n) => ({ ...column, value: values[n] }));
  if (!table.full) {
    const key = parts.filter(({ key }) => key);
    if (key.length === 0) throw new Error(`${nameOf(table)} has nothing that names a row`);
    return key.map(({ name, value }) => `${identifier(name)} = ${constant(value)}`).join(' AND ');
  }
  const same = parts.flatMap(({ name, value }) => {
    const column = identifier(name);
    if (value === undefined) return [];
    return value === null
      ? `${column} IS NULL`
      : `(${column} IS NOT NULL AND format('%s', ${column}) = ${literal(value)})`;
  });
  return `ctid = (SELECT ctid FROM ONLY ${nameOf(table)} WHERE ${same.join(' AND ') || 'true'} LIMIT 1)`;
}

function constant(value: Value): string {
  if (value === null) return 'NULL';
  if (value === undefined) throw new Error('a value that the stream left out is needed');
  return literal(value);
}
