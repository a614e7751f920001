import type { SourceRegion, StepContext, TargetRegion } from '../../migration/step.ts';
import type { Migration } from '../../protocol/migration.ts';
import type { RegionCalls } from '../../region/link/region-client.ts';
import type { MigrationTable } from '../state/migrations.ts';
import type { Changes } from './changes.ts';
import type { StepLog } from './step-log.ts';

export interface ContextParts {
  migrations: MigrationTable;
  changes: Changes;
  /** A region's agent, connected at the first call. */
  connect(region: string): Promise<RegionCalls>;
}

/** What a step sees of the world: two regions that differ in type, the migration as it is now, and its own journal. */
export async function stepContext(
  parts: ContextParts,
  migration: Migration,
  step: StepLog,
  signal: AbortSignal,
): Promise<StepContext> {
  const [source, target] = await Promise.all([parts.connect(migration.source), parts.connect(migration.destination)]);
  let current = migration;
  const remember = async (change: (stored: Omit<Migration, 'steps'>) => void) => {
    const row = await parts.migrations.update(migration.id, ({ migration: stored }) => change(stored));
    current = { ...current, report: row.migration.report, newAppId: row.migration.newAppId };
    parts.changes.tell(migration.id);
  };
  return {
    get migration() {
      return current;
    },
    source: asSource(migration.source, source),
    target: asTarget(migration.destination, target),
    carrier: (store) =>
      current.report.stores.find((known) => known.name === store)?.carrier ?? current.carriers[store] ?? 'live',
    progress: (progress) => step.progress(progress),
    log: (line) => step.log(line),
    report: (change) => remember((stored) => change(stored.report)),
    newApp: (id) =>
      remember((stored) => {
        stored.newAppId = id;
      }),
    signal,
  };
}

/** Not the whole client: at run time too, a step cannot ask the old home for anything that destroys. */
const asSource = (name: string, { info, apps, source }: RegionCalls): SourceRegion => ({
  name,
  info: () => info(),
  apps: { get: apps.get },
  source,
});

const asTarget = (name: string, { info, apps, target }: RegionCalls): TargetRegion => ({
  name,
  info: () => info(),
  apps: { get: apps.get, list: apps.list },
  target,
});
