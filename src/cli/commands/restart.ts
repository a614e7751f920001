import { defineCommand, spec } from '../command.ts';
import { requiredApp } from '../context.ts';
import { duration } from '../show/units.ts';
import { budget } from '../watch/budget.ts';

export const restart = defineCommand({
  name: 'restart',
  group: 'Apps',
  summary: 'Restart an app without a gap: one process after the other, or with its requests held meanwhile',
  args: {},
  options: { budget: spec('<time>', 'longest that requests are held, such as 30s', budget) },
  needs: 'server',
  async run(context, { budget }) {
    const { paint, server, global } = context;
    const app = requiredApp(context);
    const done = await server.api.apps.restart({ app, region: global.region, budgetMs: budget });
    const held = done.heldMs > 0 ? `: requests were held for ${duration(done.heldMs)}, ${done.held} of them` : '';
    return { data: { app, ...done }, text: `${paint.green('✔')} ${app} was restarted${held}.` };
  },
});
