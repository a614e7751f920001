import { z } from 'zod';
import { defineCommand, spec } from '../command.ts';
import { requiredApp } from '../context.ts';

export const logs = defineCommand({
  name: 'logs',
  group: 'Apps',
  summary: 'Print the last lines that an app wrote',
  args: {},
  options: {
    lines: spec('<n>', 'how many lines', z.coerce.number().int().positive().max(10_000).default(100), '-n'),
    type: spec('<process type>', 'only of these processes, such as web', z.string().optional()),
  },
  needs: 'server',
  async run(context, { lines, type }) {
    const { paint, server, global } = context;
    const list = await server.api.apps.logs({ app: requiredApp(context), region: global.region, lines, type });
    const text = list.map((entry) => `${paint.cyan(`[${entry.process}]`)} ${entry.line}`).join('\n');
    return { data: list, text: text || 'No log lines yet.' };
  },
});
