import { defineCommand } from '../command.ts';
import { requiredApp } from '../context.ts';
import { status } from '../show/status.ts';
import { table } from '../show/table.ts';
import { localTime } from '../show/units.ts';

export const ps = defineCommand({
  name: 'ps',
  group: 'Apps',
  summary: "List an app's processes",
  args: {},
  options: {},
  needs: 'server',
  async run(context) {
    const { paint, server, global } = context;
    const app = requiredApp(context);
    const list = await server.api.apps.processes({ app, region: global.region });
    const sorted = list.toSorted((a, b) => a.type.localeCompare(b.type) || a.index - b.index);
    const rows = sorted.map((p) => [
      `${p.type}-${p.index}`,
      status(p.state, paint),
      p.pid === null ? '–' : String(p.pid),
      p.restarts ? paint.yellow(String(p.restarts)) : '0',
      localTime(p.since),
      p.command,
    ]);
    const heads = ['Process', 'State', { title: 'PID', align: 'right' as const }, 'Restarts', 'Since', 'Command'];
    return {
      data: list,
      text: rows.length ? table(heads, rows, paint.dim) : `${app} has no processes. Start it with \`storky start\`.`,
    };
  },
});
