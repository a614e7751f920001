import { StorkyError } from '../protocol/errors.ts';
import type { RegionAnswers } from './agent/answers.ts';
import type { Apps } from './apps/apps.ts';
import type { MigrationRecords } from './migrations/records.ts';
import { quiet } from './quiet.ts';

/** The user's verbs on the apps of this region. */
export function appAnswers(
  apps: Apps,
  records: Pick<MigrationRecords, 'any'>,
): Omit<RegionAnswers['apps'], 'allowLive' | 'discover' | 'restart'> {
  return {
    list: () => apps.list(),
    get: ({ app }) => apps.get(app),
    apply: ({ record }) => apps.apply(record),
    remove: quiet(async ({ app, evenIfLent }) => {
      // Served here, and followed by the other side: what is deleted would be missing when it is taken back.
      const open = apps.exists(app) && apps.document(app).lockedBy === null && apps.moving.epoch(app).role === 'active';
      const migration = open ? records.any(app) : undefined;
      if (migration !== undefined) throw new StorkyError('way_back_open', { app, migration });
      await apps.remove(app, { evenIfLent });
    }),
    start: ({ app }) => apps.start(app),
    stop: ({ app }) => apps.stop(app),
    scale: ({ app, type, amount, size }) => apps.scale(app, type, { amount, size }),
    environment: async ({ app }) => apps.environment(app),
    setEnvironment: quiet(({ app, set, unset }) => apps.setEnvironment(app, set, unset)),
    logs: ({ app, lines, type }) => apps.logs(app, lines, type),
    adopt: (order) => apps.adopt(order),
    processes: ({ app }) => apps.processes(app),
    metrics: ({ app }) => apps.metrics(app),
  };
}
