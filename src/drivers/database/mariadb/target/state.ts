import { createMarkerTable } from '../marker-table.ts';
import { storkySchema } from '../names.ts';
import { storkyTables } from '../storky-schema.ts';
import type { Ticket } from '../ticket.ts';
import { type Client, errnoOf } from '../wire/connect.ts';
import { literal } from '../wire/sql.ts';

/** What the target remembers beside the copy: whose it is, and from which position the stream goes on. */
export async function createState(client: Client): Promise<void> {
  await client.batch(
    ...createMarkerTable,
    `CREATE TABLE IF NOT EXISTS ${storkySchema}.copy (migration CHAR(36) NOT NULL PRIMARY KEY, ticket CHAR(36) NOT NULL, gtid TEXT NOT NULL) ENGINE = InnoDB`,
    `CREATE TABLE IF NOT EXISTS ${storkySchema}.standby_account (grantee VARCHAR(400) NOT NULL PRIMARY KEY) ENGINE = InnoDB`,
  );
}

/** The position of this ticket's copy, if it is complete here. */
export async function copiedFrom(client: Client, ticket: Pick<Ticket, 'id'>): Promise<string | undefined> {
  try {
    const gtid = await client.value(`SELECT gtid FROM ${storkySchema}.copy WHERE ticket = ${literal(ticket.id)}`);
    return gtid ?? undefined;
  } catch (error) {
    // No such database or table: nothing was begun.
    if ([1049, 1146].includes(errnoOf(error) ?? 0)) return undefined;
    throw error;
  }
}

/** From now on this server is the copy of that stream, and of no other. */
export async function rememberCopy(client: Client, { id, migration }: Ticket, gtid: string): Promise<void> {
  const values = [migration, id, gtid].map(literal).join(', ');
  await client.batch(
    'BEGIN',
    `DELETE FROM ${storkySchema}.copy`,
    `INSERT INTO ${storkySchema}.copy VALUES (${values})`,
    'COMMIT',
  );
}

/** The stream that this server is a copy of, if it is one. */
export async function copyOf(client: Client): Promise<{ migration: string; ticket: string } | undefined> {
  if (!(await storkyTables(client)).has('copy')) return undefined;
  const [row] = await client.query(`SELECT migration, ticket FROM ${storkySchema}.copy`);
  return row && { migration: row.migration!, ticket: row.ticket! };
}
