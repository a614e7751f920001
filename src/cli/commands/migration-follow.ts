import { z } from 'zod';
import { defineCommand, spec } from '../command.ts';
import { requiredApp } from '../context.ts';
import { migrationOutcome } from '../watch/outcome.ts';
import { exitOf } from '../watch/verdict.ts';
import { watch } from '../watch/watch.ts';

export const migrationFollow = defineCommand({
  name: 'migration-follow',
  group: 'Move an app',
  summary: 'Watch a migration until no phase is running',
  args: { id: spec('<id>', 'of the migration', z.string()) },
  options: {},
  needs: 'server',
  async run(context, { id }) {
    const found = await context.server.api.migrations.show({ app: requiredApp(context), id });
    const migration = await watch(context, found);
    return migrationOutcome(context, migration, exitOf(migration));
  },
});
