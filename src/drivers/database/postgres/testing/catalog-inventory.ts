import type { DatabaseInstance } from '../../contract.ts';
import { clientTool } from '../server/binaries.ts';
import { run } from '../server/run.ts';
import type { Client } from '../wire/connect.ts';

/** Every named object of a database and its cluster, as text; two inventories are equal when nothing was left behind. */
export async function inventory(client: Client): Promise<string[]> {
  const { rows } = await client.query(`
    SELECT 'class ' || concat_ws(' ', relnamespace::regnamespace, relname, relkind, relreplident, relacl, relhastriggers) AS line FROM pg_class WHERE relpersistence <> 't' AND relnamespace <> 'pg_toast'::regnamespace
    UNION ALL SELECT 'proc ' || concat_ws(' ', pronamespace::regnamespace, proname, proargtypes) FROM pg_proc
    UNION ALL SELECT 'trigger ' || concat_ws(' ', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'event trigger ' || evtname FROM pg_event_trigger
    UNION ALL SELECT 'namespace ' || concat_ws(' ', nspname, nspacl) FROM pg_namespace WHERE nspname !~ '^pg_(toast_)?temp'
    UNION ALL SELECT 'role ' || concat_ws(' ', rolname, rolcanlogin, rolsuper, rolreplication, rolconnlimit) FROM pg_roles
    UNION ALL SELECT 'member ' || concat_ws(' ', roleid::regrole, member::regrole) FROM pg_auth_members
    UNION ALL SELECT 'index ' || concat_ws(' ', indexrelid::regclass, indisreplident, indisvalid) FROM pg_index
    UNION ALL SELECT 'publication ' || pubname FROM pg_publication UNION ALL SELECT 'subscription ' || subname FROM pg_subscription
    UNION ALL SELECT 'slot ' || slot_name FROM pg_replication_slots
    UNION ALL SELECT 'origin ' || roname FROM pg_replication_origin
    UNION ALL SELECT 'database ' || concat_ws(' ', datname, datacl) FROM pg_database
    UNION ALL SELECT 'setting ' || concat_ws(' ', setdatabase, setrole::regrole, setconfig) FROM pg_db_role_setting
    UNION ALL SELECT 'file setting ' || concat_ws(' ', name, setting) FROM pg_file_settings WHERE sourcefile ~ 'auto.conf$'
    ORDER BY 1`);
  return rows.map((row) => row.line as string);
}

/** The whole structure as pg_dump prints it. */
export async function structure(instance: DatabaseInstance): Promise<string> {
  const tool = await clientTool('pg_dump', instance.version, instance.version);
  const login = [
    `--host=${instance.host}`,
    `--port=${instance.port}`,
    `--username=${instance.adminUser}`,
    `--dbname=${instance.database}`,
  ];
  const text = await run(tool, ['--schema-only', ...login], { env: { PGPASSWORD: instance.adminPassword } });
  return text.replace(/^\\(un)?restrict .*$/gm, '');
}
