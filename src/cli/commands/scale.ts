import { z } from 'zod';
import { PartName } from '../../protocol/app-record/names.ts';
import { ProcessType } from '../../protocol/app-record/process.ts';
import { defineCommand, repeated } from '../command.ts';
import { requiredApp } from '../context.ts';

const Change = z.object({
  type: PartName,
  amount: z.coerce.number().int().max(10).optional(),
  size: ProcessType.shape.size.removeDefault().optional(),
});

const change = z
  .string()
  .regex(/^[^:]+:\d*(:\w+)?$/, 'write it as type:amount, type:amount:size or type::size, such as web:2 or worker:1:L')
  .transform((text) => {
    const [type = '', amount, size] = text.split(':');
    return { type, amount: amount || undefined, size } as z.input<typeof Change>;
  })
  .pipe(Change);

export const scale = defineCommand({
  name: 'scale',
  group: 'Apps',
  summary: 'Change how many processes run, and of what size: scale web:2 worker:1:L',
  args: { changes: repeated('<type:amount[:size]>', 'for each process type to change', z.array(change).min(1)) },
  options: {},
  needs: 'server',
  async run(context, { changes }) {
    const { paint, server, global } = context;
    const app = requiredApp(context);
    let view = await server.api.apps.get({ app, region: global.region });
    for (const each of changes) view = await server.api.apps.scale({ app, region: global.region, ...each });
    const now = changes.map(({ type }) => {
      const process = view.record.processes[type];
      return `${paint.green('✔')} ${type}: ${process?.amount ?? '?'} × ${process?.size ?? '?'}`;
    });
    return { data: view, text: now.join('\n') };
  },
});
