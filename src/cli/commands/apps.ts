import { defineCommand, flag } from '../command.ts';
import { type Context, requiredRegion } from '../context.ts';
import { foundText } from '../show/found.ts';
import { status } from '../show/status.ts';
import { table } from '../show/table.ts';

export const apps = defineCommand({
  name: 'apps',
  group: 'Apps',
  summary: 'List the apps, of one region with --region; with --discover what else runs on its host, under Docker',
  args: {},
  options: { discover: flag("list the Compose projects and containers on the region's host instead; changes nothing") },
  needs: 'server',
  run: async (context, { discover }) => (discover ? discovered(context) : list(context)),
});

async function discovered(context: Context<'server'>) {
  const region = requiredRegion(context);
  const projects = await context.server.api.apps.discover({ region });
  const none = `Nothing runs under Docker in ${region}.`;
  return { data: projects, text: projects.length ? foundText(projects, context.paint) : none };
}

async function list({ server, global, paint }: Context<'server'>) {
  const list = await server.api.apps.list({ region: global.region });
  const rows = list.map((app) => [app.name, app.region, status(app.status, paint), app.role, app.url]);
  const none = `No apps${global.region ? ` in ${global.region}` : ''} yet. Run \`storky --region <region> apply\` in an app's folder.`;
  return {
    data: list,
    text: rows.length ? table(['App', 'Region', 'Status', 'Role', 'Address'], rows, paint.dim) : none,
  };
}
