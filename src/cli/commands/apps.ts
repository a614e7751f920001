import { defineCommand } from '../command.ts';
import { status } from '../show/status.ts';
import { table } from '../show/table.ts';

export const apps = defineCommand({
  name: 'apps',
  group: 'Apps',
  summary: 'List the apps, of one region with --region',
  args: {},
  options: {},
  needs: 'server',
  async run({ server, global, paint }) {
    const list = await server.api.apps.list({ region: global.region });
    const rows = list.map((app) => [app.name, app.region, status(app.status, paint), app.role, app.url]);
    const none = `No apps${global.region ? ` in ${global.region}` : ''} yet. Run \`storky --region <region> apply\` in an app's folder.`;
    return {
      data: list,
      text: rows.length ? table(['App', 'Region', 'Status', 'Role', 'Address'], rows, paint.dim) : none,
    };
  },
});
