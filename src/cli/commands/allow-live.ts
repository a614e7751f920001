import { PartName } from '../../protocol/app-record/names.ts';
import { defineCommand, spec } from '../command.ts';
import { requiredApp, say } from '../context.ts';
import { confirm } from '../show/confirm.ts';
import { duration } from '../show/units.ts';
import { budget } from '../watch/budget.ts';
import { patience } from '../watch/patience.ts';

export const allowLive = defineCommand({
  name: 'allow-live',
  group: 'Move an app',
  summary: 'Give a database the setting that following needs, and restart it while requests are held',
  args: { addon: spec('<addon>', 'the database', PartName) },
  options: {
    budget: spec('<time>', 'longest that requests are held, such as 30s', budget),
    wait: spec('<time>', 'where Storky does not run it: how long its restart may be away, such as 5m', patience),
  },
  needs: 'server',
  async run(context, { addon, budget, wait }) {
    const { paint, server, global } = context;
    const app = requiredApp(context);
    const { record } = await server.api.apps.get({ app, region: global.region });
    const elsewhere = record.addons.some(({ name, address }) => name === addon && address !== undefined);
    say(context, elsewhere ? restartIt(addon) : `${addon} is restarted; requests are held meanwhile.`);
    await confirm(context, `Restarting ${addon} of ${app}`);
    const order = { app, region: global.region, addon, budgetMs: budget, waitMs: wait };
    const done = await server.api.apps.allowLive(order);
    const what = done.restarted
      ? `${addon} was restarted: requests were held for ${duration(done.heldMs)}, ${done.held} of them.`
      : `${addon} has the setting already.`;
    return { data: { app, addon, ...done }, text: `${paint.green('✔')} ${what}` };
  },
});

const restartIt = (addon: string) =>
  `Storky does not run ${addon}: change the setting where its provider keeps it, if you have not, and restart it there now. Requests are held from the moment at which it goes away.`;
