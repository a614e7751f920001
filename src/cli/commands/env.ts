import { z } from 'zod';
import { VariableName } from '../../protocol/app-record/names.ts';
import { defineCommand, repeated } from '../command.ts';
import { type Context, requiredApp } from '../context.ts';
import { table } from '../show/table.ts';
import { plural } from '../show/units.ts';

const assignment = z
  .string()
  .includes('=', 'write it as KEY=value')
  .transform((text): [string, string] => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)])
  .pipe(z.tuple([VariableName, z.string().max(8192)]));

export const env = defineCommand({
  name: 'env',
  group: 'Apps',
  summary: "List an app's variables, set some (KEY=value), or remove some (--unset KEY)",
  args: { set: repeated('<KEY=value>', 'to set', z.array(assignment).default([])) },
  options: { unset: repeated('<KEY>', 'to remove; may be given several times', z.array(VariableName).default([])) },
  needs: 'server',
  run: async (context, { set, unset }) => (set.length + unset.length ? change(context, set, unset) : list(context)),
});

async function list(context: Context<'server'>) {
  const { paint, server, global } = context;
  const app = requiredApp(context);
  const variables = await server.api.apps.environment({ app, region: global.region });
  const rows = Object.entries(variables).sort(([a], [b]) => (a < b ? -1 : 1));
  return {
    data: variables,
    text: rows.length ? table(['Variable', 'Value'], rows, paint.dim) : `${app} has no variables.`,
  };
}

async function change(context: Context<'server'>, set: [string, string][], unset: string[]) {
  const { paint, server, global } = context;
  const app = requiredApp(context);
  await server.api.apps.setEnvironment({ app, region: global.region, set: Object.fromEntries(set), unset });
  const text = [
    ...set.map(([key]) => `${paint.green('✔')} ${key} set`),
    ...unset.map((key) => `${paint.green('✔')} ${key} removed`),
  ].join('\n');
  return {
    data: { set: set.map(([key]) => key), unset },
    text: `${text}\n${paint.dim(`${plural(set.length + unset.length, 'change')}; ${app} runs with it now.`)}`,
  };
}
