import { type Client, transaction } from '../wire/connect.ts';
import { quiet } from '../wire/quietly.ts';
import { identifier, literal } from '../wire/sql.ts';

/** Which accounts a move has made on a server that others use too: each says so itself, so that a crash forgets none. */
const markOf = (database: string) => `made by storky for the database ${database}`;

/** The ones that are there already stay as they are. With the administrator as a member, who may then give them tables. */
export async function makeRole(
  client: Client,
  name: string,
  attributes: string,
  password: string | null,
): Promise<void> {
  if ((await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name])).rowCount! > 0) return;
  const role = identifier(name);
  const { rows } = await client.query('SELECT current_database() AS name');
  await transaction(client, async () => {
    await client.query(quiet);
    await client.query(`CREATE ROLE ${role} ${attributes}${password === null ? '' : ` PASSWORD ${literal(password)}`}`);
    await client.query(`COMMENT ON ROLE ${role} IS ${literal(markOf(rows[0].name))}`);
    await client.query(`GRANT ${role} TO ${identifier(client.user!)}`);
  });
}

export async function isMade(client: Client, name: string): Promise<boolean> {
  return (await madeRoles(client)).includes(name);
}

export async function madeRoles(client: Client): Promise<string[]> {
  const { rows } = await client.query(
    `SELECT r.rolname AS name, shobj_description(r.oid, 'pg_authid') AS mark, current_database() AS database FROM pg_roles r`,
  );
  return rows.filter(({ mark, database }) => mark === markOf(database)).map(({ name }) => name as string);
}

/** After everything that they own is gone. Idempotent. */
export async function dropMadeRoles(client: Client): Promise<void> {
  for (const name of await madeRoles(client)) {
    await client.query('SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = $1', [name]);
    await client.query(`DROP OWNED BY ${identifier(name)} CASCADE`);
    await client.query(`DROP ROLE ${identifier(name)}`);
  }
}
