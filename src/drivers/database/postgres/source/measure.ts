import type { Measure } from '../../../store.ts';
import { notOfExtension, userRelations } from '../catalog.ts';
import { ownServer } from '../names.ts';
import type { Client } from '../wire/connect.ts';

/** Size, estimated rows, and what live leaves behind. */
export async function measureSource(client: Client): Promise<Measure> {
  const { rows } = await client.query(
    `SELECT pg_database_size(current_database())::text AS bytes,
      (SELECT coalesce(sum(greatest(c.reltuples, 0)), 0)::int8::text ${userRelations("'r'")}) AS items`,
  );
  return { bytes: Number(rows[0].bytes), items: Number(rows[0].items), notMoved: await notMoved(client) };
}

const questions: [string, (name: string) => string][] = [
  [
    `SELECT format('%I.%I', n.nspname, c.relname) AS name ${userRelations("'r'")} ${notOfExtension} AND c.relpersistence = 'u'`,
    (n) => `the rows of the unlogged table ${n}`,
  ],
  [
    `SELECT format('%I.%I', n.nspname, c.relname) AS name ${userRelations("'f'")}`,
    (n) => `the rows behind the foreign table ${n} (they stay where they are)`,
  ],
  [
    `SELECT format('%I.%I', n.nspname, c.relname) AS name ${userRelations("'m'")}`,
    (n) => `the materialized view ${n} as it is: it is refreshed on the target after the copy`,
  ],
  [
    `SELECT count(*)::text AS name FROM pg_largeobject_metadata HAVING count(*) > 0`,
    (n) => `${n} large objects (the carrier backup moves them)`,
  ],
  [
    `SELECT quote_ident(pubname) AS name FROM pg_publication WHERE pubname !~ '^storky_'`,
    (n) => `the publication ${n}`,
  ],
  [
    `SELECT quote_ident(subname) AS name FROM pg_subscription WHERE subname !~ '^storky_' AND subdbid = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    (n) => `the subscription ${n}`,
  ],
  [
    `SELECT quote_ident(slot_name) AS name FROM pg_replication_slots WHERE slot_name !~ '^storky_'`,
    (n) => `the replication slot ${n}`,
  ],
  [
    `SELECT quote_ident(datname) AS name FROM pg_database WHERE ${ownServer} AND datname <> current_database() AND NOT datistemplate AND datname <> 'postgres'`,
    (n) => `the database ${n} of the same server`,
  ],
  [
    `SELECT format('%s of %I', t.config::regclass, e.extname) AS name FROM pg_extension e CROSS JOIN unnest(e.extconfig) t(config)`,
    (n) => `the rows of the extension's table ${n}`,
  ],
  [
    `SELECT quote_ident(spcname) AS name FROM pg_tablespace WHERE spcname !~ '^pg_'`,
    (n) => `the tablespace ${n}: its tables go to the default one`,
  ],
];

async function notMoved(client: Client): Promise<string[]> {
  const words: string[] = [];
  for (const [sql, say] of questions)
    words.push(...(await client.query(sql)).rows.map((row) => say(row.name as string)));
  return words;
}
