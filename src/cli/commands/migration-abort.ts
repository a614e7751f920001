import { z } from 'zod';
import { defineCommand, spec } from '../command.ts';
import { requiredApp } from '../context.ts';
import { migrationOutcome } from '../watch/outcome.ts';
import { refuseEarly } from '../watch/refuse-early.ts';
import { runPhase } from '../watch/run-phase.ts';
import { exitAfter } from '../watch/verdict.ts';

export const migrationAbort = defineCommand({
  name: 'migration-abort',
  group: 'Move an app',
  summary: 'Take a migration back, at any time before the switch',
  args: { id: spec('<id>', 'of the migration', z.string()) },
  options: {},
  needs: 'server',
  async run(context, { id }) {
    const found = await context.server.api.migrations.show({ app: requiredApp(context), id });
    refuseEarly(found, 'abort');
    const migration = await runPhase(context, found, 'abort');
    return migrationOutcome(context, migration, exitAfter('abort', migration));
  },
});
