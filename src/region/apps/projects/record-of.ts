import type { DatabaseInstance } from '../../../drivers/database/contract.ts';
import type { ProjectDatabase, ReadProject } from '../../../drivers/runtime/projects.ts';
import { AppRecord } from '../../../protocol/app-record/record.ts';
import type { AppDocument } from '../app-document.ts';
import { digestOf } from '../canonical.ts';

export interface ReadRecord {
  record: AppRecord;
  instances: DatabaseInstance[];
  places: AppDocument['places'];
}

/** The app record of a project; `app` is its name where the project's own cannot be an app's. */
export function recordOf(
  { project, databases, ignored }: ReadProject,
  app = project.name
    .toLowerCase()
    .replaceAll(/[^a-z0-9-]+/g, '-')
    .replaceAll(/^-+|-+$/g, ''),
): { record: AppRecord; databases: ProjectDatabase[] } {
  const web = project.services.find(({ role }) => role === 'web') ?? project.services[0]!;
  const trees = project.mounts.flatMap(({ kind, name, tree }) =>
    tree === null ? [] : [{ name: tree, path: `${kind}s/${name.replace(/^\/+/, '')}`, ignore: ignored[tree] ?? [] }],
  );
  const record = AppRecord.parse({
    name: app,
    source: { type: 'image', image: web.containers[0]!.image.reference },
    build: {
      kind: 'image',
      digest: digestOf(project.services.map(({ containers }) => containers.map(({ image }) => image.id))),
    },
    addons: databases.map(({ addon, engine, version }) => ({ name: addon, engine, plan: 'container', version })),
    files: trees,
    project,
  });
  return { record, databases };
}
