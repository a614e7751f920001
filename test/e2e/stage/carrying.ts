import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Migration, StoreReport } from '../../../src/protocol/migration.ts';
import { waitFor } from '../../support/wait-for.ts';
import { sql } from './database.ts';
import { atRest } from './move.ts';
import type { Region } from './region.ts';
import type { Stage } from './stage.ts';

/** So much that the copy of the database takes its time, and a disaster finds it under way. */
export async function fatten(region: Region, rows = 150_000): Promise<void> {
  await sql(
    region.databaseUrl('shop'),
    `CREATE TABLE ballast AS SELECT n, repeat(md5(n::text), 8) AS text FROM generate_series(1, ${rows}) n`,
    'ALTER TABLE ballast ADD PRIMARY KEY (n)',
  );
}

/** By the target agent's own record, which changes at once; the server looks less often. */
export async function whenStore(target: Region, migration: string, name: string, stage: StoreReport['stage']) {
  const file = join(target.folder, 'migrations', `${migration}.target.json`);
  const now = () => (JSON.parse(readFileSync(file, 'utf8')) as TargetRecord).stores[name]?.report?.stage;
  await waitFor(() => now() === stage, { timeout: 60_000, every: 3, what: `${name} ${stage}` });
}

interface TargetRecord {
  stores: Record<string, { report: { stage: StoreReport['stage'] } | null } | undefined>;
}

/** Until the migration has been finalized. Where a store has to catch up first, that is said before anything is held. */
export async function finalize(stage: Stage, id: string): Promise<Migration> {
  return await waitFor(
    async () => {
      const migration = await atRest(stage, id);
      if (migration.status !== 'data-migrated') return migration;
      await stage.api.migrations.run({ app: 'shop', id, step: 'finalize' });
      return undefined;
    },
    { timeout: 90_000, every: 500, what: 'the finalize to go through' },
  );
}
