import { z } from 'zod';
import { defineCommand, spec } from '../command.ts';
import { requiredApp } from '../context.ts';
import { migrationOutcome } from '../watch/outcome.ts';
import { startPhase } from '../watch/run-phase.ts';
import { exitAfter } from '../watch/verdict.ts';

export const migrationVerify = defineCommand({
  name: 'migration-verify',
  group: 'Move an app',
  summary: 'Compare both sides again, row by row and file by file, while they go on',
  args: { id: spec('<id>', 'of the migration', z.string()) },
  options: {},
  needs: 'server',
  async run(context, { id }) {
    const found = await context.server.api.migrations.show({ app: requiredApp(context), id });
    const migration = await startPhase(context, found, 'verify');
    return migrationOutcome(context, migration, exitAfter('verify', migration));
  },
});
