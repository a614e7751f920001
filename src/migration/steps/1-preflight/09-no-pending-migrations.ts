import { type Check, fail, notApplicable, pass } from '../../check.ts';

export const noPendingMigrations: Check = {
  id: 'no-pending-migrations',
  name: 'No database migration of the app is pending',
  async ask({ source, migration }) {
    const { record } = await source.apps.get({ app: migration.srcAppName });
    if (!record.checks.pendingMigrations)
      return notApplicable('the app names no command for it (`checks.pendingMigrations`)');
    const pending = await source.source.pendingMigrations({ app: migration.srcAppName });
    return pending.length === 0
      ? pass('none')
      : fail(pending.slice(0, 3).join(', '), 'Run them on the source, then create the migration again.');
  },
};
