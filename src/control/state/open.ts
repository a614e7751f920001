import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { Pool } from 'pg';
import { lockFolder } from '../../base/folder-lock.ts';
import { log } from '../../base/log.ts';
import { openEmbedded } from './embedded/open.ts';
import { migrateSchema } from './schema.ts';

export interface State {
  readonly pool: Pool;
  close(): Promise<void>;
}

export interface StateOptions {
  /** Holds the server's keys, and the embedded database. */
  dataFolder: string;
  /** A PostgreSQL instead of the embedded database. */
  databaseUrl?: string;
}

/**
 * Opens the server's state and brings its schema up to date. Throws `folder_in_use` when another server has the folder:
 * with a PostgreSQL too, since two servers of one folder would be one and the same to the workflows.
 */
export async function openState({ dataFolder, databaseUrl }: StateOptions): Promise<State> {
  await using undo = new AsyncDisposableStack();
  mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
  undo.defer(lockFolder(join(dataFolder, 'server.lock'), dataFolder));
  const { pool, close } = databaseUrl ? openPostgres(databaseUrl) : await openEmbedded(dataFolder);
  undo.defer(close);
  pool.on('error', (error) => log.warn({ error: error.message }, 'a connection to the state was lost'));
  await migrateSchema(pool);
  const opened = undo.move();
  return { pool, close: () => opened.disposeAsync() };
}

function openPostgres(connectionString: string): State {
  const pool = new Pool({ connectionString, max: 10, application_name: 'storky' });
  return { pool, close: () => pool.end() };
}
