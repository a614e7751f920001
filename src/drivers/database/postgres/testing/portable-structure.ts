import { notOfExtension, userRelations } from '../catalog.ts';
import { refuseWritesTrigger } from '../names.ts';
import type { Client } from '../wire/connect.ts';

/** The structure and its privileges, in words that every version of the server says in the same way; without views' texts. */
export async function portableStructure(client: Client): Promise<string[]> {
  const { rows } = await client.query(`
    WITH relation AS (SELECT c.*, n.nspname ${userRelations("'r', 'p', 'v', 'm', 'S', 'i', 'I'")} ${notOfExtension})
    SELECT concat_ws(' ', 'relation', nspname, relname, relkind, relpersistence, relrowsecurity, relforcerowsecurity, pg_get_userbyid(relowner)) AS line FROM relation
    UNION ALL SELECT concat_ws(' ', 'grant', oid::regclass, g.privilege_type, g.grantee::regrole)
      FROM relation CROSS JOIN aclexplode(relacl) g WHERE g.grantee <> relowner AND g.privilege_type <> 'MAINTAIN'
    UNION ALL SELECT concat_ws(' ', 'column', a.attrelid::regclass, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attidentity,
        a.attgenerated, pg_get_expr(d.adbin, d.adrelid))
      FROM relation JOIN pg_attribute a ON a.attrelid = relation.oid AND a.attnum > 0 AND NOT a.attisdropped LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    UNION ALL SELECT concat_ws(' ', 'constraint', o.conname, o.convalidated, pg_get_constraintdef(o.oid))
      FROM relation JOIN pg_constraint o ON o.conrelid = relation.oid WHERE o.contype NOT IN ('n', 't')
    UNION ALL SELECT concat_ws(' ', 'index', pg_get_indexdef(i.indexrelid)) FROM relation JOIN pg_index i ON i.indrelid = relation.oid
    UNION ALL SELECT concat_ws(' ', 'trigger', tgenabled, pg_get_triggerdef(t.oid)) FROM relation JOIN pg_trigger t ON t.tgrelid = relation.oid
      WHERE NOT t.tgisinternal AND t.tgname <> '${refuseWritesTrigger}'
    UNION ALL SELECT concat_ws(' ', 'policy', polrelid::regclass, polname, polcmd, polroles::regrole[], pg_get_expr(polqual, polrelid)) FROM pg_policy
    UNION ALL SELECT concat_ws(' ', 'sequence', schemaname, sequencename, data_type, start_value, increment_by, max_value, cycle) FROM pg_sequences WHERE schemaname <> 'storky'
    UNION ALL SELECT concat_ws(' ', 'extension', extname) FROM pg_extension
    UNION ALL SELECT concat_ws(' ', 'setting', setrole::regrole, one) FROM pg_db_role_setting, unnest(setconfig) one WHERE one !~ 'vacuum_cleanup'
    UNION ALL SELECT concat_ws(' ', 'role', rolname, rolinherit, rolcanlogin, rolconnlimit) FROM pg_roles WHERE rolname !~ '^(pg|storky)_'
    UNION ALL SELECT concat_ws(' ', 'member', roleid::regrole, member::regrole, admin_option, (to_jsonb(m) ->> 'inherit_option')::bool IS NOT FALSE, (to_jsonb(m) ->> 'set_option')::bool IS NOT FALSE) FROM pg_auth_members m WHERE member::regrole::text !~ '^storky_' AND member >= 16384
    UNION ALL SELECT concat_ws(' ', 'public', has_schema_privilege('Re porter', 'public', 'CREATE'), has_schema_privilege('Re porter', 'public', 'USAGE'))
    ORDER BY 1`);
  return rows.map((row) => row.line as string);
}
