import { z } from 'zod';
import { PartName } from '../../protocol/app-record/names.ts';
import { defineCommand, noFlag, repeated, spec } from '../command.ts';
import { requiredApp } from '../context.ts';
import { budget } from '../watch/budget.ts';
import { migrationOutcome } from '../watch/outcome.ts';
import { refuseEarly } from '../watch/refuse-early.ts';
import { runPhase } from '../watch/run-phase.ts';
import { exitAfter } from '../watch/verdict.ts';

export const migrationRollback = defineCommand({
  name: 'migration-rollback',
  group: 'Move an app',
  summary: 'Switch back after the switch, with everything that was written since',
  args: { id: spec('<id>', 'of the migration', z.string()) },
  options: {
    budget: spec('<time>', 'longest freeze, such as 10s or 800ms', budget),
    leave: repeated(
      '<addon>',
      'leave it where the switch brought it: the app goes back, and uses it from there',
      z.array(PartName).default([]),
    ),
    wayBack: noFlag('switch back for good, with nothing that could take that back'),
  },
  needs: 'server',
  async run(context, { id, budget, leave, wayBack }) {
    const found = await context.server.api.migrations.show({ app: requiredApp(context), id });
    refuseEarly(found, 'rollback');
    const migration = await runPhase(context, found, 'rollback', { budgetMs: budget, leave, wayBack });
    return migrationOutcome(context, migration, exitAfter('rollback', migration));
  },
});
