import { z } from 'zod';
import { defineCommand, spec } from '../command.ts';
import { requiredApp } from '../context.ts';
import { migrationOutcome } from '../watch/outcome.ts';
import { refuseEarly } from '../watch/refuse-early.ts';
import { runPhase } from '../watch/run-phase.ts';
import { exitAfter } from '../watch/verdict.ts';

export const migrationComplete = defineCommand({
  name: 'migration-complete',
  group: 'Move an app',
  summary: 'End the way back after a switch: the app stays where it is served now',
  args: { id: spec('<id>', 'of the migration', z.string()) },
  options: {},
  needs: 'server',
  async run(context, { id }) {
    const found = await context.server.api.migrations.show({ app: requiredApp(context), id });
    refuseEarly(found, 'complete');
    const migration = await runPhase(context, found, 'complete');
    return migrationOutcome(context, migration, exitAfter('complete', migration));
  },
});
