import { AppName, RegionName } from '../../protocol/app-record/names.ts';
import { StorkyError } from '../../protocol/errors.ts';
import { defineCommand, noFlag, repeated, spec } from '../command.ts';
import { canAsk } from '../show/confirm.ts';
import { addresses, readAddresses } from '../watch/addresses.ts';
import { budget } from '../watch/budget.ts';
import { carriers } from '../watch/carriers.ts';
import { copyLimit, limitHelp } from '../watch/copy-limit.ts';
import { journey } from '../watch/journey.ts';
import { migrationOutcome } from '../watch/outcome.ts';
import { exitAfter } from '../watch/verdict.ts';

export const move = defineCommand({
  name: 'move',
  group: 'Move an app',
  summary: 'Move an app: all phases, guided, asking once before the switch',
  args: { name: spec('<app>', 'the app', AppName) },
  options: {
    from: spec('<region>', 'where it is, if it is in several regions; --region if not given', RegionName.optional()),
    to: spec('<region>', 'where it goes', RegionName),
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
    wayBack: noFlag('switch for good, with nothing that could take it back'),
  },
  needs: 'server',
  async run(context, { name, from, to, newName, carrier, addon, budget, limit, wayBack }) {
    // Better now than after hours of copying.
    if (!context.global.yes && !canAsk(context)) throw new StorkyError('not_confirmed', { what: 'The switch' });
    const wanted = {
      app: name,
      from: from ?? context.global.region,
      destination: to,
      dstAppName: newName,
      carriers: carrier,
      addresses: await readAddresses(context, addon),
      budgetMs: budget,
      copyLimit: limit,
    };
    const migration = await journey(context, wanted, { budgetMs: budget, wayBack });
    return migrationOutcome(context, migration, exitAfter('finalize', migration));
  },
});
