import { StorkyError } from '../../protocol/errors.ts';
import { isOver, type Migration } from '../../protocol/migration.ts';
import type { MigrationParts, NewMigration } from './service.ts';

/** Checks what can be checked before anything is recorded. What needs a closer look is the preflight's. */
export async function newMigration(
  { apps, connect, migrations }: Pick<MigrationParts, 'apps' | 'connect' | 'migrations'>,
  id: string,
  input: NewMigration,
): Promise<Omit<Migration, 'steps'>> {
  const { app, destination } = input;
  const dstAppName = input.dstAppName ?? app;
  await connect(destination);
  const source = await apps.regionOf(app, input.from);
  if (source === destination && dstAppName === app) throw new StorkyError('same_place', { app, region: destination });

  const known = (await migrations.ofApp(app)).find(
    ({ migration }) => migration.source === source && migration.srcAppName === app && !isOver(migration),
  );
  if (known) throw new StorkyError('migration_in_progress', { app, migration: known.migration.id });
  const open = (await migrations.ofApp(app)).find(
    ({ migration }) =>
      migration.destination === source && migration.dstAppName === app && migration.report.wayBack?.open,
  );
  if (open) throw new StorkyError('way_back_open', { app, migration: open.migration.id });
  const view = await (await connect(source)).apps.get({ app });
  if (view.lockedBy) throw new StorkyError('app_locked', { app, migration: view.lockedBy });

  return {
    id,
    srcAppName: app,
    dstAppName,
    appId: view.id,
    newAppId: null,
    source,
    destination,
    status: 'created',
    failedPhase: null,
    carriers: { ...view.record.project?.carriers, ...input.carriers },
    budgetMs: input.budgetMs,
    copyLimit: input.copyLimit ?? null,
    withoutWayBack: false,
    startedAt: new Date().toISOString(),
    finishedAt: null,
    report: {
      checks: [],
      notMoved: [],
      predictedFreezeMs: null,
      stores: [],
      switches: [],
      previewUrl: null,
      wayBack: null,
      pressure: null,
      stoodStill: null,
    },
  };
}
