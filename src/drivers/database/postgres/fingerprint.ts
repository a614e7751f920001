import { notOurRole, storkySchema } from './names.ts';
import type { Client } from './wire/connect.ts';

const user = `n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '${storkySchema}')`;
const of = (relation: string, without: string) =>
  `FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace ${relation}
    WHERE ${user} AND c.relpersistence <> 't' AND c.oid <> ALL (${without})`;

/** Only that they are there; those of the server itself have lower ids. */
const rarer = [
  'cast',
  'collation',
  'conversion',
  'foreign_data_wrapper',
  'foreign_server',
  'operator',
  'opclass',
  'statistic_ext',
]
  .concat('transform', 'ts_config', 'ts_dict')
  .map((kind) => `SELECT '${kind} ' AS kind, oid FROM pg_${kind}`)
  .join(' UNION ALL ');

/**
 * One hash over the catalog. Only compared with itself on the same database, so object ids may stand for names. What
 * Storky itself changes (replica identities) is left out, and what maintenance changes (file nodes, statistics) too. Whether a role may log in
 * is what a seal changes; its password nobody but a superuser can read. `without`: relations that are left out with all
 * that is theirs, as SQL.
 */
const fingerprint = (without: string) => `SELECT md5(string_agg(h, ',' ORDER BY h)) AS fingerprint FROM (
  SELECT md5(string_agg(concat_ws(' ', c.oid, c.relname, n.nspname, c.relkind, c.relpersistence, c.reltype, c.relowner, c.relrowsecurity,
    c.relforcerowsecurity, c.relpartbound, c.relacl), ',' ORDER BY c.oid)) AS h ${of('', without)}
  UNION ALL SELECT md5(string_agg(concat_ws(' ', a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attidentity,
    a.attgenerated, a.attisdropped, a.attcollation, a.attacl, d.adbin), ',' ORDER BY a.attrelid, a.attnum))
    ${of('JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum', without)}
  UNION ALL SELECT md5(string_agg(concat_ws(' ', o.oid, o.conname, o.contype, o.conrelid, o.confrelid, o.convalidated, o.conkey, o.conbin), ',' ORDER BY o.oid))
    FROM pg_constraint o JOIN pg_namespace n ON n.oid = o.connamespace
    WHERE ${user} AND o.conrelid <> ALL (${without}) AND o.confrelid <> ALL (${without})
  UNION ALL SELECT md5(string_agg(concat_ws(' ', i.indexrelid, i.indrelid, i.indisunique, i.indisvalid, i.indkey), ',' ORDER BY i.indexrelid))
    ${of('JOIN pg_index i ON i.indrelid = c.oid', without)}
  UNION ALL SELECT md5(string_agg(concat_ws(' ', t.oid, t.typname, t.typtype, t.typbasetype, t.typnotnull, t.typowner), ',' ORDER BY t.oid))
    FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace WHERE ${user} AND NOT EXISTS
      (SELECT FROM pg_class c WHERE c.oid = t.typrelid AND (c.relpersistence = 't' OR c.oid = ANY (${without})))
      AND (t.typelem = 0 OR NOT EXISTS (SELECT FROM pg_class c WHERE c.oid = ANY (${without}) AND c.reltype = t.typelem))
  UNION ALL SELECT md5(string_agg(concat_ws(' ', enumtypid, enumsortorder, enumlabel), ',' ORDER BY oid)) FROM pg_enum
  UNION ALL SELECT md5(string_agg(concat_ws(' ', p.oid, p.proname, p.proowner, md5(p.prosrc), p.proacl), ',' ORDER BY p.oid))
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE ${user}
  UNION ALL SELECT md5(string_agg(concat_ws(' ', t.oid, t.tgrelid, t.tgname, t.tgenabled, t.tgfoid, t.tgtype), ',' ORDER BY t.oid))
    ${of("JOIN pg_trigger t ON t.tgrelid = c.oid AND NOT t.tgisinternal AND t.tgname !~ '^storky_'", without)}
  UNION ALL SELECT md5(string_agg(concat_ws(' ', r.oid, r.ev_class, r.rulename, r.ev_action), ',' ORDER BY r.oid))
    ${of('JOIN pg_rewrite r ON r.ev_class = c.oid', without)}
  UNION ALL SELECT md5(string_agg(concat_ws(' ', p.oid, p.polrelid, p.polname, p.polcmd, p.polroles, p.polqual, p.polwithcheck), ',' ORDER BY p.oid)) FROM pg_policy p
    WHERE p.polrelid <> ALL (${without})
  UNION ALL SELECT md5(string_agg(concat_ws(' ', e.oid, e.evtname, e.evtevent, e.evtenabled), ',' ORDER BY e.oid))
    FROM pg_event_trigger e WHERE e.evtname !~ '^storky_'
  UNION ALL SELECT md5(string_agg(concat_ws(' ', n.oid, n.nspname, n.nspowner), ',' ORDER BY n.oid)) FROM pg_namespace n WHERE ${user}
  UNION ALL SELECT md5(string_agg(concat_ws(' ', x.oid, x.extname, x.extversion), ',' ORDER BY x.oid)) FROM pg_extension x
  UNION ALL SELECT md5(string_agg(concat_ws(' ', s.seqrelid, s.seqtypid, s.seqincrement, s.seqmax, s.seqmin, s.seqcycle), ',' ORDER BY s.seqrelid))
    ${of('JOIN pg_sequence s ON s.seqrelid = c.oid', without)}
  UNION ALL SELECT md5(string_agg(concat_ws(' ', oid, defaclacl), ',' ORDER BY oid)) FROM pg_default_acl
  UNION ALL SELECT md5(string_agg(kind || oid, ',' ORDER BY kind, oid)) FROM (${rarer}) x WHERE oid >= 16384
  UNION ALL SELECT md5(string_agg(concat_ws(' ', rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolreplication, rolbypassrls,
    rolconnlimit, extract(epoch FROM rolvaliduntil)), ',' ORDER BY rolname)) FROM pg_roles WHERE ${notOurRole('rolname')}
  UNION ALL SELECT md5(string_agg(concat_ws(' ', a.roleid, a.member, a.admin_option), ',' ORDER BY a.roleid, a.member, a.grantor))
    FROM pg_auth_members a JOIN pg_roles m ON m.oid = a.member WHERE ${notOurRole('m.rolname')}
  UNION ALL SELECT md5(string_agg(concat_ws(' ', setdatabase, setrole, setconfig), ',' ORDER BY setdatabase, setrole))
    FROM pg_db_role_setting WHERE setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = current_database()))
) parts`;

export const fingerprintSql = fingerprint(`'{}'::oid[]`);
const fingerprintWithoutSql = fingerprint('$1::oid[]');

export async function fingerprintOf(client: Client): Promise<string> {
  const { rows } = await client.query<{ fingerprint: string }>({ name: 'fingerprint', text: fingerprintSql });
  return rows[0]!.fingerprint;
}

/** As it was before these relations were made, if nothing else has changed. */
export async function fingerprintWithout(client: Client, relations: number[]): Promise<string> {
  const { rows } = await client.query<{ fingerprint: string }>(fingerprintWithoutSql, [relations]);
  return rows[0]!.fingerprint;
}
