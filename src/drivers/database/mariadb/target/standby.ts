import type { DatabaseInstance } from '../../contract.ts';
import { naturalOf } from '../container/natural.ts';
import { storkySchema } from '../names.ts';
import { type Client, errnoOf } from '../wire/connect.ts';
import { literal } from '../wire/sql.ts';
import { createState } from './state.ts';

/**
 * Refuses writes of everybody but the stream and Storky: the server is read-only, and who may write nevertheless loses
 * that right for the time being, which is remembered first. Events do not run. Idempotent.
 */
export async function refuseWrites(client: Client): Promise<void> {
  await createState(client);
  await revokeExemptions(client);
  await client.batch('SET GLOBAL read_only = ON', 'SET GLOBAL event_scheduler = OFF');
}

/** Idempotent. */
export async function revokeExemptions(client: Client): Promise<void> {
  for (const { revoke, granted } of await client.dialect.exemptions(client)) {
    await client.query(`INSERT IGNORE INTO ${storkySchema}.standby_account VALUES (${literal(granted)})`);
    await client.query(revoke);
  }
}

/** One statement; sessions that are there may write from then on. */
export function allowWrites(instance: DatabaseInstance): string {
  const events = instance.guest ? naturalOf(instance).eventScheduler : 'ON';
  return `SET GLOBAL read_only = OFF, GLOBAL event_scheduler = ${events}`;
}

/** Who lost a right to `refuseWrites` has it again. Idempotent. */
export async function restoreRights(client: Client): Promise<void> {
  try {
    for (const { grantee } of await client.query(`SELECT grantee FROM ${storkySchema}.standby_account`)) {
      // 1133: the account went with a DROP USER that the stream brought.
      await client.query(client.dialect.grantBack(grantee!)).catch((error) => {
        if (![1133, 1410].includes(errnoOf(error) ?? 0)) throw error;
      });
      await client.query(`DELETE FROM ${storkySchema}.standby_account WHERE grantee = ${literal(grantee!)}`);
    }
  } catch (error) {
    if (![1049, 1146].includes(errnoOf(error) ?? 0)) throw error;
  }
}
