import { storkySchema } from '../names.ts';
import type { Client } from '../wire/connect.ts';
import { identifier } from '../wire/sql.ts';
import { madeRoles } from './made-roles.ts';

/** What a move changes beside what it makes: JSON, kept with the instance. */
export interface Before {
  extensions: string[];
  /** Of the schema public; null where nobody has ever changed it. */
  publicRights: { grantee: string | null; privilege: string; grantable: boolean }[];
  [key: string]: unknown;
}

const userSchema = `n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', '${storkySchema}')`;
const ofExtension = (kind: string, object: string) =>
  `EXISTS (SELECT FROM pg_depend e WHERE e.classid = '${kind}'::regclass AND e.objid = ${object} AND e.deptype = 'e')`;

/** Whatever somebody has made there, in words; extensions may be there. */
export async function contentsOf(client: Client): Promise<string[]> {
  const { rows } = await client.query(`
    SELECT 'the schema ' || n.nspname AS what FROM pg_namespace n WHERE ${userSchema} AND n.nspname <> 'public' AND NOT ${ofExtension('pg_namespace', 'n.oid')}
    UNION ALL SELECT 'the relation ' || c.oid::regclass FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE ${userSchema} AND c.relkind IN ('r', 'p', 'v', 'm', 'S', 'f') AND NOT ${ofExtension('pg_class', 'c.oid')}
    UNION ALL SELECT 'the function ' || p.oid::regprocedure FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
      WHERE ${userSchema} AND NOT ${ofExtension('pg_proc', 'p.oid')}
    UNION ALL SELECT 'the type ' || t.oid::regtype FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
      WHERE ${userSchema} AND t.typtype IN ('e', 'd', 'r') AND NOT ${ofExtension('pg_type', 't.oid')}
    UNION ALL SELECT count(*) || ' large objects' FROM pg_largeobject_metadata HAVING count(*) > 0 ORDER BY 1`);
  return rows.map(({ what }) => what as string);
}

export async function beforeOf(client: Client): Promise<Before> {
  const extensions = await client.query('SELECT extname FROM pg_extension ORDER BY 1');
  // What an attempt that was cut short has granted already goes with its accounts.
  const made = await madeRoles(client);
  const rights = (await publicRights(client)).filter(({ grantee }) => grantee === null || !made.includes(grantee));
  return { extensions: extensions.rows.map(({ extname }) => extname), publicRights: rights };
}

async function publicRights(client: Client): Promise<Before['publicRights']> {
  const { rows } = await client.query(`
    SELECT r.rolname AS grantee, a.privilege_type AS privilege, a.is_grantable AS grantable FROM pg_namespace n
      CROSS JOIN aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) a LEFT JOIN pg_roles r ON r.oid = a.grantee
      WHERE n.nspname = 'public' ORDER BY 1, 2`);
  return rows;
}

/** Empties the database of all that `contentsOf` names, and of extensions that were not there. Idempotent. */
export async function emptyOut(client: Client, before: Before): Promise<void> {
  await client.query(`
    DO $$ DECLARE one record; BEGIN
      FOR one IN SELECT n.nspname FROM pg_namespace n WHERE (${userSchema} OR n.nspname = '${storkySchema}') AND n.nspname <> 'public'
          AND NOT ${ofExtension('pg_namespace', 'n.oid')} LOOP
        EXECUTE format('DROP SCHEMA IF EXISTS %I CASCADE', one.nspname);
      END LOOP;
    END $$`);
  for (const { extname } of (await client.query('SELECT extname FROM pg_extension')).rows)
    if (!before.extensions.includes(extname)) await client.query(`DROP EXTENSION ${identifier(extname)} CASCADE`);
  // By the catalog's own list of what lies in the schema: whatever kinds there are.
  await client.query(`
    DO $$ DECLARE one record; BEGIN
      FOR one IN SELECT o.type, o.identity FROM pg_depend d CROSS JOIN pg_identify_object(d.classid, d.objid, 0) o
          WHERE d.refclassid = 'pg_namespace'::regclass AND d.refobjid = 'public'::regnamespace AND d.deptype = 'n'
            -- A partitioned table depends on itself.
            AND NOT EXISTS (SELECT FROM pg_depend e WHERE e.classid = d.classid AND e.objid = d.objid AND e.deptype IN ('e', 'i', 'a')
              AND (e.refclassid, e.refobjid) <> (d.classid, d.objid))
            AND d.classid <> 'pg_default_acl'::regclass LOOP
        CONTINUE WHEN one.identity IS NULL; -- it went with one that was dropped before
        EXECUTE format('DROP %s IF EXISTS %s CASCADE', CASE one.type WHEN 'composite type' THEN 'type' ELSE one.type END, one.identity);
      END LOOP;
      PERFORM lo_unlink(oid) FROM pg_largeobject_metadata WHERE pg_has_role(lomowner, 'USAGE');
    END $$`);
  await restorePublicRights(client, before);
}

async function restorePublicRights(client: Client, { publicRights: wanted }: Before): Promise<void> {
  const text = (right: Before['publicRights'][number]) =>
    JSON.stringify([right.grantee, right.privilege, right.grantable]);
  const now = await publicRights(client);
  const name = (grantee: string | null) => (grantee === null ? 'PUBLIC' : identifier(grantee));
  const same = new Set(wanted.map(text));
  for (const right of now.filter((one) => !same.has(text(one))))
    await client.query(`REVOKE ${right.privilege} ON SCHEMA public FROM ${name(right.grantee)} CASCADE`);
  const there = new Set(now.map(text));
  for (const right of wanted.filter((one) => !there.has(text(one))))
    await client.query(
      `GRANT ${right.privilege} ON SCHEMA public TO ${name(right.grantee)}${right.grantable ? ' WITH GRANT OPTION' : ''}`,
    );
}
