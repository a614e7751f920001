import { defineCommand } from '../command.ts';
import { requiredApp } from '../context.ts';
import { status } from '../show/status.ts';

export const start = defineCommand({
  name: 'start',
  group: 'Apps',
  summary: 'Start a stopped app',
  args: {},
  options: {},
  needs: 'server',
  async run(context) {
    const { paint, server, global } = context;
    const view = await server.api.apps.start({ app: requiredApp(context), region: global.region });
    return { data: view, text: `${paint.green('✔')} ${view.name} in ${view.region}: ${status(view.status, paint)}` };
  },
});
