import { expect, it } from 'vitest';
import type { AppView } from '../../protocol/app-record/record.ts';
import { newMigration } from './new-migration.ts';
import type { MigrationParts } from './service.ts';

it('stores go as their owner has written down, and as the command says where it says something', async () => {
  const project = { carriers: { db: 'backup', uploads: 'backup' } };
  const view = { id: 'shop-id', lockedBy: null, record: { project } } as unknown as AppView;
  const parts = {
    apps: { regionOf: async () => 'west' },
    migrations: { ofApp: async () => [] },
    connect: async () => ({ apps: { get: async () => view } }),
  } as unknown as MigrationParts;
  const input = { app: 'shop', destination: 'east', budgetMs: 10_000 };
  const { carriers } = await newMigration(parts, 'id', { ...input, carriers: { uploads: 'live', cache: 'provision' } });
  expect(carriers).toEqual({ db: 'backup', uploads: 'live', cache: 'provision' });
});
