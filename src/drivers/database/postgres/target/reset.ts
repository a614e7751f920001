import type { DatabaseInstance } from '../../contract.ts';
import { prepareToFill } from '../external/fill.ts';
import { storkySchema } from '../names.ts';
import { importDatabaseProperties, importRoles, recreateDatabase } from '../roles.ts';
import { createStreamTables } from '../stream-tables.ts';
import type { CopyTicket, Ticket } from '../ticket.ts';
import { adminOf, besides, type Client, stateOf, transaction, withClient } from '../wire/connect.ts';
import { createTargetFunctions } from './marker-trigger.ts';
import { dropSubscription } from './subscription.ts';

/** True when what is there was begun with this ticket, and can be gone on with. */
export async function begunWith(instance: DatabaseInstance, ticket: Ticket): Promise<boolean> {
  try {
    return await withClient(adminOf(instance), async (client) => {
      const { rows } = await client.query(`SELECT ticket FROM ${storkySchema}.copy`);
      return rows[0]?.ticket === ticket.id;
    });
  } catch (error) {
    // No such table, schema or database: nothing was begun.
    if (['42P01', '3F000', '3D000'].includes(stateOf(error) ?? '')) return false;
    throw error;
  }
}

/** Empties the target for a copy from this ticket. Everything in it was a copy too, or nothing. */
export async function beginAnew(instance: DatabaseInstance, ticket: CopyTicket): Promise<void> {
  await withClient(adminOf(instance), (client) => dropSubscription(client, ticket.migration)).catch((error) => {
    if (stateOf(error) !== '3D000') throw error;
  });
  if (instance.external) await prepareToFill(instance, ticket.surroundings);
  else await makeDatabase(instance, ticket);
  await withClient(adminOf(instance), (client) => createTargetObjects(client, ticket));
}

async function makeDatabase(instance: DatabaseInstance, ticket: CopyTicket): Promise<void> {
  await withClient(besides(instance), async (client) => {
    await importRoles(client, ticket.surroundings);
    await recreateDatabase(client, instance.database, ticket.surroundings);
    await importDatabaseProperties(client, instance.database, ticket.surroundings);
  });
}

async function createTargetObjects(client: Client, ticket: Ticket): Promise<void> {
  await transaction(client, async () => {
    await client.query(createStreamTables);
    await client.query(`
      CREATE TABLE ${storkySchema}.chunk (id int PRIMARY KEY, copy_out text NOT NULL, copy_in text NOT NULL, before text, bytes int8 NOT NULL, done bool NOT NULL DEFAULT false)`);
    await createTargetFunctions(client);
    for (const { schema, name, original, index } of ticket.identities)
      await client.query(`INSERT INTO ${storkySchema}.identity VALUES ($1, $2, $3, $4)`, [
        schema,
        name,
        original,
        index,
      ]);
    await client.query(`INSERT INTO ${storkySchema}.copy VALUES ($1, $2)`, [ticket.id, ticket.migration]);
  });
}
