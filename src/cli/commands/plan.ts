import { AppName, RegionName } from '../../protocol/app-record/names.ts';
import { type Migration, restingStatuses } from '../../protocol/migration.ts';
import { defineCommand, repeated, spec } from '../command.ts';
import { carriers } from '../watch/carriers.ts';
import { preflightText } from '../watch/checks.ts';
import { planText } from '../watch/plan.ts';
import { exitAfter } from '../watch/verdict.ts';
import { watch } from '../watch/watch.ts';

/** As it was asked for. */
function moveCommand(
  { srcAppName: app, source, destination, carriers }: Migration,
  newName: string | undefined,
): string {
  const chosen = Object.entries(carriers).map(([name, carrier]) => ` --carrier ${name}=${carrier}`);
  const renamed = newName === undefined ? '' : ` --new-name ${newName}`;
  return `storky move ${app} --from ${source} --to ${destination}${renamed}${chosen.join('')}`;
}

export const plan = defineCommand({
  name: 'plan',
  group: 'Move an app',
  summary: 'Say what a move would take along and how, what stays behind, its size, time and freeze; changes nothing',
  args: { name: spec('<app>', 'the app', AppName) },
  options: {
    to: spec('<region>', 'where it would go', RegionName),
    from: spec('<region>', 'where it is, if it is in several regions; --region if not given', RegionName.optional()),
    newName: spec('<name>', 'its name over there; the same if not given', AppName.optional()),
    carrier: repeated(
      '<store=carrier>',
      'how an addon or file tree gets across: live, backup, remote, provision, manual',
      carriers,
    ),
  },
  needs: 'server',
  async run(context, { name: app, to, from, newName, carrier }) {
    const { server, global, paint, io } = context;
    const wanted = { app, from: from ?? global.region, destination: to, dstAppName: newName, carriers: carrier };
    const migration = await watch(context, await server.api.migrations.create(wanted));
    // Its preflight is all that was wanted of it. One that was left in the middle goes on.
    if (restingStatuses.includes(migration.status)) await server.api.migrations.remove({ app, id: migration.id });
    const text = [
      preflightText(migration, paint, io.stdout.columns),
      planText(migration, paint),
      `${paint.bold('Next:')} ${paint.cyan(moveCommand(migration, newName))}`,
    ];
    return { data: migration, text: `\n${text.join('\n\n')}`, exit: exitAfter('preflight', migration) };
  },
});
