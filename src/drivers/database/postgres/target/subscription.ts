import type { SourceEndpoint } from '../../../store.ts';
import { namesFor } from '../names.ts';
import { isWayBack, sourceAddress, type Ticket } from '../ticket.ts';
import { type Client, versionOf } from '../wire/connect.ts';
import { quiet, quietly } from '../wire/quietly.ts';
import { identifier, literal } from '../wire/sql.ts';

/** Creates the subscription from the ticket's slot, or points the one that is there to where the source is now. */
export async function subscribe(client: Client, ticket: Ticket, from: SourceEndpoint): Promise<void> {
  const name = identifier(namesFor(ticket.migration).subscription);
  if (!(await subscribed(client, ticket.migration))) return createSubscription(client, ticket, from, true);
  await quietly(client, () => client.query(`ALTER SUBSCRIPTION ${name} CONNECTION ${literal(conninfo(ticket, from))}`));
  await client.query(`ALTER SUBSCRIPTION ${name} ENABLE`);
}

/** Connects to the source, for the list of tables. In a transaction of its own; both fail together. */
export async function createSubscription(
  client: Client,
  ticket: Ticket,
  from: SourceEndpoint,
  enabled: boolean,
): Promise<void> {
  const sql = await createSql(client, ticket, from, { name: namesFor(ticket.migration).subscription, enabled });
  await quietly(client, () => client.query(sql));
}

/** Everything that creating it asks of both servers, taken back at once: nobody sees it. Throws the server's own error. */
export async function trySubscription(client: Client, ticket: Ticket, from: SourceEndpoint): Promise<void> {
  const name = `${namesFor(ticket.migration).subscription}_probe`;
  const sql = await createSql(client, ticket, from, { name, enabled: false });
  await client.query(`BEGIN; ${quiet}; SET LOCAL lock_timeout = '5s'; SET LOCAL statement_timeout = '20s'`);
  try {
    await client.query(sql);
  } finally {
    await client.query('ROLLBACK');
  }
}

async function createSql(
  client: Client,
  ticket: Ticket,
  from: SourceEndpoint,
  { name, enabled }: { name: string; enabled: boolean },
): Promise<string> {
  const options = ['create_slot = false', `slot_name = ${literal(ticket.slot)}`, 'copy_data = false'];
  options.push(`enabled = ${enabled}`);
  if ((await versionOf(client)) >= 16) {
    // Else the stream would write as each table's owner, whom row level security may keep out of his own table.
    options.push('run_as_owner = true');
    // What came here from this side does not go back to it; an older source does not know the word, see begin.ts.
    if (isWayBack(ticket)) options.push('origin = none');
  }
  // Not disable_on_error: to the server a cut link is an error too, and the stream would end with the first one.
  return `CREATE SUBSCRIPTION ${identifier(name)} CONNECTION ${literal(conninfo(ticket, from))}
    PUBLICATION ${identifier(ticket.publication)} WITH (${options.join(', ')})`;
}

export async function subscribed(client: Client, migration: string): Promise<boolean> {
  const { rowCount } = await client.query(
    'SELECT FROM pg_subscription WHERE subname = $1 AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())',
    [namesFor(migration).subscription],
  );
  return rowCount! > 0;
}

/** Every subscription of Storky's in this database. */
export async function disableSubscription(client: Client): Promise<void> {
  const { rows } = await client.query(
    `SELECT subname FROM pg_subscription WHERE subname ~ '^storky_' AND subenabled AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
  );
  for (const { subname } of rows) await client.query(`ALTER SUBSCRIPTION ${identifier(subname)} DISABLE`);
}

/** Does not touch the slot: it is the source's, which may be out of reach. Idempotent. */
export async function dropSubscription(client: Client, migration: string): Promise<void> {
  if (!(await subscribed(client, migration))) return;
  const name = identifier(namesFor(migration).subscription);
  await client.query(`ALTER SUBSCRIPTION ${name} DISABLE`);
  await client.query(`ALTER SUBSCRIPTION ${name} SET (slot_name = NONE)`);
  await client.query(`DROP SUBSCRIPTION ${name}`);
}

function conninfo(ticket: Ticket, from: SourceEndpoint): string {
  const { host, port, user, password, database } = sourceAddress(ticket, from);
  const parts = {
    host,
    port,
    user,
    ...(ticket.passfile ? { passfile: ticket.passfile } : { password }),
    dbname: database,
    // Inside the link between the agents; what answers may be past its encryption already (external/dial.ts).
    sslmode: 'disable',
    gssencmode: 'disable',
    connect_timeout: 10,
    keepalives_idle: 10,
    keepalives_interval: 5,
    keepalives_count: 3,
  };
  return Object.entries(parts)
    .map(([name, value]) => `${name}='${String(value).replace(/([\\'])/g, '\\$1')}'`)
    .join(' ');
}
