import { join } from 'node:path';
import { PGlite } from '@electric-sql/pglite';
import { Pool } from 'pg';
import { SharedSession } from './session.ts';

/** One small session: PostgreSQL's usual 128 MB of buffers would only make the server larger. */
const startParams = [...PGlite.defaultStartParams, '-c', 'shared_buffers=8MB', '-c', 'wal_buffers=512kB'];

/**
 * PGlite in `<data>/state`, in this process. A write is handed to the operating system before it is acknowledged, so a
 * kill -9 of the server loses nothing; PGlite cannot flush the disk's cache, so a power cut may. Whoever needs more uses
 * a PostgreSQL.
 */
export async function openEmbedded(dataFolder: string): Promise<{ pool: Pool; close(): Promise<void> }> {
  const db = await PGlite.create({ dataDir: join(dataFolder, 'state'), relaxedDurability: false, startParams });
  const session = new SharedSession(db);
  const pool = new Pool({ max: 8, stream: () => session.connect() as never, user: 'postgres', database: 'postgres' });
  return {
    pool,
    async close() {
      await pool.end();
      await db.close();
    },
  };
}
