import type { AppView } from '../../protocol/app-record/record.ts';
import { defineCommand } from '../command.ts';
import { requiredApp } from '../context.ts';
import type { Paint } from '../show/paint.ts';
import { status } from '../show/status.ts';
import { facts } from '../show/table.ts';

export const app = defineCommand({
  name: 'app',
  group: 'Apps',
  summary: 'Show one app: where it is, what it has, who serves it',
  args: {},
  options: {},
  needs: 'server',
  async run(context) {
    const view = await context.server.api.apps.get({ app: requiredApp(context), region: context.global.region });
    return { data: view, text: appText(view, context.paint) };
  },
});

function appText(view: AppView, paint: Paint): string {
  const { record } = view;
  const list = (items: string[]) => (items.length ? items.join(', ') : paint.dim('none'));
  const processes = Object.entries(record.processes).map(([type, p]) =>
    p.schedule ? `${type} (${p.schedule})` : `${type} ${p.amount} × ${p.size}`,
  );
  return facts(
    [
      ['App', paint.bold(view.name)],
      ['Region', view.region],
      ['Status', status(view.status, paint)],
      ['Address', view.url],
      ['Serves', `${view.role}, gate: ${view.gate}, epoch ${view.epoch}`],
      ...(view.lockedBy ? [['Locked by', `migration ${view.lockedBy}`] as [string, string]] : []),
      ['Processes', list(processes)],
      [
        'Addons',
        list(record.addons.map((a) => `${a.name} (${[a.engine, a.version].filter(Boolean).join(' ')}, ${a.plan})`)),
      ],
      ...abroad('Used from afar', view.remote, ({ addon, region, app }) => `${addon} of ${app} in ${region}`),
      ...abroad('Lent', view.lent, ({ addon, region, app }) => `${addon} to ${app} in ${region}`),
      ['Files', list(record.files.map((f) => `${f.name} (${f.path})`))],
      ['Domains', list(record.domains.map((d) => d.name))],
      [
        'Variables',
        Object.keys(record.environment).length ? list(Object.keys(record.environment)) : '`storky env` lists them',
      ],
    ],
    paint.dim,
  );
}

/** Only where there are any: most apps have all that they use with them. */
const abroad = (title: string, addons: AppView['lent'], say: (of: AppView['lent'][number]) => string) =>
  addons.length ? [[title, addons.map(say).join(', ')] as [string, string]] : [];
