import { z } from 'zod';
import { defineCommand, flag, noFlag, spec } from '../command.ts';
import { requiredApp } from '../context.ts';
import { usage } from '../errors.ts';
import { budget } from '../watch/budget.ts';
import { migrationOutcome } from '../watch/outcome.ts';
import { runPhase } from '../watch/run-phase.ts';
import { exitAfter } from '../watch/verdict.ts';

const phases = ['prepare', 'data', 'finalize'] as const;

export const migrationRun = defineCommand({
  name: 'migration-run',
  group: 'Move an app',
  summary: 'Run the next phase of a migration, or a failed one again',
  args: { id: spec('<id>', 'of the migration', z.string()) },
  options: {
    prepare: flag('lock the settings and build the app over there'),
    data: flag('copy the data and follow its changes'),
    finalize: flag('switch the traffic'),
    budget: spec('<time>', 'with --finalize: longest freeze, such as 10s or 800ms', budget),
    wayBack: noFlag('with --finalize: switch for good, with nothing that could take it back'),
  },
  needs: 'server',
  async run(context, { id, budget, wayBack, ...flags }) {
    const [phase, more] = phases.filter((name) => flags[name]);
    if (!phase || more) throw usage('Give exactly one of --prepare, --data and --finalize', '--prepare');
    if (budget && phase !== 'finalize') throw usage('--budget goes with --finalize', '--budget');
    if (!wayBack && phase !== 'finalize') throw usage('--no-way-back goes with --finalize', '--no-way-back');
    const found = await context.server.api.migrations.show({ app: requiredApp(context), id });
    const migration = await runPhase(context, found, phase, { budgetMs: budget, wayBack });
    return migrationOutcome(context, migration, exitAfter(phase, migration));
  },
});
