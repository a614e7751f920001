import { defineCommand } from '../command.ts';
import { table } from '../show/table.ts';
import { localTime } from '../show/units.ts';

export const tokens = defineCommand({
  name: 'tokens',
  group: 'Server',
  summary: 'List the tokens that may use the server',
  args: {},
  options: {},
  needs: 'server',
  async run({ paint, server }) {
    const list = await server.api.tokens.list();
    const rows = list.map((token) => [token.id, token.name, localTime(token.createdAt)]);
    return { data: list, text: table(['ID', 'Name', 'Created at'], rows, paint.dim) };
  },
});
