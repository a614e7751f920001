import { createMarkerTable } from '../marker-table.ts';
import { storkySchema } from '../names.ts';
import type { Client } from '../wire/connect.ts';
import { createSealTable } from './seal.ts';

/** What Storky keeps in the source while a migration runs, all in the schema `storky`. Not logged; dropped by close. */
export async function createObjects(client: Client): Promise<void> {
  await client.batch(
    ...createMarkerTable,
    `CREATE TABLE IF NOT EXISTS ${storkySchema}.ticket (migration CHAR(36) NOT NULL PRIMARY KEY, ticket TEXT NOT NULL, fingerprint CHAR(64) NOT NULL, way_back BOOL NOT NULL) ENGINE = InnoDB`,
    ...createSealTable,
  );
}
