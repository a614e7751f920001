import type { FoundMount, FoundProject, FoundService } from '../../protocol/discovery.ts';
import type { Paint } from './paint.ts';
import { status } from './status.ts';
import { table } from './table.ts';
import { plural } from './units.ts';

/** What was found on a host, project by project: its services, and what of its data would come along. */
export function foundText(projects: FoundProject[], paint: Paint): string {
  return projects.map((project) => projectText(project, paint)).join('\n\n');
}

function projectText({ name, kind, folder, services, mounts }: FoundProject, paint: Paint): string {
  const what = kind === 'compose' ? `Compose project${folder ? ` in ${folder}` : ''}` : 'single container';
  const rows = services.map((service) => [
    `  ${service.name}`,
    stateOf(service, paint),
    service.image,
    roleOf(service),
    portsOf(service),
  ]);
  return [
    `${paint.bold(name)} ${paint.dim(what)}`,
    table(['  Service', 'State', 'Image', 'Role', 'Published'], rows, paint.dim),
    ...mounts.map((mount) => mountLine(mount, paint)),
  ].join('\n');
}

function stateOf({ containers }: FoundService, paint: Paint): string {
  const running = containers.filter(({ state }) => state === 'running').length;
  if (containers.length === 1) return status(containers[0]!.state, paint);
  return `${running} of ${plural(containers.length, 'container')}`;
}

const roleOf = ({ database }: FoundService): string =>
  database ? `database: ${database.engine} ${database.version ?? ''}`.trim() : '';

const portsOf = ({ ports }: FoundService): string =>
  ports
    .map(
      ({ address, port, protocol }) =>
        `${address ? `${address}:` : ''}${port}${protocol === 'tcp' ? '' : `/${protocol}`}`,
    )
    .join(', ');

function mountLine({ kind, name, services, carried, why }: FoundMount, paint: Paint): string {
  const how = { engine: 'by the database itself', files: 'as a file tree', not: paint.yellow(`not carried: ${why}`) };
  return `  ${kind === 'volume' ? 'volume' : 'folder'} ${name} ${paint.dim(`of ${services.join(', ')}`)}: ${how[carried]}`;
}
