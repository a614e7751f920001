import { rmSync } from 'node:fs';
import type { StoreDefinition } from '../../protocol/link.ts';
import type { AppParts } from './app-parts.ts';
import { makeTree } from './file-trees.ts';

/** What a migration makes on the side that is passive: an empty database or file tree. Idempotent. */
export async function provisionStore(parts: AppParts, app: string, definition: StoreDefinition): Promise<void> {
  const { databases, projects, store } = parts;
  if (projects.isProject(app)) await projects.provision(app, definition);
  else if (definition.kind === 'files') makeTree(store.paths, app, definition.tree.name);
  else await databases.provision(definition.addon.engine, await databases.orderOf(app, definition));
  store.change(app, ({ record }) => {
    if (definition.kind === 'files') record.files = replaced(record.files, definition.tree);
    else record.addons = replaced(record.addons, definition.addon);
  });
}

/** Data and all. Idempotent. */
export async function deprovisionStore(parts: AppParts, app: string, name: string): Promise<void> {
  const { databases, projects, remotes, store } = parts;
  if (projects.isProject(app)) await projects.deprovision(app, name);
  await databases.destroy(app, name);
  await remotes.drop(app, name);
  rmSync(store.paths.tree(app, name), { recursive: true, force: true });
  store.change(app, ({ record }) => {
    record.addons = record.addons.filter((addon) => addon.name !== name);
    record.files = record.files.filter((tree) => tree.name !== name);
  });
}

const replaced = <T extends { name: string }>(list: T[], item: T): T[] => [
  ...list.filter(({ name }) => name !== item.name),
  item,
];
