import { AppName, RegionName } from '../../protocol/app-record/names.ts';
import { defineCommand, repeated, spec } from '../command.ts';
import { requiredApp } from '../context.ts';
import { addresses, readAddresses } from '../watch/addresses.ts';
import { budget } from '../watch/budget.ts';
import { carriers } from '../watch/carriers.ts';
import { copyLimit, limitHelp } from '../watch/copy-limit.ts';
import { migrationOutcome } from '../watch/outcome.ts';
import { exitAfter } from '../watch/verdict.ts';
import { watch } from '../watch/watch.ts';

export const migrationCreate = defineCommand({
  name: 'migration-create',
  group: 'Move an app',
  summary: 'Create a migration and check everything that it needs; changes nothing',
  args: {},
  options: {
    to: spec('<region>', 'where the app goes', RegionName),
    newName: spec('<name>', 'its name over there; the same if not given', AppName.optional()),
    carrier: repeated(
      '<store=carrier>',
      'how an addon or file tree gets across: live, backup, remote, provision, manual',
      carriers,
    ),
    addon: repeated(
      '<addon=place>',
      'a database that Storky does not run, for the move to fill: its address is in env:VARIABLE, file:PATH or -',
      addresses,
    ),
    budget: spec('<time>', 'longest freeze, such as 10s or 800ms', budget),
    limit: spec('<rate>', limitHelp, copyLimit.optional()),
  },
  needs: 'server',
  async run(context, { to, newName, carrier, addon, budget, limit }) {
    const created = await context.server.api.migrations.create({
      app: requiredApp(context),
      from: context.global.region,
      destination: to,
      dstAppName: newName,
      carriers: carrier,
      addresses: await readAddresses(context, addon),
      budgetMs: budget,
      copyLimit: limit,
    });
    const migration = await watch(context, created);
    return migrationOutcome(context, migration, exitAfter('preflight', migration));
  },
});
