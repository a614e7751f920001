import { z } from 'zod';
import { AppName } from '../../protocol/app-record/names.ts';
import type { AppView } from '../../protocol/app-record/record.ts';
import { defineCommand, repeated, spec } from '../command.ts';
import { requiredRegion } from '../context.ts';
import { proxyCommand, proxyOption, proxyText } from '../proxy-option.ts';
import type { Paint } from '../show/paint.ts';
import { status } from '../show/status.ts';
import { table } from '../show/table.ts';
import { plural } from '../show/units.ts';

const service = z.string().regex(/^[^:\s]+(:\d+)?$/, 'SERVICE or SERVICE:PORT');

export const adopt = defineCommand({
  name: 'adopt',
  group: 'Apps',
  summary: 'Make an app of a Compose project, or of a container, that runs on a region’s host; changes nothing of it',
  args: { project: spec('<project>', 'as `storky apps --discover` shows it', z.string().min(1)) },
  options: {
    name: spec('<name>', 'its name as an app, if not the project’s own', AppName.optional()),
    web: repeated(
      '<service[:port]>',
      'visitors come to it, at that port where none is published',
      z.array(service).default([]),
    ),
    worker: repeated('<service>', 'it works in the background, though it listens', z.array(service).default([])),
    tcp: repeated('<service:port>', 'what is spoken there is not HTTP', z.array(service).default([])),
    proxy: spec('<kind=where>', proxyText, proxyOption.optional()),
    proxyCommand: spec('<command>', 'how that nginx is run, if not as `nginx`', proxyCommand),
  },
  needs: 'server',
  async run(context, { project, name, web, worker, tcp, proxy, proxyCommand: command }) {
    const region = requiredRegion(context);
    const hints = { web, workers: worker, tcp };
    const view = await context.server.api.apps.adopt({
      region,
      project,
      app: name,
      hints,
      proxy: proxy?.(command),
    });
    return { data: view, text: adoptedText(view, context.paint) };
  },
});

/** Service by service, so that its owner sees at once whether it was understood. */
function adoptedText(view: AppView, paint: Paint): string {
  const { services, mounts, notMoved } = view.record.project!;
  const rows = services.map(({ name, role, containers, entries, addon }) => [
    `  ${name}`,
    role,
    plural(containers.length, 'container'),
    addon
      ? addonText(view, addon)
      : entries.map(({ protocol, containerPort }) => `${protocol} ${containerPort}`).join(', '),
  ]);
  return [
    `${paint.green('✔')} ${paint.bold(view.name)} in ${view.region}: ${status(view.status, paint)}  ${paint.dim('nothing was changed')}`,
    table(['  Service', 'Role', 'Runs in', 'What'], rows, paint.dim),
    ...mounts.map(({ kind, name, tree }) => `  ${kind} ${name}: ${tree ? `file tree ${tree}` : 'by its database'}`),
    ...notMoved.map((what) => paint.yellow(`  stays behind: ${what}`)),
    frontText(view),
    `${paint.bold('Next:')} ${paint.cyan(`storky move ${view.name} --from ${view.region} --to <region>`)}`,
  ].join('\n');
}

/** How its visitors will be led to the gate, while a migration has it. */
function frontText({ front }: AppView): string {
  const rules = 'packet rules lead visitors to the gate';
  if (!front) return `  during a migration ${rules}`;
  return `  during a migration ${front.proxy} (${front.where}) is told of the gate of ${front.entry}; for all who come by another way, ${rules}`;
}

function addonText({ record }: AppView, name: string): string {
  const addon = record.addons.find((one) => one.name === name);
  return addon ? `${addon.engine} ${addon.version ?? ''}`.trim() : '';
}
