import type { DatabaseInstance } from '../../contract.ts';
import type { TableRef } from '../catalog.ts';
import { adminOf, type Client } from '../wire/connect.ts';
import { qualified } from '../wire/sql.ts';
import { whileWanted } from '../wire/while-wanted.ts';

/** Smaller ones are done before a second look at them would be. Bytes on the source. */
const worthIt = 4 * 1024 * 1024;

/** A line of SHOW CREATE TABLE that defines a secondary index, which may be left out for a while. */
const secondary = /^ {2}((?:UNIQUE )?KEY (`(?:[^`]|``)*`) .*?),?$/;

/**
 * Takes the secondary indexes of a large empty table away, and gives back how they were defined: built at once from the
 * rows that are there, they cost a fifth less than while the rows come. Those that an automatic number needs stay.
 */
export async function deferIndexes(client: Client, table: TableRef & { bytes: number }): Promise<string[]> {
  if (table.bytes < worthIt) return [];
  const name = qualified(table.schema, table.name);
  const [row] = await client.query(`SHOW CREATE TABLE ${name}`);
  const lines = row!['Create Table']!.split('\n');
  const automatic = lines.find((line) => / AUTO_INCREMENT[, ]?/.test(line) && line.startsWith('  `'));
  const numbered = automatic && /^ {2}(`(?:[^`]|``)*`)/.exec(automatic)![1]!;
  if (numbered && !lines.some((line) => line.startsWith(`  PRIMARY KEY (${numbered}`))) return [];
  const found = lines.map((line) => secondary.exec(line)).filter((match) => match !== null);
  if (found.length === 0) return [];
  await client.query(`ALTER TABLE ${name} ${found.map((match) => `DROP KEY ${match[2]}`).join(', ')}`);
  return found.map((match) => match[1]!);
}

/** Of a large table it takes an hour; an abort ends it at once. */
export async function buildIndexes(
  instance: DatabaseInstance,
  client: Client,
  table: TableRef,
  indexes: string[],
  signal: AbortSignal,
): Promise<void> {
  if (indexes.length === 0) return;
  const additions = indexes.map((definition) => `ADD ${definition}`).join(', ');
  const statement = `ALTER TABLE ${qualified(table.schema, table.name)} ${additions}`;
  await whileWanted(adminOf(instance), client, signal, () => client.query(statement));
}
