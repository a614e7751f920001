import type { Project, ProjectService } from '../../../../protocol/app-record/project.ts';
import type { ReadHints } from '../../../../protocol/discovery.ts';
import type { Carrier } from '../../../../protocol/migration.ts';
import { type ComposeKeys, misplaced, type Placed, type ServiceKeys } from './x-storky.ts';

/** What is said at the command goes before what is said in the Compose file. */
export function withKeys(hints: ReadHints, services: ComposeKeys['services']): ReadHints {
  const told = { web: [...hints.web], workers: [...hints.workers], tcp: [...hints.tcp] };
  for (const [name, { role, port, tcp }] of services) {
    told.tcp.push(...tcp.map((one) => `${name}:${one}`));
    const known = hints.workers.includes(name) || hints.web.some((hint) => hint.split(':')[0] === name);
    if (known) continue;
    if (role === 'worker') told.workers.push(name);
    else if (role === 'web' || port !== undefined) told.web.push(port === undefined ? name : `${name}:${port}`);
  }
  return told;
}

interface Applied {
  services: ProjectService[];
  carriers: Record<string, Carrier>;
  ignored: Record<string, string[]>;
}

/** The keys that are of a store, or of a service that was read. @throws StorkyError bad_manifest where one means nothing there */
export function applyKeys(
  keys: ComposeKeys,
  services: ProjectService[],
  mounts: Project['mounts'],
  ignored: Record<string, string[]>,
): Applied {
  const applied: Applied = { services: [], carriers: {}, ignored: { ...ignored } };
  for (const service of services) {
    const said = keys.services.get(service.name);
    applied.services.push(said ? withServiceKeys(service, said, applied.carriers) : service);
  }
  for (const [kind, stores] of [['volume', keys.volumes] as const, ['folder', keys.folders] as const])
    for (const [name, said] of stores) {
      const mount = mounts.find((one) => one.kind === kind && one.name === name);
      // A volume that only services of another profile use.
      if (!mount && kind === 'volume') continue;
      if (!mount)
        throw misplaced(
          said,
          `${name} is no folder that a service mounts from elsewhere: what lies in the project’s folder goes with that, and its patterns are given there, at "."`,
        );
      if (mount.tree === null)
        throw misplaced(said, `the ${kind} ${name} is carried by its database: say it at that service`);
      if (said.carrier) applied.carriers[mount.tree] = said.carrier;
      if (said.ignore.length > 0)
        applied.ignored[mount.tree] = [...(applied.ignored[mount.tree] ?? []), ...said.ignore];
    }
  return applied;
}

function withServiceKeys(
  service: ProjectService,
  said: Placed<ServiceKeys>,
  carriers: Record<string, Carrier>,
): ProjectService {
  const { name, role, addon, entries } = service;
  const isDatabase = role === 'database';
  if (isDatabase && (said.role ?? said.port ?? said.health) !== undefined)
    throw misplaced(said, `${name} is a database: of these keys, only carrier is for it`);
  if (!isDatabase && said.carrier)
    throw misplaced(said, `${name} is no database: say at its volumes how they are carried`);
  if (said.health !== undefined && !entries.some(({ protocol }) => protocol === 'http'))
    throw misplaced(said, `${name} answers no HTTP, so that nobody can ask it for ${said.health}`);
  if (addon && said.carrier) carriers[addon] = said.carrier;
  return { ...service, health: said.health ?? null };
}
