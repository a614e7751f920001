import { restoreIdentities, shortLock } from './identities.ts';
import { holdDdlTrigger, storkySchema } from './names.ts';
import type { Client } from './wire/connect.ts';

/** The stream that is applied here, if any. */
export async function appliedStream(client: Client): Promise<string | undefined> {
  if (!(await has(client, 'copy'))) return undefined;
  const { rows } = await client.query(`SELECT stream FROM ${storkySchema}.copy`);
  return rows[0]?.stream as string | undefined;
}

/**
 * What all streams of this side share goes with the last of them: after a switch, the one that brought the app here ends
 * while the one back is needed. A seal stays (invariant 6). Idempotent.
 */
export async function endSharedObjects(client: Client): Promise<void> {
  if (await streamsLeft(client)) return;
  await restoreIdentities(client);
  await shortLock(client, async () => {
    await client.query(`DROP EVENT TRIGGER IF EXISTS ${holdDdlTrigger}`);
    await client.query(dropAllButSeal);
  });
}

async function streamsLeft(client: Client): Promise<boolean> {
  if (await appliedStream(client)) return true;
  if (!(await has(client, 'ticket'))) return false;
  return (await client.query(`SELECT FROM ${storkySchema}.ticket`)).rowCount! > 0;
}

export async function has(client: Client, table: string): Promise<boolean> {
  const { rows } = await client.query('SELECT to_regclass($1) IS NOT NULL AS there', [`${storkySchema}.${table}`]);
  return rows[0].there as boolean;
}

const dropAllButSeal = `
  DO $$ DECLARE names text[] := '{}'; BEGIN
    IF pg_catalog.to_regclass('${storkySchema}.sealed_role') IS NOT NULL THEN
      SELECT pg_catalog.array_agg(name) INTO names FROM ${storkySchema}.sealed_role;
    END IF;
    DROP SCHEMA IF EXISTS ${storkySchema} CASCADE;
    IF pg_catalog.cardinality(names) > 0 THEN
      CREATE SCHEMA ${storkySchema};
      CREATE TABLE ${storkySchema}.sealed_role (name text PRIMARY KEY);
      INSERT INTO ${storkySchema}.sealed_role SELECT pg_catalog.unnest(names);
    END IF;
  END $$`;
