import { storkySchema } from '../names.ts';
import { type Client, transaction, versionOf } from '../wire/connect.ts';
import { quiet } from '../wire/quietly.ts';
import { identifier, literal } from '../wire/sql.ts';

/** Reads everything, writes only markers. */
export async function createAccount(client: Client, name: string, password: string): Promise<void> {
  const role = identifier(name);
  const version = await versionOf(client);
  await transaction(client, async () => {
    await client.query(quiet);
    const { rowCount } = await client.query('SELECT FROM pg_roles WHERE rolname = $1', [name]);
    if (rowCount === 0) await client.query(`CREATE ROLE ${role}`);
    await client.query(`ALTER ROLE ${role} LOGIN REPLICATION BYPASSRLS PASSWORD ${literal(password)}`);
    // Everybody may connect unless the app says otherwise; a grant that is not needed would leave a trace.
    const may = await client.query(
      `SELECT has_database_privilege($1, current_database(), 'CONNECT') AS may, current_database() AS name`,
      [name],
    );
    if (!may.rows[0].may) await client.query(`GRANT CONNECT ON DATABASE ${identifier(may.rows[0].name)} TO ${role}`);
    await client.query(`GRANT USAGE ON SCHEMA ${storkySchema} TO ${role}`);
    await client.query(`GRANT SELECT, INSERT ON ${storkySchema}.marker TO ${role}`);
    if (version >= 14) return void (await client.query(`GRANT pg_read_all_data TO ${role}`));
    for (const { nspname } of (
      await client.query(`SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'`)
    ).rows) {
      await client.query(`GRANT USAGE ON SCHEMA ${identifier(nspname)} TO ${role}`);
      await client.query(`GRANT SELECT ON ALL TABLES IN SCHEMA ${identifier(nspname)} TO ${role}`);
      await client.query(`GRANT SELECT ON ALL SEQUENCES IN SCHEMA ${identifier(nspname)} TO ${role}`);
    }
  });
}
