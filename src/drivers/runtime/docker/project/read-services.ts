import type { ContainerInspectInfo } from 'dockerode';
import type { ProjectContainer, ProjectEntry, ProjectService } from '../../../../protocol/app-record/project.ts';
import type { ReadHints } from '../../../../protocol/discovery.ts';
import { StorkyError } from '../../../../protocol/errors.ts';
import type { ProjectDatabase } from '../../projects.ts';
import { imageOf, labelOf, nameOf, serviceNameOf } from '../containers.ts';
import { databaseIn } from '../discover.ts';
import { ifThere } from '../images/image.ts';
import { networksOf, specOf } from './container-spec.ts';
import { partNames } from './part-names.ts';
import { listeningPorts, protocolOf, publishedPorts } from './ports.ts';
import type { Reader } from './read.ts';

interface ReadServices {
  services: ProjectService[];
  databases: ProjectDatabase[];
  notMoved: string[];
}

/** What each service is to the app. What cannot be read is asked for, not guessed. */
export async function readServices(
  reader: Reader,
  containers: ContainerInspectInfo[],
  hints: ReadHints,
): Promise<ReadServices> {
  const groups = [...Map.groupBy(containers, serviceNameOf)].sort(([a], [b]) => (a < b ? -1 : 1));
  const part = partNames();
  const services: ProjectService[] = [];
  const databases: ProjectDatabase[] = [];
  const notMoved: string[] = [];
  for (const [name, group] of groups) {
    const [first] = group as [ContainerInspectInfo];
    const database = databaseIn(imageOf(first), reader.engines);
    const { entries, left } = await entriesOf(name, first, hints, part);
    notMoved.push(...left);
    const role = database ? 'database' : roleOf(name, first, entries, hints);
    const addon = database ? part(name) : null;
    if (database && group.length > 1) throw severalOf(name, group.length);
    if (database)
      databases.push({ addon: addon!, service: name, ...database, environment: imageOf(first).environment });
    const rests = group.every(({ State }) => !State.Running);
    const made = await Promise.all(group.map((one) => containerOf(reader, one)));
    const dependsOn = (labelOf(first, 'depends_on') ?? '')
      .split(',')
      .map((it) => it.split(':', 1)[0]!)
      .filter(Boolean);
    services.push({
      name,
      role,
      addon,
      entries: database ? [] : entries,
      dependsOn,
      health: null,
      rests,
      containers: made,
    });
  }
  return { services, databases, notMoved };
}

/** A reference may have come to mean another image since: then the id stands for what runs. */
async function containerOf({ docker }: Reader, container: ContainerInspectInfo): Promise<ProjectContainer> {
  const named = await ifThere(docker, container.Config.Image);
  const reference = named?.id === container.Image ? container.Config.Image : container.Image;
  const image = { reference, id: container.Image };
  return { name: nameOf(container), image, spec: specOf(container), networks: networksOf(container) };
}

async function entriesOf(
  name: string,
  container: ContainerInspectInfo,
  hints: ReadHints,
  part: (name: string) => string,
) {
  const published = publishedPorts(container);
  const told = hints.web.flatMap((hint) => {
    const [service, port] = hint.split(':');
    const known = published.some(({ containerPort }) => containerPort === Number(port));
    return service === name && port && !known ? [{ containerPort: Number(port), protocol: 'tcp', published: [] }] : [];
  });
  const entries: ProjectEntry[] = [];
  const left: string[] = [];
  for (const { containerPort, protocol: transport, published: places } of [...published, ...told]) {
    if (transport !== 'tcp') {
      left.push(`port ${containerPort}/${transport} of ${name} goes past the gate: who comes there is not held`);
      continue;
    }
    const isTcp = hints.tcp.includes(`${name}:${containerPort}`);
    const protocol = isTcp ? 'tcp' : await protocolOf(container, containerPort);
    entries.push({ name: part(`${name}-${containerPort}`), protocol, containerPort, published: places });
  }
  return { entries, left };
}

/**
 * A worker is stopped before the switch and never runs on both sides; what answers visitors, itself or behind another
 * service, must not be. Who listens where nobody published a port may be either.
 */
function roleOf(name: string, container: ContainerInspectInfo, entries: ProjectEntry[], hints: ReadHints) {
  if (hints.workers.includes(name)) return 'worker';
  if (entries.length > 0 || hints.web.some((hint) => hint.split(':')[0] === name)) return 'web';
  const listening = listeningPorts(container);
  if (listening?.length === 0) return 'worker';
  throw new StorkyError('project_unclear', {
    project: labelOf(container, 'project') ?? name,
    service: name,
    detail: listening ? `it listens on port ${listening.join(', ')}, which is not published` : 'it does not run',
  });
}

const severalOf = (name: string, count: number) =>
  new StorkyError('unsupported', {
    what: `${name} with ${count} containers`,
    detail: 'Storky carries a database in one container, and no cluster of several',
    hint: 'Carry it by a replica of its own.',
  });
