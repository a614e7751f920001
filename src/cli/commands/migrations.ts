import type { Migration } from '../../protocol/migration.ts';
import { defineCommand } from '../command.ts';
import { requiredApp } from '../context.ts';
import type { Paint } from '../show/paint.ts';
import { migrationStatus } from '../show/status.ts';
import { table } from '../show/table.ts';
import { duration, localTime } from '../show/units.ts';
import { waitsTooLong } from '../watch/waiting.ts';
import { paintedState, wayBackState } from '../watch/way-back.ts';

function waited(migration: Migration, paint: Paint): string {
  const ms = waitsTooLong(migration);
  return ms === null ? '' : paint.yellow(` for ${duration(ms)}`);
}

export const migrations = defineCommand({
  name: 'migrations',
  group: 'Move an app',
  summary: "List an app's migrations, newest first",
  args: {},
  options: {},
  needs: 'server',
  async run(context) {
    const { paint, server } = context;
    const found = await server.api.migrations.list({ app: requiredApp(context) });
    const list = found.toSorted((a, b) => Date.parse(b.startedAt) - Date.parse(a.startedAt));
    const withWayBack = list.some(wayBackState);
    const rows = list.map((m) => [
      m.id,
      m.dstAppName === m.srcAppName ? m.destination : `${m.destination} as ${m.dstAppName}`,
      localTime(m.startedAt),
      m.finishedAt ? localTime(m.finishedAt) : paint.blue('Ongoing'),
      `${migrationStatus(m.status, paint)}${waited(m, paint)}`,
      ...(withWayBack ? [paintedState(m, paint)] : []),
    ]);
    const heads = ['ID', 'Destination', 'Started at', 'Finished at', 'Status', ...(withWayBack ? ['Way back'] : [])];
    return { data: list, text: rows.length ? table(heads, rows, paint.dim) : 'No migration found for this app.' };
  },
});
